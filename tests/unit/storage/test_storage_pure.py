"""Arithmetic and text: ranges, paths, playlists, pages."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import event, new_id
from vigilar_common.fmp4 import Fragment
from vigilar_storage import pages, paths, playlist, queries, ranges
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.schema import arm_state_log

# -- ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "length", "expected"),
    [
        (None, 100, None),
        ("bytes=0-0", 100, (0, 1)),
        ("bytes=0-99", 100, (0, 100)),
        ("bytes=10-", 100, (10, 100)),
        ("bytes=10-1000", 100, (10, 100)),
        ("bytes=99-", 100, (99, 100)),
        ("bytes=-1", 100, (99, 100)),
        ("bytes=-500", 100, (0, 100)),
        ("Bytes=5-6", 100, (5, 7)),
        ("bytes=5-4", 100, None),
        ("bytes=-", 100, None),
        ("bytes=0-1,5-6", 100, None),
        ("items=0-1", 100, None),
        ("bytes=a-b", 100, None),
        ("bytes=0-99999999999999999999", 100, None),
    ],
)
def test_one_range_is_taken_and_everything_else_means_the_whole(
    header: str | None, length: int, expected: tuple[int, int] | None
) -> None:
    got = ranges.parse(header, length)

    assert (got and (got.start, got.end)) == expected


@pytest.mark.parametrize(
    ("header", "length"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=-5", 0), ("bytes=0-", 0)],
)
def test_a_range_outside_the_content_is_refused_with_its_length(header: str, length: int) -> None:
    with pytest.raises(ranges.UnsatisfiableRangeError) as caught:
        ranges.parse(header, length)
    assert caught.value.length == length


# -- paths ----------------------------------------------------------------------------------------------------

FILE_ID = "0190f000-0000-7000-8000-0000000000aa"


@pytest.mark.parametrize(
    ("ts_ms", "day"),
    [(0, "1970/01/01"), (1_767_225_599_999, "2025/12/31"), (1_767_225_600_000, "2026/01/01"), (4_102_444_800_000, "2100/01/01")],
)  # fmt: skip
@pytest.mark.parametrize("suffix", paths.SUFFIXES)
def test_a_stored_path_tells_its_parts_again(ts_ms: int, day: str, suffix: str) -> None:
    path = paths.stored("front-1", ts_ms, FILE_ID, suffix)

    assert path == f"front-1/{day}/{FILE_ID}{suffix}"
    assert paths.parse_stored(path) == paths.StoredName("front-1", day, FILE_ID, suffix)


@pytest.mark.parametrize(
    ("camera", "file_id", "suffix"),
    [("..", FILE_ID, ".vge"), ("a/b", FILE_ID, ".vge"), ("incoming", FILE_ID, ".vge"), ("", FILE_ID, ".vge"),
     ("front", "../../x", ".vge"), ("front", FILE_ID, ".sh"), ("front\n", FILE_ID, ".vge")],
)  # fmt: skip
def test_nothing_unsafe_becomes_a_path(camera: str, file_id: str, suffix: str) -> None:
    with pytest.raises(ValueError):
        paths.stored(camera, 0, file_id, suffix)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "front/x.vge",
        f"../{FILE_ID}.vge",
        f"front/2026/01/01/{FILE_ID}.vge/..",
        f"front/2026/01/01/{FILE_ID.upper()}.vge",
    ],
)
def test_other_paths_are_not_taken_for_recordings(path: str) -> None:
    assert paths.parse_stored(path) is None


# -- playlists ------------------------------------------------------------------------------------------------


def fragments(*durations_ms: int, key_every: int = 1, start_ms: int = 0) -> list[Fragment]:
    """Each 100 bytes long, after an init segment of 50."""
    found, time_ms = [], start_ms
    for number, duration_ms in enumerate(durations_ms):
        found.append(Fragment(time_ms, duration_ms, 50 + number * 100, 100, number % key_every == 0))
        time_ms += duration_ms
    return found


def film(uri: str, started_ms: int, parts: list[Fragment], *, finished: bool = True) -> playlist.Film:
    return playlist.Film(uri, started_ms, 50, playlist.segments(parts, finished=finished), finished)


def test_segments_begin_with_keyframes_and_cover_every_byte_once() -> None:
    got = playlist.segments(fragments(*[500] * 12, key_every=2), finished=True)

    assert [(s.time_ms, s.duration_ms, s.offset, s.size) for s in got] == [
        (0, 3_000, 50, 600),
        (3_000, 3_000, 650, 600),
    ]


def test_a_growing_recording_lists_only_segments_whose_end_is_known() -> None:
    parts = fragments(*[500] * 12, key_every=2)

    for count in range(1, 13):
        growing = playlist.segments(parts[:count], finished=False)
        assert growing == playlist.segments(parts, finished=True)[: len(growing)]
    assert len(playlist.segments(parts, finished=False)) == 1


def test_pictures_before_the_first_keyframe_are_left_out() -> None:
    parts = [Fragment(0, 500, 50, 100, False), *fragments(1_000, 1_000, start_ms=500)]
    parts[1:] = [part._replace(offset=part.offset + 100) for part in parts[1:]]

    assert playlist.segments(parts, finished=True)[0].offset == 150


def test_a_film_without_known_keyframes_is_cut_by_time() -> None:
    parts = [part._replace(keyframe=False) for part in fragments(*[1_000] * 6)]

    assert [s.duration_ms for s in playlist.segments(parts, finished=True)] == [3_000, 3_000]


def test_a_gap_in_the_timestamps_counts_as_length_of_the_segment_before_it() -> None:
    parts = [*fragments(1_000, 1_000), Fragment(9_000, 1_000, 250, 100, True)]

    assert [s.duration_ms for s in playlist.segments(parts, finished=True)] == [9_000, 1_000]


def test_the_playlist_of_a_finished_recording() -> None:
    text = playlist.of_recording(film("content", 1_767_225_600_000, fragments(2_000, 2_000, 1_500)))

    assert text.splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:6",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="content",BYTERANGE="50@0"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z",
        "#EXTINF:4.000,",
        "#EXT-X-BYTERANGE:200@50",
        "content",
        "#EXTINF:1.500,",
        "#EXT-X-BYTERANGE:100@250",
        "content",
        "#EXT-X-ENDLIST",
    ]


def test_the_playlist_of_a_growing_recording_has_no_end() -> None:
    text = playlist.of_recording(film("content", 0, fragments(*[2_000] * 5), finished=False))

    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
    assert "#EXT-X-ENDLIST" not in text


def test_a_recording_without_a_whole_fragment_has_an_empty_playlist() -> None:
    text = playlist.of_recording(playlist.Film("content", 0, 0, [], False))

    assert "#EXTINF" not in text
    assert text.startswith("#EXTM3U\n")


def test_a_span_is_made_of_its_recordings_with_discontinuities_between() -> None:
    first, second = film("a", 10_000, fragments(*[2_000] * 4)), film("b", 60_000, fragments(*[2_000] * 4))

    text = playlist.of_span([first, second], 0, 100_000)

    assert text.count("#EXT-X-DISCONTINUITY") == 1
    assert text.index("a\n#EXT-X-DISCONTINUITY\n") < text.index('#EXT-X-MAP:URI="b"')
    assert "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10.000Z" in text
    assert "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00.000Z" in text
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_a_span_takes_only_segments_that_touch_it_and_tells_their_time() -> None:
    text = playlist.of_span([film("a", 10_000, fragments(*[2_000] * 8))], 15_000, 19_000)

    assert text.count("#EXTINF") == 2
    assert "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:14.000Z" in text


def test_overlapping_recordings_are_not_shown_twice() -> None:
    long, inside = film("a", 0, fragments(*[2_000] * 6)), film("b", 2_000, fragments(*[2_000] * 2))

    assert '"b"' not in playlist.of_span([long, inside], 0, 100_000)


# -- pages ----------------------------------------------------------------------------------------------------


def test_pages_are_stable_while_events_are_added(store: FactStore, database: Database) -> None:
    store.ingest("events", [event(new_id(), ts_ms=1_000 + number // 3) for number in range(40)])

    seen: list[str] = []
    cursor = None
    while True:
        with database.read() as connection:
            rows, cursor = queries.list_events(connection, queries.events_query(), 7, cursor, 0)
        seen += [row["id"] for row in rows]
        store.ingest("events", [event(new_id(), ts_ms=9_000_000)])
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 40


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "bm90IGpzb24",
        pages.encode(["a", "b"]),
        pages.encode([1]),
        pages.encode([True, "a"]),
        "W" * 400,
    ],
)
def test_a_foreign_cursor_is_refused(database: Database, cursor: str) -> None:
    order = (arm_state_log.c.ts_ms, arm_state_log.c.id)
    with database.read() as connection, pytest.raises(pages.BadCursorError):
        pages.page(connection, sa.select(arm_state_log), order, 5, cursor)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [({"camera": "front"}, 2), ({"camera": "back"}, 0), ({"kind": "motion"}, 2), ({"kind": "camera_offline"}, 1),
     ({"severity": "critical"}, 1), ({"span": queries.Span(200, None)}, 2), ({"span": queries.Span(None, 200)}, 1),
     ({"span": queries.Span(100, 300)}, 2)],
)  # fmt: skip
def test_events_are_filtered(
    store: FactStore, database: Database, filters: dict[str, Any], expected: int
) -> None:
    store.ingest(
        "events",
        [
            event(new_id(), ts_ms=100),
            event(new_id(), ts_ms=200, severity="critical"),
            event(new_id(), ts_ms=300, type="camera_offline", camera_id="shed"),
        ],
    )

    with database.read() as connection:
        rows, _ = queries.list_events(connection, queries.events_query(**filters), 50, None, 0)
    assert len(rows) == expected
