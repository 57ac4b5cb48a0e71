"""The UPS service as a process between a real broker and a real upsd whose UPS plays a power cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nut_rig import NutServer
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.messages.power import (
    PowerChanged,
    PowerShutdown,
    PowerState,
    PowerStatus,
    ShutdownNotice,
    ShutdownStage,
)
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_SHUTDOWN, FACT_TOPICS, POWER_STATE

MAINS = {
    "ups.status": "OL CHRG",
    "battery.charge": "100",
    "battery.runtime": "2400",
    "input.voltage": "231.5",
}
CUT = {"ups.status": "OB DISCHRG", "battery.charge": "70", "battery.runtime": "1500", "input.voltage": "0"}
Start = Callable[[str], ServiceProcess]
LOW = {"ups.status": "OB DISCHRG LB", "battery.charge": "9", "battery.runtime": "120", "input.voltage": "0"}


class Listener:
    """What web and storage hear."""

    def __init__(self, broker: TestBroker) -> None:
        self.changes: list[PowerState] = []
        self.stages: list[ShutdownStage] = []
        self.notices: list[ShutdownStage] = []
        self.state: PowerStatus | None = None
        self._web, self._storage = broker.bus("web"), broker.bus("storage")
        for topic in (
            FACT_TOPICS[PowerChanged.TYPE],
            FACT_TOPICS[PowerShutdown.TYPE],
            POWER_STATE,
        ):
            self._web.subscribe(topic, self._hear)
        self._storage.subscribe(CMD_SHUTDOWN, self._hear)

    def _hear(self, received: Received) -> None:
        match received.message:
            case PowerChanged() as fact:
                self.changes.append(fact.state)
            case PowerShutdown() as fact:
                self.stages.append(fact.stage)
            case PowerStatus() as status:
                self.state = status
            case ShutdownNotice() as notice:
                self.notices.append(notice.stage)

    def is_in(self, state: PowerState) -> bool:
        return self.state is not None and self.state.state is state

    def stop(self) -> None:
        self._web.stop()
        self._storage.stop()


@pytest.fixture(name="nut")
def _nut(tmp_path: Path) -> Iterator[NutServer]:
    server = NutServer(tmp_path / "nut")
    server.start(MAINS)
    yield server
    server.stop()


@pytest.fixture(name="heard")
def _heard(broker: TestBroker) -> Iterator[Listener]:
    listener = Listener(broker)
    yield listener
    listener.stop()


@pytest.fixture(name="start")
def _start(tmp_path: Path, broker: TestBroker) -> Iterator[Start]:
    started: list[ServiceProcess] = []

    def start(toml: str) -> ServiceProcess:
        started.append(ServiceRig(tmp_path, broker, toml).service("ups").start())
        return started[-1]

    yield start
    for service in started:
        assert service.stop() == 0


def config(nut: NutServer, folder: Path, **more: Any) -> str:
    folder.mkdir()
    (folder / "watched").touch()
    settings = {"nut_port": nut.port, "poll_interval_s": 1, "shutdown_request_dir": str(folder), **more}
    return "[ups]\n" + "".join(f"{key} = {value!r}\n" for key, value in settings.items())


def test_a_power_cut_a_low_battery_and_the_return(
    tmp_path: Path, start: Start, nut: NutServer, heard: Listener
) -> None:
    request = tmp_path / "shutdown" / "request"
    service = start(config(nut, request.parent, shutdown_delay_s=2))
    until(lambda: heard.is_in(PowerState.ON_LINE), what="mains")
    assert heard.state is not None
    assert (heard.state.values.charge_pct, heard.state.values.input_v) == (100, 231.5)
    nut.says(CUT)
    until(lambda: heard.is_in(PowerState.ON_BATTERY), what="the power cut")
    assert heard.stages == []
    nut.says(LOW)
    until(lambda: heard.stages, what="the plan")
    assert heard.stages == [ShutdownStage.PLANNED]
    until(request.exists, what="the request to the host")
    assert request.read_text().startswith("vigilar-shutdown 1\n")
    nut.says(MAINS)
    until(lambda: heard.is_in(PowerState.ON_LINE) and not request.exists(), what="the return")
    stages = [ShutdownStage.PLANNED, ShutdownStage.BEGUN, ShutdownStage.CANCELLED]
    until(lambda: heard.stages == heard.notices == stages, what="every stage, as fact and as command")
    assert heard.changes == [
        PowerState.ON_LINE, PowerState.ON_BATTERY, PowerState.LOW_BATTERY, PowerState.ON_LINE,
    ]  # fmt: skip
    assert service.rss_bytes() < 60_000_000
    assert "vigilar_ups_value" in service.get("/metrics")


@pytest.mark.slow
def test_upsd_dies_and_comes_back(tmp_path: Path, start: Start, nut: NutServer, heard: Listener) -> None:
    start(config(nut, tmp_path / "shutdown"))
    until(lambda: heard.is_in(PowerState.ON_LINE), what="mains")
    nut.stop_server()
    until(lambda: heard.is_in(PowerState.UNKNOWN), what="silence")
    assert heard.state is not None
    assert "does not answer" in heard.state.reason
    nut.start_server()
    until(lambda: heard.is_in(PowerState.ON_LINE), what="the return")
    assert heard.stages == []
