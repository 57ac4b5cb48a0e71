"""One stream of one camera: its init segment and current GOP in memory, handed to whoever watches."""

from __future__ import annotations

import logging
from typing import Protocol

log = logging.getLogger(__name__)

MAX_GOP_BYTES = 8 * 1024 * 1024
"""A longer GOP is still relayed, but not kept: a new viewer then waits for the next keyframe."""


Key = tuple[str, str]
"""Camera id and stream."""


class Sink(Protocol):
    """A viewer or a writer. `waiting` is true until `begin`; only then parts are pushed."""

    waiting: bool

    def begin(self, codec: str, init: bytes, generation: int) -> None:
        """A keyframe follows: the codec, the init segment and its number (a new one: a new init)."""
        ...

    def push(self, part: bytes, key: bool) -> None: ...

    def state(self, text: str) -> None:
        """The camera's state changed; `text` is JSON."""
        ...


class Relay:
    """Takes what the broker delivers. Anything may be lost, repeated or restarted on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sinks: set[Sink] = set()
        self.codec = ""
        self.init = b""
        self.generation = 0
        self.holes = 0
        self.dropped = 0
        self._gop: list[bytes] = []
        self._gop_bytes = 0
        self._whole = False
        self._too_big = False
        self._next_seq: int | None = None

    @property
    def begun(self) -> bool:
        """An init came. Single pictures have an empty one."""
        return self.generation > 0

    @property
    def gop(self) -> list[bytes]:
        """From the keyframe on; empty when a new viewer has to wait for one."""
        return self._gop if self._whole and not self._too_big else []

    def join(self, sink: Sink) -> None:
        """A new viewer gets init and GOP from memory at once, if they are there."""
        self.sinks.add(sink)
        if self.begun and self.gop:
            sink.waiting = False
            sink.begin(self.codec, self.init, self.generation)
            for index, part in enumerate(self.gop):
                sink.push(part, index == 0)

    def leave(self, sink: Sink) -> None:
        self.sinks.discard(sink)

    def take_init(self, seq: int, codec: str, payload: bytes) -> None:
        """Every init begins a new timeline, whatever it says: sinks begin anew at the keyframe that follows."""
        self.init, self.codec = payload, codec
        self.generation += 1
        self._next_seq = seq + 1
        self._forget_gop()
        for sink in self.sinks:
            sink.waiting = True

    def take_part(self, seq: int, key: bool, payload: bytes) -> None:
        hole = self._next_seq is not None and seq != self._next_seq
        self._next_seq = seq + 1
        if hole:
            self.holes += 1
            log.debug("%s: parts are missing before %d", self.name, seq)
            self._forget_gop()
            for sink in self.sinks:
                sink.waiting = True
        if not self.begun or not (key or self._whole):
            self.dropped += 1
            return
        if key:
            self._forget_gop()
            self._whole = True
        self._keep(payload)
        for sink in self.sinks:
            if key and sink.waiting:
                sink.waiting = False
                sink.begin(self.codec, self.init, self.generation)
            if not sink.waiting:
                sink.push(payload, key)

    def tell(self, text: str) -> None:
        for sink in self.sinks:
            sink.state(text)

    def _keep(self, payload: bytes) -> None:
        if self._too_big:
            return
        self._gop_bytes += len(payload)
        if self._gop_bytes > MAX_GOP_BYTES:
            log.warning(
                "%s: a GOP of more than %d bytes is not kept for new viewers", self.name, MAX_GOP_BYTES
            )
            self._too_big = True
            self._gop = []
            return
        self._gop.append(payload)

    def _forget_gop(self) -> None:
        self._gop = []
        self._gop_bytes = 0
        self._whole = False
        self._too_big = False
