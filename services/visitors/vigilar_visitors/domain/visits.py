"""From tracks to visits: somebody comes, is seen here and there, and has gone when nobody saw them for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_visitors.domain.gallery import Person


@dataclass
class Visit:
    visit_id: str
    profile_id: str
    camera_id: str
    arrived_ms: int
    seen_ms: int
    confidence: float
    event_id: str | None = None
    tracks: set[str] = field(default_factory=set)
    """That still last; while there is one, the person is there."""
    seen_camera_id: str = ""


class Visits:
    """At most one open visit of a person. Not thread-safe."""

    def __init__(self, gap_ms: int) -> None:
        self.gap_ms = gap_ms
        self._open: dict[str, Visit] = {}

    def of(self, profile_id: str) -> Visit | None:
        return self._open.get(profile_id)

    def open(self) -> list[Visit]:
        """Newest first."""
        return sorted(self._open.values(), key=lambda visit: -visit.arrived_ms)

    def began(self, visit: Visit) -> None:
        visit.seen_camera_id = visit.seen_camera_id or visit.camera_id
        self._open[visit.profile_id] = visit

    def seen(self, profile_id: str, track_id: str, camera_id: str, ts_ms: int, confidence: float) -> bool:
        """Whether there is a visit that this belongs to."""
        visit = self._open.get(profile_id)
        if visit is None:
            return False
        visit.tracks.add(track_id)
        if ts_ms >= visit.seen_ms:
            visit.seen_ms, visit.seen_camera_id = ts_ms, camera_id
        visit.confidence = max(visit.confidence, confidence)
        return True

    def track_ended(self, profile_id: str, track_id: str, ts_ms: int) -> None:
        visit = self._open.get(profile_id)
        if visit is not None:
            visit.tracks.discard(track_id)
            visit.seen_ms = max(visit.seen_ms, ts_ms)

    def over(self, now_ms: int) -> list[Visit]:
        """Takes out the visits of people who have gone."""
        gone = [
            visit
            for visit in self._open.values()
            if not visit.tracks and now_ms - visit.seen_ms > self.gap_ms
        ]
        for visit in gone:
            del self._open[visit.profile_id]
        return gone

    def drop(self, profile_id: str) -> Visit | None:
        return self._open.pop(profile_id, None)

    def merge(self, profile_id: str, into_id: str) -> Visit | None:
        """The open visit goes along; the one that is then too many (the person is here only once) is returned, over."""
        going = self._open.pop(profile_id, None)
        if going is None:
            return None
        stays = self._open.get(into_id)
        if stays is None:
            going.profile_id = into_id
            self._open[into_id] = going
            return None
        stays.tracks |= going.tracks
        stays.seen_ms = max(stays.seen_ms, going.seen_ms)
        going.profile_id = into_id
        return going

    def kept(self) -> dict[str, Any]:
        """For the state file: when each was seen last. Tracks do not survive a restart, and nobody's name is in it."""
        return {visit.visit_id: [visit.seen_ms, visit.seen_camera_id] for visit in self._open.values()}

    def restore(self, rows: Iterable[Mapping[str, Any]], kept: Mapping[str, Any]) -> list[Visit]:
        """Open visits as storage lists them; returns second visits of one person, which are over."""
        twice = []
        for row in rows:
            seen_ms, camera_id = kept.get(row["id"], (row["arrived_ms"], row["camera_id"]))
            visit = Visit(
                row["id"], row["profile_id"], row["camera_id"], row["arrived_ms"], max(int(seen_ms), row["arrived_ms"]),
                row["confidence"], row["event_id"], seen_camera_id=str(camera_id),
            )  # fmt: skip
            if visit.profile_id in self._open:
                twice.append(visit)
            else:
                self._open[visit.profile_id] = visit
        return twice


def strangers_due(people: Iterable[Person], present: Iterable[str], now_ms: int, keep_ms: int) -> list[str]:
    """Whose time is up: no name, not of the household, not here now, not seen for `keep_ms`."""
    here = set(present)
    return [
        person.profile_id
        for person in people
        if not person.name
        and not person.household
        and person.profile_id not in here
        and now_ms - person.last_seen_ms > keep_ms
    ]
