"""The fragment parser on real films, in any pieces, cut anywhere, and on hostile bytes."""

from __future__ import annotations

import contextlib
import io
import json
import random
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.vge.conftest import make_film
from vigilar_common.fmp4 import BoxScanner, Fmp4Error, FragmentIndex, free_box


def box(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def index_of(data: bytes) -> FragmentIndex:
    index = FragmentIndex()
    index.feed(data)
    return index


def test_a_film_of_one_fragment_each_keyframe_is_indexed(film: bytes) -> None:
    index = index_of(film)
    assert [(f.time_ms, f.duration_ms, f.keyframe) for f in index.fragments] == [
        (second * 1000, 1000, True) for second in range(6)
    ]
    assert index.codecs == ["avc1.42c00a"]
    assert index.video is not None
    assert (index.video.kind, index.video.timescale) == ("vide", 10_240)
    assert index.fragments[0].offset == index.init_length
    for earlier, later in zip(index.fragments, index.fragments[1:], strict=False):
        assert earlier.offset + earlier.size == later.offset
    assert index.whole_length == len(film)


def test_each_fragment_with_the_init_segment_plays_alone(film: bytes) -> None:
    index = index_of(film)
    for part in index.fragments:
        piece = film[: index.init_length] + film[part.offset : part.offset + part.size]
        with av.open(io.BytesIO(piece), "r") as container:
            frames = list(container.decode(video=0))
        assert len(frames) == 10
        assert frames[0].key_frame
        assert frames[0].time is not None
        assert round(frames[0].time * 1000) == part.time_ms


def test_one_fragment_per_frame_tells_keyframes_apart() -> None:
    index = index_of(make_film(2, "frag_every_frame"))
    assert len(index.fragments) == 20
    assert [n for n, f in enumerate(index.fragments) if f.keyframe] == [0, 10]
    assert [f.time_ms for f in index.fragments] == list(range(0, 2000, 100))


def test_ffprobe_sees_the_same_codec_and_times(film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_packets", str(path)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    index = index_of(film)
    keys = [p for p in seen["packets"] if "K" in p["flags"]]
    assert [round(float(p["dts_time"]) * 1000) for p in keys] == [f.time_ms for f in index.fragments]
    assert seen["streams"][0]["profile"] == "Constrained Baseline"
    assert int(index.codecs[0][-2:], 16) == seen["streams"][0]["level"]


def test_sound_beside_the_picture_is_named() -> None:
    index = index_of(make_film(2, audio=True))
    assert index.codecs == ["avc1.42c00a", "mp4a.40.2"]
    assert [f.keyframe for f in index.fragments].count(True) >= 2


@pytest.mark.parametrize(
    ("encoder", "start"), [("libx265", "hvc1.1.6.L"), ("libopus", "opus"), ("flac", "flac")]
)
def test_other_codecs_get_their_strings(encoder: str, start: str) -> None:
    sink = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "strict": "-2"}
    with av.open(sink, "w", format="mp4", options=options) as container:
        if encoder == "libx265":
            video: Any = container.add_stream(encoder, rate=10, options={"x265-params": "log-level=none"})
            video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
            video.codec_context.codec_tag = "hvc1"
            for _ in range(4):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                container.mux(video.encode(frame))
            container.mux(video.encode())
        else:
            sound: Any = container.add_stream(encoder, rate=48_000, layout="mono")
            sample = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
            sample.sample_rate, sample.pts, sample.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(sound.encode(sample))
            container.mux(sound.encode())
    index = index_of(sink.getvalue())
    assert index.codecs[0].startswith(start)
    assert index.fragments
    assert index.fragments[0].keyframe, "without video every fragment is a place to start"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), largest=st.sampled_from([1, 9, 1000, 60_000]))
def test_the_size_of_the_pieces_does_not_matter(seed: int, largest: int, film: bytes) -> None:
    film = film[:6_000] if largest < 10 else film
    rng = random.Random(seed)
    index = FragmentIndex()
    at = 0
    while at < len(film):
        size = rng.randint(1, largest)
        index.feed(film[at : at + size])
        at += size
    assert index.fragments == index_of(film).fragments
    assert index.init_length == 753


def test_a_cut_film_gives_what_is_whole(film: bytes) -> None:
    full = index_of(film).fragments
    for cut in [0, 1, 7, 8, 100, 752, 753, 754, *range(1000, len(film), 9_973), len(film) - 1]:
        index = index_of(film[:cut])
        assert index.fragments == [f for f in full if f.offset + f.size <= cut]
        assert index.init_length == (753 if cut >= 753 else 0)


def test_boxes_between_fragments_are_passed_over(film: bytes) -> None:
    index = index_of(film)
    between = (
        box(b"styp", b"msdh") + free_box(8) + box(b"sidx", bytes(40)) + box(b"emsg", bytes(9)) + free_box(500)
    )
    mixed, expected = film[: index.init_length], []
    for part in index.fragments:
        mixed += between
        expected.append(len(mixed))
        mixed += film[part.offset : part.offset + part.size]
    again = index_of(mixed)
    assert [f.offset for f in again.fragments] == expected
    assert [f.time_ms for f in again.fragments] == [f.time_ms for f in index.fragments]


def test_a_large_size_field_is_understood() -> None:
    scanner = BoxScanner(keep=(b"moov",))
    data = struct.pack(">I4sQ", 1, b"moov", 20) + b"body" + struct.pack(">I4sQ", 1, b"mdat", 16)
    done = [b for at in range(len(data)) for b in scanner.feed(data[at : at + 1])]
    assert [(b.name, b.offset, b.size, b.body) for b in done] == [
        (b"moov", 0, 20, b"body"),
        (b"mdat", 20, 16, b""),
    ]
    assert scanner.at_border


INIT_END = 753


def hostile_moof(trun: bytes, tfhd: bytes = b"\0\2\0\0\0\0\0\1", tfdt: bytes = bytes(8)) -> bytes:
    traf = box(b"tfhd", tfhd) + box(b"tfdt", tfdt) + box(b"trun", trun)
    return box(b"moof", box(b"traf", traf)) + box(b"mdat")


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (struct.pack(">I4s", 7, b"mdat"), "'mdat' at byte 753 is 7 bytes long"),
        (struct.pack(">I4s", 0, b"mdat"), "'mdat' at byte 753 reaches to the end"),
        (struct.pack(">I4sQ", 1, b"mdat", 15), "is 15 bytes long"),
        (struct.pack(">I4sQ", 1, b"mdat", 2**63), "says 9223372036854775808 bytes"),
        (struct.pack(">I4s", 2**31, b"moof"), "says 2147483648 bytes, more than 16777216"),
        (box(b"moov"), "a second moov"),
        (hostile_moof(struct.pack(">III", 0x100, 2**32 - 1, 1)), "says 4294967295 samples"),
        (hostile_moof(struct.pack(">III", 0x100, 1000, 1)), "trun: cut short"),
        (hostile_moof(struct.pack(">II", 0, 2**32 - 1)), "says 4294967295 samples"),
        (hostile_moof(b""), "trun: cut short"),
        (hostile_moof(b"", tfhd=b"\0"), "tfhd: cut short"),
        (hostile_moof(bytes(8), tfdt=b"\2" + bytes(11)), "version 2 is not known"),
        (hostile_moof(struct.pack(">II", 0, 1), tfdt=b"\1\0\0\0" + b"\xff" * 8), "impossible time"),
        (box(b"moof", struct.pack(">I4s", 100, b"traf")), "says 100 bytes, 8 are left"),
        (box(b"moof", box(b"free") * 5000), "more than 4096 inner boxes"),
        (box(b"moof", box(b"traf", box(b"trun", bytes(8)))), "trun comes before tfhd"),
    ],
)
def test_hostile_boxes_are_refused_by_name(tail: bytes, message: str, film: bytes) -> None:
    index = index_of(film[:INIT_END])
    with pytest.raises(Fmp4Error, match=message):
        index.feed(tail)
    assert index.codecs == ["avc1.42c00a"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"RIFF\x24\x08\0\0WAVEfmt ", r"starts with box .*, not 'ftyp'"),
        (box(b"mdat", b"x"), "starts with box 'mdat', not 'ftyp'"),
        (box(b"ftyp") + box(b"moov"), "has no track"),
        (box(b"ftyp") + box(b"moof"), "comes before moov"),
        (box(b"ftyp") + box(b"moov", box(b"trak", box(b"tkhd", bytes(16)))), "has no timescale"),
        (box(b"ftyp") + box(b"moov", box(b"trak", box(b"tkhd", b"\0"))), "tkhd: cut short"),
    ],
)
def test_what_is_no_fragmented_mp4_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(Fmp4Error, match=message):
        index_of(data)


@settings(max_examples=300, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 1400), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_boxes_never_do_more_than_raise(flips: list[tuple[int, int]], film: bytes) -> None:
    data = bytearray(film[:50_000])
    for offset, value in flips:
        data[offset] = value
    index = FragmentIndex()
    with contextlib.suppress(Fmp4Error):
        index.feed(data)
    assert len(index.fragments) <= 2
    assert all(f.time_ms >= 0 and f.duration_ms >= 0 and f.size > 0 for f in index.fragments)


def test_a_free_box_below_its_smallest_size_is_refused() -> None:
    assert free_box(8) == b"\0\0\0\x08free"
    assert len(free_box(16_384)) == 16_384
    with pytest.raises(ValueError, match="at least 8"):
        free_box(7)
