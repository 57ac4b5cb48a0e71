"""A line counts once it has been quiet: contacts bounce."""

from __future__ import annotations


class Debouncer:
    """One line. Times are monotonic seconds."""

    def __init__(self, bounce_s: float) -> None:
        self._bounce_s = bounce_s
        self._level: bool | None = None
        self._changed_s = 0.0
        self._settled: bool | None = None

    def note(self, level: bool, at_s: float) -> None:
        """Every edge, and a look now and then."""
        if level != self._level:
            self._level, self._changed_s = level, at_s

    def due_s(self) -> float | None:
        """When the newest level counts; None when it already does."""
        return self._changed_s + self._bounce_s if self._level != self._settled else None

    def settle(self, now_s: float) -> bool | None:
        """The level that counts from now on; None when nothing changed."""
        due_s = self.due_s()
        if due_s is None or now_s < due_s:
            return None
        self._settled = self._level
        return self._settled
