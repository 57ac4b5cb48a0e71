"""What comes from the broker: validated messages, and commands that may not run."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from vigilar_common.clock import Clock
from vigilar_common.errors import BadMessageError
from vigilar_common.messages import Message, Reply
from vigilar_common.topics import Topic, may_publish

COMMAND_MAX_AGE_MS = 30_000
SEEN_COMMANDS = 4_096


@dataclass(frozen=True)
class Received:
    """One message, validated. `message` is None on frame and availability topics, whose bytes are in `payload`."""

    topic: Topic
    ids: Mapping[str, str]
    message: Message | None
    payload: bytes = b""
    properties: Mapping[str, str] = field(default_factory=dict)
    retained: bool = False
    _answer: Callable[[Reply], None] | None = None

    def reply(
        self, *, ok: bool, code: str = "ok", message: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Answer a command; does nothing when its sender asked for no answer."""
        if self._answer:
            self._answer(Reply(ok=ok, code=code, message=message, data=data or {}))


Handler = Callable[[Received], None]


def parse(topic: Topic, payload: bytes) -> Message:
    """The validated message. Raises BadMessageError; the text never repeats the payload."""
    if topic.model is None:
        raise BadMessageError(f"{topic.pattern} carries bytes, not a message")
    if len(payload) > topic.max_bytes:
        raise BadMessageError(
            f"{len(payload)} bytes on {topic.pattern}: at most {topic.max_bytes} are allowed"
        )
    try:
        raw = json.loads(payload, parse_float=_finite, parse_constant=_finite)
        if b"\\ud" in payload.lower():  # half of a surrogate pair is text that nobody could pass on
            json.dumps(raw, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"payload on {topic.pattern} is not JSON: {type(error).__name__}") from error
    if not isinstance(raw, dict):
        raise BadMessageError(f"payload on {topic.pattern} is not a JSON object")
    if raw.get("v", 1) != topic.model.VERSION:
        raise BadMessageError(
            f"{topic.pattern}: version {raw.get('v')!r} is unknown here, this service reads version {topic.model.VERSION}"
        )
    try:
        return topic.model.model_validate(raw)
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise BadMessageError(f"{topic.pattern}: {where}") from error


def _finite(number: str) -> float:
    """Raises ValueError for NaN and what is too large: no JSON of ours could carry it on."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is no number")
    return value


class CommandGuard:
    """Refuses commands of those who may not give them, and retained, stale, future or repeated ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, None] = OrderedDict()

    def refusal(self, topic: Topic, sender: str, message: Message, retained: bool) -> str:
        """ "" when the command may run, else a code."""
        # The broker lets each user write below its own name; who may give which command is said in the table.
        if not may_publish(sender, topic):
            return "forbidden"
        if retained:
            return "retained"
        if not message.id or abs(self._clock.now_ms() - message.ts_ms) > COMMAND_MAX_AGE_MS:
            return "stale"
        if message.id in self._seen:
            return "repeated"
        self._seen[message.id] = None
        if len(self._seen) > SEEN_COMMANDS:
            self._seen.popitem(last=False)
        return ""
