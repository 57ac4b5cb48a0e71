"""settings.toml: writing, history, merging with vigilar.toml."""

from __future__ import annotations

import tomllib
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from vigilar_common.config import settings as settings_module
from vigilar_common.config.difference import differences
from vigilar_common.config.load import InvalidConfigError, Problem, assemble
from vigilar_common.config.settings import (
    earlier,
    edited,
    history,
    merge,
    set_value,
    write,
    write_settings,
    written,
)
from vigilar_common.errors import ConfigError

BASE = """\
# my house
[web]
port = 8000 # behind the proxy
[presence]
enabled = true
[[presence.members]]
name = "Ann"
ip = "192.0.2.2"
[[sensors]]
id = "s1"
display_name = "S"
type = "CONTACT"
protocol = "GPIO"
device_address = 17
[sensors.gpio]
bounce_time_ms = 20 # jittery
[[cameras]]
# the good one
id = "front"
display_name = "Front"
rtsp_url = "rtsp://u:p@192.0.2.1/1"
[[cameras]]
id = "shed"
display_name = "Shed"
rtsp_url = "rtsp://192.0.2.1/2"
# the end
"""


class TickingClock:
    """Every look at it is a second later; nothing sleeps."""

    def __init__(self) -> None:
        self._ticks = count(1_700_000_000_000, 1000)

    def now_ms(self) -> int:
        return next(self._ticks)

    def monotonic_s(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: Any, seconds: float) -> bool:
        return False


class House:
    def __init__(self, folder: Path) -> None:
        self.vigilar = folder / "vigilar.toml"
        self.vigilar.write_text(BASE, encoding="utf-8")
        self.settings = folder / "state" / "settings.toml"
        self.settings.parent.mkdir()
        self.clock = TickingClock()

    def write(self, changes: dict[str, Any]) -> Any:
        return write_settings(self.settings, changes, self.vigilar, {}, self.clock).config


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_changes_take_effect_and_the_operators_file_is_untouched(house: House) -> None:
    config = house.write({"web": {"port": 9000}, "cameras": [{"id": "front", "enabled": False}]})
    assert config.web.port == 9000
    assert [(camera.id, camera.enabled) for camera in config.cameras] == [("front", False), ("shed", True)]
    assert house.vigilar.read_text(encoding="utf-8") == BASE
    assert "rtsp" not in house.settings.read_text(encoding="utf-8")


def test_none_gives_a_key_back_to_the_operators_file(house: House) -> None:
    house.write({"web": {"port": 9000, "username": "ann"}})
    config = house.write({"web": {"port": None}})
    assert (config.web.port, config.web.username) == (8000, "ann")


def test_cameras_are_added_changed_and_removed(house: House) -> None:
    new = {"id": "new", "display_name": "New", "rtsp_url": "rtsp://192.0.2.1/3"}
    assert [c.id for c in house.write({"cameras": [new]}).cameras] == ["front", "shed", "new"]
    assert house.write({"cameras": [{"id": "new", "retention_days": 3}]}).cameras[2].retention_days == 3
    config = house.write({"removed": {"cameras": ["new", "shed"]}})
    assert [c.id for c in config.cameras] == ["front"]
    assert [c.id for c in house.write({"removed": {"cameras": None}}).cameras] == ["front", "shed"]


def test_an_invalid_change_is_refused_as_a_whole(house: House) -> None:
    house.write({"web": {"port": 9000}})
    before = house.settings.read_text(encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=r"\[web\] port: must be less than or equal to 65535"):
        house.write({"ups": {"enabled": False}, "web": {"port": 70000}})
    assert house.settings.read_text(encoding="utf-8") == before
    assert len(history(house.settings)) == 2  # as it was before any change, and as it is


def test_a_change_of_a_camera_without_id_is_refused(house: House) -> None:
    with pytest.raises(ConfigError, match=r"\[\[cameras\]\]: a change needs the id of its entry"):
        house.write({"cameras": [{"enabled": False}]})
    assert not house.settings.exists()


def test_comments_in_settings_stay(house: House) -> None:
    house.settings.write_text("# by hand\n[web]\nport = 9000 # why\n", encoding="utf-8")
    house.write({"web": {"port": 9001}})
    text = house.settings.read_text(encoding="utf-8")
    assert "# by hand" in text
    assert "port = 9001 # why" in text
    kept = [file.read_text(encoding="utf-8") for file in history(house.settings)]
    assert "port = 9000" in kept[0], "the version made by hand is kept too"


def test_history_keeps_every_version_up_to_its_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "HISTORY_LIMIT", 3)
    for port in range(9000, 9005):
        house.write({"web": {"port": port}})
    kept = [file.read_text(encoding="utf-8") for file in history(house.settings)]
    assert [f"port = {port}" in text for port, text in zip(range(9002, 9005), kept, strict=True)] == [
        True
    ] * 3
    assert kept[-1] == house.settings.read_text(encoding="utf-8")


SETTINGS = """\
sensors_gpio = { bounce_time_ms = 70 }
[web]
port = 9000
host = "127.0.0.1"
[ups]
enabled = false
[removed]
cameras = ["shed"]
sensors = ["s1"]
"presence.members" = ["Ann"]
[[cameras]]
id = "front"
enabled = false
zones = [{ name = "a", polygon = [[0, 0], [0, 1], [1, 1]] }]
[[cameras]]
id = "new"
display_name = "New"
rtsp_url = "rtsp://192.0.2.1/3"
"""


def test_a_merged_file_means_the_same_and_keeps_comments() -> None:
    text = merge(BASE, SETTINGS)
    path = Path("v.toml")
    merged, layered = assemble(path, text, {}), assemble(path, BASE, {}, Path("s.toml"), SETTINGS)
    assert merged.config == layered.config
    for comment in ("# my house", "# behind the proxy", "# the good one"):
        assert comment in text
    assert "shed" not in text


@pytest.mark.parametrize(
    ("vigilar", "settings"),
    [
        ("", ""),
        ("cameras = []\n[web]\nport = 1\n", "[[cameras]]\nid='a'\ndisplay_name='a'\nrtsp_url='rtsp://h/'\n"),
        (BASE, "[sensors.gpio]\nbounce_time_ms = 5\n"),
        ("[sensors.gpio]\nbounce_time_ms = 5\n", "[sensors.gpio]\nbounce_time_ms = 6\n"),
        ("[web]\nport = 1\n", "[vehicles]\nknown = [{ name = 'x' }]\n[alerts.email]\nsmtp_port = 25\n"),
        ("alerts.email.smtp_port = 26\n", "[alerts.email]\nsmtp_port = 25\n"),
        (
            "[alerts.email]\nsmtp_port = 26\n[web]\nport = 1\n[alerts.webhook]\nenabled = false\n",
            "[alerts.email]\nsmtp_port = 25\n[alerts.webhook]\nsecret = 'x'\n[alerts.local]\nsyslog = false\n",
        ),
        (BASE, "[removed]\ncameras = ['front', 'shed']\n"),
    ],
)
def test_merging_never_changes_the_meaning(vigilar: str, settings: str) -> None:
    merged = assemble(Path("v"), merge(vigilar, settings), {})
    assert merged.config == assemble(Path("v"), vigilar, {}, Path("s"), settings).config


@pytest.mark.parametrize(
    "text",
    [
        "",
        "security.pin_hash = 'old'\n",
        "security = { pin_hash = 'old' }\n[web]\nport = 1\n",
        "# no end of line",
        BASE,
    ],
)
def test_a_hash_is_put_into_any_way_of_writing_a_section(text: str) -> None:
    after = set_value(text, "security", "pin_hash", "new", "v.toml")
    assert tomllib.loads(after) == {**tomllib.loads(text), "security": {"pin_hash": "new"}}


def test_a_change_is_tried_out_without_writing_anything(house: House) -> None:
    edit = edited(house.settings, {"web": {"port": 9000}}, house.vigilar, {})
    assert edit.loaded.config.web.port == 9000
    assert not house.settings.exists()
    assert history(house.settings) == []


def test_each_problem_names_its_key_as_a_form_does(house: House) -> None:
    changes = {
        "web": {"port": 0},
        "sensors_gpio": {"bounce_time_ms": -1},
        "cameras": [{"id": "shed", "zones": [{"name": "a"}]}],
    }
    with pytest.raises(InvalidConfigError) as refused:
        edited(house.settings, changes, house.vigilar, {})
    told = {problem.key: problem.reason for problem in refused.value.problems if isinstance(problem, Problem)}
    assert told == {
        "web.port": "must be greater than or equal to 1",
        "sensors_gpio.bounce_time_ms": "must be greater than or equal to 0",
        "cameras.shed.zones.0.polygon": "is missing",
    }


def test_going_back_puts_a_kept_version_in_force_and_is_itself_kept(house: House) -> None:
    house.write({"web": {"port": 9000}})
    house.write({"web": {"port": 9001}, "ups": {"enabled": False}})
    empty, first, _ = history(house.settings)
    edit = earlier(house.settings, first.name, house.vigilar, {})
    write(house.settings, edit, house.clock)
    assert (edit.loaded.config.web.port, edit.loaded.config.ups.enabled) == (9000, True)
    assert len(history(house.settings)) == 4
    assert earlier(house.settings, empty.name, house.vigilar, {}).loaded.config.web.port == 8000
    assert written(history(house.settings)[-1])[1] == edit.loaded.revision
    with pytest.raises(ConfigError, match="not kept any more"):
        earlier(house.settings, "../vigilar.toml", house.vigilar, {})


def test_going_back_never_brings_an_old_login_or_pin_back(house: House) -> None:
    old, new = "ab" * 16 + ":" + "cd" * 32, "ef" * 16 + ":" + "01" * 32
    house.write({"web": {"port": 9000, "password_hash": old}})
    house.write({"web": {"port": 9001, "password_hash": new, "username": "ann"}})
    edit = earlier(house.settings, history(house.settings)[1].name, house.vigilar, {})
    web = edit.loaded.config.web
    assert (web.port, web.password_hash, web.username) == (9000, new, "ann")


def test_differences_name_what_changed_and_show_no_secret(house: House) -> None:
    before = edited(house.settings, {"web": {"port": 8000}}, house.vigilar, {}).loaded.config
    changes = {
        "web": {"port": 9000},
        "cameras": [{"id": "front", "rtsp_url": "rtsp://u:other@192.0.2.1/1"}],
        "alerts": {"email": {"password": "hush"}},
        "removed": {"cameras": ["shed"]},
    }
    after = edited(house.settings, changes, house.vigilar, {}).loaded.config
    found = {entry["key"]: (entry["before"], entry["after"]) for entry in differences(before, after)}
    assert found["web.port"] == (8000, 9000)
    assert found["cameras.front.rtsp_url"] == ("rtsp://***@192.0.2.1/1", "rtsp://***@192.0.2.1/1")
    assert found["alerts.email.password"] == ("", "***")
    assert found["cameras.shed.display_name"] == ("Shed", None)
    assert "hush" not in str(found)
    assert differences(before, before) == []
