"""Services as forks of processes that have their code loaded: loading it takes most of a service's start.

`vigilar start` runs one such process per family of services (docs/adr/0008): the first loads what all share, and is
forked for each of the others, which load the rest. None of them reads a file of the installation, opens a connection
or starts a thread; they wait for orders.

A service must be a child of the supervisor, which watches it and is told how it ended. So the fork server forks twice
and the middle process ends: the kernel then gives the service to the supervisor, which asked for that (prctl(2),
PR_SET_CHILD_SUBREAPER). The service waits until the supervisor has said that it knows of it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from vigilar_common import memory
from vigilar_common.clock import Clock
from vigilar_common.forked import Forked, adopt_orphans, die_with_parent

log = logging.getLogger("vigilar.fork-server")

COMMON: Final = "common"
LOADED: Final[Mapping[str, tuple[str, ...]]] = {
    COMMON: ("vigilar_common.service", "prometheus_client.exposition", "encodings.idna"),
    "vigilar_storage": ("uvicorn", "vigilar_storage.api", "vigilar_storage.app"),
    "vigilar_web": ("uvicorn", "vigilar_web.app"),
    "vigilar_camera_worker": ("vigilar_camera_worker.app", "vigilar_camera_worker.guard"),
}
"""What each family loads besides what all share; a service without a family of its own is forked from the first."""
ORDER_BYTES: Final = 64 * 1024
ANSWER_LIMIT_S: Final = 20.0
"""The first order waits until the code is loaded."""
PAUSE_S: Final = 30.0
"""After a fork server has failed, services are started without one for so long."""
_GO: Final = b"g"


@dataclass(frozen=True)
class Order:
    """A module to run as `python -m` would, with these arguments and this environment."""

    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


class ForkServer:
    """The supervisor's end. For one thread; `start` never raises and says None where a plain start is to be used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._ends: dict[str, socket.socket] = {}
        self._not_before_s = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, order: Order, output: int | None) -> Forked | None:
        """`output`: the descriptor that the service writes to; None: where this process writes."""
        if not self._runs():
            return None
        end = self._ends[order.module if order.module in self._ends else COMMON]
        heard, go = os.pipe()
        try:
            words = json.dumps([order.module, order.arguments, order.environment]).encode()
            pid = _ask(end, words, [heard] if output is None else [heard, output])
            os.write(go, _GO)
            return Forked(pid, self._clock)
        except (OSError, ValueError) as error:
            log.warning("the fork server failed (%s): services start without it for %g s", error, PAUSE_S)
            self._not_before_s = self._clock.monotonic_s() + PAUSE_S
            self.stop()
            return None
        finally:
            # A service that was forked all the same and not heard of ends when it sees this closed.
            os.close(go)
            os.close(heard)

    def stop(self) -> None:
        """Running services go on."""
        for end in self._ends.values():
            end.close()
        self._ends = {}
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _runs(self) -> bool:
        if self.pid is not None:
            return True
        if self._process is not None:
            log.warning("the fork server died; it is started again")
            self.stop()
        if self._clock.monotonic_s() < self._not_before_s:
            return False
        adopt_orphans()
        theirs: dict[str, socket.socket] = {}
        for family in LOADED:
            self._ends[family], theirs[family] = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._ends[family].settimeout(ANSWER_LIMIT_S)
        numbers = {family: end.fileno() for family, end in theirs.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(numbers)],
            env={**os.environ, "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=list(numbers.values()),
            start_new_session=True,
            preexec_fn=partial(die_with_parent, signal.SIGKILL),
        )
        for end in theirs.values():
            end.close()
        return True


def order_of(argv: Sequence[str], environment: Mapping[str, str]) -> Order | None:
    """None for what is not a module of ours, run by this very interpreter."""
    if len(argv) < 3 or argv[0] != sys.executable or argv[1] != "-m" or not argv[2].startswith("vigilar_"):
        return None
    return Order(argv[2], tuple(argv[3:]), dict(environment))


def _ask(end: socket.socket, words: bytes, descriptors: list[int]) -> int:
    """The service's process id. Raises OSError, ValueError."""
    socket.send_fds(end, [words], descriptors)
    answer: dict[str, Any] = json.loads(end.recv(ORDER_BYTES) or b"{}")
    if "pid" not in answer:
        raise OSError(answer.get("error", "it ended"))
    return int(answer["pid"])


# -- in the fork server -------------------------------------------------------------------------------


def main() -> int:
    """Returns in a forked service too, with what its module returns: Python then ends as it always does."""
    numbers: dict[str, int] = json.loads(sys.argv[1])
    ends = {family: socket.socket(fileno=number) for family, number in numbers.items()}
    supervisor = os.getppid()
    family = COMMON
    _load(COMMON)
    for name in ends:
        if name != COMMON and os.fork() == 0:
            die_with_parent(signal.SIGKILL)
            family = name
            _load(name)
            break
    end = ends.pop(family)
    for other in ends.values():
        other.close()
    order = _serve(end, supervisor)
    return 0 if order is None else _run(order)


def _load(family: str) -> None:
    for name in LOADED[family]:
        try:
            import_module(name)
        except Exception as error:
            # The service itself will fail for the same reason, and tell it in its own log.
            log.warning("%s cannot be loaded ahead: %r", name, error)
    memory.release_start_up()


def _serve(end: socket.socket, supervisor: int) -> Order | None:
    """Forks one service per order. None when the supervisor is gone; an order in the service that is to run it."""
    while True:
        try:
            words, descriptors, _, _ = socket.recv_fds(end, ORDER_BYTES, 2)
        except OSError:
            return None
        if not words:
            return None
        module, arguments, environment = json.loads(words)
        order = Order(module, tuple(arguments), environment)
        try:
            pid = _fork_twice()
        except OSError as error:
            end.send(json.dumps({"error": f"fork: {error.strerror}"}).encode())
        else:
            if pid == 0:
                end.close()
                _become(order, descriptors, supervisor)
                return order
            end.send(json.dumps({"pid": pid}).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _fork_twice() -> int:
    """The grandchild's process id here, 0 there. By the time it is known here the grandchild has its new parent."""
    told, tell = os.pipe()
    middle = os.fork()
    if middle:
        os.close(tell)
        with os.fdopen(told, "rb") as pipe:
            text = pipe.read()
        os.waitpid(middle, 0)
        if not text:
            raise OSError(0, "the middle process ended early")
        return int(text)
    os.close(told)
    with contextlib.suppress(OSError):
        pid = os.fork()
        if pid == 0:
            os.close(tell)
            return 0
        os.write(tell, str(pid).encode())
    os._exit(0)


def _become(order: Order, descriptors: list[int], supervisor: int) -> None:
    """Leave behind what belongs to the fork server, and wait for the supervisor's word."""
    heard, *output = descriptors
    os.setsid()
    if output:
        for standard in (1, 2):
            os.dup2(output[0], standard)
        os.close(output[0])
    if os.read(heard, 1) != _GO:
        os._exit(0)
    os.close(heard)
    die_with_parent(signal.SIGTERM)
    if os.getppid() != supervisor:
        os._exit(0)  # it ended before it could be noticed
    os.environ.clear()
    os.environ.update(order.environment)
    sys.argv[1:] = order.arguments


def _run(order: Order) -> int:
    import runpy

    _name_process(order)
    try:
        runpy.run_module(order.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    return 0


def _name_process(order: Order) -> None:
    """So that `ps` tells what runs: the name (15 bytes at most), as the command line remains the fork server's."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(order.module.removeprefix("vigilar_"), encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
