"""The segment index that is put into downloads, read back byte by byte."""

from __future__ import annotations

import struct

import pytest
from vigilar_common.fmp4 import Fmp4Error, Fragment
from vigilar_common.fmp4.sidx import MAX_REFERENCES, make_sidx


def read(box: bytes) -> tuple[dict[str, int], list[tuple[int, int, bool]]]:
    """Head and (bytes, duration, keyframe) of each reference, as ISO/IEC 14496-12 says it."""
    size, name, version, track, timescale, first, offset, _, count = struct.unpack_from(">I4sIIIQQHH", box)
    assert (size, name, version >> 24) == (len(box), b"sidx", 1)
    rows = [struct.unpack_from(">III", box, 40 + 12 * at) for at in range(count)]
    assert 40 + 12 * count == size
    assert all(row[0] >> 31 == 0 for row in rows)
    head = {"track": track, "timescale": timescale, "first": first, "offset": offset}
    return head, [(row[0], row[1], row[2] == 0x9000_0000) for row in rows]


def fragments(count: int, keyframe_every: int = 2, first_ms: int = 0) -> list[Fragment]:
    return [
        Fragment(first_ms + at * 500, 500, 1000 + at * 100, 100, at % keyframe_every == 0)
        for at in range(count)
    ]


def test_references_begin_with_keyframes_and_cover_the_file() -> None:
    head, rows = read(make_sidx(fragments(5, first_ms=10_000), 1550, 7, 90_000))

    assert head == {"track": 7, "timescale": 90_000, "first": 900_000, "offset": 0}
    assert rows == [(200, 90_000, True), (200, 90_000, True), (150, 45_000, True)]


def test_bytes_between_fragments_count_to_the_one_before() -> None:
    apart = [Fragment(0, 500, 1000, 100, True), Fragment(500, 500, 1180, 100, True)]

    assert [row[0] for row in read(make_sidx(apart, 1280, 1, 1000))[1]] == [180, 100]


def test_what_comes_before_the_first_keyframe_is_a_reference_without_one() -> None:
    late = [fragment._replace(keyframe=at == 1) for at, fragment in enumerate(fragments(3))]

    assert [row[2] for row in read(make_sidx(late, 1300, 1, 1000))[1]] == [False, True]


def test_a_film_without_known_keyframes_has_a_reference_for_each_fragment() -> None:
    blind = [fragment._replace(keyframe=False) for fragment in fragments(4)]

    assert [row[2] for row in read(make_sidx(blind, 1400, 1, 1000))[1]] == [False] * 4


def test_a_very_long_film_has_longer_references_and_no_byte_less() -> None:
    count = MAX_REFERENCES * 2 + 10
    _, rows = read(make_sidx(fragments(count, 1), 1000 + count * 100, 1, 1000))

    assert len(rows) <= MAX_REFERENCES
    assert sum(row[0] for row in rows) == count * 100
    assert sum(row[1] for row in rows) == count * 500


@pytest.mark.parametrize(
    ("listed", "end"),
    [
        ([], 10),
        ([Fragment(0, 500, 0, 100, True)], 2**31),
        ([Fragment(0, 500, 1000, 100, True)], 1000),
        ([Fragment(0, 2**33, 0, 100, True)], 100),
    ],
)
def test_what_the_box_cannot_say_is_refused(listed: list[Fragment], end: int) -> None:
    with pytest.raises(Fmp4Error):
        make_sidx(listed, end, 1, 1000)
