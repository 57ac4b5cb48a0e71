"""A camera's worker as a fork of a process that has everything loaded: started in milliseconds, most memory shared."""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from vigilar_common import memory
from vigilar_common.clock import Clock
from vigilar_common.forked import Forked, die_with_parent

log = logging.getLogger(__name__)

MEMORY_LIMIT_BYTES: Final = 1536 * 1024 * 1024
"""Of private memory: what a camera can make a decoder ask for ends here and not with the host's."""
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
CRASHES: Final = frozenset(
    (
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGABRT,
        signal.SIGSYS,
        signal.SIGTRAP,
    )
)
PRELOADED: Final = (
    "vigilar_camera_worker.app",
    "vigilar_camera_worker.metrics",
    "vigilar_common.service",
    "av",
    "cv2",
    "prometheus_client.exposition",
    # Loaded by others when first needed, which each worker would then have for itself:
    "av.subtitles.stream",
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.ascii",
    "encodings.idna",
    "numpy.ma",
)
SPOKEN: Final = (
    "camera.CameraOnline",
    "camera.CameraState",
    "camera.LiveLease",
    "camera.MotionEnded",
    "camera.MotionStarted",
    "camera.PictureTaken",
    "camera.RecordingFinished",
    "camera.RecordingOpened",
    "detection.DetectorLease",
    "system.Heartbeat",
)
"""Messages of every worker: their validators are made when one is first said or heard, 3 MB in each worker."""


def load() -> None:
    """All that a worker needs, so that every fork shares it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in PRELOADED:
        import_module(name)
    for name in SPOKEN:
        module, _, message = name.partition(".")
        getattr(import_module(f"vigilar_common.messages.{module}"), message).model_rebuild()
    gc.collect()
    gc.freeze()
    memory.release()


def fork(work: Callable[[], int], clock: Clock, memory_bytes: int = MEMORY_LIMIT_BYTES) -> Forked:
    """Run ``work`` in a child that dies with this process; its exit code is what ``work`` returns. ``memory_bytes``: of
    private memory, the stacks of its threads included, used or not."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # A stop that comes between the fork and the child's own handlers must find it without ours.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        return Forked(pid, clock)
    code = 1
    try:
        os.setsid()  # Ctrl-C reaches the parent alone: it stops its children in order
        for number in (*STOP_SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        _die_with(parent)
        limit_resources(memory_bytes)
        code = work()
    except BaseException:
        log.exception("the worker failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def cpu_ticks(pid: int) -> int:
    """What a process has used, user and system; 0 when it is gone."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def limit_resources(memory_bytes: int = MEMORY_LIMIT_BYTES) -> None:
    """Of this process: bounded memory, and no core dump, which would hold pictures and keys in the clear."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _die_with(parent: int) -> None:
    """A worker whose parent is gone would run beside the next one."""
    die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
