"""The topic table and what is generated from it."""

from __future__ import annotations

import pathlib
import re

import pytest
from pydantic import ValidationError
from vigilar_common import broker, topics
from vigilar_common.config.mqtt import Zigbee2mqtt
from vigilar_common.topics import FACT_TOPICS, OUTSIDERS, SERVICES, TOPICS, Kind
from vigilar_common.topics_foreign import Prefixes, below

ROOT = pathlib.Path(__file__).parents[2]


def test_every_topic_name_is_declared_once() -> None:
    patterns = [topic.pattern for topic in TOPICS]
    assert len(patterns) == len(set(patterns))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.pattern)
def test_parties_are_known(topic: topics.Topic) -> None:
    for party in (*topic.publishers, *topic.subscribers):
        assert party == "*" or party in SERVICES or party in OUTSIDERS


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.pattern)
def test_a_path_matches_its_own_pattern_and_no_other_topic(topic: topics.Topic) -> None:
    ids = dict.fromkeys(re.findall(r"\{(\w+)\}", topic.pattern), "x1")
    path = topic.path(**ids)
    assert topic.match(path) == ids
    others = [t.pattern for t in TOPICS if t is not topic and t.match(path) is not None]
    # `{service}/available` and the camera's own availability differ in depth, nothing else may overlap
    assert others == []


@pytest.mark.parametrize("bad", ["a/b", "+", "#", "", "a b", "a\n", "x" * 81, "ü"])
def test_an_id_that_is_not_safe_in_a_topic_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        topics.CAMERA_STATE.path(camera_id=bad)


def test_only_states_are_retained_and_commands_and_events_expire() -> None:
    for topic in TOPICS:
        assert topic.retain == (topic.kind in (Kind.STATE, Kind.AVAILABILITY))
        assert (topic.expiry_s is None) == topic.retain


def test_topic_names_stand_in_topics_py_alone() -> None:
    """Also in the broker's generator, whose two patterns are ACL syntax, not topics."""
    shared = ROOT / "libs/vigilar_common/vigilar_common"
    allowed = {*shared.glob("topic*.py"), shared / "broker.py"}
    words = "|".join(
        sorted({topic.pattern.split("/")[1] for topic in TOPICS if "{" not in topic.pattern.split("/")[1]})
    )
    literal = re.compile(rf"""f?["']vigilar/({words})/[^"']*["']""")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("libs", "services")
        for path in (ROOT / folder).rglob("*.py")
        if path not in allowed and "node_modules" not in path.parts
        for number, text in enumerate(path.read_text("utf-8").splitlines(), 1)
        if literal.search(text)
    ]
    assert found == []


def test_the_acl_names_every_user_and_gives_no_one_everything() -> None:
    text = broker.acl(["front", "back"])
    for user in broker.users(["front", "back"]):
        assert f"user {user}\n" in text
    assert not re.search(r"topic \w+ #$", text, re.MULTILINE)
    assert not re.search(r"topic write vigilar/#$", text, re.MULTILINE)


def test_a_camera_may_write_only_its_own_topics() -> None:
    block = broker.acl(["front", "back"]).split("user camera-worker-front\n")[1].split("\n\n")[0]
    assert "camera/front/motion/started" in block
    assert "back" not in block
    assert "write vigilar/camera/+" not in block


def test_every_fact_has_a_publisher() -> None:
    for kind, topic in FACT_TOPICS.items():
        assert topic.publishers, kind


def test_a_bridge_may_speak_below_its_own_prefix_alone_and_sensors_only_reads_there() -> None:
    text = broker.acl(["front"], Prefixes("house/zigbee", "zwave")).strip()
    blocks = {block.split("\n")[0]: block.split("\n")[1:] for block in text.split("\n\n") if "user " in block}
    assert blocks["user zigbee2mqtt"] == ["topic readwrite house/zigbee/#"]
    assert blocks["user zwave"] == ["topic readwrite zwave/#"]
    foreign = [line for line in blocks["user sensors"] if "vigilar/" not in line]
    assert foreign == ["topic read house/zigbee/#", "topic read zwave/#"]
    assert not [
        user for user, lines in blocks.items() if user != "user sensors" and "topic read zwave/#" in lines
    ]


@pytest.mark.parametrize("prefix", ["vigilar", "vigilar/cmd", "$SYS", "bridge/", " bridge"])
def test_no_bridge_may_publish_where_services_do(prefix: str) -> None:
    with pytest.raises(ValidationError, match="mqtt_topic_prefix"):
        Zigbee2mqtt(mqtt_topic_prefix=prefix)


def test_everything_below_a_prefix_matches_whatever_its_characters() -> None:
    topic = below("z2m {0}", "zigbee2mqtt")
    assert topic.filter() == "z2m {0}/#"
    assert topic.match("z2m {0}/Küche/<b>door</b>") == {"topic": "z2m {0}/Küche/<b>door</b>"}
    assert topic.match("z2m/door") is None


def test_pictures_of_followed_objects_go_from_their_camera_to_who_identifies_alone() -> None:
    blocks = {
        block.split("\n")[0].removeprefix("user "): block.split("\n")[1:]
        for block in broker.acl(["front", "back"]).strip().split("\n\n")
        if block.startswith("user ")
    }
    path = topics.TRACK_CROP.path(camera_id="front")
    assert [user for user, lines in blocks.items() if f"topic write {path}" in lines] == [
        "camera-worker-front"
    ]
    readers = [user for user, lines in blocks.items() if f"topic read {topics.TRACK_CROP.filter()}" in lines]
    assert sorted(readers) == ["pets", "visitors"]
    for who, lease in (("pets", topics.PETS_LEASE), ("visitors", topics.VISITORS_LEASE)):
        path = lease.path()
        assert [user for user, lines in blocks.items() if f"topic write {path}" in lines] == [who]
        readers = [user for user, lines in blocks.items() if f"topic read {path}" in lines]
        assert sorted(readers) == ["camera-worker-back", "camera-worker-front"]
    assert topics.TRACK_CROP.max_bytes == 262_144
