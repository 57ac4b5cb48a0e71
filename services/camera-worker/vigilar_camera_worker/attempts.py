"""Keeps count of what goes wrong between us and the camera, and says how long to wait for the next try."""

from __future__ import annotations

from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.errors import CameraError, StalledError, StreamLostError

QUICK_EMPTY_TRIES = 6
LONGEST_EMPTY_WAIT_S = 10.0
"""A camera that connects and gives no picture costs more than one that is away."""


class Attempts:
    """Belongs to the thread that reads the camera; others read ``counters`` and ``last_error``."""

    def __init__(self, back_off: BackOff) -> None:
        self._back_off = back_off
        self.last_error = ""
        """The code of the last failure, "" before the first."""
        self.counters = {"losses": 0, "reconnects": 0, "stalls": 0}

    def connected(self) -> None:
        if self.counters["losses"]:
            self.counters["reconnects"] += 1

    def lost(self, error: Exception, *, had_pictures: bool, lasted_s: float) -> float:
        """Seconds to wait."""
        self.counters["losses"] += 1
        self.counters["stalls"] += isinstance(error, StalledError)
        self.last_error = error.code if isinstance(error, CameraError) else "internal"
        if had_pictures:
            self._back_off.was_online(lasted_s)
        if isinstance(error, StreamLostError) and not had_pictures:
            return self._back_off.next_s(LONGEST_EMPTY_WAIT_S, QUICK_EMPTY_TRIES)
        if isinstance(error, CameraError):
            return self._back_off.next_s(error.longest_wait_s, error.quick_tries)
        return self._back_off.next_s(LONGEST_EMPTY_WAIT_S, QUICK_EMPTY_TRIES)
