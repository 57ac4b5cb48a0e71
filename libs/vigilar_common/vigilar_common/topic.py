"""What a topic is, and who the parties are; the topics themselves stand in `vigilar_common.topics`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from vigilar_common.messages import Fact, Message

SERVICES = (
    "storage",
    "camera-worker",
    "scout",
    "detector",
    "events",
    "alerts",
    "sensors",
    "ups",
    "presence",
    "homeassistant",
    "offsite",
    "health",
    "pets",
    "visitors",
    "highlights",
    "web",
    "supervisor",
)
"""Services that have a broker user. Cameras get one user each: `camera-worker-<id>`."""

OUTSIDERS = ("home_automation", "zigbee2mqtt", "zwave")
ALL_SERVICES = ("*",)


class Kind(StrEnum):
    STATE = "state"
    EVENT = "event"
    COMMAND = "command"
    REPLY = "reply"
    FRAME = "frame"
    AVAILABILITY = "availability"


@dataclass(frozen=True)
class Topic:
    """One family of topics. `{placeholders}` in the pattern are single levels."""

    pattern: str
    kind: Kind
    model: type[Message] | None
    publishers: tuple[str, ...]
    subscribers: tuple[str, ...]
    doc: str
    max_bytes: int = 16_384

    @property
    def qos(self) -> int:
        return 0 if self.kind is Kind.FRAME else 1

    @property
    def retain(self) -> bool:
        return self.kind in (Kind.STATE, Kind.AVAILABILITY)

    @property
    def expiry_s(self) -> int | None:
        """How long the broker may hold it for a slow subscriber; states do not expire."""
        return None if self.retain else 30

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/+#]+)", re.escape(self.pattern)))

    def path(self, **ids: str) -> str:
        """The concrete topic. Raises KeyError when an id is missing, ValueError when one is not safe."""
        for name, value in ids.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", value):
                raise ValueError(
                    f"{name} {value!r} cannot stand in a topic: use letters, digits, '_' and '-'"
                )
        return self.pattern.format(**ids)

    def filter(self, **ids: str) -> str:
        """A subscription: placeholders that are not given match any level."""
        return re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], "+"), self.pattern)

    def match(self, topic: str) -> dict[str, str] | None:
        found = self._regex.fullmatch(topic)
        return found.groupdict() if found else None


def fact(pattern: str, model: type[Fact], publisher: str, subscribers: tuple[str, ...], doc: str) -> Topic:
    return Topic(pattern, Kind.EVENT, model, (publisher,), subscribers, doc)


def command(
    name: str, model: type[Message], senders: tuple[str, ...], receiver: str, doc: str, max_bytes: int = 2_048
) -> Topic:
    """The ACL `pattern write vigilar/cmd/%u/#` makes the topic the identity of the sender."""
    return Topic(f"vigilar/cmd/{{sender}}/{name}", Kind.COMMAND, model, senders, (receiver,), doc, max_bytes)
