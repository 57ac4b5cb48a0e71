"""Verifications that people ask for on the web page: one at a time, each `vigilar verify` in a process of its own.

So that reading every byte costs this process nothing and may be ended at any moment. What was found is kept until storage
stops; the ledger itself is what is true.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import VigilarError
from vigilar_common.service import Environment

log = logging.getLogger(__name__)

KEPT = 10
RUN_LIMIT_S = 24 * 3_600.0
STOP_S = 4.0
MAX_ERROR_CHARS = 500
MAX_LINE_BYTES = 1024 * 1024


class VerificationBusyError(VigilarError):
    """Another one runs."""


class VerificationState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class VerificationOrder:
    """Everything, or of one camera, or what began between two UTC times. `quick`: compare SHA-256, decrypt nothing."""

    actor: str
    camera_id: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    quick: bool = False

    def words(self) -> list[str]:
        """For the command line; never through a shell."""
        found = ["--json", "--progress"]
        if self.camera_id:
            found.append(f"--camera={self.camera_id}")
        for name, ts_ms in (("from", self.from_ms), ("to", self.to_ms)):
            if ts_ms is not None:
                found.append(f"--{name}={datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()}")
        return [*found, "--quick"] if self.quick else found


@dataclass
class Verification:
    verification_id: str
    order: VerificationOrder
    created_ms: int
    state: VerificationState = VerificationState.RUNNING
    done_bytes: int = 0
    total_bytes: int = 0
    ended_ms: int = 0
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As the API tells it."""
        done = self.state is VerificationState.DONE
        share = min(99, self.done_bytes * 100 // self.total_bytes) if self.total_bytes else 0
        return {
            "id": self.verification_id,
            "state": self.state,
            "actor": self.order.actor,
            "camera_id": self.order.camera_id or None,
            "from_ms": self.order.from_ms,
            "to_ms": self.order.to_ms,
            "quick": self.order.quick,
            "created_ms": self.created_ms,
            "ended_ms": self.ended_ms or None,
            "done_bytes": self.done_bytes,
            "total_bytes": self.total_bytes,
            "progress_pct": 100 if done else share,
            "error": self.error,
            "result": self.result or None,
        }


class Verifications:
    """A thread for each that runs; everything may be called from any."""

    def __init__(self, environment: Environment, clock: Clock, env: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._env = {**env, "VIGILAR_SECRETS_DIR": str(environment.secrets_dir)}
        self._lock = threading.Lock()
        self._known: deque[Verification] = deque(maxlen=KEPT)
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.counters = {"verifications": 0, "failed_verifications": 0}

    def ask(self, order: VerificationOrder) -> Verification:
        """Raises VerificationBusyError."""
        with self._lock:
            if self._stopped or any(one.state is VerificationState.RUNNING for one in self._known):
                raise VerificationBusyError("another verification runs: wait for it, or cancel it")
            wanted = Verification(uuid7(self._clock), order, self._clock.now_ms())
            self._known.append(wanted)
            self._thread = threading.Thread(target=self._run, args=(wanted,), name="verify", daemon=True)
            self._thread.start()
        return wanted

    def all(self) -> list[Verification]:
        """Newest first."""
        with self._lock:
            return list(reversed(self._known))

    def get(self, verification_id: str) -> Verification | None:
        return next((one for one in self.all() if one.verification_id == verification_id), None)

    def cancel(self, verification_id: str) -> bool:
        """False: there is none. One that is over stays as it is."""
        found = self.get(verification_id)
        with self._lock:
            if found is not None and found.state is VerificationState.RUNNING:
                found.state = VerificationState.CANCELLED
                if self._process is not None:
                    self._process.terminate()
        return found is not None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            thread = self._thread
            if self._process is not None:
                self._process.terminate()
        if thread:
            thread.join(STOP_S)

    def _run(self, wanted: Verification) -> None:
        try:
            error = self._watch(wanted)
        except Exception:
            log.exception("a verification failed")
            error = "it could not be done; storage's log says why"
        with self._lock:
            wanted.ended_ms = self._clock.now_ms()
            if wanted.state is VerificationState.RUNNING:
                wanted.error = error
                wanted.state = VerificationState.FAILED if error else VerificationState.DONE
        self.counters["failed_verifications" if error else "verifications"] += 1
        log.info(
            "verification %s for %s: %s %s", wanted.verification_id, wanted.order.actor, wanted.state, error
        )

    def _watch(self, wanted: Verification) -> str:
        """Why it failed; empty when there is a result."""
        with self._lock:
            if self._stopped or wanted.state is not VerificationState.RUNNING:
                return "it was ended before it began"
            # Its errors are short: they fit the pipe's buffer while its lines are read.
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "vigilar_storage", "verify", *wanted.order.words()],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._env,
            )  # fmt: skip
        ending = threading.Timer(RUN_LIMIT_S, process.kill)
        ending.daemon = True
        ending.start()
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            with process.stdout, process.stderr:
                while line := process.stdout.readline(MAX_LINE_BYTES):
                    self._take(wanted, line)
                reason = process.stderr.read(MAX_LINE_BYTES).strip()
            process.wait()
        finally:
            ending.cancel()
            with self._lock:
                if self._process is process:  # after one that was cancelled the next may run already
                    self._process = None
        if wanted.result:
            return ""
        last = reason.splitlines()[-1] if reason else f"it was ended (code {process.returncode})"
        return last.removeprefix("vigilar: ")[:MAX_ERROR_CHARS]

    @staticmethod
    def _take(wanted: Verification, line: str) -> None:
        told = json.loads(line)
        if "counts" in told:
            wanted.result = told
        else:
            wanted.done_bytes, wanted.total_bytes = told["done_bytes"], told["total_bytes"]
