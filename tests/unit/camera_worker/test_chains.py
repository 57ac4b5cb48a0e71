"""Slice headers rewritten bit by bit: decoders see no hole, and nothing else of the stream changes."""

from __future__ import annotations

import contextlib
import functools
from fractions import Fraction
from typing import Any

import camera_media as media
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vigilar_camera_worker.domain import chain_h264
from vigilar_camera_worker.domain.bits import (
    BitReader,
    NalError,
    UnsupportedError,
    patched,
    unescape,
)
from vigilar_camera_worker.domain.chain_h264 import H264Chain
from vigilar_camera_worker.domain.chain_hevc import HevcChain
from vigilar_camera_worker.domain.fitness import new_chain
from vigilar_camera_worker.domain.nal import parameter_sets, units

CODECS = ("h264", "hevc")


@functools.cache
def film(codec: str, **options: str) -> tuple[tuple[bytes, bool], ...]:
    """40 access units with the encoder options given, GOP 20."""
    import av

    encoder: Any = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = 192, 128, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10)
    name = {"h264": "x264-params", "hevc": "x265-params"}[codec]
    shared = {"keyint": "20", "min-keyint": "20", "scenecut": "0", "bframes": "0", "log-level": "none"}
    if codec == "h264":
        del shared["log-level"]
    params = ":".join(f"{key}={value}" for key, value in {**shared, **options}.items())
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", name: params}
    random = np.random.default_rng(3)
    packets = []
    for index in range(40):
        picture = np.full((192, 192), 128, np.uint8)
        picture[:128] = random.integers(90, 110, (128, 192))
        picture[40:80, index * 3 : index * 3 + 40] = 200
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple((bytes(packet), packet.is_keyframe) for packet in packets)


def chain(codec: str, units_: tuple[tuple[bytes, bool], ...]) -> Any:
    made = new_chain(codec, parameter_sets(units_[0][0], codec))
    made.key(units_[0][0])
    return made


def inspect(made: Any, source: tuple[tuple[bytes, bool], ...]) -> None:
    for data, key in source:
        made.key(data) if key else made.fits(data)


def decode(codec: str, packets: list[bytes]) -> list[Any]:
    """Luma of every picture; asserts that each packet gives exactly one, undamaged, at once."""
    import av

    context: Any = av.CodecContext.create(codec, "r")
    context.thread_type = "NONE"
    context.flags |= 1 << 19
    pictures = []
    for index, data in enumerate(packets):
        packet = av.Packet(data)
        packet.pts = packet.dts = index
        frames = context.decode(packet)
        assert [frame.pts for frame in frames] == [index]
        assert not frames[0].is_corrupt
        pictures.append(frames[0].to_ndarray()[:128].astype(int))
    return pictures


@pytest.mark.parametrize("codec", CODECS)
def test_a_chain_of_every_picture_is_the_stream_itself_to_the_last_bit(codec: str) -> None:
    source = film(codec)
    following = chain(codec, source)
    for data, key in source[1:20]:
        assert not key
        slices = [unit for _, unit in units(following.follow(data), codec)]
        assert slices == [unit for _, unit in units(data, codec)][-len(slices) :]


@pytest.mark.parametrize("codec", CODECS)
def test_only_the_numbers_of_the_header_change(codec: str) -> None:
    source = film(codec)
    following = chain(codec, source)
    for data, _ in source[1:4]:
        following.follow(data)
    before = next(unit for kind, unit in units(source[9][0], codec) if kind < 6)
    after = next(unit for _, unit in units(following.follow(source[9][0]), codec))
    reader = H264Chain if codec == "h264" else HevcChain
    parsed = reader(parameter_sets(source[0][0], codec))
    raw = [parsed._slice(unit, unit[0] & 31 if codec == "h264" else unit[0] >> 1) for unit in (before, after)]
    changed = int.from_bytes(unescape(before), "big") ^ int.from_bytes(unescape(after), "big")
    length = len(unescape(before)) * 8
    fields: list[Any] = []
    for head in raw:
        assert head is not None
        fields += [getattr(head, name, None) for name in ("frame_num", "poc_lsb")]
    allowed = {bit for at, count, _ in filter(None, fields) for bit in range(at, at + count)}
    assert changed, "the ninth picture is the fourth now"
    assert {bit for bit in range(length) if changed >> (length - 1 - bit) & 1} <= allowed
    numbers = [field[2] for field in fields if field is not None]
    assert numbers[-1] != numbers[0] or codec == "h264"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("options", [{}, {"ref": "3"}, {"slices": "3"}], ids=str)
def test_a_decoder_sees_no_hole_in_a_sparse_chain_that_runs_on_over_a_keyframe(
    codec: str, options: dict[str, str]
) -> None:
    source = film(codec, **options)
    following = chain(codec, source)
    packets = [source[0][0]]
    for index, (data, key) in enumerate(source[1:], start=1):
        if not key and (following.building() or index % 5 == 4):
            out = following.follow(data)
            assert out is not None or index > 20
            packets += [out] if out is not None else []
    pictures = decode(codec, packets)
    assert len(pictures) >= 8
    moved = np.abs(pictures[-1] - pictures[0]).max()
    assert moved > 60, "what moved shows, however smeared"


@pytest.mark.parametrize("codec", CODECS)
def test_a_chain_goes_on_from_where_a_clean_decode_ended(codec: str) -> None:
    source = film(codec)
    following = chain(codec, source)
    following.follow(source[1][0])
    packets = [data for data, _ in source[:8]]
    following.resume(source[7][0])
    packets += [following.follow(source[index][0]) for index in (12, 17)]
    pictures = decode(codec, packets)
    clean = decode(codec, [data for data, _ in source[:18]])
    assert np.array_equal(pictures[7], clean[7])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"bframes": "2", "b-adapt": "0"}, "B-frames"),
        ({"interlaced": "1", "tff": "1"}, "interlaced video"),
    ],
)
def test_what_is_not_covered_is_said_by_name(options: dict[str, str], reason: str) -> None:
    source = film("h264", **options)
    made = new_chain("h264", parameter_sets(source[0][0], "h264"))
    with pytest.raises(UnsupportedError, match=reason):
        inspect(made, source)


def test_hevc_with_b_frames_is_refused() -> None:
    source = film("hevc", bframes="3", **{"b-adapt": "0", "rc-lookahead": "10"})
    made = new_chain("hevc", parameter_sets(source[0][0], "hevc"))
    with pytest.raises(UnsupportedError, match="B-frames"):
        inspect(made, source)


@pytest.mark.parametrize(("poc_type", "groups", "reason"), [(1, 1, "count type 1"), (0, 2, "slice groups")])
def test_unusual_parameter_sets_are_refused(poc_type: int, groups: int, reason: str) -> None:
    sps = chain_h264.Sps(4, poc_type, 4, True, False, False)
    pps = chain_h264.Pps(0, False, 1, False, False, groups)
    with pytest.raises(UnsupportedError, match=reason):
        chain_h264._check_covered(sps, pps)


def test_a_failed_follow_leaves_the_chain_as_it_was() -> None:
    source = film("h264")
    one, two = chain("h264", source), chain("h264", source)
    with pytest.raises(NalError):
        one.follow(b"\0\0\0\1\x41")
    assert one.follow(source[5][0]) == two.follow(source[5][0])


@given(st.binary(min_size=12, max_size=200), st.integers(0, 40), st.integers(1, 16), st.integers(0))
def test_patching_changes_the_field_alone_and_needs_no_more_than_the_escaping_it_makes(
    payload: bytes, at: int, count: int, value: int
) -> None:
    payload = payload.rstrip(b"\0") + b"\x80"
    if at + count > (len(payload) - 2) * 8:
        return
    from vigilar_camera_worker.domain.bits import _escaped

    unit, new = _escaped(payload), value % (1 << count)
    try:
        out = patched(unit, [(at, count, new)])
    except NalError:
        return  # zeros all the way: such a head has no end
    assert b"\0\0\0" not in out
    assert b"\0\0\1" not in out
    found = unescape(out)
    reader = BitReader(found)
    reader.u(at)
    assert reader.u(count) == new
    whole = int.from_bytes(payload, "big") ^ int.from_bytes(found, "big")
    mask = ((1 << count) - 1) << (len(payload) * 8 - at - count)
    assert len(found) == len(payload)
    assert whole & ~mask == 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CODECS), st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_raise_nothing_but_their_own_error(codec: str, data: bytes, key: bool) -> None:
    made = chain(codec, media.access_units(codec, 3))
    for prefix in (b"", b"\0\0\1", b"\0\0\1\x41", b"\0\0\1\x02\x01"):
        for step in (made.key if key else made.follow, made.fits, made.resume, made.take_sets):
            with contextlib.suppress(NalError):
                step(prefix + data)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CODECS), st.integers(0, 2), st.data())
def test_damaged_access_units_raise_nothing_but_their_own_error(codec: str, index: int, draw: Any) -> None:
    source = bytearray(film(codec)[index][0])
    for _ in range(draw.draw(st.integers(1, 6))):
        source[draw.draw(st.integers(0, min(len(source), 90) - 1))] ^= draw.draw(st.integers(1, 255))
    damaged = bytes(source[: draw.draw(st.integers(0, len(source)))])
    made = chain(codec, film(codec))
    with contextlib.suppress(NalError):
        made.take_sets(parameter_sets(damaged, codec))
    for step in (made.key, made.fits, made.follow, made.resume):
        with contextlib.suppress(NalError):
            step(damaged)
