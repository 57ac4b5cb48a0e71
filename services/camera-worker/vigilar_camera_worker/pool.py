"""The cameras that have no container of their own: a child process each, so that a crash costs one and never the others.

With `[system] cameras_per_process` above 1 they share processes (`shared.py`), until one crashes: from then on those
that were in it have a process each.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from vigilar_common import logs, memory
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.slices import SLICE_FILE, SliceReader
from vigilar_common.errors import StartupError, VigilarError
from vigilar_common.health import HealthRegistry, HealthServer
from vigilar_common.learnt import forget
from vigilar_common.service import Environment
from vigilar_common.supervision import RESTART_ME_EXIT_CODE, RestartPolicy

from vigilar_camera_worker.domain.history import CrashBook
from vigilar_camera_worker.forked import CRASHES, cpu_ticks, fork, load
from vigilar_camera_worker.names import NAME_PREFIX
from vigilar_camera_worker.shared import Hosts

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.camera-pool")

NAME: Final = "camera-worker"
LOOPBACK: Final = "127.0.0.1"
TICK_S: Final = 0.2
CONFIG_POLL_S: Final = 2.0
PROBE_S: Final = 5.0
PROBE_STARTING_S: Final = 0.5
PROBE_TIMEOUT_S: Final = 2.0
NUMBERS_TIMEOUT_S: Final = 4.0
DEAD_PROBES: Final = 3
"""Without an answer, and without any processor time used meanwhile: it hangs."""
DEAD_BUSY_PROBES: Final = 12
"""Without an answer while it works: on an overloaded host that takes long, and ending it would only make it longer."""
STOP_LIMIT_S: Final = 8.0
MAX_STARTING: Final = 2 * (os.cpu_count() or 1)
"""Workers that start at the same time."""
MAX_ANSWER_BYTES: Final = 65_536


class Process(Protocol):
    """What the pool needs of a child: a `Forked`, or a `Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        ...

    def terminate(self) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Child:
    """A camera's process and what is known of it. All times are monotonic seconds."""

    camera_id: str
    process: Process | None = None
    port: int = 0
    due_s: float = 0.0
    probe_due_s: float = 0.0
    dead_probes: int = 0
    dead_ticks: int = 0
    """The processor time it had used when it did not answer for the first time."""
    problem: str = "starting"
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    crashes: CrashBook = field(default_factory=CrashBook)
    rests: bool = False
    """Started not to decode, because those before it crashed."""

    @property
    def name(self) -> str:
        return NAME_PREFIX + self.camera_id

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def dedicated_cameras(text: str) -> frozenset[str]:
    """`VIGILAR_DEDICATED_CAMERAS`: ids of cameras that have a container of their own."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


class Pool:
    """``tick`` does one round; ``run`` repeats it until ``stopping``."""

    def __init__(
        self,
        environment: Environment,
        dedicated: frozenset[str],
        clock: Clock,
        spawn: Callable[[Child, Mapping[str, str]], Process] | None = None,
    ) -> None:
        self._environment, self._dedicated, self._clock = environment, dedicated, clock
        self._spawn = spawn or self._fork
        self._loaded = False
        self._hosts = Hosts(run_beside_others, clock)
        self._per_process = 1
        self._readers: dict[str, SliceReader] = {}
        self._config_due_s = 0.0
        self.children: dict[str, Child] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.tick()
                self._clock.wait(self.stopping, TICK_S)
        finally:
            self.stop()

    def tick(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s >= self._config_due_s:
            self._config_due_s = now_s + CONFIG_POLL_S
            self._follow_configuration()
        for child in self.children.values():
            self._mind(child, now_s)

    def problems(self) -> str:
        """For `/health/ready`: which cameras do not run, and why; their own states say whether they are online."""
        return "; ".join(
            f"{child.name}: {child.problem}" for child in list(self.children.values()) if child.problem
        )

    def wanted(self) -> set[str]:
        """Enabled cameras that have a slice here and no container of their own."""
        found = set()
        for file in sorted(self._environment.config_run.glob(f"{NAME_PREFIX}*/{SLICE_FILE}")):
            camera_id = file.parent.name.removeprefix(NAME_PREFIX)
            if camera_id not in self._dedicated and self._enabled(camera_id):
                found.add(camera_id)
        for gone in set(self._readers) - found:
            if not (self._environment.config_run / f"{NAME_PREFIX}{gone}" / SLICE_FILE).exists():
                del self._readers[gone]
        return found

    def _enabled(self, camera_id: str) -> bool:
        reader = self._readers.get(camera_id)
        if reader is None:
            reader = SliceReader(self._environment.config_run, NAME_PREFIX + camera_id, self._clock)
            self._readers[camera_id] = reader
        try:
            config = (
                reader.load().config if reader.changed() or not reader.loaded_ms else reader.current.config
            )
        except StartupError as error:
            log.error("%s cannot run: %s", reader.service, error)  # noqa: TRY400 the reason is all
            return False
        self._per_process = config.system.cameras_per_process
        camera = config.camera(camera_id)
        return camera is not None and camera.enabled

    def _follow_configuration(self) -> None:
        wanted = self.wanted()
        gone = [child for camera_id, child in self.children.items() if camera_id not in wanted]
        for child in gone:
            log.info("%s is no longer to run here", child.name)
            del self.children[child.camera_id]
        self._end(gone)
        for child in gone:
            if not (self._environment.config_run / child.name / SLICE_FILE).exists():
                forget(self._environment.state_dir / child.name)
        for camera_id in sorted(wanted - set(self.children)):
            self.children[camera_id] = Child(camera_id)
        self._hosts.tidy()

    def _mind(self, child: Child, now_s: float) -> None:
        if child.running:
            if child.rests and now_s >= child.crashes.rest_until_s:
                log.info("%s: decoding is tried again", child.name)
                child.rests = False
                child.process.terminate()  # type: ignore[union-attr]
            elif now_s >= child.probe_due_s:
                self._probe(child, now_s)
            return
        if child.process is not None:
            code = child.process.wait()
            child.process = None
            delay_s = self._delay_s(child, code, now_s)
            child.due_s = now_s + delay_s
            child.problem = f"ended with {code}"
            if child.policy.given_up:
                log.error("%s: exceeded max restarts, giving up; one try in %.0f s", child.name, delay_s)
            elif code == RESTART_ME_EXIT_CODE:
                log.info("%s restarts with its new configuration", child.name)
            else:
                log.warning("%s ended with %d, starts again in %.1f s", child.name, code, delay_s)
        if now_s >= child.due_s and self._may_start():
            self._start(child, now_s)

    def _delay_s(self, child: Child, code: int, now_s: float) -> float:
        if code < 0 and -code in CRASHES:
            cause = signal.Signals(-code).name
            if child.crashes.crashed(now_s, self._clock.now_ms(), cause):
                return 0.0
        return child.policy.died(now_s, code)

    def _may_start(self) -> bool:
        """A few at a time: after a power cut all cameras are to be started at once."""
        starting = sum(child.running and child.problem == "starting" for child in self.children.values())
        return starting < MAX_STARTING

    def _fork(self, child: Child, environment: Mapping[str, str]) -> Process:
        if not self._loaded:
            load()
            self._loaded = True
        history = child.crashes.history(self._clock.monotonic_s())
        if self._per_process > 1 and not history.crashes:
            return self._hosts.seat(child.name, environment, self._per_process)

        def work() -> int:
            from vigilar_common.service import run

            from vigilar_camera_worker.app import build

            os.environ.update(environment)
            return run(child.name, partial(build, history=history))

        return fork(work, self._clock)

    def _start(self, child: Child, now_s: float) -> None:
        child.port = _free_port()
        child.dead_probes = 0
        child.probe_due_s = now_s + PROBE_STARTING_S
        child.problem = "starting"
        child.rests = child.crashes.history(now_s).rests
        folder = self._environment
        environment = {
            "VIGILAR_SECRETS_DIR": str(folder.secrets_dir / child.name),
            "VIGILAR_STATE_DIR": str(folder.state_dir / child.name),
            "VIGILAR_HEALTH_HOST": LOOPBACK,
            "VIGILAR_HEALTH_PORT": str(child.port),
        }
        try:
            child.process = self._spawn(child, environment)
        except OSError as error:
            child.due_s = now_s + child.policy.died(now_s)
            child.problem = f"cannot be started: {error.strerror}"
            log.error("%s %s", child.name, child.problem)  # noqa: TRY400 the reason is all

    def _probe(self, child: Child, now_s: float) -> None:
        answer = ask(child.port)
        if answer is None:
            child.dead_probes += 1
            child.probe_due_s = now_s + (PROBE_STARTING_S if child.problem == "starting" else PROBE_S)
            assert child.process is not None
            ticks = cpu_ticks(child.process.pid)
            if child.dead_probes == 1:
                child.dead_ticks = ticks
            limit = DEAD_PROBES if ticks == child.dead_ticks else DEAD_BUSY_PROBES
            if child.problem != "starting" and child.dead_probes >= limit:
                log.error("%s does not answer: it is ended", child.name)
                child.process.kill()
            return
        child.dead_probes = 0
        child.problem = answer
        child.probe_due_s = now_s + (PROBE_STARTING_S if answer else PROBE_S)
        if not answer:
            child.policy.became_ready(now_s)
            child.policy.is_healthy(now_s)

    def stop(self) -> None:
        self._end(list(self.children.values()))
        self._hosts.tidy()

    def _end(self, children: list[Child]) -> None:
        """SIGTERM to all at once, so that they finish their recordings side by side; SIGKILL after the limit."""
        running = [child.process for child in children if child.process is not None and child.running]
        for process in running:
            process.terminate()
        deadline_s = self._clock.monotonic_s() + STOP_LIMIT_S
        for process in running:
            try:
                process.wait(max(0.1, deadline_s - self._clock.monotonic_s()))
            except subprocess.TimeoutExpired:
                log.error("camera process %d did not stop within %g s: killed", process.pid, STOP_LIMIT_S)  # noqa: TRY400
                process.kill()
                process.wait()


def run_beside_others(
    name: str, environment: Mapping[str, str], stopping: threading.Event, share: Callable[[], float]
) -> int:
    """One camera on a thread of a process with several."""
    from vigilar_common.service import run_beside

    from vigilar_camera_worker.app import build

    own = Environment.read({**os.environ, **environment})
    return run_beside(name, build, own, stopping, share)


def _free_port() -> int:
    """Free now; should another process take it before the child does, the child ends and is started again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _connection(port: int, timeout_s: float = PROBE_TIMEOUT_S) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def ask(port: int) -> str | None:
    """Why the process behind this health port is not ready; "" when it is, None when it does not answer."""
    try:
        with _connection(port) as connection:
            connection.request("GET", "/health/ready")
            response = connection.getresponse()
            body = json.loads(response.read(MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    if response.status == 200:
        return ""
    reasons = body.get("reasons", {}) if isinstance(body, dict) else {}
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or f"answers {response.status}"


def numbers(port: int) -> str:
    """What the process behind this health port tells at `/metrics`. Raises OSError, HTTPException or ValueError."""
    from vigilar_camera_worker.metrics import MAX_METRICS_BYTES

    with _connection(port, NUMBERS_TIMEOUT_S) as connection:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read(MAX_METRICS_BYTES + 1)
    if response.status != 200 or len(text) > MAX_METRICS_BYTES:
        raise ValueError(f"it answers {response.status} with {len(text)} bytes")
    return text.decode()


def _collector(pool: Pool, clock: Clock) -> Collector:
    from vigilar_camera_worker.metrics import PoolCollector

    return PoolCollector(lambda: list(pool.children.values()), numbers, clock)


def run_pool() -> int:
    """Until SIGTERM or SIGINT; the exit code."""
    logs.setup(NAME)
    memory.tune_allocator()
    try:
        environment = Environment.read()
        logs.setup(NAME, environment.log_level or "INFO")
        clock = SystemClock()
        pool = Pool(environment, dedicated_cameras(os.environ.get("VIGILAR_DEDICATED_CAMERAS", "")), clock)
        registry = HealthRegistry()
        registry.ready_when("cameras", pool.problems)
        registry.measure(lambda: _collector(pool, clock))
        server = HealthServer(registry, environment.health_host, environment.health_port)
        server.start()
    except VigilarError as error:
        log.critical("%s cannot start: %s", NAME, error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pool.stopping.set())
    memory.release_start_up()
    log.info("runs the cameras of %s", Path(environment.config_run))
    try:
        pool.run()
    finally:
        server.stop()
    return 0
