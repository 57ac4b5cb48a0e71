"""Wiring of the storage service."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vigilar_common.bus import Received
from vigilar_common.config.slices import Slice
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.power import ShutdownNotice, ShutdownStage
from vigilar_common.messages.system import Finding
from vigilar_common.service import Context
from vigilar_common.topics import CAMERA_AVAILABLE, CMD_SHUTDOWN

from vigilar_storage import feed, forget, keys, migrate, mount, registry
from vigilar_storage.backup_watch import BackupWatch
from vigilar_storage.datalock import DataLock
from vigilar_storage.db import Database
from vigilar_storage.deletion import Deleter
from vigilar_storage.exports import Exports
from vigilar_storage.facts import FactStore, LocalSink, Rejection
from vigilar_storage.files import OpenFiles
from vigilar_storage.hints import CommitHints
from vigilar_storage.intake import Intake
from vigilar_storage.ledger import Keeper
from vigilar_storage.ledger.signing import origin_of
from vigilar_storage.media import Media
from vigilar_storage.metrics import register
from vigilar_storage.report import Reporter
from vigilar_storage.retention import Housekeeper
from vigilar_storage.sealer import Sealer
from vigilar_storage.settings import SettingsService
from vigilar_storage.tokens import Tokens
from vigilar_storage.usage import Totals
from vigilar_storage.verifications import Verifications

log = logging.getLogger(__name__)

DATABASE_FILE = "vigilar.db"
OUTBOX_FLUSH_S = 1.0


class StorageApp:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._system = context.config.system
        self._data_dir = Path(self._system.data_dir)
        self._root = Path(self._system.recordings_dir)
        self.database = Database(self._data_dir / DATABASE_FILE)
        self._lock = DataLock(self._data_dir)
        self._epoch = ""
        self._problem_told = ""
        self.reporter = Reporter(context.facts, context.clock)
        self.facts = FactStore(self.database, context.clock, lambda: self._epoch)
        self.fact_sink = LocalSink(self.facts)
        """Where the run loop drains this service's own facts: into itself."""
        self._hints = CommitHints(context.bus, context.clock, lambda: f"{self._epoch}:{self.facts.last_n}")
        self._started = False

    def start(self) -> None:
        """Raises StartupError."""
        context = self._context
        self.tokens = Tokens(context.secrets.path("tokens.json"))
        self.tokens.load()
        ring, findings = keys.load_ring(context.secrets, context.config.storage)
        for finding in findings:
            self.reporter.set(finding)
        self._lock.take(context.clock)  # never beside another storage, nor in the middle of a restore
        migrate.prepare(self.database.path, context.clock, in_child=True, recordings=self._root)
        self.database.open()
        with self.database.read() as connection:
            self._epoch = feed.read_epoch(connection)
            self.facts.last_n = feed.newest(connection)
        self._ring = ring
        self._ring_watch = keys.RingWatch(context.secrets, context.config.storage)
        self._start_ledger(ring)
        self.files = OpenFiles(ring)
        self.intake = Intake(self._root, self.database, self.files, self.reporter, context.clock)
        self.deleter = Deleter(self._root, self.database, self.files, context.clock)
        self.media = Media(self._root, self.database, self.files)
        self.sealer = Sealer(self._root, self.database, ring, context.clock)
        self._make_housekeeper()
        self._prepare_folders()
        self.facts.on_taken = self._taken
        self.facts.on_rejected = self._rejected
        self._follow_config(context.slice)
        self._resume_deletions()
        self._start_api()
        self._watch()
        self._hints.start()
        self.keeper.looks += [self._look_at_keys, self.settings.note_revision]
        self.keeper.start()
        self.intake.start()
        self.housekeeper.start()
        self._watch_backups()
        self.sealer.start()
        context.bus.subscribe(CAMERA_AVAILABLE, self._camera_availability)
        context.bus.subscribe(CMD_SHUTDOWN, self._host_goes_down)
        self._started = True
        log.info("storage API on port %d, log at %d", self.server.port, self.facts.last_n)

    def stop(self) -> None:
        if not self._started:
            self.database.close()
            self._lock.release()
            return
        self.server.stop()
        self.exports.stop()
        self.verifications.stop()
        self.housekeeper.stop()
        self.backups.stop()
        self.sealer.stop()
        self.intake.stop()
        self._hints.stop()
        self._context.outbox.close(OUTBOX_FLUSH_S)  # its drain needs the database
        self.keeper.stop()
        self.database.close()
        self.files.close()
        self._lock.release()

    def not_ready_reason(self) -> str:
        if not self._started:
            return "starting"
        return self.database.problem

    def reload(self, new: Slice) -> bool:
        """Cameras and sensors are taken over; folders, keys and broker need a restart."""
        old = self._context.config
        fixed = ("data_dir", "recordings_dir")
        if any(getattr(new.config.system, name) != getattr(old.system, name) for name in fixed):
            return False
        if new.config.storage != old.storage or new.config.mqtt != old.mqtt:
            return False
        return self._follow_config(new)

    def heartbeat_detail(self) -> dict[str, Any]:
        self._judge_database()
        return {
            "facts_n": self.facts.last_n,
            "open_files": self.files.open_count if self._started else 0,
            **(self.backups.newest if self._started else {}),
            "findings": [finding.model_dump(mode="json") for finding in self.reporter.findings()],
        }

    # -- start ------------------------------------------------------------------------------------------------

    def _start_ledger(self, ring: KeyRing) -> None:
        signer, finding = keys.load_signer(self._context.secrets)
        if finding is not None:
            self.reporter.set(finding)
        with self.database.read() as connection:
            uuid = feed.read_meta(connection, "database_uuid")
        clock, bus = self._context.clock, self._context.bus
        self.keeper = Keeper(self.database, clock, bus, origin_of(uuid), signer)
        self.keeper.begin(self._epoch, keys.statuses(ring))

    def _prepare_folders(self) -> None:
        try:
            self.intake.prepare(camera.id for camera in self._context.config.cameras)
            finding = mount.check(self._root, self.database)
        except OSError as error:
            # Without recordings the log still works: the operator is told, facts are taken.
            finding = Finding(
                code="recordings_folder",
                severity=Severity.CRITICAL,
                title=f"{self._root} cannot be used: {error.strerror}",
                cure="make it writable for Vigilar, or set [system] recordings_dir to a folder that is",
                subject="recordings",
            )
        if finding is not None:
            self.reporter.set(finding)
            self.reporter.event(finding.severity, finding.code, finding.title)

    def _watch_backups(self) -> None:
        state_dir, clock = self._context.environment.state_dir, self._context.clock
        self.backups = BackupWatch(self._root, self.database, self.files, self.reporter, clock, state_dir)
        self.backups.start()

    def _make_housekeeper(self) -> None:
        environment, clock = self._context.environment, self._context.clock
        self.settings = SettingsService(environment.state_dir, environment.config_run, self.database, clock)
        self.totals = Totals(self.database, clock)
        self.housekeeper = Housekeeper(
            self._root,
            self.database,
            self.deleter,
            self.reporter,
            clock,
            self._context.config,
            self.settings.loaded,
            self.totals,
        )
        self.database.on_disk_full = self.housekeeper.wake

    def _start_api(self) -> None:
        from vigilar_storage.api import create_app
        from vigilar_storage.api.deps import Services
        from vigilar_storage.server import ApiServer

        environment, clock = self._context.environment, self._context.clock
        self.exports = Exports(self._root, environment, clock)
        self.exports.start()
        self.verifications = Verifications(environment, clock)
        behind = Services(
            self.database,
            self.facts,
            self.media,
            self.deleter,
            self.settings,
            self.tokens,
            clock,
            lambda: self._epoch,
            self._data_dir,
            self._root,
            self.totals,
            self.housekeeper.critical_pct,
            self.exports,
            self.verifications,
        )
        self.server = ApiServer(create_app(behind), environment.api_host, environment.api_port)
        self.server.start()

    def _watch(self) -> None:
        health = self._context.health
        health.live_when("database", self.database.thread_problem)
        health.live_when("intake", self.intake.thread_problem)
        health.live_when("housekeeper", self.housekeeper.thread_problem)
        health.live_when("api", self.server.thread_problem)
        health.live_when("ledger", self.keeper.thread_problem)
        sources = {
            "database": self.database.counters,
            "facts": self.facts.counters,
            "intake": self.intake.counters,
            "media": self.media.counters,
            "housekeeper": self.housekeeper.counters,
            "ledger": self.keeper.counters,
            "sealer": self.sealer.counters,
            "exports": self.exports.counters,
            "verifications": self.verifications.counters,
        }
        register(health.metrics, sources, self.files)

    def _follow_config(self, new: Slice) -> bool:
        try:
            registry.sync(self.database, new.config, self._context.clock.now_ms())
            self.intake.prepare(camera.id for camera in new.config.cameras)
        except (StorageUnavailableError, OSError) as error:
            log.error("cameras and sensors could not be taken from the configuration: %s", error)  # noqa: TRY400
            return False
        self.housekeeper.follow(new.config)
        return True

    def _resume_deletions(self) -> None:
        try:
            gone = self.deleter.finish()
        except (StorageUnavailableError, OSError) as error:
            log.error("deletions begun before the last stop still wait: %s", error)  # noqa: TRY400
            return
        if gone:
            log.info("deletions begun before the last stop are complete (%d folders)", gone)

    # -- while running ------------------------------------------------------------------------------------------

    def _taken(self, facts: Sequence[Fact]) -> None:
        self._hints.news()
        self.intake.facts_taken(facts)
        self.keeper.facts_taken(facts)
        forget.facts_taken(facts, self.database, self.deleter, self.reporter)

    def _rejected(self, source: str, rejections: Sequence[Rejection]) -> None:
        for item in rejections:
            log.error("fact %s %s of %s was refused: %s", item.type, item.id, source, item.reason)
        if source == self._context.name:
            return  # an event about a refused event would go round for ever
        first = rejections[0]
        text = f"{len(rejections)} facts of {source} were refused and set aside, first {first.type}: {first.reason}"
        self.reporter.event(Severity.ALERT, "fact_rejected", text, f"{source}|{first.type}")

    def _camera_availability(self, received: Received) -> None:
        if received.payload == b"offline":
            self.intake.camera_went(received.ids["camera_id"])

    def _host_goes_down(self, received: Received) -> None:
        notice = received.message
        if isinstance(notice, ShutdownNotice) and notice.stage is not ShutdownStage.CANCELLED:
            self.keeper.before_shutdown()

    def _look_at_keys(self) -> None:
        """`vigilar keys` changed the ring: from now on it holds, and the ledger says so."""
        if not self._ring_watch.changed():
            return
        fresh, findings = self._ring_watch.load()
        for finding in findings:
            self.reporter.set(finding)
        if findings:
            return  # a key that is damaged or gone on the disk still opens recordings until the next start
        for code in keys.FINDINGS:
            self.reporter.clear(code, "storage")
        self._ring.replace(fresh)
        self.files.forget_all()
        self.keeper.note_keys(keys.statuses(fresh))
        log.info("the key ring was read again: %s", fresh)

    def _judge_database(self) -> None:
        problem = self.database.problem
        if problem == self._problem_told:
            return
        self._problem_told = problem
        if not problem:
            self.reporter.clear("database_writes", "data")
            self.reporter.event(Severity.INFO, "database_writes_again", "the database takes writes again")
            return
        cure = f"free space on the disk of {self._data_dir}; services keep their facts and send them again"
        finding = Finding(
            code="database_writes", severity=Severity.CRITICAL, title=problem[:500], cure=cure, subject="data"
        )
        self.reporter.set(finding)
        self.reporter.event(Severity.CRITICAL, "database_writes", problem)


def build(context: Context) -> StorageApp:
    return StorageApp(context)
