"""AV1: the sequence header is found, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import camera_media as media
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_camera_worker.adapters.decoder import Decoder
from vigilar_camera_worker.domain.av1 import sequence_header
from vigilar_camera_worker.domain.fitness import new_chain
from vigilar_camera_worker.domain.nal import ParameterSets, is_complete, parameter_sets

UNITS = media.access_units("av1", 60)


def test_a_keyframe_begins_with_a_sequence_header_and_gets_it_back_when_it_has_lost_it() -> None:
    keyframe = UNITS[0][0]
    header = parameter_sets(keyframe, "av1")
    assert is_complete(header, "av1")
    follower = ParameterSets("av1", b"")
    assert follower.take(keyframe) == (keyframe, False)
    bare = keyframe.replace(header, b"")
    assert follower.take(bare) == (header + bare, False)
    with pytest.raises(ValueError, match="without parameter sets"):
        ParameterSets("av1", b"").take(bare)


def test_another_sequence_header_is_a_change() -> None:
    follower = ParameterSets("av1", b"")
    follower.take(UNITS[0][0])
    other = media.access_units("av1", 20, size=(480, 320))[0][0]
    assert follower.take(other) == (other, True)


def test_its_decoder_has_no_threads_that_could_wait_for_the_interpreter_while_it_is_closed() -> None:
    decoder = Decoder(media.stream_format("av1"))
    assert [picture for packet in media.video(0, 12, "av1") for picture in decoder.feed(packet)]
    names = [task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    assert [name for name in names if name.startswith("dav1d")] == []


def test_its_pictures_decode_and_are_never_decoded_sparsely() -> None:
    decoder = Decoder(media.stream_format("av1"))
    seen = [picture for packet in media.video(0, 12, "av1") for picture in decoder.feed(packet)]
    assert len(seen) >= 10
    with pytest.raises(ValueError, match="AV1 can only be decoded whole"):
        new_chain("av1", parameter_sets(UNITS[0][0], "av1"))


@given(st.one_of(st.binary(max_size=64), st.integers(0, len(UNITS[0][0])).map(lambda n: UNITS[0][0][:n])))
def test_whatever_comes_a_header_is_part_of_it(data: bytes) -> None:
    found = sequence_header(data)
    assert found in data
    assert not found or found[0] >> 3 & 0xF == 1
