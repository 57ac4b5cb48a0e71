"""settings.toml lies where `vigilar start` and `vigilar init` read it, so that a change survives their next run."""

from __future__ import annotations

from pathlib import Path

from vigilar_common.config.load import load
from vigilar_common.testing import FakeClock
from vigilar_storage.db import Database
from vigilar_storage.migrate import upgrade
from vigilar_storage.settings import SettingsService


def test_a_change_is_written_where_the_environment_says_and_is_part_of_the_next_load(tmp_path: Path) -> None:
    toml = tmp_path / "vigilar.toml"
    toml.write_text('[system]\nname = "House"\n')
    settings = tmp_path / "elsewhere" / "settings.toml"
    settings.parent.mkdir()
    slices = tmp_path / "all-slices"
    env = {
        "VIGILAR_CONFIG": str(toml),
        "VIGILAR_SETTINGS": str(settings),
        "VIGILAR_CONFIG_RUN_ROOT": str(slices),
    }
    path = tmp_path / "vigilar.db"
    upgrade(path)
    database = Database(path)
    database.open()
    service = SettingsService(tmp_path / "state", tmp_path / "own-slice", database, FakeClock(), env)
    service.change({"web": {"username": "ann"}}, "test", str(service.show()["revision"]))
    database.close()
    assert load(toml, {}, settings).config.web.username == "ann"
    assert (slices / "web" / "config.json").exists()
    assert not (tmp_path / "own-slice").exists()
