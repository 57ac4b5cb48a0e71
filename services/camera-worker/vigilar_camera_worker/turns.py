"""Work that somebody asks for over the broker, one at a time, each on a thread of its own, with a pause between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError

log = logging.getLogger(__name__)

MAX_REPLY_BYTES: Final = 60_000


class Turns:
    """``asked`` comes from the bus's thread. ``work`` gives the reply's data, or raises VigilarError with the reason."""

    def __init__(
        self, name: str, clock: Clock, pause_s: float, busy: str, work: Callable[[Received], dict[str, Any]]
    ) -> None:
        """``busy`` is what is said to who asks too soon."""
        self._name, self._clock, self._pause_s, self._busy_words, self._work = (
            name,
            clock,
            pause_s,
            busy,
            work,
        )
        self._lock = threading.Lock()
        self._free_s = clock.monotonic_s()
        self._busy = False
        self.counters = {name: 0, f"{name}_refused": 0}

    def asked(self, received: Received) -> None:
        with self._lock:
            if self._busy or self._clock.monotonic_s() < self._free_s:
                self.counters[f"{self._name}_refused"] += 1
                received.reply(ok=False, code="busy", message=self._busy_words)
                return
            self._busy = True
            self.counters[self._name] += 1
        threading.Thread(target=self._run, args=(received,), name=self._name, daemon=True).start()

    def _run(self, received: Received) -> None:
        try:
            received.reply(ok=True, data=self._work(received))
        except VigilarError as error:
            received.reply(ok=False, code="not_possible", message=str(error)[:500])
        except Exception as error:
            log.exception("%s: one failed", self._name)
            received.reply(ok=False, code="failed", message=f"internal error: {type(error).__name__}")
        finally:
            with self._lock:
                self._busy = False
                self._free_s = self._clock.monotonic_s() + self._pause_s
