"""Wiring of the off-site service."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigilar_common import logs
from vigilar_common.bus import Received
from vigilar_common.config.slices import Slice
from vigilar_common.errors import OutboxFullError
from vigilar_common.feed import Feed
from vigilar_common.messages.alarm import AlarmState, ArmStateChanged, Severity
from vigilar_common.messages.camera import RecordingOpened
from vigilar_common.messages.system import StorageCheckpoint, SystemEvent
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import ALARM_STATE, STORAGE_CHECKPOINT

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from vigilar_offsite.streamer import Streamer

log = logging.getLogger("vigilar.offsite.service")

RETRY_S = 5.0
PUBLIC_KEY = "ssh_public.txt"
HEARS = (ArmStateChanged.TYPE, RecordingOpened.TYPE)


class OffsiteService:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.offsite
        self._streamer: Streamer | None = None
        self._started = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="offsite-sender", daemon=True)
        context.health.live_when("sender", self._problem)
        context.health.measure(self._metrics)

    def start(self) -> None:
        if self._settings.enabled:  # in containers it runs all the same
            self._begin()
        self._started = True

    def _begin(self) -> None:
        """What is only loaded where it is used: cryptography, SSH, S3."""
        from vigilar_offsite.adapters.recordings import Recordings
        from vigilar_offsite.adapters.target import target_of
        from vigilar_offsite.anchors import Anchors
        from vigilar_offsite.chooser import Chooser
        from vigilar_offsite.keeping import Keeping
        from vigilar_offsite.standing import Standing
        from vigilar_offsite.streamer import Streamer

        context, settings = self._context, self._settings
        logs.hide(settings.password)
        recordings = Recordings(Path(context.config.system.recordings_dir))
        target = target_of(settings, context.secrets, context.clock)
        chooser = self._chooser = Chooser(settings, recordings, context.clock)
        self._wake = chooser.wake
        anchors = self._anchors = Anchors(context.storage, context.clock, chooser.is_ours, chooser.wake.set)
        file = StateFile(context.state_dir / "offsite.json")
        keeping = self._keeping = Keeping(file, chooser, anchors, context.clock, target.shown)
        keeping.load()
        standing = self._standing = Standing(target.shown, chooser, context.clock, self._tell, random.random)
        self._streamer = Streamer(
            clock=context.clock, settings=settings, recordings=recordings, target=target, chooser=chooser,
            anchors=anchors, keeping=keeping, standing=standing,
        )  # fmt: skip
        context.health.live_when("ledger", anchors.problem)
        context.bus.subscribe(ALARM_STATE, self._on_alarm)
        context.bus.subscribe(STORAGE_CHECKPOINT, self._on_checkpoint)
        self._feed = Feed(
            "offsite", HEARS, chooser.on_fact, bus=context.bus, storage=context.storage, clock=context.clock,
            state_dir=context.state_dir,
        )  # fmt: skip
        context.health.live_when("feed", self._feed.problem)
        anchors.start()
        self._thread.start()
        self._feed.start()
        log.info("evidence goes to %s", target.shown)

    def stop(self) -> None:
        self._context.stopping.set()
        self._wake.set()
        if self._streamer is not None:
            self._feed.stop()
            self._anchors.stop()
            self._thread.join(3)
            self._streamer.stop()

    def not_ready_reason(self) -> str:
        """A target that is away is a finding, not a service that is not ready."""
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        config = self._context.config
        same_place = new.config.system.recordings_dir == config.system.recordings_dir
        return new.config.offsite == self._settings and same_place

    def heartbeat_detail(self) -> dict[str, Any]:
        if self._streamer is None:
            return {"enabled": False}
        found = [
            finding.model_dump(mode="json") for finding in self._standing.findings(self._keeping.problem)
        ]
        return {
            "enabled": True,
            "public_key": self._public_key(),
            **self._standing.summary(),
            "findings": found,
        }

    def _public_key(self) -> str:
        """What the owner of an SFTP server enters there."""
        if not self._settings.url.startswith("sftp:") or not self._context.secrets.has(PUBLIC_KEY):
            return ""
        return self._context.secrets.path(PUBLIC_KEY).read_text("utf-8").strip()[:200]

    # -- in and out ---------------------------------------------------------------------------------------

    def _on_alarm(self, received: Received) -> None:
        assert isinstance(received.message, AlarmState)
        self._chooser.heard(received.message.state, received.message.since_ms)

    def _on_checkpoint(self, received: Received) -> None:
        assert isinstance(received.message, StorageCheckpoint)
        self._anchors.heard(received.message)

    def _tell(self, level: Severity, code: str, text: str) -> None:
        try:
            self._context.facts.emit(
                SystemEvent(component="offsite", level=level, code=code, message=text[:500])
            )
        except (OutboxFullError, sqlite3.Error) as error:
            log.error("%s is not in the log: %s", code, error)  # noqa: TRY400

    # -- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        assert self._streamer is not None
        stopping, clock = self._context.stopping, self._context.clock
        while not stopping.is_set():
            try:
                pause_s = self._streamer.step()
            except Exception:
                log.exception("sending failed; tried again in %g s", RETRY_S)
                clock.wait(stopping, RETRY_S)
                continue
            if pause_s > 0:
                clock.wait(self._wake, pause_s)
                self._wake.clear()

    def _problem(self) -> str:
        dead = self._thread.ident and not self._thread.is_alive()
        return "the thread that sends died" if dead and not self._context.stopping.is_set() else ""

    def _metrics(self) -> Collector:
        from vigilar_offsite.metrics import OffsiteCollector

        return OffsiteCollector(*((self._standing, self._anchors) if self._streamer is not None else ()))


def build(context: Context) -> App:
    return OffsiteService(context)
