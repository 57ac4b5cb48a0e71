"""Child processes that were made by fork(2) and not by `subprocess`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from typing import Final

from vigilar_common.clock import Clock

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_POLL_S: Final = 0.02
_libc = ctypes.CDLL(None, use_errno=True)


class Forked:
    """The part of `subprocess.Popen` that those who start services use. For one thread; `pid` is a child of this process."""

    def __init__(self, pid: int, clock: Clock) -> None:
        self.pid, self._clock = pid, clock
        self.returncode: int | None = None
        """As Popen's: negative for a signal."""

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        until_s = None if timeout is None else self._clock.monotonic_s() + timeout
        while (code := self.poll()) is None:
            if until_s is None:
                _, status = os.waitpid(self.pid, 0)
                self.returncode = os.waitstatus_to_exitcode(status)
            elif self._clock.monotonic_s() >= until_s:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            else:
                self._clock.sleep(_POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def die_with_parent(number: signal.Signals) -> None:
    """prctl(2): the kernel sends `number` to this process when its parent is gone. Safe between fork and exec."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def adopt_orphans() -> None:
    """prctl(2): this process becomes the parent of its children's children when those children end."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
