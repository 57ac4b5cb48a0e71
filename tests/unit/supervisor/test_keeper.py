"""`vigilar init --watch`: what is made follows the configuration, and a bad one changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from vigilar_common.config import slices
from vigilar_common.errors import ConfigError
from vigilar_common.testing import FakeClock
from vigilar_supervisor.keeper import RETRY_S, Keeper
from vigilar_supervisor.start import UPKEEP_S


class House:
    def __init__(self, folder: Path) -> None:
        self.clock, self.made, self.folder = FakeClock(), 0, folder
        self.fails: Exception | None = None
        self.file = folder / "settings.toml"
        self.keeper = Keeper(self.make, [folder / "vigilar.toml", self.file], folder / "run", self.clock)

    def make(self) -> None:
        self.made += 1
        if self.fails:
            raise self.fails


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_it_is_made_at_the_start_after_a_change_and_once_a_day(house: House) -> None:
    for _ in range(3):
        house.keeper.tick()
    assert house.made == 1
    house.file.write_text("[web]\n")
    house.keeper.tick()
    house.keeper.tick()
    assert house.made == 2
    house.clock.advance(UPKEEP_S)
    house.keeper.tick()
    assert house.made == 3


def test_a_bad_configuration_is_told_once_and_not_tried_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.fails = ConfigError("vigilar.toml:3: fps must be at most 60")
    house.keeper.tick()
    house.clock.advance(RETRY_S)
    house.keeper.tick()
    assert house.made == 1
    assert "fps must be" in caplog.text
    assert "fps must be" in slices.refusal(house.folder / "run")


def test_a_full_disk_is_told_and_tried_again(house: House) -> None:
    house.fails = OSError(28, "No space left on device")
    house.keeper.tick()
    assert "No space" in slices.refusal(house.folder / "run")
    assert "No space" in house.keeper.problem
    house.clock.advance(RETRY_S)
    house.fails = None
    house.keeper.tick()
    assert house.made == 2
    assert house.keeper.problem == ""


def test_it_is_ready_when_all_is_made_and_a_refused_change_leaves_it_so(house: House) -> None:
    assert house.keeper.problem
    house.keeper.tick()
    assert house.keeper.problem == ""
    house.fails = ConfigError("vigilar.toml:3: fps must be at most 60")
    house.file.write_text("[web]\n")
    house.keeper.tick()
    assert house.made == 2
    assert house.keeper.problem == ""
