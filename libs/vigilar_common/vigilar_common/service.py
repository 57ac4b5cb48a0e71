"""The run loop that every service shares: signals, configuration, bus, outbox, health, heartbeat, ordered stop."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vigilar_common import __version__, logs, memory
from vigilar_common.bus import BrokerAddress, Bus, MqttBus
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config import Config
from vigilar_common.config.slices import Slice, SliceReader
from vigilar_common.errors import BadMessageError, StartupError, VigilarError
from vigilar_common.health import HealthRegistry, HealthServer
from vigilar_common.log_feed import LogFeed
from vigilar_common.messages import Fact
from vigilar_common.messages.system import Heartbeat
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.secrets import Secrets
from vigilar_common.storage_client import StorageClient
from vigilar_common.supervision import RESTART_ME_EXIT_CODE
from vigilar_common.topics import FACT_TOPICS, HEARTBEAT

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger("vigilar.service")

HEARTBEAT_S = 10.0
CONFIG_POLL_S = 2.0
TICK_S = 1.0
STOP_LIMIT_S = 20.0
SETTLED_S = 10.0
"""Started for good: what only starting needed is given back, and from then on what is free every ten minutes."""
RELEASE_INTERVAL_S = 600.0


def whole() -> float:
    """The share of who has a process alone."""
    return 1.0


@dataclass(frozen=True)
class Environment:
    """Where a process finds its folders and peers; see docs/design/interfaces.md section 1."""

    config_run: Path
    state_dir: Path
    secrets_dir: Path
    storage_url: str
    health_host: str
    health_port: int
    api_host: str
    api_port: int
    log_level: str

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> Environment:
        return cls(
            config_run=Path(env.get("VIGILAR_CONFIG_RUN", "/config-run")),
            state_dir=Path(env.get("VIGILAR_STATE_DIR", "/state")),
            secrets_dir=Path(env.get("VIGILAR_SECRETS_DIR", "/secrets")),
            storage_url=env.get("VIGILAR_STORAGE_URL", "http://storage:8081"),
            health_host=env.get("VIGILAR_HEALTH_HOST", "0.0.0.0"),  # noqa: S104 containers publish no health port
            health_port=_port(env, "VIGILAR_HEALTH_PORT", 8080),
            api_host=env.get("VIGILAR_API_HOST", "0.0.0.0"),  # noqa: S104 reachable only on the internal network
            api_port=_port(env, "VIGILAR_API_PORT", 8081),
            log_level=env.get("VIGILAR_LOG_LEVEL", ""),
        )


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not text.isdigit() or int(text) > 65535:
        raise StartupError(f"{name}={text!r} is not a port: use 0 to 65535")
    return int(text)


class App(Protocol):
    """What a service's `build(context)` returns. Storage's also has a `fact_sink` of its own."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def not_ready_reason(self) -> str: ...
    def reload(self, new: Slice) -> bool: ...
    def heartbeat_detail(self) -> dict[str, Any]: ...


@dataclass
class Context:
    """Everything a service is given. Nothing here does I/O before `start`."""

    name: str
    slice: Slice
    clock: Clock
    bus: Bus
    facts: FactLog
    outbox: Outbox
    storage: StorageClient
    state_dir: Path
    secrets: Secrets
    health: HealthRegistry
    environment: Environment
    stopping: threading.Event = field(default_factory=threading.Event)
    exit_code: int = 0
    share: Callable[[], float] = whole
    """How much of what this process uses is said to be this service's, 0 to 1."""

    def restart(self) -> None:
        """End this process in order, to be started again at once."""
        self.exit_code = RESTART_ME_EXIT_CODE
        self.stopping.set()

    @property
    def config(self) -> Config:
        return self.slice.config

    @property
    def user(self) -> str:
        return self.name


Build = Callable[[Context], App]


def run(name: str, build: Build) -> int:
    """Run one service until SIGTERM or SIGINT; returns the exit code. 1: cannot start, 75: restart me."""
    logs.setup(name)
    memory.tune_allocator()
    return _code(name, lambda: _Runner(name, build, Environment.read(), threading.Event()))


def run_beside(
    name: str, build: Build, environment: Environment, stopping: threading.Event, share: Callable[[], float]
) -> int:
    """As `run`, on any thread, beside other services in one process: signals, log and memory are the caller's.
    ``stopping`` ends it; ``share`` as of Context."""
    logs.speak_for(name)
    return _code(name, lambda: _Runner(name, build, environment, stopping, share))


def _code(name: str, make: Callable[[], _Runner]) -> int:
    try:
        return make().run()
    except VigilarError as error:
        log.critical("%s cannot start: %s", name, error)
        return 1
    except (OSError, sqlite3.Error) as error:
        log.critical("%s cannot start: %s", name, error)
        return 1


class _Runner:
    def __init__(
        self,
        name: str,
        build: Build,
        environment: Environment,
        stopping: threading.Event,
        share: Callable[[], float] | None = None,
    ) -> None:
        """``share`` None: the process is this service's alone."""
        self.name = name
        self.clock: Clock = SystemClock()
        self.environment = environment
        self.share = share
        self.slices = SliceReader(self.environment.config_run, name, self.clock)
        self.build = build
        self.exit_code = 0
        self.stopping = stopping
        self.started_ms = self.clock.now_ms()

    def run(self) -> int:
        piece = self.slices.load()
        if self.share is None:
            logs.setup(self.name, self.environment.log_level or piece.config.system.log_level)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stopping.set())
        context, bus, outbox = self._context(piece)
        health = HealthServer(context.health, self.environment.health_host, self.environment.health_port)
        self._watch(context, bus, outbox)
        app = self.build(context)
        context.health.ready_when(self.name, app.not_ready_reason)
        outbox.open()
        health.start()
        bus.start()
        log.info(
            "%s %s starts (config %s, health port %d)", self.name, __version__, piece.revision, health.port
        )
        if self.share is None:
            memory.release()  # what importing and validating took, before the app takes its share
        try:
            app.start()
            # Storage drains its own facts into itself; everyone else posts them.
            outbox.start_drain(getattr(app, "fact_sink", context.storage))
            self._loop(app, context, outbox)
        finally:
            self._stop(app, bus, outbox, health)
        return self.exit_code or context.exit_code

    def _context(self, piece: Slice) -> tuple[Context, MqttBus, Outbox]:
        env = self.environment
        env.state_dir.mkdir(parents=True, exist_ok=True)
        secrets = Secrets(env.secrets_dir)
        mqtt = piece.config.mqtt
        own = not mqtt.username
        address = BrokerAddress(
            mqtt.host,
            mqtt.port,
            self.name if own else mqtt.username,
            secrets.text("broker_password") if own else mqtt.password,
        )
        bus = MqttBus(address, self.name, self.clock)
        token = "" if self.name == "storage" else secrets.text("storage_token")
        outbox = Outbox(env.state_dir / "outbox.db", self.name, self.clock)
        facts = FactLog(outbox, lambda fact, ids: publish_live(bus, self.name, fact, ids))
        context = Context(
            self.name, piece, self.clock, bus, facts, outbox, StorageClient(env.storage_url, token),
            env.state_dir, secrets, HealthRegistry(), env, self.stopping,
            share=self.share or whole,
        )  # fmt: skip
        return context, bus, outbox

    def _watch(self, context: Context, bus: MqttBus, outbox: Outbox) -> None:
        context.health.live_when("bus", bus.problem)
        context.health.live_when("outbox", outbox.problem)
        context.health.ready_when("broker", bus.connection_problem)

        def collector() -> Collector:
            from vigilar_common.runtime_metrics import RuntimeCollector

            return RuntimeCollector(bus, outbox)

        context.health.measure(collector)

    def _loop(self, app: App, context: Context, outbox: Outbox) -> None:
        next_beat = next_poll = self.clock.monotonic_s()
        next_release, release = next_beat + SETTLED_S, memory.release_start_up
        # A beat before the connection reaches nobody: the first one, and the first after an outage, follow it at once.
        connected = threading.Event()
        context.bus.on_connect(connected.set)
        feed = LogFeed(
            context.bus,
            self.clock,
            self.name,
            self.started_ms,
            lambda name, after: logs.newest.after(name, after),
        )
        feed.start()
        while not self.stopping.is_set():
            now = self.clock.monotonic_s()
            if now >= next_beat or connected.is_set():
                connected.clear()
                next_beat = now + HEARTBEAT_S
                self._beat(app, context, outbox)
            if now >= next_poll:
                next_poll = now + CONFIG_POLL_S
                if self.slices.changed():
                    self._reload(app, context)
            feed.tick()
            if self.share is None and now >= next_release:
                next_release = now + RELEASE_INTERVAL_S
                release()
                release = memory.release
            self.clock.wait(self.stopping, TICK_S)

    def _reload(self, app: App, context: Context) -> None:
        fresh = self.slices.load()
        if self.slices.error:
            log.error(
                "new configuration refused, revision %s keeps running: %s", fresh.revision, self.slices.error
            )
            return
        if fresh.revision == context.slice.revision:
            return
        log.info("configuration %s replaces %s", fresh.revision, context.slice.revision)
        if app.reload(fresh):
            context.slice = fresh
            return
        log.info("%s restarts to take the new configuration", self.name)
        self.exit_code = RESTART_ME_EXIT_CODE
        self.stopping.set()

    def _beat(self, app: App, context: Context, outbox: Outbox) -> None:
        problems = context.health.ready_problems()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        share = context.share()
        beat = Heartbeat(
            service=self.name,
            pid=os.getpid(),
            started_ms=self.started_ms,
            ready=not problems,
            reason="; ".join(f"{name}: {reason}" for name, reason in problems.items())[:500],
            config_revision=context.slice.revision,
            config_error=str(self.slices.error or "")[:500],
            rss_bytes=round(_rss_bytes() * share),
            cpu_s=round((usage.ru_utime + usage.ru_stime) * share, 2),
            outbox_facts=outbox.depth,
            outbox_bytes=outbox.size_bytes,
            detail=app.heartbeat_detail(),
        )
        context.bus.publish(HEARTBEAT, beat, service=self.name)

    def _stop(self, app: App, bus: MqttBus, outbox: Outbox, health: HealthServer) -> None:
        self.stopping.set()
        log.info("%s stops", self.name)
        # A thread that hangs must not keep the house's recorder from restarting.
        killer = threading.Timer(STOP_LIMIT_S, lambda: os._exit(70))
        killer.daemon = True
        killer.start()
        for what, stop in (
            ("app", app.stop),
            ("outbox", outbox.close),
            ("bus", bus.stop),
            ("health", health.stop),
        ):
            try:
                stop()
            except Exception:
                log.exception("%s: stopping its %s failed", self.name, what)
        killer.cancel()
        sys.stdout.flush()


def publish_live(bus: Bus, name: str, fact: Fact, ids: dict[str, str]) -> None:
    """Tell a fact on its topic; facts that nobody may subscribe to stay in the log."""
    topic = FACT_TOPICS[fact.TYPE]
    if not topic.subscribers:
        return
    if "{camera_id}" in topic.pattern and "camera_id" not in ids:
        ids = {**ids, "camera_id": str(getattr(fact, "camera_id"))}  # noqa: B009 not every Fact has it
    if "{service}" in topic.pattern and "service" not in ids:
        ids = {**ids, "service": name}
    try:
        bus.publish(topic, fact, **ids)
    except BadMessageError:
        log.exception("fact %s %s is in the log but could not be told live", fact.TYPE, fact.id)


def _rss_bytes() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
