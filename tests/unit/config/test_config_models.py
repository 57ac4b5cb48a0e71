"""Defaults of the operator guide, enums in any case, zones, alert profiles, line numbers."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from vigilar_common.config import Camera, CameraLocation, Config
from vigilar_common.config.cameras import normalised
from vigilar_common.config.lines import Lines
from vigilar_common.messages.alarm import ArmState, EventType

GUIDE_DEFAULTS = {
    "system": {
        "name": "Vigilar Home Security",
        "timezone": "UTC",
        "data_dir": "/var/vigilar/data",
        "recordings_dir": "/var/vigilar/recordings",
        "hls_dir": "/var/vigilar/hls",
        "log_level": "INFO",
        "arm_pin_hash": "",
    },
    "mqtt": {"host": "127.0.0.1", "port": 1883, "username": "", "password": ""},
    "web": {
        "host": "0.0.0.0",
        "port": 49735,
        "tls_cert": "",
        "tls_key": "",
        "username": "admin",
        "password_hash": "",
        "session_timeout": 3600,
    },
    "zigbee2mqtt": {"mqtt_topic_prefix": "zigbee2mqtt"},
    "zwave": {"mqtt_topic_prefix": "zwave"},
    "ups": {
        "enabled": True,
        "nut_host": "127.0.0.1",
        "nut_port": 3493,
        "ups_name": "ups",
        "poll_interval_s": 30,
        "low_battery_threshold_pct": 20,
        "critical_runtime_threshold_s": 300,
        "shutdown_delay_s": 60,
    },
    "storage": {
        "encrypt_recordings": True,
        "key_file": "/etc/vigilar/secrets/storage.key",
        "max_disk_usage_gb": 200,
        "free_space_floor_gb": 10,
        "sync_interval_s": 1,
    },
    "remote": {
        "enabled": False,
        "upload_bandwidth_mbps": 22.0,
        "remote_hls_resolution": [426, 240],
        "remote_hls_fps": 10,
        "remote_hls_bitrate_kbps": 500,
        "max_remote_viewers": 4,
        "tunnel_ip": "10.99.0.2",
        "tunnel_networks": ["10.99.0.0/24"],
    },
    "cameras": [],
    "sensors": [],
    "sensors_gpio": {"bounce_time_ms": 50},
    "rules": [],
    "detection": {
        "person_detection": False,
        "model_path": "",
        "model_config_path": "",
        "confidence_threshold": 0.5,
        "cameras": [],
    },
    "vehicles": {"known": []},
    "presence": {
        "enabled": False,
        "ping_interval_s": 30,
        "departure_delay_m": 10,
        "method": "icmp",
        "members": [],
        "actions": {},
    },
    "health": {
        "enabled": True,
        "disk_warn_pct": 85,
        "disk_critical_pct": 95,
        "auto_prune": True,
        "auto_prune_target_pct": 80,
        "daily_digest": True,
        "daily_digest_time": "08:00",
    },
    "pets": {"enabled": False, "wildlife": True, "cameras": [], "temperature_sensor": "", "threats": []},
    "visitors": {"enabled": False},
    "highlights": {"enabled": True},
    "kiosk": {"ambient_enabled": True},
    "location": {"latitude": 0.0, "longitude": 0.0},
    "security": {"pin_hash": "", "recovery_passphrase_hash": ""},
}
GUIDE_ALERTS = {
    "local": {"enabled": True, "syslog": True, "desktop_notify": False},
    "web_push": {
        "enabled": True,
        "vapid_private_key_file": "/etc/vigilar/secrets/vapid_private.pem",
        "vapid_claim_email": "mailto:admin@vigilar.local",
        "extra_endpoints": [],
    },
    "email": {
        "enabled": False,
        "smtp_host": "",
        "smtp_port": 587,
        "from_addr": "",
        "to_addr": "",
        "use_tls": True,
        "username": "",
        "password": "",
    },
    "webhook": {"enabled": False, "url": "", "secret": ""},
}


def camera(**keys: object) -> Camera:
    return Camera.model_validate(
        {"id": "front", "display_name": "Front", "rtsp_url": "rtsp://admin:canary@192.0.2.1/"} | keys
    )


def test_defaults_are_those_of_the_operator_guide() -> None:
    values = Config().model_dump(mode="json")
    alerts = values.pop("alerts")
    for ours in ("profiles", "grouping", "quiet", "escalation"):
        alerts.pop(ours)
    assert alerts.pop("apprise")["urls"] == alerts.pop("fallback") == alerts.pop("private_targets") == []
    assert alerts.pop("mqtt") == {"enabled": False}
    assert (alerts.pop("ca_file"), alerts.pop("fallback_after_s"), alerts.pop("page_url")) == ("", 30, "")
    assert alerts["email"].pop("pictures") is alerts["email"].pop("starttls") is True
    assert values["ups"].pop("shutdown_request_dir") == "/run/vigilar-shutdown"
    assert values["detection"].pop("loitering_s") == 60, "ours"
    assert values["system"].pop("cameras_per_process") == 1, "ours"
    assert values.pop("packages")["enabled"] is False, "ours"
    assert set(values.pop("alarm")) == {"general", "modes", "siren", "sensors"}, "ours, not the guide's"
    assert values.pop("homeassistant")["enabled"] is values.pop("offsite")["enabled"] is False
    assert values["mqtt"].pop("publish_topics") == values["security"].pop("pins") == []
    assert values["presence"].pop("allow_disarm") is False
    assert values["presence"].pop("device_tracker_prefix") == "homeassistant_states"
    values["visitors"] = {"enabled": values["visitors"]["enabled"]}  # the other keys are ours
    assert values["web"].pop("session_lifetime") == 30 * 86_400, "ours"
    assert values["web"].pop("names") == [], "ours"
    assert values == GUIDE_DEFAULTS
    assert alerts == GUIDE_ALERTS


def test_a_camera_has_the_defaults_of_the_operator_guide() -> None:
    ours = {
        "id",
        "display_name",
        "rtsp_url",
        "detect_url",
        "rtsp_transport",
        "max_recording_s",
        "hardware_decode",
        "lines",
    }
    values = camera().model_dump(mode="json", exclude=ours)
    assert values == {
        "enabled": True,
        "record_continuous": False,
        "record_on_motion": True,
        "motion_sensitivity": 0.7,
        "motion_min_area_px": 500,
        "motion_zones": [],
        "zones": [],
        "pre_motion_buffer_s": 5,
        "post_motion_buffer_s": 30,
        "idle_fps": 2,
        "motion_fps": 30,
        "retention_days": 30,
        "resolution_capture": [1920, 1080],
        "resolution_motion": [640, 360],
        "location": "INTERIOR",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("motion_sensitivity", 1.01),
        ("motion_sensitivity", float("nan")),
        ("idle_fps", 0),
        ("idle_fps", 31),
        ("motion_fps", 61),
        ("location", "ATTIC"),
        ("id", "a" * 65),
        ("id", "front\n"),
    ],
)
def test_camera_keys_out_of_bounds_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        camera(**{key: value})
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


def test_words_of_enums_are_read_in_any_case() -> None:
    config = Config.model_validate(
        {
            "system": {"log_level": "debug"},
            "presence": {"method": "ARPING", "actions": {"empty": "ARMED_AWAY"}},
        }
    )
    assert config.system.log_level == "DEBUG"
    assert config.presence.method == "arping"
    assert config.presence.actions == {"EMPTY": ArmState.ARMED_AWAY}
    assert camera(location="entry").location is CameraLocation.ENTRY


def test_printing_a_camera_does_not_show_its_password() -> None:
    assert "canary" not in repr(camera())
    assert "canary" not in str(Config(cameras=(camera(),)))


def test_zones_in_pixels_and_in_fractions_mean_the_same_place() -> None:
    pixels = camera(motion_zones=[[[0, 0], [320, 0], [640, 360]]])
    fractions = camera(motion_zones=[[[0, 0], [0.5, 0], [1, 1]]])
    assert normalised(pixels.motion_zones[0], pixels.resolution_motion) == fractions.motion_zones[0]
    assert normalised(fractions.motion_zones[0], (640, 360)) == fractions.motion_zones[0]


def test_duplicate_ids_are_refused_by_the_model_itself() -> None:
    with pytest.raises(ValidationError, match=r'\[\[cameras\]\] "front" is there twice \(entries 1 and 2\)'):
        Config(cameras=(camera(), camera()))


PROFILE_CASES = [
    (EventType.MOTION, state, location, True)
    for state in ArmState
    for location in (CameraLocation.EXTERIOR, CameraLocation.ENTRY)
] + [
    (EventType.MOTION, ArmState.DISARMED, CameraLocation.INTERIOR, False),
    (EventType.MOTION, ArmState.ARMED_HOME, CameraLocation.INTERIOR, False),
    (EventType.MOTION, ArmState.ARMED_NIGHT, CameraLocation.INTERIOR, False),
    (EventType.MOTION, ArmState.ARMED_AWAY, CameraLocation.INTERIOR, True),
    (EventType.MOTION, ArmState.ARMED_VACATION, CameraLocation.INTERIOR, True),
    (EventType.MOTION, ArmState.TRIGGERED, CameraLocation.INTERIOR, True),
    (EventType.CAMERA_OFFLINE, ArmState.DISARMED, CameraLocation.INTERIOR, True),
    (EventType.CAMERA_OFFLINE, ArmState.DISARMED, None, True),
    (EventType.CAMERA_ONLINE, ArmState.ARMED_AWAY, CameraLocation.EXTERIOR, False),
]


@pytest.mark.parametrize(("event", "state", "location", "alerts"), PROFILE_CASES)
def test_default_profiles_alert_where_and_when_they_should(
    event: EventType, state: ArmState, location: CameraLocation | None, alerts: bool
) -> None:
    assert (Config().alerts.profile_for(event, state, location) is not None) is alerts


def test_a_plain_mail_address_becomes_a_vapid_contact() -> None:
    config = Config.model_validate({"alerts": {"web_push": {"vapid_claim_email": "ann@example.org"}}})
    assert config.alerts.web_push.vapid_claim_email == "mailto:ann@example.org"


def test_lines_are_right_behind_multi_line_values_and_tricky_strings() -> None:
    text = (
        'top = """\n[no.header]\nkey = 1 \\"""\n"""\n'
        "[a] # [b]\n'quoted key' = [ # ]\n  1, '[', \"\\\"]\",\n]\nx.y = 3\n"
        "[[list]]\nk = '''a''''\n[[list]]\n[list.sub]\nk = 2\n"
    )
    tomllib.loads(text)
    lines = Lines(text)
    assert lines.of[("top",)] == 1
    assert ("no", "header") not in lines.of
    assert lines.of[("a", "quoted key")] == 6
    assert lines.of[("a", "x", "y")] == 9
    assert lines.of[("list", 0, "k")] == 11
    assert lines.of[("list", 1)] == 12
    assert lines.of[("list", 1, "sub", "k")] == 14
    assert lines.find(("list", 1, "sub", "unknown")) == 13


@given(st.text(alphabet="[]{}=.\"'#\\ \nab1", max_size=60))
def test_the_line_scanner_survives_any_text(text: str) -> None:
    lines = Lines(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.of.values())


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([{"name": "Gate", "start": [0.1, 0.1], "end": [0.1, 0.1]}], 'line "Gate" has no length'),
        (
            [{"name": "Gate", "start": [0.1, 0.1], "end": [900, 0.1]}],
            'line "Gate" reaches beyond resolution_motion',
        ),
        (2 * [{"name": "Gate", "start": [0, 0], "end": [1, 1]}], 'the line name "Gate" is used twice'),
    ],
)
def test_a_line_that_cannot_be_crossed_is_refused(lines: list[dict[str, object]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        camera(lines=lines)
