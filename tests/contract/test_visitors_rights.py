"""A face may tell who came, and nothing else: it arms, disarms and opens nothing, and few may hear of it."""

from __future__ import annotations

from vigilar_common.config.rules import Rule
from vigilar_common.messages.visitors import FaceEmbeddingSaved, VisitBegan
from vigilar_common.topics import (
    CMD_ALARM,
    CMD_VISITORS,
    FACT_TOPICS,
    TOPICS,
    TRACK_CROP,
    VISITORS_STATE,
    Kind,
    may_publish,
)


def test_visitors_may_give_no_command_to_anybody() -> None:
    commands = [
        topic.pattern for topic in TOPICS if topic.kind is Kind.COMMAND and may_publish("visitors", topic)
    ]
    assert commands == []
    assert "visitors" not in CMD_ALARM.publishers


def test_no_condition_of_a_rule_asks_for_a_face_so_none_can_disarm() -> None:
    words = str(Rule.model_json_schema()).lower()
    assert "presence" in words or "sensor" in words, "the schema is the one of rules"
    assert not [word for word in ("face", "visitor", "visit.") if word in words]


def test_faces_are_heard_by_whom_they_concern_and_vectors_by_nobody() -> None:
    assert FACT_TOPICS[FaceEmbeddingSaved.TYPE].subscribers == ()
    assert set(FACT_TOPICS[VisitBegan.TYPE].subscribers) == {"events", "alerts", "web"}
    assert set(VISITORS_STATE.subscribers) == {"homeassistant", "web", "home_automation"}
    assert CMD_VISITORS.publishers == ("web",)
    assert set(TRACK_CROP.subscribers) == {"pets", "visitors"}
