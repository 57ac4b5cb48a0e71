"""What the desks of parcels and of vehicles have alike: a book that outlives a restart, and the retained state made of it."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypedDict, Unpack

from vigilar_common.bus import Bus
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.base import Message
from vigilar_common.state_file import StateFile
from vigilar_common.topic import Topic

log = logging.getLogger("vigilar.events.desk")


class Book(Protocol):
    def kept(self) -> dict[str, Any]: ...
    def restore(self, raw: Mapping[str, Any]) -> None:
        """Raises ValueError when the content makes no sense."""


class DeskParts(TypedDict):
    """`tell`: emits facts."""

    bus: Bus
    file: StateFile
    config: Config
    arm_state: Callable[[], ArmState]
    tell: Callable[[Sequence[Fact]], None]


class Desk(ABC):
    """Thread-safe. Whoever calls `_say` or `_keep` holds the lock."""

    WHAT: ClassVar[str]
    """What the book holds, for the log."""
    TOPIC: ClassVar[Topic]

    def __init__(self, **parts: Unpack[DeskParts]) -> None:
        self._bus, self._file = parts["bus"], parts["file"]
        self._arm_state, self._tell = parts["arm_state"], parts["tell"]
        self._lock = threading.Lock()
        self._said: Message | None = None
        self._written: dict[str, Any] | None = None
        self._take(parts["config"])

    @property
    @abstractmethod
    def _book(self) -> Book: ...

    @abstractmethod
    def _take(self, config: Config) -> None:
        """This configuration counts from now on."""

    @abstractmethod
    def _state(self) -> Message: ...

    def start(self) -> None:
        with self._lock:
            if problem := self._file.restore(self._book.restore):
                log.error("%s may have been forgotten: %s", self.WHAT, problem)
            self._say()

    def configure(self, config: Config) -> None:
        with self._lock:
            self._take(config)
            self._say()

    def _say(self) -> None:
        state = self._state()
        if state != self._said:
            self._said = state
            self._bus.set_state(self.TOPIC, state)

    def _keep(self) -> None:
        self._say()
        kept = self._book.kept()
        if kept == self._written:
            return
        try:
            self._file.save(kept)
            self._written = kept
        except OSError as error:
            log.error("%s cannot be kept in %s: %s", self.WHAT, self._file.path, error)  # noqa: TRY400 the reason is whole
