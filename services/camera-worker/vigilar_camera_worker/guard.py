"""Keeps one camera's worker running: a parent that has everything loaded forks it, and forks it again when it crashes.

A camera's bytes go through parsers and decoders written in C. Should they crash, a new Python process would take a
second or more to load its libraries; a fork takes some milliseconds (docs/adr/0005). The parent does nothing but
wait, so nothing that a camera sends can reach it.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

from vigilar_common import logs, memory
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.supervision import RestartPolicy

from vigilar_camera_worker.domain.history import REST_S, CrashBook, History
from vigilar_camera_worker.forked import STOP_SIGNALS, fork, load

log = logging.getLogger("vigilar.camera-guard")


class Guard:
    """``run`` until the worker ends by itself (its exit code) or a stop was asked for."""

    def __init__(self, work: Callable[[History], int], clock: Clock) -> None:
        self._work, self._clock = work, clock
        self._book = CrashBook()
        self._policy = RestartPolicy()
        self._pid = 0
        self._stop_signal = 0
        self._rest_is_over = False

    def run(self) -> int:
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._rested)
        while True:
            began_s = self._clock.monotonic_s()
            code = self._one(began_s)
            if self._asked_to_stop():
                return code if code >= 0 else 128 - code
            if code < 0:
                self._wait(self._crashed(-code, began_s))
                if self._asked_to_stop():
                    return 128 + self._stop_signal
            elif not self._rest_is_over:
                return code

    def _one(self, now_s: float) -> int:
        """One worker, from its start to its end; its exit code, negative for a signal."""
        self._rest_is_over = False
        signal.setitimer(signal.ITIMER_REAL, max(0.0, self._book.rest_until_s - now_s))
        history = self._book.history(now_s)
        child = fork(lambda: self._work(history), self._clock)
        self._pid = child.pid
        if self._asked_to_stop():
            os.kill(self._pid, self._stop_signal)
        memory.release()
        code = child.wait()
        self._pid = 0
        return code

    def _crashed(self, number: int, began_s: float) -> float:
        """Seconds to wait before the next one."""
        now_s, cause = self._clock.monotonic_s(), signal.Signals(number).name
        self._policy.became_ready(began_s)
        at_once = self._book.crashed(now_s, self._clock.now_ms(), cause)
        wait_s = 0.0 if at_once else self._policy.died(now_s)
        log.error("the worker crashed (%s); it starts again in %.1f s", cause, wait_s)
        if self._book.history(now_s).rests:
            log.error("it crashed too often: nothing is decoded for %.0f s", REST_S)
        return wait_s

    def _stop(self, number: int, _frame: object) -> None:
        self._stop_signal = number
        if self._pid:
            os.kill(self._pid, number)

    def _asked_to_stop(self) -> bool:
        return self._stop_signal != 0

    def _rested(self, _number: int, _frame: object) -> None:
        """Another worker, one that decodes again."""
        if self._pid:
            log.info("decoding is tried again")
            self._rest_is_over = True
            os.kill(self._pid, signal.SIGTERM)

    def _wait(self, seconds: float) -> None:
        until_s = self._clock.monotonic_s() + seconds
        while not self._asked_to_stop() and (left_s := until_s - self._clock.monotonic_s()) > 0:
            self._clock.sleep(min(left_s, 0.2))


def run_guarded(name: str, work: Callable[[History], int]) -> int:
    """Load what a worker needs, then guard one. The exit code."""
    logs.setup(name)
    memory.tune_allocator()
    load()
    return Guard(work, SystemClock()).run()
