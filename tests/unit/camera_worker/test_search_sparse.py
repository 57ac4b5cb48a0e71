"""Sparse decoding against decoding every frame, on sequences with exact ground truth."""

from __future__ import annotations

import camera_media as media
import pytest
from motion_scenes import Scene, ensure_scenes
from motion_truth import search_in
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.domain.motion import Ended, Observation, Started
from vigilar_camera_worker.search import MotionSearch
from vigilar_common.config import Camera
from vigilar_common.messages.camera import Analysis

SHORT = [
    Scene(
        width=640,
        height=360,
        fps=10,
        codec=codec,
        bitrate_kbps=bitrate_kbps,
        conditions=("day", "night"),
        kinds=("medium", "brief"),
        lead_s=8.0,
        spacing_s=13.0,
    )
    for codec, bitrate_kbps in (("h264", 0), ("h264", 350), ("hevc", 0), ("hevc", 1500))
]
"""At 500 kbit/s x265's pictures of the night change so much by themselves that every frame misses one of four as well."""
LONG = [Scene(bitrate_kbps=1500), Scene()]
HELD_OUT = [Scene(bitrate_kbps=1500, seed=1)]
"""Other people, places and times than those that thresholds were chosen on."""
LONG_HEVC = [Scene(codec="hevc", bitrate_kbps=1000), Scene(codec="hevc")]


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(0, id="h264-vbr", marks=pytest.mark.slow),
        pytest.param(1, id="h264-cbr"),
        pytest.param(2, id="hevc-vbr"),
        pytest.param(3, id="hevc-cbr", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(300)
def test_nothing_is_missed_that_every_frame_shows(number: int) -> None:
    index, _ = ensure_scenes(*SHORT)[number]
    section_s = SHORT[number].section_s
    every = search_in(index, every_frame=True, section_s=section_s)
    sparse = search_in(index, section_s=section_s)
    assert sparse.found >= every.found == 4
    assert len(sparse.false_alarms_s) <= len(every.false_alarms_s)
    assert sparse.latency_s(1.0) < 1.0
    assert sparse.counters["frames_sparse"] > 15, "it was decoded sparsely"
    assert sparse.counters["frames_decoded"] < every.counters["frames_decoded"] * 2 / 3
    assert sparse.counters["frames_damaged"] == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenes", [LONG, HELD_OUT, LONG_HEVC], ids=["h264", "h264-held-out", "hevc"])
def test_all_kinds_of_objects_are_found_in_all_conditions(scenes: list[Scene]) -> None:
    for index, events in ensure_scenes(*scenes):
        section_s = scenes[0].section_s
        every = search_in(index, every_frame=True, section_s=section_s)
        sparse = search_in(index, section_s=section_s)
        print(index.name, sparse.found, every.found, [sparse.latency_s(s) for s in (0.5, 0.9, 1.0)])
        assert sparse.found >= every.found, (sparse.missed, every.missed)
        assert len(events) == 24
        assert len(sparse.false_alarms_s) <= len(every.false_alarms_s)
        assert sparse.latency_s(0.5) <= 0.35
        if scenes is not LONG_HEVC:
            assert round(sparse.latency_s(0.9), 2) <= 0.8
        assert sparse.latency_s(1.0) < 5.0
        assert sparse.cpu_s_per_min < every.cpu_s_per_min / 2


class _Silent:
    def __init__(self) -> None:
        self.started: list[Started] = []
        self.pictures: list[str] = []

    def picture_decoded(self, stream_id: str, picture: object) -> None:
        self.pictures.append(stream_id)

    def motion_started(self, started: Started, picture: object) -> None:
        self.started.append(started)

    def motion_ended(self, ended: Ended) -> None: ...
    def observed(self, seen: Observation, picture: object) -> None: ...


def _search() -> tuple[MotionSearch, _Silent, list[tuple[Analysis, str, str, str]]]:
    camera = Camera(id="front", display_name="Front", rtsp_url="rtsp://host/x", resolution_motion=(320, 240))
    told: list[tuple[Analysis, str, str, str]] = []
    listener = _Silent()
    search = MotionSearch(camera, MotionDetector(camera), listener, lambda *method: told.append(method))
    search.begin(media.stream_format())
    return search, listener, told


def test_the_way_it_is_decoded_is_told_with_its_reason() -> None:
    search, _, told = _search()
    for packet in media.video(count=60):
        search.packet(packet)
    search.interrupt()
    assert [(how, stream) for how, stream, _, _ in told] == [
        (Analysis.FULL, "main"),
        (Analysis.SPARSE, "main"),
        (Analysis.NONE, ""),
    ]
    assert told[0][2] == "the stream is not known yet"


def test_motion_is_seen_in_a_sparse_chain_and_confirmed_from_the_buffered_pictures() -> None:
    search, listener, _ = _search()
    for packet in media.video(count=200):
        search.packet(packet)
    assert search.counters["suspicions"] >= 1
    assert len(listener.started) == 1


def test_damaged_packets_end_in_full_decoding_and_never_in_an_exception() -> None:
    from dataclasses import replace

    search, _, told = _search()
    first = media.video(count=1)[0]
    for number, packet in enumerate(media.video(count=100)):
        # Nothing moves: always the same keyframe, and behind it pictures that cannot be read.
        data = first.data if packet.key else packet.data if number < 20 else b"\0\0\0\1\x41"
        search.packet(replace(packet, data=data))
    assert told[-1][0] is Analysis.FULL
    assert told[-1][2].startswith("errors (")


def test_a_keyframe_that_stays_away_ends_sparse_decoding_at_once() -> None:
    search, _, told = _search()
    for packet in media.video(count=30):
        search.packet(packet)
    for packet in media.video(first=30, count=120):
        if not packet.key:
            search.packet(packet)
    assert told[-1][:1] == (Analysis.FULL,)
    assert "more than 8 s apart" in told[-1][2]
