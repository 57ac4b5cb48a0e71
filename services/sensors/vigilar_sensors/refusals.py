"""Messages that are not taken: each is counted, few are logged, and a finding remembers the last while."""

from __future__ import annotations

import logging
from collections import Counter, deque

log = logging.getLogger("vigilar.sensors")

WINDOW_S = 600.0
LOGGED_PER_MINUTE = 6
MAX_REMEMBERED = 10_000
MAX_TOPIC_CHARACTERS = 120


class Refusals:
    """Not thread-safe. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        """By origin."""
        self.last = ""
        self._times: deque[float] = deque(maxlen=MAX_REMEMBERED)
        self._minute_s = 0.0
        self._logged = 0
        self._unlogged = 0

    def note(self, origin: str, below: str, reason: str, now_s: float) -> None:
        self.total[origin] += 1
        self._times.append(now_s)
        # A topic is the sender's text: escaped, cut, and never the payload.
        self.last = f"{origin} {ascii(below)[:MAX_TOPIC_CHARACTERS]} {reason}"
        if now_s - self._minute_s >= 60:
            self._tell_rest()
            self._minute_s, self._logged = now_s, 0
        if self._logged < LOGGED_PER_MINUTE:
            self._logged += 1
            log.warning("refused a message: %s", self.last)
        else:
            self._unlogged += 1

    def recent(self, now_s: float) -> int:
        """Within the last ten minutes; stops counting at `MAX_REMEMBERED`."""
        while self._times and now_s - self._times[0] > WINDOW_S:
            self._times.popleft()
        if self._unlogged and now_s - self._minute_s >= 60:
            self._tell_rest()
        return len(self._times)

    def _tell_rest(self) -> None:
        if self._unlogged:
            log.warning("refused %d more messages; the last: %s", self._unlogged, self.last)
            self._unlogged = 0
