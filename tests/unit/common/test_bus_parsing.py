"""Payloads are validated before any handler sees them; commands must be fresh, first and not retained."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common import topics
from vigilar_common.errors import BadMessageError
from vigilar_common.incoming import CommandGuard, parse
from vigilar_common.messages.alarm import ArmAction, ArmCommand
from vigilar_common.testing import FakeClock

GOOD = {"action": "DISARM", "pin": "1234", "id": "a", "ts_ms": 1, "v": 1}


def test_unknown_fields_are_ignored() -> None:
    command = parse(topics.CMD_ALARM, json.dumps(GOOD | {"new_field": 1}).encode())
    assert isinstance(command, ArmCommand)
    assert command.action is ArmAction.DISARM


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"[" * 100_000, "at most"),
        (json.dumps(GOOD | {"v": 2}).encode(), "version 2 is unknown"),
        (json.dumps(GOOD | {"action": "EXPLODE"}).encode(), "action: "),
        (json.dumps(GOOD | {"pin": "9" * 3000}).encode(), "at most 2048"),
        (json.dumps({"pin": "1234"}).encode(), "action: Field required"),
        (b'{"action": "DISARM", "more": NaN}', "is not JSON"),
        (b'{"action": "DISARM", "more": [-1e999]}', "is not JSON"),
        (b'{"action": "DISARM", "more": {"\\uD800": 1}}', "is not JSON"),
    ],
)
def test_a_bad_payload_is_refused_with_the_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(BadMessageError, match=reason):
        parse(topics.CMD_ALARM, payload)


def test_a_refusal_never_repeats_the_pin() -> None:
    with pytest.raises(BadMessageError) as caught:
        parse(topics.CMD_ALARM, json.dumps(GOOD | {"pin": "canary" * 30}).encode())
    assert "canary" not in str(caught.value)


@given(st.binary(max_size=300))
def test_no_bytes_get_past_as_another_error(payload: bytes) -> None:
    for topic in (topics.CMD_ALARM, topics.MOTION_STARTED, topics.SYSTEM_HEALTH):
        try:
            parse(topic, payload)
        except BadMessageError:
            continue
        pytest.fail("random bytes were taken for a message")


def test_a_command_runs_once_fresh_and_never_from_a_retained_message() -> None:
    clock = FakeClock()
    guard = CommandGuard(clock)
    command = ArmCommand(action=ArmAction.DISARM, id="one", ts_ms=clock.now_ms())
    assert guard.refusal(topics.CMD_ALARM, "web", command, retained=True) == "retained"
    assert guard.refusal(topics.CMD_ALARM, "web", command, retained=False) == ""
    assert guard.refusal(topics.CMD_ALARM, "web", command, retained=False) == "repeated"
    late = command.model_copy(update={"id": "two", "ts_ms": clock.now_ms() - 31_000})
    assert guard.refusal(topics.CMD_ALARM, "web", late, retained=False) == "stale"
    future = command.model_copy(update={"id": "three", "ts_ms": clock.now_ms() + 31_000})
    assert guard.refusal(topics.CMD_ALARM, "web", future, retained=False) == "stale"
