"""What storage has recorded, for `vigilar vehicles calibrate`: the pictures of an event, and parts of a recording.

Fetched is only what is looked at, and it is held in memory: what was recorded is never on disk in the clear.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from vigilar_common.errors import StorageRefusedError, StorageUnavailableError
from vigilar_common.messages.camera import Box
from vigilar_models.errors import ModelError

from vigilar_detector.adapters.vehicle_pixels import VEHICLES
from vigilar_detector.calibrating import Source

MAX_SPAN_S: Final = 60.0
"""Of a recording so much is looked at once; of a longer event its beginning."""
MAX_BYTES: Final = 256_000_000
"""Of one part of a recording."""
PIECE_BYTES: Final = 2_000_000
BEFORE_MS: Final = 500
Fetched = Callable[[str, int, int], None]
"""What is fetched, how many of its bytes are here, of how many."""


@dataclass(frozen=True)
class Span:
    """A part of what a camera recorded. ``boxes``: where in the picture the vehicle was seen; empty: anywhere."""

    name: str
    camera_id: str
    from_ms: int
    to_ms: int
    boxes: tuple[Box, ...] = ()
    picture_id: str = ""
    """Of an event: its best picture."""


class Storage(Protocol):
    """Its internal API, as `StorageClient` asks it."""

    def get(self, path: str, **query: Any) -> Any: ...
    def get_bytes(self, path: str, offset: int = 0, size: int | None = None) -> bytes: ...


class Past:
    """Every method raises ModelError naming what was asked for and why it cannot be had."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def of_event(self, event_id: str) -> Span:
        """When and where its vehicle was seen. An arrival or a leaving is looked at as the object that it was."""
        event = self._get("event", event_id, f"/v1/events/{event_id}")
        detail = event.get("detail") or {}
        if whole := detail.get("object_event_id"):
            event = self._get("event", whole, f"/v1/events/{whole}")
            detail = event.get("detail") or {}
        end = event.get("end_detail") or {}
        seen = end.get("object_class") or detail.get("object_class")
        if seen not in VEHICLES:
            raise ModelError(f"event {event_id} shows {f'a {seen}' if seen else 'no object'}, no vehicle")
        boxes = tuple(Box(**part["box"]) for part in (detail, end) if isinstance(part.get("box"), Mapping))
        started_ms = int(event["started_ms"])
        ended_ms = int(event.get("ended_ms") or started_ms + round(MAX_SPAN_S * 1000))
        to_ms = min(ended_ms, started_ms + round(MAX_SPAN_S * 1000))
        return Span(
            f"event {event_id[:8]}",
            str(event["camera_id"]),
            started_ms - BEFORE_MS,
            to_ms,
            boxes,
            event.get("picture_id") or "",
        )

    def of_recording(self, recording_id: str, from_s: float, to_s: float | None) -> Span:
        """A part of it, in seconds from its beginning; as far as `MAX_SPAN_S` where no end is named."""
        row = self._get("recording", recording_id, f"/v1/recordings/{recording_id}")
        end_s = from_s + MAX_SPAN_S if to_s is None else to_s
        if not from_s < end_s <= from_s + MAX_SPAN_S:
            raise ModelError(f"--from {from_s:g} --to {end_s:g}: name a part of at most {MAX_SPAN_S:g} s")
        began_ms = int(row["started_ms"])
        span = Span(
            f"recording {recording_id[:8]}",
            str(row["camera_id"]),
            began_ms + round(from_s * 1000),
            began_ms + round(end_s * 1000),
        )
        if row.get("ended_ms") and span.from_ms >= row["ended_ms"]:
            raise ModelError(
                f"recording {recording_id} lasts {(row['ended_ms'] - began_ms) / 1000:g} s; --from {from_s:g} is behind it"
            )
        return span

    @contextmanager
    def sources(self, span: Span, fetched: Fetched) -> Iterator[list[Source]]:
        """The films of the span, and an event's best picture, for as long as the block lasts."""
        index = self._get(
            "what was recorded of",
            span.name,
            f"/v1/cameras/{span.camera_id}/film",
            from_ms=span.from_ms,
            to_ms=span.to_ms,
        )
        films = [film for film in index["films"] if film["segments"]]
        if not films and not span.picture_id:
            raise ModelError(f"{span.name}: nothing that camera {span.camera_id} recorded then is kept")
        files: list[int] = []
        try:
            found = []
            for number, film in enumerate(films, 1):
                name = span.name if len(films) == 1 else f"{span.name}, {number} of {len(films)}"
                files.append(self._held(name, film, fetched))
                found.append(Source(name, Path(f"/proc/self/fd/{files[-1]}"), boxes=span.boxes))
            if span.picture_id:
                name = f"{span.name}, picture"
                found.append(Source(name, jpeg=self._bytes(name, f"/v1/pictures/{span.picture_id}")))
            yield found
        finally:
            for file in files:
                os.close(file)

    def _held(self, name: str, film: Mapping[str, Any], fetched: Fetched) -> int:
        """A file of this process alone, in memory. Raises ModelError."""
        first, last = film["segments"][0], film["segments"][-1]
        begin, end = (
            int(first[3]),
            int(last[3] + last[4]),
        )  # segments of one recording lie one after the other
        total = int(film["init_bytes"]) + end - begin
        if total > MAX_BYTES:
            raise ModelError(
                f"{name}: {total // 1_000_000} MB are too much at once, at most {MAX_BYTES // 1_000_000}; name a shorter part"
            )
        path = f"/v1/recordings/{film['recording_id']}/content"
        file = os.memfd_create("vigilar-film", os.MFD_CLOEXEC)
        try:
            done = os.write(file, self._bytes(name, path, 0, int(film["init_bytes"])))
            for offset in range(begin, end, PIECE_BYTES):
                done += os.write(file, self._bytes(name, path, offset, min(PIECE_BYTES, end - offset)))
                fetched(name, done, total)
        except BaseException:
            os.close(file)
            raise
        return file

    def _bytes(self, name: str, path: str, offset: int = 0, size: int | None = None) -> bytes:
        try:
            data = self._storage.get_bytes(path, offset, size)
        except StorageRefusedError as error:
            raise ModelError(f"{name} cannot be had: {error}") from error
        except StorageUnavailableError as error:
            raise ModelError(f"{name} cannot be fetched now: {error}") from error
        if size is not None and len(data) != size:
            raise ModelError(f"{name} cannot be had: storage sent {len(data)} of {size} bytes")
        return data

    def _get(self, what: str, name: str, path: str, **query: Any) -> dict[str, Any]:
        try:
            answer = self._storage.get(path, **query)
        except StorageRefusedError as error:
            raise ModelError(f"{what} {name} cannot be had: {error}") from error
        except StorageUnavailableError as error:
            raise ModelError(f"{what} {name} cannot be looked up, is Vigilar running? {error}") from error
        if not isinstance(answer, dict):
            raise ModelError(f"{what} {name} cannot be looked up: storage sent no object")
        return answer
