"""One rule for every child: started, watched, restarted with back-off, stopped in order."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from vigilar_common.clock import Clock
from vigilar_common.config.files import write_atomic
from vigilar_common.supervision import RESTART_ME_EXIT_CODE

from vigilar_supervisor.children import LOOPBACK, Child, Spec
from vigilar_supervisor.fork_server import ForkServer

log = logging.getLogger(__name__)

TICK_S = 0.25
PROBE_STARTING_S = 0.5
PROBE_RUNNING_S = 10.0
DEAD_PROBES = 3
STOP_LIMIT_S = 12.0
LAST = ("storage", "broker")
"""Stopped after the others, so that what they still have to say is heard and kept."""
SERVICES_FILE = "services.json"
"""In the folder `run`: where every service answers, and its process."""


class Supervisor:
    """Children by name. `tick` does one round; `run` ticks until `stopping` is set.

    `run` is for a process that has no children but these: it buries every other that it is left.
    """

    def __init__(
        self,
        run_dir: Path,
        clock: Clock,
        open_output: Callable[[str], IO[bytes] | None],
        fork_server: ForkServer | None = None,
    ) -> None:
        self.children: dict[str, Child] = {}
        self.stopping = threading.Event()
        self.on_tick: list[Callable[[], None]] = []
        self.on_stop: list[Callable[[], None]] = []
        self._run_dir = run_dir
        self._clock = clock
        self._open_output, self._fork_server = open_output, fork_server
        self._written = ""

    def set_children(self, specs: Iterable[Spec]) -> None:
        """Start what is new, stop what is gone, leave the rest alone."""
        wanted = {spec.name: spec for spec in specs}
        for name in [name for name in self.children if name not in wanted]:
            log.info("%s is no longer configured", name)
            self._stop([self.children.pop(name)])
        for name, spec in wanted.items():
            if name not in self.children:
                self.children[name] = Child(spec, self._open_output(name), self._fork_server)

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.tick()
                self._bury_orphans()
                self._clock.wait(self.stopping, self.pause_s())
        finally:
            for callback in self.on_stop:
                callback()
            self.stop()

    def tick(self) -> None:
        for callback in self.on_tick:
            callback()
        for child in self.children.values():
            self._attend(child)
        self._write_services()

    def pause_s(self) -> float:
        """Until the next round: a restart that is due sooner does not wait for it."""
        now = self._clock.monotonic_s()
        waits = [child.due_s - now for child in self.children.values() if child.process is None]
        return min(TICK_S, *(wait for wait in waits if wait > 0), TICK_S)

    def not_ready(self) -> list[str]:
        return [name for name, child in self.children.items() if not child.ready]

    def _attend(self, child: Child) -> None:
        now = self._clock.monotonic_s()
        if child.process is None:
            if now >= child.due_s and self._may_start(child):
                child.start()
                child.next_probe_s = now + PROBE_STARTING_S
            return
        code = child.exit_code()
        if code is not None:
            self._bury(child, code, now)
        elif now >= child.next_probe_s:
            self._probe(child, now)

    def _may_start(self, child: Child) -> bool:
        if child.policy.restarts:
            return True
        return all(self.children[name].ready for name in child.spec.after if name in self.children)

    def _bury(self, child: Child, code: int, now: float) -> None:
        name = child.spec.name
        gave_up_before = child.policy.given_up
        delay_s = child.policy.died(now, code)
        child.process, child.ready, child.live, child.due_s = None, False, False, now + delay_s
        if code == RESTART_ME_EXIT_CODE:
            log.info("%s restarts for its new configuration", name)
        elif child.policy.given_up:
            if not gave_up_before:
                log.error("%s exceeded max restarts, giving up", name)
            log.warning("%s is tried again in %d s", name, delay_s)
        else:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            log.warning("%s died (%s), restart %d in %.1f s", name, how, child.policy.restarts, delay_s)

    def _bury_orphans(self) -> None:
        """Children of a service that was killed become ours, and end with it."""
        own = {child.process.pid for child in self.children.values() if child.process}
        own |= {self._fork_server.pid} if self._fork_server and self._fork_server.pid else set()
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in own:
                    return  # whoever started it asks for its exit code
                os.waitpid(ended.si_pid, os.WNOHANG)

    def _probe(self, child: Child, now: float) -> None:
        live, ready, why = child.probe()
        if ready:
            child.policy.became_ready(now)
            child.policy.is_healthy(now)
            if not child.ready:
                log.info("%s is ready", child.spec.name)
        elif child.ready:
            log.warning("%s is no longer ready: %s", child.spec.name, why)
        child.ready, child.live = ready, live
        # A service that answered once and then stays dumb is hung: starting ones get all the time they need.
        child.dead_probes = 0 if live or child.policy._ready_at is None else child.dead_probes + 1
        if child.dead_probes >= DEAD_PROBES:
            log.error("%s does not answer (%s): it is killed and restarted", child.spec.name, why)
            child.signal(signal.SIGKILL)
        child.next_probe_s = now + (PROBE_RUNNING_S if ready else PROBE_STARTING_S)

    def services(self) -> dict[str, dict[str, object]]:
        """For `services.json` and `demo.json`."""
        return {
            name: {
                "health_url": f"http://{LOOPBACK}:{child.spec.health_port}" if child.spec.health_port else "",
                "pid": child.pid,
                **(
                    {"api_url": child.spec.environment.get("VIGILAR_STORAGE_URL", "")}
                    if name == "storage"
                    else {}
                ),
            }
            for name, child in self.children.items()
        }

    def _write_services(self) -> None:
        text = json.dumps({"services": self.services()}, indent=1) + "\n"
        if text != self._written:
            write_atomic(self._run_dir / SERVICES_FILE, text, 0o600)
            self._written = text
            self.services_changed()

    def services_changed(self) -> None:
        """Overridden by who keeps another copy of the list."""

    def stop(self) -> None:
        """SIGTERM to all, those of LAST after the others; SIGKILL to what does not listen."""
        first = [child for name, child in self.children.items() if name not in LAST]
        self._stop(first)
        for name in LAST:
            if name in self.children:
                self._stop([self.children[name]])
        if self._fork_server:
            self._fork_server.stop()
        (self._run_dir / SERVICES_FILE).unlink(missing_ok=True)

    def _stop(self, children: list[Child]) -> None:
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = self._clock.monotonic_s() + STOP_LIMIT_S
        for child in children:
            while child.pid and self._clock.monotonic_s() < deadline:
                self._clock.sleep(0.02)
            if child.pid:
                log.error("%s did not stop within %d s: killed", child.spec.name, STOP_LIMIT_S)
                child.signal(signal.SIGKILL)
            if child.process:
                child.process.wait()
