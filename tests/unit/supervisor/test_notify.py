"""What systemd is told, and what makes it hear nothing more."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from vigilar_common.testing import FakeClock
from vigilar_supervisor.children import Child, Spec
from vigilar_supervisor.notify import EXTEND_S, READY_LIMIT_S, START_LIMIT_S, Notifier

NAMES = ("storage", "events", "alerts", "camera-worker-front")


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def words(end: socket.socket) -> list[str]:
    said = []
    while True:
        try:
            said += end.recv(4096).decode().splitlines()
        except BlockingIOError:
            return said


def notifier(tmp_path: Path, clock: FakeClock, **more: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "120000000", **more}, clock)


def children(*, ready: bool = True) -> dict[str, Child]:
    house = {name: Child(Spec(name, ("true",))) for name in NAMES}
    for child in house.values():
        child.ready = child.live = ready
    return house


def test_ready_is_told_once_and_only_when_every_service_is(tmp_path: Path, heard: socket.socket) -> None:
    clock, house = FakeClock(), children()
    house["alerts"].ready = False
    told = notifier(tmp_path, clock)
    told.tick(house)
    assert words(heard) == ["STATUS=waiting for alerts", f"EXTEND_TIMEOUT_USEC={int(EXTEND_S)}000000"]
    house["alerts"].ready = True
    told.tick(house)
    assert words(heard) == ["STATUS=all services are ready", "READY=1"]
    told.tick(house)
    assert words(heard) == ["WATCHDOG=1"]


def test_one_service_that_never_comes_up_does_not_hold_the_house_back(
    tmp_path: Path, heard: socket.socket
) -> None:
    clock, house = FakeClock(), children()
    house["alerts"].ready = house["alerts"].live = False
    told = notifier(tmp_path, clock)
    told.tick(house)
    clock.advance(READY_LIMIT_S)
    told.tick(house)
    assert "READY=1" in words(heard)


def test_without_storage_or_events_the_start_is_extended_for_an_hour_and_then_no_more(
    tmp_path: Path, heard: socket.socket
) -> None:
    clock, house = FakeClock(), children()
    house["storage"].ready = house["storage"].live = False
    told = notifier(tmp_path, clock)
    said = []
    for _ in range(int(START_LIMIT_S / 10)):
        told.tick(house)
        said += words(heard)
        clock.advance(10)
    assert "READY=1" not in said
    assert sum(word.startswith("EXTEND") for word in said) == START_LIMIT_S / (EXTEND_S / 3)
    clock.advance(60)
    told.tick(house)
    assert words(heard) == []


@pytest.mark.parametrize("vital", ["storage", "events"])
def test_the_watchdog_is_answered_four_times_per_interval_and_only_while_the_vital_services_live(
    tmp_path: Path, heard: socket.socket, vital: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, house = FakeClock(), children()
    told = notifier(tmp_path, clock)
    told.tick(house)
    for _ in range(12):
        told.tick(house)
        clock.advance(10)
    assert words(heard).count("WATCHDOG=1") == 4
    house[vital].live = house[vital].ready = False
    for _ in range(20):
        told.tick(house)
        clock.advance(10)
    assert "WATCHDOG=1" not in words(heard)
    assert caplog.text.count(f"{vital} does not live: the watchdog of systemd is not answered") == 1
    house[vital].live = True
    told.tick(house)
    assert "WATCHDOG=1" in words(heard)


def test_other_services_may_die_while_the_watchdog_is_answered(tmp_path: Path, heard: socket.socket) -> None:
    clock, house = FakeClock(), children()
    told = notifier(tmp_path, clock)
    told.tick(house)
    house["alerts"].live = house["alerts"].ready = house["camera-worker-front"].ready = False
    clock.advance(30)
    told.tick(house)
    assert words(heard)[-2:] == ["STATUS=waiting for alerts, camera-worker-front", "WATCHDOG=1"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_where_nobody_listens_nothing_is_said(environment: dict[str, str]) -> None:
    told = Notifier(environment, FakeClock())
    told.tick(children())
    told.stopping()


def test_a_socket_that_is_gone_is_logged_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier(tmp_path, FakeClock()).tick(children())
    assert "systemd could not be told" in caplog.text


def test_children_inherit_nothing_of_it(tmp_path: Path, heard: socket.socket) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "1000000",
        "WATCHDOG_PID": str(os.getpid()),
        "PATH": "/bin",
    }
    Notifier(environment, FakeClock()).stopping()
    assert environment == {"PATH": "/bin"}
    assert words(heard) == ["STOPPING=1", "STATUS=stopping the services"]


def test_a_watchdog_meant_for_another_process_is_not_answered(tmp_path: Path, heard: socket.socket) -> None:
    told = notifier(tmp_path, FakeClock(), WATCHDOG_PID="1")
    for _ in range(3):
        told.tick(children())
    assert "WATCHDOG=1" not in words(heard)
