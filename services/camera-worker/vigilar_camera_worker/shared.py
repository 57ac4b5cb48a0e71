"""Several cameras in one process, where memory is dearer than isolation (`[system] cameras_per_process`, ADR 5).

The pool forks a host and tells it over a pair of sockets which cameras to run; each has a seat there that looks to the
pool like a process of its own. A crash of the host is a crash of all its cameras; the pool then runs each alone.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vigilar_common import memory
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.forked import Forked

from vigilar_camera_worker.forked import MEMORY_LIMIT_BYTES, STOP_SIGNALS, fork

log = logging.getLogger(__name__)

ROOM_BYTES: Final = 192 * 1024 * 1024
"""By so much each camera raises the limit of a process' memory: its threads' stacks count with 8 MiB each, used or not."""
MAX_MESSAGE_BYTES: Final = 16_384
SETTLED_S: Final = (12.0, 48.0)
"""So long after the last camera was started what starting took is given back, and again, for some take their time."""
RELEASE_INTERVAL_S: Final = 600.0
STOP_LIMIT_S: Final = 4.0
POLL_S: Final = 0.02
Start = Callable[[str, Mapping[str, str], threading.Event, Callable[[], float]], int]
"""(name, environment, stopping, share) → the exit code, when that service has ended."""


class Seat:
    """One camera in a host: what the pool needs of a process."""

    def __init__(self, host: Host, name: str, clock: Clock) -> None:
        self._host, self.name, self._clock = host, name, clock
        self.returncode: int | None = None
        """Negative for a signal, which then ended all cameras of the host."""

    @property
    def pid(self) -> int:
        return self._host.process.pid

    def poll(self) -> int | None:
        if self.returncode is None:
            self._host.hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        until_s = None if timeout is None else self._clock.monotonic_s() + timeout
        while (code := self.poll()) is None:
            if until_s is not None and self._clock.monotonic_s() >= until_s:
                raise subprocess.TimeoutExpired(self.name, timeout or 0)
            self._clock.sleep(POLL_S)
        return code

    def terminate(self) -> None:
        self._host.tell({"stop": self.name})

    def kill(self) -> None:
        """Threads cannot be killed: the host is, with all its cameras."""
        log.error(
            "the process of %s is killed with all its cameras: %s", self.name, ", ".join(self._host.seats)
        )
        self._host.process.kill()


class Host:
    """A process with some cameras, seen from the pool. For one thread."""

    def __init__(self, process: Forked, orders: socket.socket) -> None:
        self.process, self._orders = process, orders
        self.seats: dict[str, Seat] = {}

    def tell(self, order: Mapping[str, object]) -> None:
        """Nothing where the host is gone: `hear` finds that out."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._orders.send(json.dumps(order).encode())

    def hear(self) -> None:
        """Which cameras have ended since."""
        while True:
            try:
                message = self._orders.recv(MAX_MESSAGE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except ConnectionResetError:
                message = b""
            if not message:
                break
            told = json.loads(message)
            self._ended(told["ended"], told["code"])
        code = self.process.poll()
        if code is not None:
            for name in list(self.seats):
                self._ended(name, code)

    def _ended(self, name: str, code: int) -> None:
        seat = self.seats.pop(name, None)
        if seat is not None:
            seat.returncode = code

    def close(self) -> None:
        self._orders.close()

    def release(self) -> None:
        """Of a forked child: what is the parent's alone."""
        self._orders.close()


class Hosts:
    """Gives cameras seats, ``start`` runs one in the child."""

    def __init__(self, start: Start, clock: Clock) -> None:
        self._start, self._clock = start, clock
        self._hosts: list[Host] = []

    def seat(self, name: str, environment: Mapping[str, str], per_process: int) -> Seat:
        """In the first host with room, else in a new one. Raises OSError when that cannot be forked."""
        self.tidy()
        host = next((host for host in self._hosts if len(host.seats) < per_process), None)
        if host is None:
            host = self._new(per_process)
        seat = host.seats[name] = Seat(host, name, self._clock)
        host.tell({"start": name, "environment": dict(environment)})
        return seat

    def tidy(self) -> None:
        """End hosts that hold no camera any more."""
        for host in list(self._hosts):
            host.hear()
            if not host.seats:
                self._hosts.remove(host)
                self._end(host)

    def _new(self, per_process: int) -> Host:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def work() -> int:
            for other in self._hosts:
                other.release()
            ours.close()
            return Tenants(theirs, self._start).run()

        with contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            process = fork(work, self._clock, MEMORY_LIMIT_BYTES + per_process * ROOM_BYTES)
            undo.pop_all()
        theirs.close()
        host = Host(process, ours)
        self._hosts.append(host)
        return host

    def _end(self, host: Host) -> None:
        host.close()
        host.process.terminate()
        try:
            host.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            log.error("process %d did not stop within %g s: killed", host.process.pid, STOP_LIMIT_S)  # noqa: TRY400
            host.process.kill()
            host.process.wait()


@dataclass
class Tenant:
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Tenants:
    """In the host: a thread for each camera, which starts the threads that it would have as a process."""

    def __init__(self, orders: socket.socket, start: Start) -> None:
        self._orders, self._start = orders, start
        self._clock: Clock = SystemClock()
        self._tenants: dict[str, Tenant] = {}

    def run(self) -> int:
        """Until a stop signal, or until the pool has closed its end."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: None)  # the pipe tells
        settling = list(SETTLED_S)
        release_due_s = self._clock.monotonic_s() + settling.pop(0)
        while True:
            left_s = max(0.0, release_due_s - self._clock.monotonic_s())
            ready, _, _ = select.select([self._orders.fileno(), woken], [], [], left_s)
            if woken in ready:
                break
            if not ready:
                gc.collect()
                memory.release()
                wait_s = settling.pop(0) if settling else RELEASE_INTERVAL_S
                release_due_s = self._clock.monotonic_s() + wait_s
                continue
            message = self._orders.recv(MAX_MESSAGE_BYTES)
            if not message:
                break
            if self._obey(json.loads(message)):
                settling = list(SETTLED_S)
                release_due_s = self._clock.monotonic_s() + settling.pop(0)
        tenants = list(self._tenants.values())
        for tenant in tenants:
            tenant.stopping.set()
        for tenant in tenants:
            if tenant.thread is not None:
                tenant.thread.join(STOP_LIMIT_S)
        return 0

    def _obey(self, order: Mapping[str, object]) -> bool:
        """Whether a camera was started."""
        if "stop" in order:
            tenant = self._tenants.get(str(order["stop"]))
            if tenant is not None:
                tenant.stopping.set()
            return False
        name = str(order["start"])
        environment = order["environment"]
        assert isinstance(environment, dict)
        tenant = self._tenants[name] = Tenant()
        tenant.thread = threading.Thread(
            target=self._live, args=(name, environment, tenant), name=name, daemon=True
        )
        tenant.thread.start()
        return True

    def _live(self, name: str, environment: Mapping[str, str], tenant: Tenant) -> None:
        code = 1
        try:
            code = self._start(name, environment, tenant.stopping, lambda: 1 / max(1, len(self._tenants)))
        except Exception:
            log.exception("%s failed", name)  # it costs this camera alone, which the pool starts again
        finally:
            del self._tenants[name]
            with contextlib.suppress(OSError):  # the pool is gone, and this process goes with it
                self._orders.send(json.dumps({"ended": name, "code": code}).encode())
