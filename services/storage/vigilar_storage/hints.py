"""Telling readers of the feed that there is news: one small message for many commits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.topics import FACTS_COMMITTED

log = logging.getLogger(__name__)

PAUSE_S = 0.1
IDLE_S = 60.0


class CommitHints:
    """Publishes `epoch:n`, at most ten times a second. A lost hint costs its readers one poll."""

    def __init__(self, bus: Bus, clock: Clock, text: Callable[[], str]) -> None:
        self._bus = bus
        self._clock = clock
        self._text = text
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="commit-hints", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()
        if self._thread:
            self._thread.join(2)

    def news(self) -> None:
        self._news.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            if not self._clock.wait(self._news, IDLE_S) or self._stopping.is_set():
                continue
            self._news.clear()
            try:
                self._bus.publish_frame(FACTS_COMMITTED, self._text().encode())
            except Exception:
                log.exception("a commit hint was not sent")
            self._clock.wait(self._stopping, PAUSE_S)
