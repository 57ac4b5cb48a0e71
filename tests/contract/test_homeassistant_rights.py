"""What the bridge to Home Assistant, and Home Assistant itself, may do: rights on the broker, and what the slice holds."""

from __future__ import annotations

import json

import pytest
from vigilar_common import broker
from vigilar_common.config import Config
from vigilar_common.config.slices import slice_values
from vigilar_common.topics import CMD_ALARM, CMD_ASK_SWITCH, CMD_RECORD, CMD_SWITCH, TOPICS, Kind, may_publish
from vigilar_common.topics_foreign import Prefixes

PREFIXES = Prefixes(discovery="ha/disc", birth="ha/alive")


def rights(user: str) -> set[str]:
    blocks = broker.acl(["front"], PREFIXES).strip().split("\n\n")
    (block,) = (block for block in blocks if block.startswith(f"user {user}\n"))
    return {line.removeprefix("topic ") for line in block.splitlines()[1:]}


def test_the_bridge_writes_discovery_and_what_is_its_own_and_nothing_else() -> None:
    writes = {line.removeprefix("write ") for line in rights("homeassistant") if line.startswith("write ")}
    foreign = {topic for topic in writes if not topic.startswith("vigilar/")}
    assert foreign == {"ha/disc/device/+/config"}
    own = {
        f"vigilar/{what}"
        for what in ("homeassistant/state", "homeassistant/event/+", "homeassistant/image/+")
    }
    every_service = {
        f"vigilar/{what}"
        for what in (
            "heartbeat/homeassistant",
            "homeassistant/available",
            "logs/lines/homeassistant",
            "system/event/homeassistant",
            "system/outbox-gap/homeassistant",
        )
    }
    assert writes - foreign == own | every_service


def test_home_assistant_reads_discovery_and_says_that_it_was_born_below_the_configured_topics() -> None:
    """Prefix and status topic are the owner's to choose."""
    found = {line for line in rights("home_automation") if not line.split()[1].startswith("vigilar/")}
    assert found == {"read ha/disc/#", "write ha/alive", "write homeassistant_states/#"}
    assert "read ha/alive" in rights("homeassistant")


@pytest.mark.parametrize(
    ("user", "topic", "may"),
    [
        ("home_automation", CMD_ALARM, True),
        ("home_automation", CMD_ASK_SWITCH, True),
        ("home_automation", CMD_SWITCH, False),
        ("home_automation", CMD_RECORD, False),
        ("homeassistant", CMD_SWITCH, True),
        ("homeassistant", CMD_ALARM, False),
        ("homeassistant", CMD_ASK_SWITCH, False),
        ("camera-worker-front", CMD_SWITCH, False),
    ],
)
def test_a_command_is_heard_from_its_senders_alone(user: str, topic: object, may: bool) -> None:
    """The bridge never arms; Home Assistant never orders a camera itself."""
    assert may_publish(user, topic) is may  # type: ignore[arg-type]


def test_outsiders_have_two_commands() -> None:
    """Rule: outside commands only through one documented set of topics, with authority."""
    found = {
        topic.pattern
        for topic in TOPICS
        if topic.kind is Kind.COMMAND and "home_automation" in topic.publishers
    }
    assert found == {CMD_ALARM.pattern, CMD_ASK_SWITCH.pattern}


def test_the_slice_of_the_bridge_holds_no_secret() -> None:
    raw = {
        "cameras": [{"id": "front", "display_name": "Front", "rtsp_url": "rtsp://user:canary-1@192.0.2.1/"}],
        "security": {"recovery_passphrase_hash": ""},
    }
    values = slice_values(Config.model_validate(raw), "homeassistant")
    assert set(values) == {
        "system",
        "mqtt",
        "homeassistant",
        "cameras",
        "sensors",
        "ups",
        "presence",
        "detection",
        "vehicles",
        "packages",
        "visitors",
        "pets",
    }
    assert "canary" not in json.dumps(values)


@pytest.mark.parametrize(
    "section",
    [
        {"discovery_prefix": "vigilar"},
        {"discovery_prefix": "ha/#"},
        {"discovery_prefix": "ha/"},
        {"discovery_prefix": "$SYS"},
        {"discovery_prefix": "{x}"},
        {"status_topic": "vigilar/alarm/state"},
        {"status_topic": "homeassistant/device/x"},
        {"node_id": "a b"},
        {"image_interval_s": 1},
        {"switches": ["light"]},
        {"configuration_url": "javascript:alert(1)"},
    ],
)
def test_a_setting_that_would_open_a_door_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="homeassistant"):
        Config.model_validate({"homeassistant": section})
