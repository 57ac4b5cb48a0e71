"""The film: its layout, its index, and what its pictures hold; with made pictures through the real encoder."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from vigilar_demo_camera.film import (
    Busy,
    FilmParams,
    background,
    compose,
    ensure_film,
    ground_truth,
    lay_out,
    weight,
)
from vigilar_demo_camera.playback import FilmError, load_film

SMALL = FilmParams(width=96, height=64, lead_s=1.0, idle_s=1.0, busy_s=1.0, gop_s=0.5, cycles=2)


class Walker:
    """A grey scene through which a white square walks; pictures as ``film.Source`` has them."""

    fps = 10.0
    frame_count = 25
    identity = "walker"

    def __init__(self) -> None:
        self.reads: list[int] = []

    def read(self, index: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        self.reads.append(index)
        picture = np.full((96, 96), 128, np.uint8)
        picture[:64] = 80
        picture[20:36, 3 * index : 3 * index + 16] = 235
        return picture


def test_by_default_all_footage_is_shown_between_stretches_of_stillness() -> None:
    total, stretches = lay_out(FilmParams(), 79.5)
    assert [busy.source_s for busy in stretches] == [0, 15, 30, 45, 60, 64.5]
    assert (stretches[0].first, stretches[0].last, stretches[1].first) == (200, 350, 500)
    assert total == stretches[-1].last == 1850


def test_more_cycles_than_footage_begin_it_again() -> None:
    _, stretches = lay_out(FilmParams(cycles=4, busy_s=10), 25.0)
    assert [busy.source_s for busy in stretches] == [0, 10, 15, 0]


def test_footage_shorter_than_a_stretch_is_refused_with_both_lengths() -> None:
    with pytest.raises(FilmError, match=r"busy_s is 15, but the footage lasts 9 s"):
        lay_out(FilmParams(), 9.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"codec": "mjpeg"}, "codec 'mjpeg' is not one of h264, hevc"),
        ({"width": 97}, "width must be even"),
        ({"height": 8}, "height must be even, 64 to 4096"),
        ({"fps": 0}, "fps must be 1 to 60"),
        ({"gop_s": 0.0}, "gop_s"),
        ({"lead_s": 0.0}, "lead_s"),
        ({"busy_s": 0.5}, "busy_s must be 1 to 600"),
        ({"cycles": -1}, "cycles"),
    ],
)
def test_impossible_parameters_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(FilmError, match=message):
        FilmParams(**values)


def test_footage_fades_in_and_out_and_the_onset_is_its_first_visible_frame() -> None:
    busy = Busy(first=300, last=330, source_s=0)
    weights = [weight(frame, busy, 30) for frame in range(298, 332)]
    assert weights[:2] == [0.0, 0.0]
    assert weights[-2:] == [0.0, 0.0]
    assert max(weights) == 1.0
    onsets, ends = ground_truth([busy], 30)
    assert weight(onsets[0] - 1, busy, 30) < 0.15 <= weight(onsets[0], busy, 30)
    assert weight(ends[0], busy, 30) < 0.15 <= weight(ends[0] - 1, busy, 30)


def test_the_background_has_nothing_of_what_moves() -> None:
    assert np.abs(background(Walker())[:64].astype(int) - 80).max() == 0


def test_pictures_are_quiet_until_the_footage_shows_and_it_shows_entirely() -> None:
    total, stretches = lay_out(SMALL, 2.5)
    pictures = np.stack(list(compose(Walker(), SMALL, total, stretches)))[:, :64].astype(int)
    changed_px = (np.abs(pictures - 80) > 12).sum(axis=(1, 2))
    assert changed_px[:10].max() == 0
    assert changed_px[10] > 100
    assert changed_px[20:30].max() == 0
    np.testing.assert_array_equal(pictures[15], Walker().read(5)[:64])
    still = pictures[:10]
    assert 1.0 < still.std() < 2.0
    assert (still[0] != still[1]).mean() > 0.3


def test_the_same_parameters_give_the_same_pictures() -> None:
    total, stretches = lay_out(SMALL, 2.5)
    first = list(compose(Walker(), SMALL, total, stretches))
    second = list(compose(Walker(), SMALL, total, stretches))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_built_film_decodes_frame_by_frame_twice_over(tmp_path: Path, codec: str) -> None:
    params = dataclasses.replace(SMALL, codec=codec)
    film = load_film(ensure_film(Walker(), params, tmp_path, "small"))

    assert (film.codec, film.width, film.height, film.fps) == (codec, 96, 64, 10)
    assert film.onsets == (10, 30)
    assert film.ends == (20, 40)
    assert film.duration_s == 4.0
    keyframes = [number for number, frame in enumerate(film.frames) if frame[2]]
    assert keyframes == list(range(0, 40, 5))
    stream = film.stream.read_bytes()
    for number in keyframes:
        # Start code, then parameter sets: whoever joins here can decode.
        offset = film.frames[number][0]
        first_unit = stream[offset : offset + 5]
        assert first_unit[:4] == b"\x00\x00\x00\x01"
        kind = first_unit[4] & 31 if codec == "h264" else first_unit[4] >> 1 & 63
        assert kind == (7 if codec == "h264" else 32)
    with av.open(io.BytesIO(stream * 2), mode="r", format=codec) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        types = [PictureType(frame.pict_type) for frame in container.decode(video=0)]
    assert len(types) == 80
    assert PictureType.B not in types


def test_a_film_is_built_once_and_again_when_a_parameter_changes(tmp_path: Path) -> None:
    index = ensure_film(Walker(), SMALL, tmp_path, "small")
    before = index.stat().st_mtime_ns
    unread = Walker()
    assert ensure_film(unread, SMALL, tmp_path, "small") == index
    assert index.stat().st_mtime_ns == before
    assert unread.reads == []
    ensure_film(Walker(), dataclasses.replace(SMALL, crf=30), tmp_path, "small")
    assert index.stat().st_mtime_ns > before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.h264", "small.json", "small.lock"]


def test_a_damaged_film_is_refused_by_name_and_built_again(tmp_path: Path) -> None:
    index = ensure_film(Walker(), SMALL, tmp_path, "small")
    stream = index.with_suffix(".h264")
    stream.write_bytes(stream.read_bytes()[:-1])
    with pytest.raises(FilmError, match=r"small\.h264: \d+ bytes, but its index describes \d+"):
        load_film(index)
    ensure_film(Walker(), SMALL, tmp_path, "small")
    assert load_film(index).duration_s == 4.0


def _without_frames(data: dict[str, Any]) -> None:
    data["frames"] = []


def _from_the_future(data: dict[str, Any]) -> None:
    data["version"] = 99


def _starts_mid_gop(data: dict[str, Any]) -> None:
    data["frames"][0][2] = 0


def _no_rate(data: dict[str, Any]) -> None:
    del data["fps"]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (_without_frames, "at least one frame"),
        (_from_the_future, "film format 99"),
        (_starts_mid_gop, "the first frame is no keyframe"),
        (_no_rate, "not a film index .*fps"),
    ],
)
def test_a_wrong_index_is_refused_with_the_reason(tmp_path: Path, break_it: Any, message: str) -> None:
    index = ensure_film(Walker(), SMALL, tmp_path, "small")
    data = json.loads(index.read_text())
    break_it(data)
    index.write_text(json.dumps(data))
    with pytest.raises(FilmError, match=message):
        load_film(index)


def test_a_missing_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"nowhere\.json: No such file"):
        load_film(tmp_path / "nowhere.json")
