"""GPIO lines with gpiozero's own mock pins: debounced, inverted, and honest when there is no chip."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from sensor_house import config, sensor, told
from vigilar_common.testing.fakes import FakeClock
from vigilar_sensors.domain.board import Board
from vigilar_sensors.domain.debounce import Debouncer
from vigilar_sensors.lines import RETRY_S, Lines

gpiozero: Any = import_module("gpiozero")


@pytest.fixture(name="pins")
def _pins() -> Iterator[Any]:
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = import_module("gpiozero.pins.mock").MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


class Wired:
    def __init__(self, *sensors: dict[str, Any], bounce_ms: int = 50) -> None:
        self.clock, self.woken = FakeClock(), 0
        self.config = config(*sensors, sensors_gpio={"bounce_time_ms": bounce_ms})
        self.board = Board(self.config, self.clock.monotonic_s())
        self.lines = Lines(self.config, self.clock, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def turn(self, later_s: float = 0.0, look: bool = False) -> list[str]:
        self.clock.advance(later_s)
        if look:
            self.lines.look(self.clock.monotonic_s())
        return told(self.lines.settle(self.board, self.clock.now_ms(), self.clock.monotonic_s()))

    def start(self) -> list[str]:
        return [*self.turn(look=True), *self.turn(0.06)]


def wire(kind: str = "CONTACT", address: str = "17", **keys: object) -> dict[str, Any]:
    return sensor("door", kind, address, protocol="GPIO", **keys)


def test_a_dry_contact_is_closed_while_it_pulls_the_line_down(pins: Any) -> None:
    house = Wired(wire())
    assert house.start() == ["door contact:False"]
    pins.pin(17).drive_low()
    assert house.woken
    assert house.turn(0.06) == ["door contact=True"]
    assert house.board.sensors["door"].active is False
    pins.pin(17).drive_high()
    assert house.turn(0.06) == ["door contact=False"]


def test_a_motion_module_drives_its_line_high(pins: Any) -> None:
    house = Wired(wire("MOTION"))
    assert house.start() == ["door occupancy:False"]
    pins.pin(17).drive_high()
    assert house.turn(0.06) == ["door occupancy=True"]


def test_a_normally_open_contact_is_swapped(pins: Any) -> None:
    house = Wired(wire(inverted=True))
    assert house.start() == ["door contact:True"]


def test_a_line_that_bounces_counts_once_when_it_is_quiet(pins: Any) -> None:
    house = Wired(wire())
    house.start()
    for _ in range(5):
        pins.pin(17).drive_low()
        assert house.turn(0.01) == []
        pins.pin(17).drive_high()
        assert house.turn(0.01) == []
    pins.pin(17).drive_low()
    assert house.lines.due_s() == pytest.approx(house.clock.monotonic_s() + 0.05)
    assert house.turn(0.04) == []
    assert house.turn(0.02) == ["door contact=True"]
    assert house.lines.due_s() is None


def test_a_bounce_that_ends_where_it_began_is_nothing(pins: Any) -> None:
    house = Wired(wire())
    house.start()
    pins.pin(17).drive_low()
    pins.pin(17).drive_high()
    assert house.turn(1) == []


def test_an_edge_that_was_missed_is_seen_by_looking(pins: Any) -> None:
    house = Wired(wire())
    house.start()
    device = house.lines._gpio._devices["door"]
    device.when_activated = device.when_deactivated = None
    pins.pin(17).drive_low()
    assert house.turn(1, look=True) == []
    assert house.turn(0.06) == ["door contact=True"]


def test_without_a_chip_there_is_a_problem_with_its_name_and_the_rest_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    house = Wired(wire())
    assert house.start() == []
    assert house.lines.problems["door"]
    assert house.board.sensors["door"].known is False
    assert house.board.sensors["door"].reason == "its line cannot be read"


def test_a_chip_that_comes_later_is_taken_without_a_restart(
    pins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = Wired(wire())
    with monkeypatch.context() as broken:
        broken.setattr(gpiozero, "DigitalInputDevice", _no_chip)
        house.start()
        assert "no such chip" in house.lines.problems["door"]
    assert house.turn(RETRY_S, look=True) == []
    assert house.turn(0.06) == ["door contact:False"]
    assert house.lines.problems == {}


def _no_chip(*_: object, **__: object) -> None:
    raise OSError("no such chip")


@pytest.mark.parametrize("address", ["99", "not a pin", "-1", "GPIO17; rm"])
def test_a_line_that_does_not_exist_is_a_problem_of_this_sensor_alone(pins: Any, address: str) -> None:
    house = Wired(wire(address=address), sensor("hall", "MOTION", "GPIO27", protocol="GPIO"))
    assert house.start() == ["hall occupancy:False"]
    assert set(house.lines.problems) == {"door"}


def test_a_line_that_fails_while_it_is_watched_is_lost_and_opened_again(
    pins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = Wired(wire())
    house.start()
    with monkeypatch.context() as broken:
        broken.setattr(gpiozero.DigitalInputDevice, "is_active", property(lambda _: _no_chip()))
        assert house.turn(1, look=True) == ["door lost: its line cannot be read"]
    assert house.turn(RETRY_S, look=True) == []
    assert house.turn(0.06) == ["door contact:False"]


def test_a_type_that_a_line_cannot_say_is_a_problem(pins: Any) -> None:
    house = Wired(wire("TEMPERATURE"))
    assert house.start() == []
    assert house.lines.problems == {"door": "a line has two levels, which says nothing for type TEMPERATURE"}


def test_a_new_configuration_opens_its_lines_and_frees_the_others(pins: Any) -> None:
    house = Wired(wire())
    house.start()
    fresh = config(wire(address="22"))
    house.board.configure(fresh, house.clock.monotonic_s())
    house.lines.configure(fresh)
    assert house.start() == ["door contact:False"]
    assert house.lines._gpio.open_ids == ["door"]
    house.lines.close()
    gpiozero.DigitalInputDevice(17).close()


def test_a_bounce_time_of_nothing_counts_at_once() -> None:
    line = Debouncer(0.0)
    line.note(True, 1.0)
    assert line.settle(1.0) is True
    assert line.settle(1.0) is None
