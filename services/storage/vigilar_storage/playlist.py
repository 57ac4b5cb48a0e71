"""HLS playlists of byte ranges, made from where the fragments of recordings lie. Pure functions.

A playlist of a growing recording only ever gets longer: a segment is listed once the keyframe after it is
there, because only then its end is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

from vigilar_common.fmp4 import Fragment

SEGMENT_MS = 2_500
"""A keyframe ends a segment that is at least so long: 3 s with a keyframe each second, 4 s with one each 2 s."""
LEAST_TARGET_S = 6
"""The announced longest segment must not change while a playlist grows."""
TYPE = "application/vnd.apple.mpegurl"
FILM_NAME = "content.mp4"
"""What segments are named: players such as ffmpeg refuse names without the ending of a film."""


@dataclass(frozen=True)
class Segment:
    """Times are media time of the recording; `offset` and `size` are bytes of its content."""

    time_ms: int
    duration_ms: int
    offset: int
    size: int


@dataclass(frozen=True)
class Film:
    """One recording of a playlist. `started_ms` (UTC) is when its first frame was seen."""

    uri: str
    started_ms: int
    init_bytes: int
    segments: Sequence[Segment]
    finished: bool
    recording_id: str = ""
    mime: str = ""

    def utc_ms(self, segment: Segment) -> int:
        return self.started_ms + segment.time_ms - (self.segments[0].time_ms if self.segments else 0)


def segments(fragments: Sequence[Fragment], *, finished: bool, least_ms: int = SEGMENT_MS) -> list[Segment]:
    """Group fragments so that each segment begins with a keyframe; what precedes the first one is left out.

    Without any keyframe (the camera never sent one that we know) time alone cuts.
    """
    blind = not any(fragment.keyframe for fragment in fragments)
    found: list[Segment] = []
    start: Fragment | None = None
    last: Fragment | None = None
    for fragment in fragments:
        if start is None:
            start = fragment if fragment.keyframe or blind else None
        elif (fragment.keyframe or blind) and fragment.time_ms - start.time_ms >= least_ms:
            found.append(_segment(start, fragment.time_ms, fragment.offset))
            start = fragment
        last = fragment
    if finished and start is not None and last is not None:
        found.append(_segment(start, last.time_ms + last.duration_ms, last.offset + last.size))
    return found


def _segment(start: Fragment, end_ms: int, end_offset: int) -> Segment:
    return Segment(start.time_ms, max(1, end_ms - start.time_ms), start.offset, end_offset - start.offset)


def of_recording(film: Film) -> str:
    """The playlist of one recording: EVENT while it grows, with an end once it is whole."""
    return _render([film], ended=film.finished)


def of_span(films: Sequence[Film], from_ms: int, to_ms: int) -> str:
    """The playlist of what the films hold between two UTC times, in the order given; a discontinuity between films."""
    return _render(inside(films, from_ms, to_ms), ended=all(film.finished for film in films))


def index_of_span(films: Sequence[Film], from_ms: int, to_ms: int) -> list[dict[str, Any]]:
    """The same for a player that fills its buffers itself: where each piece lies in time and in its file.

    `segments` are `[utc_ms, time_ms, duration_ms, offset, size]`: when, media time, bytes of the content.
    """
    return [
        {
            "recording_id": film.recording_id,
            "uri": film.uri,
            "mime": film.mime,
            "init_bytes": film.init_bytes,
            "finished": film.finished,
            "segments": [
                [film.utc_ms(one), one.time_ms, one.duration_ms, one.offset, one.size]
                for one in film.segments
            ],
        }
        for film in inside(films, from_ms, to_ms)
    ]


def inside(films: Iterable[Film], from_ms: int, to_ms: int) -> list[Film]:
    """Of each film what lies between two UTC times. Where two overlap, the later one starts after the end of the earlier."""
    chosen: list[Film] = []
    reached_ms = from_ms
    for film in films:
        found = [
            segment
            for segment in film.segments
            if film.utc_ms(segment) + segment.duration_ms > reached_ms and film.utc_ms(segment) < to_ms
        ]
        if not found:
            continue
        # Times are told relative to the first segment, so it must stay known when leading ones are left out.
        chosen.append(replace(film, started_ms=film.utc_ms(found[0]), segments=found))
        reached_ms = max(reached_ms, film.utc_ms(found[-1]) + found[-1].duration_ms)
    return chosen


def _render(films: Sequence[Film], *, ended: bool) -> str:
    longest_ms = max((segment.duration_ms for film in films for segment in film.segments), default=0)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(LEAST_TARGET_S, ceil(longest_ms / 1000))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for number, film in enumerate(films):
        if not film.segments:
            continue
        if number:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f'#EXT-X-MAP:URI="{film.uri}",BYTERANGE="{film.init_bytes}@0"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_utc(film.started_ms)}")
        for segment in film.segments:
            lines.append(f"#EXTINF:{segment.duration_ms / 1000:.3f},")
            lines.append(f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}")
            lines.append(film.uri)
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _utc(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
