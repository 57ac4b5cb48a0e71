"""Wiring of visitors."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vigilar_common import memory
from vigilar_common.bus import Received
from vigilar_common.config.slices import Slice
from vigilar_common.errors import (
    OutboxFullError,
    StorageRefusedError,
    StorageUnavailableError,
    VigilarError,
)
from vigilar_common.messages.detection import TrackLease
from vigilar_common.messages.objects import ObjectLeft
from vigilar_common.messages.visitors import (
    CONSENT_VERSION,
    MAX_TOLD_VISITORS,
    VisitorsCommand,
    VisitorsState,
)
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import CMD_VISITORS, FACT_TOPICS, TRACK_CROP, VISITORS_LEASE, VISITORS_STATE

from vigilar_visitors.domain.findings import Condition, findings
from vigilar_visitors.work import CommandJob, CropJob, LeftJob, Work

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from vigilar_visitors.adapters.looking import Looker
    from vigilar_visitors.commands import Commands
    from vigilar_visitors.recognising import Recognising

log = logging.getLogger("vigilar.visitors.service")

LEASE_EVERY_S: Final = 4.0
LEASE_S: Final = 12.0
FACES_FOLDER: Final = "faces"
STATE_FILE: Final = "visits.json"
PERSON: Final = "person"
ID_CHARACTERS: Final = 36
TOLD_CHARACTERS: Final = 90

MakeLooker = Callable[[Path], "Looker"]


def load_looker(folder: Path) -> Looker:
    """Raises ModelError, OSError."""
    from vigilar_visitors.adapters.looking import FaceLooker

    return FaceLooker(folder)


class VisitorsService:
    """While it is off, or nobody accepted the statement of law, it neither loads nor subscribes to any picture."""

    def __init__(self, context: Context, make_looker: MakeLooker = load_looker) -> None:
        self._context, self._make_looker = context, make_looker
        self._settings = context.config.visitors
        self._detecting = context.config.detection.person_detection
        self.wanted = self._settings.enabled and self._settings.consent_version >= CONSENT_VERSION
        self._work = Work(context.clock)
        self._known: Recognising | None = None
        self._commands: Commands | None = None
        self._problem, self._unreadable = "starting", 0
        self._stamp: object = None
        self._looker: Looker | None = None
        self._looker_stamp: object = None
        self._took_ms = 0.0
        self._dirty = threading.Event()
        self.counters: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="faces", daemon=True)
        context.health.live_when("faces", self._dead)
        context.health.measure(self._metrics)

    def start(self) -> None:
        if not self.wanted:  # in containers it runs all the same
            self._tell()
            return
        bus = self._context.bus
        bus.subscribe(TRACK_CROP, self._on_crop)
        bus.subscribe(FACT_TOPICS[ObjectLeft.TYPE], self._on_left)
        bus.subscribe(CMD_VISITORS, self._on_command)
        self._thread.start()

    def stop(self) -> None:
        self._context.stopping.set()
        self._work.wake.set()
        if self._thread.ident is not None:
            self._thread.join(4)

    def not_ready_reason(self) -> str:
        """Missing models are a finding, and storage that is away delays: neither keeps the house from starting."""
        return ""

    def reload(self, new: Slice) -> bool:
        return (
            new.config.visitors == self._settings and new.config.detection.person_detection == self._detecting
        )

    def heartbeat_detail(self) -> dict[str, Any]:
        if not self._settings.enabled:
            return {"enabled": False}
        now = Condition(
            consented=self.wanted,
            detecting=self._detecting,
            problem="" if self._problem == "starting" else self._problem,
            unreadable=self._unreadable,
        )
        return {
            "enabled": True,
            "problem": now.problem[:TOLD_CHARACTERS],
            "findings": [finding.model_dump(mode="json") for finding in findings(now)],
        }

    # -- what comes in, on the bus's threads --------------------------------------------------------------

    def _on_crop(self, received: Received) -> None:
        told = received.properties
        camera_id, track_id = received.ids["camera_id"], told.get("track_id", "")
        wanted = not self._settings.cameras or camera_id in self._settings.cameras
        if told.get("kind") != PERSON or not wanted or self._known is None:
            return  # pets may have asked for it
        if len(track_id) != ID_CHARACTERS or not told.get("ts_ms", "").isdecimal():
            self.counters["crops_malformed"] += 1
            return
        self._work.crop(CropJob(camera_id, track_id, int(told["ts_ms"]), received.payload))

    def _on_left(self, received: Received) -> None:
        fact = received.message
        assert isinstance(fact, ObjectLeft)
        if fact.object_class == PERSON:
            self._work.other(LeftJob(fact.camera_id, fact.track_id, fact.ts_ms))

    def _on_command(self, received: Received) -> None:
        if not self._work.other(CommandJob(received)):
            received.reply(ok=False, code="busy", message="Too much waits already; try again in a moment.")

    # -- the one thread that looks ------------------------------------------------------------------------

    def _run(self) -> None:
        context = self._context
        next_tick_s = context.clock.monotonic_s()
        while not context.stopping.is_set():
            try:
                if context.clock.monotonic_s() >= next_tick_s:
                    next_tick_s = context.clock.monotonic_s() + LEASE_EVERY_S
                    self._tick()
                busy = self._known is not None and self._renew()
                job = self._work.take(0 if busy else max(0.05, next_tick_s - context.clock.monotonic_s()))
                if job is not None:
                    self._do(job)
            except Exception:
                self.counters["errors"] += 1
                log.exception("faces: one step failed, the next one follows")
                context.clock.wait(context.stopping, 1.0)
            if self._dirty.is_set():
                self._dirty.clear()
                self._tell()

    def _tick(self) -> None:
        """Every few seconds: load what is missing or new, renew the lease, let time pass."""
        self._load_if_needed()
        if self._known is None:
            return
        self._known.tick()
        if self._known.scrub_due and self._context.outbox.scrub():
            self._known.scrub_due = False
        lease = TrackLease(lease_s=LEASE_S, kinds=[PERSON], cameras=list(self._settings.cameras))
        self._context.bus.publish(VISITORS_LEASE, lease)

    def _load_if_needed(self) -> None:
        from vigilar_models.store import Store, models_dir

        folder = models_dir(self._context.state_dir)
        stamp = Store(folder).stamp()
        if self._known is not None and stamp == self._stamp:
            return
        if self._context.outbox.depth:  # what storage has not heard yet would be missing in what it tells
            if self._known is None:
                self._fail("what was found before still waits for storage")
            return
        try:
            if self._looker is None or stamp != self._looker_stamp:
                self._looker, self._looker_stamp = self._make_looker(folder), stamp
            self._load(self._looker)
        except (VigilarError, OSError) as error:
            if self._known is None:
                self._fail(str(error))
            elif stamp != self._stamp:
                log.error("the models that were loaded before stay in use: %s", error)  # noqa: TRY400
            if isinstance(error, StorageUnavailableError | StorageRefusedError):
                return
        self._stamp = stamp

    def _load(self, looker: Looker) -> None:
        from vigilar_visitors.adapters.crops import Crops
        from vigilar_visitors.adapters.sealing import KEY_NAME, Sealer
        from vigilar_visitors.commands import Commands
        from vigilar_visitors.domain.visits import Visits
        from vigilar_visitors.loading import load_gallery, load_visits
        from vigilar_visitors.recognising import Recognising

        context, settings = self._context, self._settings
        sealer = Sealer(context.secrets.text(KEY_NAME))
        crops = Crops(context.state_dir / FACES_FOLDER, sealer)
        gallery, self._unreadable = load_gallery(context.storage, sealer, looker.limits)
        file, visits = StateFile(context.state_dir / STATE_FILE), Visits(settings.visit_gap_s * 1000)
        seen: dict[str, Any] = {}
        problem = file.restore(lambda kept: seen.update(_seen_of(kept)))
        if problem:
            log.warning("when open visits were seen last is not known: %s", problem)
        twice = load_visits(context.storage, visits, seen)
        if (
            not self._unreadable
        ):  # a picture whose vector cannot be opened may be opened with the right key again
            crops.keep_only({sample.embedding_id for sample in gallery.every_sample()})
        known = Recognising(
            clock=context.clock, facts=context.facts, gallery=gallery, visits=visits, crops=crops, sealer=sealer,
            looker=looker, file=file, least_px=settings.min_face_px, stranger_days=settings.stranger_retention_days,
            changed=self._dirty.set,
        )  # fmt: skip
        for visit in twice:
            known.end_visit(visit)
        self._known = known
        self._commands = Commands(known, context.facts, crops, context.clock, settings.min_face_px)
        self._problem = ""
        known.forget_strangers(context.clock.now_ms())
        memory.release()
        log.info(
            "faces are looked for: %d people, %d visits are open", len(gallery.people), len(visits.open())
        )
        self._dirty.set()

    def _fail(self, reason: str) -> None:
        if reason != self._problem:
            log.error("faces are not looked for: %s", reason)
            self._problem = reason
            self._dirty.set()

    def _renew(self) -> bool:
        """While nothing waits: a vector of an older model. True: there may be more."""
        return self._known is not None and not len(self._work) and self._known.renew_one()

    def _do(self, job: CropJob | LeftJob | CommandJob) -> None:
        if isinstance(job, CommandJob):
            self._answer(job.received)
            return
        known = self._known
        if known is None:
            return
        if isinstance(job, LeftJob):
            known.left(job.camera_id, job.track_id, job.ts_ms)
            return
        began_s = self._context.clock.monotonic_s()
        try:
            known.crop(job.camera_id, job.track_id, job.ts_ms, job.jpeg)
        except VigilarError as error:
            self.counters["crops_refused"] += 1
            log.warning("a picture of %s is not looked at: %s", job.camera_id, error)
        self._took_ms = (self._context.clock.monotonic_s() - began_s) * 1000

    def _answer(self, received: Received) -> None:
        from vigilar_visitors.commands import RefusedError

        command = received.message
        assert isinstance(command, VisitorsCommand)
        if self._commands is None:
            received.reply(
                ok=False, code="not_ready", message=f"Faces are not looked for: {self._problem}."[:500]
            )
            return
        try:
            done = self._commands.carry_out(command)
        except RefusedError as error:
            received.reply(ok=False, code=error.code, message=str(error)[:500])
        except (OutboxFullError, sqlite3.Error, OSError) as error:
            log.error("%s of a person cannot be kept: %s", command.action, error)  # noqa: TRY400
            received.reply(ok=False, code="not_kept", message="It cannot be written to disk.")
        else:
            received.reply(ok=True, data=done)

    # -- what goes out ------------------------------------------------------------------------------------

    def _tell(self) -> None:
        self._context.bus.set_state(VISITORS_STATE, self._state())

    def _state(self) -> VisitorsState:
        known = self._known
        if known is None:
            problem = self._problem if self.wanted else ""
            return VisitorsState(enabled=self._settings.enabled, consented=self.wanted, problem=problem[:500])
        named = sum(bool(person.name) for person in known.gallery.people.values())
        titles, licences = getattr(known.looker, "titles", ()), getattr(known.looker, "licences", ())
        return VisitorsState(
            enabled=True,
            consented=True,
            model_title=", ".join(titles)[:250],
            model_licence=", ".join(licences)[:130],
            visitors=known.current()[:MAX_TOLD_VISITORS],
            people=named,
            strangers=len(known.gallery.people) - named,
        )

    def _dead(self) -> str:
        if self._context.stopping.is_set() or self._thread.ident is None or self._thread.is_alive():
            return ""
        return "the thread that looks at faces has died"

    def _metrics(self) -> Collector:
        from vigilar_visitors.metrics import VisitorsCollector

        return VisitorsCollector(self._counts, self._now)

    def _counts(self) -> Mapping[str, int]:
        known = self._known
        return (
            self.counters
            + self._work.counters
            + (known.counters + known.looker.counters if known else Counter())
        )

    def _now(self) -> Mapping[str, float]:
        known = self._known
        return {
            "waiting": len(self._work),
            "people": len(known.gallery.people) if known else 0,
            "visits_open": len(known.visits.open()) if known else 0,
            "ms_per_crop": self._took_ms,
        }


def _seen_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError."""
    seen = kept.get("seen")
    if not isinstance(seen, dict) or not all(
        isinstance(one, list) and len(one) == 2 and isinstance(one[0], int) for one in seen.values()
    ):
        raise ValueError("is no list of open visits")
    return seen


def build(context: Context) -> App:
    return VisitorsService(context)
