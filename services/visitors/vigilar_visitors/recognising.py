"""From crops of followed people to visits: one thread calls it, nothing here waits."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import VigilarError
from vigilar_common.messages.objects import object_event_id
from vigilar_common.messages.visitors import (
    CurrentVisitor,
    FaceEmbeddingRemoved,
    FaceEmbeddingSaved,
    FaceForgotten,
    FaceProfileSaved,
    VisitBegan,
    VisitEnded,
)

from vigilar_visitors.domain.gallery import MAX_PEOPLE, Gallery, Person, Sample, Vector
from vigilar_visitors.domain.tracks import Look, Track, Tracks, judge, take
from vigilar_visitors.domain.visits import Visit, Visits, strangers_due

if TYPE_CHECKING:
    from vigilar_common.outbox import FactLog
    from vigilar_common.state_file import StateFile

    from vigilar_visitors.adapters.crops import Crops
    from vigilar_visitors.adapters.looking import Looker, Seen
    from vigilar_visitors.adapters.sealing import Sealer

log = logging.getLogger("vigilar.visitors.recognising")

CROWD_SHARE: Final = 0.6
"""Of the largest face of a crop; where a second one is as large, nobody can say which of them is followed."""
DAY_MS: Final = 86_400_000
STRANGERS_EVERY_S: Final = 600.0
KEEP_EVERY_S: Final = 10.0


class Recognising:
    """What is known and who is there. Facts are emitted here and nowhere else of what is seen."""

    def __init__(
        self,
        *,
        clock: Clock,
        facts: FactLog,
        gallery: Gallery,
        visits: Visits,
        crops: Crops,
        sealer: Sealer,
        looker: Looker,
        file: StateFile,
        least_px: int,
        stranger_days: int,
        changed: Callable[[], None],
    ) -> None:
        self._clock, self._facts, self._crops, self._sealer = clock, facts, crops, sealer
        self.gallery, self.visits, self.looker = gallery, visits, looker
        self._file, self._least_px, self._stranger_ms = file, least_px, stranger_days * DAY_MS
        self._changed = changed
        self._tracks = Tracks()
        self._strangers_at_s = self._kept_s = clock.monotonic_s()
        self.counters: Counter[str] = Counter()
        self.scrub_due = False
        """Somebody was forgotten: their name may still stand in the outbox's write-ahead log."""

    # -- what cameras send ------------------------------------------------------------------------------------

    def crop(self, camera_id: str, track_id: str, ts_ms: int, jpeg: bytes) -> None:
        """A better picture of somebody who is followed. Raises CropError, ModelError, OSError, sqlite3.Error."""
        self.counters["crops"] += 1
        track, pushed = self._tracks.hear(camera_id, track_id, self._clock.monotonic_s())
        if pushed is not None:
            self.counters["tracks_pushed"] += 1
            self._end(pushed, ts_ms)
        seen = self._one_of(self.looker.look(jpeg, self._least_px))
        if seen is None or seen.vector is None:
            return
        take(track, Look(ts_ms, seen.vector, seen.quality.share, seen.crop))
        self._judge(track, ts_ms, ending=False)

    def left(self, camera_id: str, track_id: str, ts_ms: int) -> None:
        """The camera follows it no longer; it was seen last at `ts_ms`."""
        track = self._tracks.end(camera_id, track_id)
        if track is not None:
            self._end(track, ts_ms)

    def _one_of(self, found: Sequence[Seen]) -> Seen | None:
        """The face of who is followed: the only large one. Others of a crop are passers-by in the background."""
        if not found:
            self.counters["no_face"] += 1
            return None
        by_size = sorted(found, key=lambda seen: -seen.face.box[2] * seen.face.box[3])
        if len(by_size) > 1 and by_size[1].face.box[2] >= CROWD_SHARE * by_size[0].face.box[2]:
            self.counters["crowded"] += 1
            return None
        return by_size[0]

    def _end(self, track: Track, ts_ms: int) -> None:
        self._judge(track, ts_ms, ending=True)
        if track.profile_id:
            self._learn(track)
            self.visits.track_ended(track.profile_id, track.track_id, ts_ms)
            self._keep(soon=True)
        elif track.looks:
            self.counters["tracks_open"] += 1

    def _judge(self, track: Track, ts_ms: int, ending: bool) -> None:
        if not track.profile_id:
            verdict = judge(track, self.gallery, ending)
            if verdict is None:
                return
            self.counters["recognised" if verdict.match else "met"] += 1
            track.profile_id = verdict.match.profile_id if verdict.match else self._meet(track)
        self._seen(track, ts_ms)

    # -- people -----------------------------------------------------------------------------------------------

    def _meet(self, track: Track) -> str:
        """A face that nobody has met: a stranger, grouped from now on."""
        profile_id = uuid7(self._clock)
        first_ms = min(look.ts_ms for look in track.looks)
        self._make_room()
        self.save(Person(profile_id, first_ms, first_ms))
        self._add(profile_id, track.best)
        return profile_id

    def _make_room(self) -> None:
        """The stranger who was not seen for longest goes when there are too many people."""
        if len(self.gallery.people) < MAX_PEOPLE:
            return
        strangers = [
            one
            for one in self.gallery.people.values()
            if not one.name and self.visits.of(one.profile_id) is None
        ]
        if strangers:
            self.counters["strangers_pushed"] += 1
            self.forget(min(strangers, key=lambda one: one.last_seen_ms).profile_id)

    def save(self, person: Person) -> None:
        """As it is now, told and kept. Raises OutboxFullError, sqlite3.Error."""
        self.gallery.put(person)
        self._facts.emit(
            FaceProfileSaved(
                profile_id=person.profile_id,
                name=person.name,
                household=person.household,
                ignored=person.ignored,
                first_seen_ms=person.first_seen_ms,
            )
        )
        self._changed()

    def _learn(self, track: Track) -> None:
        """What a track showed makes its person better known, where there is no doubt whose face it is."""
        best = track.best
        match = self.gallery.match([(best.vector, best.quality)])
        known = self.gallery.samples(track.profile_id)
        if match is None or match.profile_id != track.profile_id or not match.sure or not known:
            return
        if any(sample.values is best.vector for sample in known):
            return
        self._add(track.profile_id, best)

    def _add(self, profile_id: str, look: Look) -> None:
        self.add_sample(profile_id, look.vector, look.quality, look.crop)

    def add_sample(self, profile_id: str, vector: Vector, quality: float, packed: bytes) -> str:
        """The id of a vector and its picture, which is on disk before anybody hears of it; "": others are all better."""
        sample = Sample(uuid7(self._clock), profile_id, vector, quality, self.gallery.limits.model)
        self._crops.put(sample.embedding_id, packed)
        gone = self.gallery.add(sample)
        if sample in gone:
            self._crops.remove([sample.embedding_id])
            return ""
        self.tell_sample(sample)
        self.remove_samples(gone)
        return sample.embedding_id

    def tell_sample(self, sample: Sample) -> None:
        sealed = self._sealer.seal_vector(sample.values, sample.embedding_id, sample.model)
        self._facts.emit(
            FaceEmbeddingSaved(
                embedding_id=sample.embedding_id, profile_id=sample.profile_id, model=sample.model,
                quality=sample.quality, vector=sealed,
            )
        )  # fmt: skip

    def remove_samples(self, samples: Iterable[Sample]) -> None:
        gone = list(samples)
        for sample in gone:
            self._facts.emit(
                FaceEmbeddingRemoved(embedding_id=sample.embedding_id, profile_id=sample.profile_id)
            )
        self._crops.remove(sample.embedding_id for sample in gone)

    def forget(self, profile_id: str) -> None:
        """Vectors and pictures here at once; storage erases rows, facts and mentions when it hears of it."""
        self.visits.drop(profile_id)
        for track in self._tracks.of_profile(profile_id):
            self._tracks.end(track.camera_id, track.track_id)
        gone = self.gallery.forget(profile_id)
        self._facts.emit(FaceForgotten(profile_id=profile_id))
        self.scrub_due = True
        self._crops.remove(sample.embedding_id for sample in gone)
        self._keep()
        self._changed()

    def told(self) -> None:
        """Who is there has changed by hand."""
        self._keep()
        self._changed()

    def moved(self, profile_id: str, into_id: str) -> None:
        """Tracks of a profile that was merged go on as the other's."""
        for track in self._tracks.of_profile(profile_id):
            track.profile_id = into_id

    # -- visits -----------------------------------------------------------------------------------------------

    def _seen(self, track: Track, ts_ms: int) -> None:
        profile_id = track.profile_id
        if profile_id not in self.gallery.people:
            return
        match = self.gallery.match([(look.vector, look.quality) for look in track.looks])
        sure = match.confidence if match and match.profile_id == profile_id else 0.5
        first_ms = min(look.ts_ms for look in track.looks)
        self.gallery.seen(profile_id, ts_ms)
        if not self.visits.seen(profile_id, track.track_id, track.camera_id, ts_ms, sure):
            visit = Visit(
                uuid7(self._clock), profile_id, track.camera_id, first_ms, ts_ms, sure,
                object_event_id(track.track_id), {track.track_id},
            )  # fmt: skip
            self.visits.began(visit)
            self.counters["visits"] += 1
            self._facts.emit(
                VisitBegan(
                    ts_ms=first_ms, visit_id=visit.visit_id, profile_id=profile_id, camera_id=visit.camera_id,
                    confidence=sure, event_id=visit.event_id,
                )
            )  # fmt: skip
        self._keep(soon=True)
        self._changed()

    def end_visit(self, visit: Visit) -> None:
        self._facts.emit(
            VisitEnded(
                visit_id=visit.visit_id, profile_id=visit.profile_id, camera_id=visit.camera_id,
                arrived_ms=visit.arrived_ms, left_ms=max(visit.arrived_ms, visit.seen_ms),
                confidence=visit.confidence, event_id=visit.event_id,
            )
        )  # fmt: skip

    def current(self) -> list[CurrentVisitor]:
        """Newest first, without those that are not to be told."""
        told = []
        for visit in self.visits.open():
            person = self.gallery.people.get(visit.profile_id)
            if person is not None and not person.ignored:
                told.append(
                    CurrentVisitor(
                        profile_id=person.profile_id, name=person.name, household=person.household,
                        camera_id=visit.seen_camera_id or visit.camera_id, arrived_ms=visit.arrived_ms,
                        seen_ms=visit.seen_ms,
                    )
                )  # fmt: skip
        return told

    # -- time passes ------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Every few seconds: visits that are over, tracks of which nothing is heard, strangers whose time is up."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        for track in self._tracks.silent(now_s):
            self.counters["tracks_silent"] += 1
            self._end(track, max((look.ts_ms for look in track.looks), default=now_ms))
        over = self.visits.over(now_ms)
        for visit in over:
            self.end_visit(visit)
        if over:
            self._changed()
        if over or self.visits.open():
            self._keep(soon=not over)
        if now_s - self._strangers_at_s >= STRANGERS_EVERY_S:
            self._strangers_at_s = now_s
            self.forget_strangers(now_ms)

    def forget_strangers(self, now_ms: int) -> None:
        present = [visit.profile_id for visit in self.visits.open()]
        for profile_id in strangers_due(
            list(self.gallery.people.values()), present, now_ms, self._stranger_ms
        ):
            self.counters["strangers_forgotten"] += 1
            self.forget(profile_id)

    def renew_one(self) -> bool:
        """One vector of a model that does not run any more, made anew from its picture. False: there is none left."""
        stale = self.gallery.stale()
        if not stale:
            return False
        sample = stale[0]
        fresh = self._again(sample)
        self.gallery.drop(sample)
        if fresh is None:
            self.counters["renewals_failed"] += 1
            self.remove_samples([sample])
        else:
            self.counters["renewed"] += 1
            self.gallery.add(fresh)
            self.tell_sample(fresh)
        return True

    def _again(self, sample: Sample) -> Sample | None:
        try:
            crop = self._crops.get(sample.embedding_id)
            if crop is None:
                log.warning(
                    "vector %s has no picture: the new model cannot make it anew", sample.embedding_id
                )
                return None
            values = self.looker.again(crop)
        except (VigilarError, ValueError) as error:
            log.warning("vector %s cannot be made anew: %s", sample.embedding_id, error)
            return None
        return Sample(
            sample.embedding_id, sample.profile_id, values, sample.quality, self.gallery.limits.model
        )

    def _keep(self, soon: bool = False) -> None:
        """When each visitor was seen last, for after a restart; `soon`: that can wait for the next tick."""
        if soon and self._clock.monotonic_s() - self._kept_s < KEEP_EVERY_S:
            return
        self._kept_s = self._clock.monotonic_s()
        self._file.save({"seen": self.visits.kept()})
