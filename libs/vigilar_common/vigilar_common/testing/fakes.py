"""Doubles for pure unit tests: a bus, a clock, a fact log and a storage client without I/O."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vigilar_common.bus import NO_PROPERTIES, BusUnavailableError, Handler, Received
from vigilar_common.clock import uuid7
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.messages import Fact, Message, Reply
from vigilar_common.topics import Topic

START_MS = 1_750_000_000_000


class FakeClock:
    """Time stands still until a test advances it; `sleep` and `wait` advance it."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._now_ms = now_ms
        self._monotonic_s = 1_000.0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)
        self._monotonic_s += seconds

    def jump_wall(self, seconds: float) -> None:
        """The wall clock is set; the monotonic one does not notice."""
        self._now_ms += round(seconds * 1000)


@dataclass(frozen=True)
class Published:
    topic: Topic
    ids: Mapping[str, str]
    message: Message | None = None
    payload: bytes = b""
    properties: Mapping[str, str] = field(default_factory=dict)


class FakeBus:
    """Records what is published; `deliver` hands a message to the subscribed handlers at once."""

    def __init__(self, clock: FakeClock | None = None, user: str = "test") -> None:
        self.clock = clock or FakeClock()
        self.user = user
        self.connected = True
        self.lost = 0
        self.published: list[Published] = []
        self.outside: list[tuple[str, bytes]] = []
        self.states: dict[str, Message] = {}
        self.answers: Callable[[Topic, Message, Mapping[str, str]], Reply] | None = None
        self._routes: list[tuple[Topic, Mapping[str, str], Handler]] = []
        self._callbacks: list[Callable[[], None]] = []
        self._seq = 0

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def problem(self) -> str:
        return ""

    def connection_problem(self) -> str:
        return "" if self.connected else "broker away"

    def on_connect(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def reconnect(self) -> None:
        self.connected = True
        for callback in self._callbacks:
            callback()

    def stamp(self, message: Message) -> Message:
        self._seq += 1
        return message.model_copy(
            update={
                "id": message.id or uuid7(self.clock),
                "ts_ms": message.ts_ms or self.clock.now_ms(),
                "source": message.source or self.user,
                "seq": message.seq or self._seq,
            }
        )

    def publish(self, topic: Topic, message: Message, **ids: str) -> bool:
        topic.path(**ids)
        if self.connected:
            self.published.append(Published(topic, ids, self.stamp(message)))
        return self.connected

    def publish_frame(
        self, topic: Topic, payload: bytes, properties: Mapping[str, str] = NO_PROPERTIES, **ids: str
    ) -> bool:
        topic.path(**ids)
        if self.connected:
            self.published.append(Published(topic, ids, None, payload, dict(properties)))
        return self.connected

    def publish_outside(self, path: str, payload: bytes) -> bool:
        if self.connected:
            self.outside.append((path, payload))
        return self.connected

    def set_state(self, topic: Topic, message: Message, **ids: str) -> None:
        self.states[topic.path(**ids)] = self.stamp(message)

    def clear_state(self, topic: Topic, **ids: str) -> None:
        self.states.pop(topic.path(**ids), None)

    def subscribe(self, topic: Topic, handler: Handler, **ids: str) -> None:
        self._routes.append((topic, ids, handler))

    def request(self, topic: Topic, message: Message, timeout_s: float = 5.0, **ids: str) -> Reply:
        if not self.connected or self.answers is None:
            raise BusUnavailableError("nobody answers")
        return self.answers(topic, self.stamp(message), ids)

    def send_command(self, topic: Topic, message: Message, **ids: str) -> bool:
        return self.publish(topic, message, sender=self.user, **ids)

    def deliver(
        self,
        topic: Topic,
        message: Message | None = None,
        payload: bytes = b"",
        properties: Mapping[str, str] = NO_PROPERTIES,
        retained: bool = False,
        **ids: str,
    ) -> list[Reply]:
        """Returns what handlers replied."""
        replies: list[Reply] = []
        stamped = self.stamp(message) if message is not None else None
        for route, bound, handler in list(self._routes):
            if route is topic and all(ids.get(key) == value for key, value in bound.items()):
                handler(Received(topic, ids, stamped, payload, properties, retained, replies.append))
        return replies

    def messages(self, topic: Topic) -> list[Any]:
        return [p.message for p in self.published if p.topic is topic]


class FakeFacts:
    """A fact log that remembers what was emitted."""

    def __init__(self, clock: FakeClock | None = None, source: str = "test") -> None:
        self.clock = clock or FakeClock()
        self.source = source
        self.emitted: list[Fact] = []

    def emit(self, fact: Fact, **ids: str) -> Fact:
        fact = fact.model_copy(
            update={
                "id": fact.id or uuid7(self.clock),
                "ts_ms": fact.ts_ms or self.clock.now_ms(),
                "source": self.source,
                "seq": len(self.emitted) + 1,
            }
        )
        self.emitted.append(fact)
        return fact

    def emit_all(self, facts: Sequence[Fact]) -> list[Exception]:
        for fact in facts:
            self.emit(fact)
        return []

    emit_first = emit

    def of(self, model: type[Fact]) -> list[Any]:
        return [fact for fact in self.emitted if isinstance(fact, model)]


class FakeStorage:
    """A StorageClient whose answers a test writes into `answers` (path without query → JSON)."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.down = False
        self.asked: list[str] = []

    def get(self, path: str, **query: Any) -> Any:
        self.asked.append(path)
        if self.down or path not in self.answers:
            raise StorageUnavailableError(f"storage does not answer GET {path}")
        answer = self.answers[path]
        return answer(query) if callable(answer) else answer

    def send(self, method: str, path: str, body: Any) -> Any:
        self.asked.append(f"{method} {path}")
        if self.down:
            raise StorageUnavailableError(f"storage does not answer {method} {path}")
        return self.answers.get(path)

    def get_bytes(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        answer = self.get(path)
        assert isinstance(answer, bytes)
        return answer if size is None else answer[offset : offset + size]

    def problem(self) -> str:
        return "down" if self.down else ""
