"""Bad configurations and their exact messages; layers, origins, warnings."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from vigilar_common.config.load import InvalidConfigError, find_config_path, load
from vigilar_common.errors import ConfigError

FRONT = 'id = "front"\ndisplay_name = "Front"\nrtsp_url = "rtsp://admin:canary@192.0.2.1/main"\n'
SENSOR = 'id = "s1"\ndisplay_name = "S"\ntype = "CONTACT"\nprotocol = "GPIO"\ndevice_address = 17\n'


def write(folder: Path, text: str, name: str = "v.toml") -> Path:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return path


def problems(
    folder: Path, text: str, env: dict[str, str] | None = None, settings: str | None = None
) -> list[str]:
    """Every complaint about a configuration, with the folder taken out of it."""
    settings_path = write(folder, settings, "settings.toml") if settings is not None else None
    with pytest.raises(InvalidConfigError) as caught:
        load(write(folder, text), env or {}, settings_path)
    return [line.replace(f"{folder}/", "") for line in caught.value.problems]


BAD = {
    "unknown key": ("[web]\nprot = 1\n", ['v.toml:2: [web] prot: unknown key; did you mean "port"?']),
    "unknown section": ("\n[wbe]\nport = 1\n", ["v.toml:2: [wbe]: unknown section; did you mean [web]?"]),
    "unknown key without a near one": (
        "[location]\nqqq = 1\n",
        ["v.toml:2: [location] qqq: unknown key; known are latitude, longitude"],
    ),
    "unknown key in a nested section": (
        "[alerts.web_push]\nenabeld = true\n",
        ['v.toml:2: [alerts.web_push] enabeld: unknown key; did you mean "enabled"?'],
    ),
    "unknown key of a camera": (
        f"[[cameras]]\n{FRONT}retention = 3\n",
        ['v.toml:5: [[cameras]] "front" retention: unknown key; did you mean "retention_days"?'],
    ),
    "number out of bounds": (
        "[ups]\n# percent\nlow_battery_threshold_pct = 4\n",
        ["v.toml:3: [ups] low_battery_threshold_pct: must be greater than or equal to 5"],
    ),
    "not a number": (
        '[mqtt]\nport = "x"\n',
        ["v.toml:2: [mqtt] port: must be a valid integer, unable to parse string as an integer"],
    ),
    "all errors are listed": (
        "[web]\nport = 0\n[ups]\nnut_port = 70000\n",
        [
            "v.toml:2: [web] port: must be greater than or equal to 1",
            "v.toml:4: [ups] nut_port: must be less than or equal to 65535",
        ],
    ),
    "a table where an array belongs": (
        f"[cameras]\n{FRONT}",
        [
            "v.toml:1: [cameras] must be written [[cameras]], in double brackets: each entry is a block of its own"
        ],
    ),
    "two tables where an array belongs": (
        f"[cameras]\n{FRONT}[cameras]\n",
        [
            "v.toml:1: [cameras] must be written [[cameras]], in double brackets: each entry is a block of its own"
        ],
    ),
    "lone tables elsewhere": (
        '[sensors]\nid = "s"\n[rules]\n[presence.members]\nname = "x"\n[vehicles.known]\nname = "y"\n',
        [
            f"v.toml:{line}: [{name}] must be written [[{name}]], in double brackets: each entry is a block of its own"
            for line, name in ((1, "sensors"), (3, "rules"), (4, "presence.members"), (6, "vehicles.known"))
        ],
    ),
    "camera id twice": (
        f"[[cameras]]\n{FRONT}[[cameras]]\n{FRONT}",
        [
            'v.toml:5: [[cameras]] "front": this id is used twice (first at line 1); '
            "give each of [[cameras]] an id of its own"
        ],
    ),
    "sensor id twice": (
        f"[[sensors]]\n{SENSOR}[[sensors]]\n{SENSOR}",
        [
            'v.toml:7: [[sensors]] "s1": this id is used twice (first at line 1); '
            "give each of [[sensors]] an id of its own"
        ],
    ),
    "gpio above the sensors": (
        f"[sensors.gpio]\nbounce_time_ms = 9\n[[sensors]]\n{SENSOR}",
        [
            "v.toml:1: [sensors.gpio] stands before [[sensors]] (line 3), which TOML does not allow; "
            "move it below the last [[sensors]] block"
        ],
    ),
    "gpio twice": (
        f"[[sensors]]\n{SENSOR}[sensors.gpio]\n[[sensors]]\n{SENSOR.replace('s1', 's2')}[sensors.gpio]\n",
        ["v.toml:14: [sensors.gpio] is there twice; keep one"],
    ),
    "error in gpio": (
        f"[[sensors]]\n{SENSOR}[sensors.gpio]\nbounce_ms = 9\n",
        ['v.toml:8: [sensors.gpio] bounce_ms: unknown key; did you mean "bounce_time_ms"?'],
    ),
    "camera id that is no id": (
        f"[[cameras]]\n{FRONT.replace('front', '../x')}",
        ['v.toml:2: [[cameras]] "../x" id: must be 1 to 64 of the characters A–Z, a–z, 0–9, _ and -'],
    ),
    "missing key": (
        '[[cameras]]\nid = "front"\ndisplay_name = "F"\n',
        ['v.toml:1: [[cameras]] "front" rtsp_url: is missing'],
    ),
    "file as camera": (
        f"[[cameras]]\n{FRONT.replace('rtsp://admin:canary@192.0.2.1/main', 'file:///etc/canary')}",
        [
            'v.toml:4: [[cameras]] "front" rtsp_url: scheme "file" is not allowed; '
            "it must start with one of rtsp://, rtsps://, http://, https://"
        ],
    ),
    "program as sub stream": (
        f"[[cameras]]\n{FRONT}detect_url = 'exec:sh-canary'\n",
        [
            'v.toml:5: [[cameras]] "front" detect_url: '
            "it must start with one of rtsp://, rtsps://, http://, https://"
        ],
    ),
    "credentials without a scheme": (
        f"[[cameras]]\n{FRONT.replace('rtsp://admin', 'canary')}",
        [
            'v.toml:4: [[cameras]] "front" rtsp_url: it must start with one of rtsp://, rtsps://, http://, https://'
        ],
    ),
    "slash in the password of a camera": (
        f"[[cameras]]\n{FRONT.replace('canary@', '12/canary@')}",
        [
            'v.toml:4: [[cameras]] "front" rtsp_url: has an @ behind a / ? or #: '
            "write these characters of a password as %2F %3F %23"
        ],
    ),
    "line break in a camera address": (
        "[[cameras]]\n" + FRONT.replace("/main", "/main\\n-canary"),
        ['v.toml:4: [[cameras]] "front" rtsp_url: must not hold blanks, control characters or backslashes'],
    ),
    "zone beyond the picture": (
        f"[[cameras]]\n{FRONT}motion_zones = [[[0, 0], [641, 0], [0, 9]]]\n",
        ['v.toml:1: [[cameras]] "front": motion_zones[0] reaches beyond resolution_motion (640×360 pixels)'],
    ),
    "zone of two corners": (
        f"[[cameras]]\n{FRONT}[[cameras.zones]]\nname = 'a'\npolygon = [[0, 0], [1, 1]]\n",
        ['v.toml:7: [[cameras.zones]] "front" "a" polygon: must have at least 3 items, not 2'],
    ),
    "zone that crosses itself": (
        f"[[cameras]]\n{FRONT}[[cameras.zones]]\nname = 'a'\npolygon = [[0, 0], [1, 1], [1, 0], [0, 1]]\n",
        [
            'v.toml:1: [[cameras]] "front": zone "a" crosses itself: its sides 1 and 3 meet; '
            "give the corners in order"
        ],
    ),
    "zone of pixels so small that it was meant as shares": (
        f"[[cameras]]\n{FRONT}motion_zones = [[[0, 0], [1.5, 0], [0, 1.5]]]\n",
        [
            'v.toml:1: [[cameras]] "front": motion_zones[0] covers next to nothing: corners are all 0–1, or all '
            "pixels of resolution_motion"
        ],
    ),
    "zone that is a line": (
        f"[[cameras]]\n{FRONT}motion_zones = [[[0, 0], [0.5, 0.5], [0, 0]]]\n",
        ['v.toml:1: [[cameras]] "front": motion_zones[0] has fewer than three different corners'],
    ),
    "malformed password hash": (
        '[web]\npassword_hash = "canary"\n',
        [
            "v.toml:2: [web] password_hash: is not of the form salt_hex:key_hex; "
            "make one with `vigilar config set-password`"
        ],
    ),
    "malformed PIN hash": (
        '[security]\npin_hash = "pbkdf2_sha256$00$canary"\n',
        [
            "v.toml:2: [security] pin_hash: must have a hexadecimal salt and key; "
            "make one with `vigilar config set-pin`"
        ],
    ),
    "certificate without key": (
        '[web]\ntls_cert = "/c.pem"\n',
        ["v.toml:1: [web]: tls_cert and tls_key belong together: set both or neither"],
    ),
    "time zone": (
        '[system]\ntimezone = "Europe/Vienn"\n',
        ['v.toml:2: [system] timezone: is not a time zone of the IANA list; did you mean "Europe/Vienna"?'],
    ),
    "time zone that climbs": (
        '[system]\ntimezone = "../../etc/passwd"\n',
        [
            "v.toml:2: [system] timezone: is not a time zone of the IANA list "
            "(like Europe/Vienna or America/New_York)"
        ],
    ),
    "time of day": (
        '[health]\ndaily_digest_time = "24:00"\n',
        ['v.toml:2: [health] daily_digest_time: must be a time of day like "08:00"'],
    ),
    "arm state in presence": (
        '[presence.actions]\nEMPTY = "triggered"\n',
        [
            "v.toml:2: [presence] actions.EMPTY: must be one of disarmed, armed_home, armed_away, armed_night, "
            "armed_vacation"
        ],
    ),
    "a section that is no table": ("web = 3\n", ["v.toml:1: [web]: must be a table"]),
    "cameras that are no tables": ('cameras = ["x"]\n', ["v.toml:1: [[cameras]] entry 1: must be a table"]),
    "nested without end": (
        "x = " + "[" * 20 + "]" * 20,
        ["v.toml: is nested deeper than 16 levels; that is no configuration"],
    ),
    "nested until the parser gives up": (
        "x = " + "[" * 5000 + "]" * 5000,
        ["v.toml: is nested deeper than 16 levels; that is no configuration"],
    ),
    "no TOML": ("[web]\nport = \n", ["v.toml:2: is not valid TOML: Invalid value (column 8)"]),
    "unclosed string": (
        '[web]\nhost = "canary\n',
        ["v.toml:2: is not valid TOML: Illegal character '\\n' (column 15)"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_each_bad_configuration_gets_its_exact_message(tmp_path: Path, name: str) -> None:
    text, expected = BAD[name]
    found = problems(tmp_path, text)
    assert found == expected
    assert "canary" not in "\n".join(found)


def test_a_missing_file_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: no such file; name the configuration with -c PATH"):
        load(tmp_path / "gone.toml", {})


def test_a_file_that_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "v.toml").write_bytes(b'[web]\nhost = "\xff"\n')
    with pytest.raises(ConfigError, match=r"v\.toml:2: is not UTF-8 text"):
        load(tmp_path / "v.toml", {})


def test_gpio_is_found_after_the_sensors_and_alone(tmp_path: Path) -> None:
    after = load(write(tmp_path, f"[[sensors]]\n{SENSOR}[sensors.gpio]\nbounce_time_ms = 70\n"), {})
    assert after.config.sensors_gpio.bounce_time_ms == 70
    assert after.config.sensors[0].device_address == "17"
    assert str(after.origins["sensors.gpio.bounce_time_ms"]) == f"vigilar.toml ({tmp_path}/v.toml:8)"
    alone = load(write(tmp_path, "[sensors.gpio]\nbounce_time_ms = 71\n"), {})
    assert alone.config.sensors_gpio.bounce_time_ms == 71
    assert alone.config.sensors == ()


def test_gpio_in_the_middle_of_the_sensors_is_found(tmp_path: Path) -> None:
    text = (
        f"[[sensors]]\n{SENSOR}[sensors.gpio]\nbounce_time_ms = 70\n[[sensors]]\n{SENSOR.replace('s1', 's2')}"
    )
    config = load(write(tmp_path, text), {}).config
    assert config.sensors_gpio.bounce_time_ms == 70
    assert [sensor.id for sensor in config.sensors] == ["s1", "s2"]


def test_later_layers_win_and_every_value_names_its_origin(tmp_path: Path) -> None:
    path = write(tmp_path, "[web]\nport = 1\nhost = '10.0.0.1'\nusername = 'ann'\n")
    settings = write(tmp_path, "[web]\nport = 2\nhost = '10.0.0.2'\n", "settings.toml")
    loaded = load(path, {"VIGILAR__WEB__PORT": "3", "VIGILAR_CONFIG": "ignored"}, settings)
    assert (loaded.config.web.port, loaded.config.web.host, loaded.config.web.username) == (
        3,
        "10.0.0.2",
        "ann",
    )
    origins = {key: str(loaded.origins[f"web.{key}"]) for key in ("port", "host", "username", "tls_key")}
    assert origins == {
        "port": "environment (VIGILAR__WEB__PORT)",
        "host": f"settings.toml ({settings}:3)",
        "username": f"vigilar.toml ({path}:4)",
        "tls_key": "default",
    }


def test_settings_change_single_keys_of_a_camera_and_leave_others_out(tmp_path: Path) -> None:
    shed = FRONT.replace("front", "shed")
    path = write(tmp_path, f"[[cameras]]\n{shed}[[cameras]]\n{FRONT}retention_days = 9\n")
    settings = "[removed]\ncameras = ['shed']\n[[cameras]]\nid = 'front'\nenabled = false\n"
    loaded = load(path, {}, write(tmp_path, settings, "settings.toml"))
    (camera,) = loaded.config.cameras
    assert (camera.id, camera.enabled, camera.retention_days) == ("front", False, 9)
    assert loaded.origins["cameras.front.enabled"].place.endswith("settings.toml:5")
    assert loaded.origins["cameras.front.retention_days"].place.endswith("v.toml:9")
    assert loaded.origins["cameras.front.location"].layer == "default"


def test_the_settings_file_may_be_missing(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "[web]\nport = 5\n"), {}, tmp_path / "settings.toml")
    assert loaded.config.web.port == 5


def test_an_error_in_settings_names_that_file(tmp_path: Path) -> None:
    found = problems(tmp_path, "[web]\nport = 1\n", settings="[web]\n\nport = 0\n")
    assert found == ["settings.toml:3: [web] port: must be greater than or equal to 1"]


def test_both_broken_files_are_reported_and_nothing_is_guessed_about_the_rest(tmp_path: Path) -> None:
    found = problems(tmp_path, "[web\n", settings="[[cameras]]\nid = \n")
    assert [line.split(":")[:2] for line in found] == [["v.toml", "1"], ["settings.toml", "2"]]


def test_environment_values_are_read_by_the_type_of_their_key(tmp_path: Path) -> None:
    env = {
        "VIGILAR__UPS__ENABLED": "false",
        "VIGILAR__WEB__USERNAME": "123",
        "VIGILAR__REMOTE__REMOTE_HLS_RESOLUTION": "[640, 360]",
        "VIGILAR__ALERTS__WEB_PUSH__EXTRA_ENDPOINTS": '["http://127.0.0.1:9/"]',
        "VIGILAR__SENSORS__GPIO__BOUNCE_TIME_MS": "80",
        "VIGILAR__CAMERAS": '[{"id": "a", "display_name": "A", "rtsp_url": "rtsp://192.0.2.9/"}]',
    }
    config = load(write(tmp_path, f"[[cameras]]\n{FRONT}"), env).config
    assert config.ups.enabled is False
    assert config.web.username == "123"
    assert config.remote.remote_hls_resolution == (640, 360)
    assert config.alerts.web_push.extra_endpoints == ("http://127.0.0.1:9/",)
    assert config.sensors_gpio.bounce_time_ms == 80
    assert [camera.id for camera in config.cameras] == ["a"]


def test_a_bad_variable_is_named_without_its_value(tmp_path: Path) -> None:
    env = {
        "VIGILAR__CAMERAS": "[canary",
        "VIGILAR__MQTT__PROT": "canary",
        "VIGILAR__MQTT__PORT": "canary",
        "VIGILAR__WEB__PASSWORD_HASH": "canary",
    }
    found = problems(tmp_path, "", env)
    assert found == [
        "VIGILAR__CAMERAS: [[cameras]] must be JSON here, and this is not",
        "VIGILAR__MQTT__PORT: [mqtt] port: must be a valid integer, unable to parse string as an integer",
        'VIGILAR__MQTT__PROT: [mqtt] prot: unknown key; did you mean "port"?',
        "VIGILAR__WEB__PASSWORD_HASH: [web] password_hash: is not of the form salt_hex:key_hex; "
        "make one with `vigilar config set-password`",
    ]


def test_the_legacy_pin_hash_warns_only_while_there_is_no_other(tmp_path: Path) -> None:
    legacy = '[system]\narm_pin_hash = "anything"\n'
    (warning,) = load(write(tmp_path, legacy), {}).warnings
    assert "arm_pin_hash is deprecated" in warning
    assert "as if no PIN were configured until you run `vigilar config set-pin`" in warning
    pin = f'[security]\npin_hash = "pbkdf2_sha256${"00" * 16}${"00" * 32}"\n'
    assert load(write(tmp_path, legacy + pin), {}).warnings == ()


def test_settings_that_cannot_work_warn_and_load(tmp_path: Path) -> None:
    text = (
        "[storage]\nmax_disk_usage_gb = 50\n[health]\nauto_prune_target_pct = 96\n[alerts.email]\nenabled = true\n"
        f"[detection]\ncameras = ['frnt']\n[[cameras]]\n{FRONT}[[sensors]]\n{SENSOR.replace('CONTACT', 'contcat')}"
    )
    warnings = load(write(tmp_path, text), {}).warnings
    for part in (
        "max_disk_usage_gb is a legacy key",
        "auto_prune_target_pct (96)",
        "without smtp_host, from_addr, to_addr",
        '"frnt", which is no camera; did you mean "front"?',
        "type CONTCAT has no meaning of its own; did you mean CONTACT?",
    ):
        assert any(part in warning for warning in warnings), part


def test_the_revision_follows_the_values_and_not_the_writing(tmp_path: Path) -> None:
    one = load(write(tmp_path, "[web]\nport = 8443\n"), {}).revision
    same = load(write(tmp_path, "# hi\n[mqtt]\nport = 1883\n[web]\nport = 8_443\n"), {}).revision
    other = load(write(tmp_path, "[web]\nport = 8444\n"), {}).revision
    assert one == same != other


def test_the_config_file_is_found_by_option_then_variable_then_default() -> None:
    assert find_config_path("a.toml", {"VIGILAR_CONFIG": "b.toml"}) == Path("a.toml")
    assert find_config_path(None, {"VIGILAR_CONFIG": "b.toml"}) == Path("b.toml")
    assert find_config_path(None, {}) == Path("config/vigilar.toml")


def test_removed_entries_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, "", settings="removed = 3\n") == ["settings.toml:1: [removed] must be a table"]
    (found,) = problems(tmp_path, "", settings="[removed]\ncamera = ['x']\n")
    assert found.startswith("settings.toml:2: [removed] camera: must be a list of names; known are cameras, ")


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("VIGILAR__", "names no key; write VIGILAR__SECTION__KEY"),
        ("VIGILAR__WEB__", "names no key; write VIGILAR__SECTION__KEY"),
        ("VIGILAR____", "names no key; write VIGILAR__SECTION__KEY"),
        (
            "VIGILAR__CAMERAS__0__ENABLED",
            "[[cameras]] can only be set whole, as JSON in VIGILAR__CAMERAS",
        ),
    ],
)
def test_a_variable_that_names_no_key_is_refused(tmp_path: Path, variable: str, reason: str) -> None:
    assert problems(tmp_path, f"[[cameras]]\n{FRONT}", {variable: "1"}) == [f"{variable}: {reason}"]
