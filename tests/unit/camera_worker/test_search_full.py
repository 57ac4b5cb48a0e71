"""Which packets of a stream without sparse decoding are decoded, and that nothing is lost when a keyframe does not come."""

from __future__ import annotations

from typing import Any

import camera_media as media
from vigilar_camera_worker import search_parts as module
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.domain.governor import DecodePlan
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.search import MotionSearch
from vigilar_common.config import Camera

CAMERA = Camera(
    id="front", display_name="Front", rtsp_url="rtsp://host/x", idle_fps=2, resolution_motion=(320, 240)
)


class StillDetector(MotionDetector):
    """Looks at pictures as the real one and never finds anything; remembers when it looked."""

    def __init__(self) -> None:
        super().__init__(CAMERA)
        self.times: list[float] = []

    def observe(self, luma: Any, time_s: float, wall_ms: int) -> Observation:
        super().observe(luma, time_s, wall_ms)
        self.times.append(round(time_s, 1))
        return Observation(time_s, wall_ms)


class Listener:
    def __init__(self) -> None:
        self.pictures = 0

    def picture_decoded(self, stream_id: str, picture: Any) -> None:
        assert stream_id == media.STREAM_ID
        self.pictures += 1

    def motion_started(self, *_: Any) -> None:
        raise AssertionError("nothing moves")

    motion_ended = motion_started

    def observed(self, seen: Observation, picture: object) -> None: ...


def analyse(packets: list[Any]) -> tuple[MotionSearch, StillDetector, Listener]:
    """Of a stream that cannot be decoded sparsely."""
    detector, listener = StillDetector(), Listener()
    search = MotionSearch(CAMERA, detector, listener)
    search.begin(media.stream_format())
    search._fitness.refuse("for the test")
    for packet in packets:
        search.packet(packet)
    return search, detector, listener


def test_what_follows_the_last_frame_looked_at_before_a_keyframe_is_never_decoded() -> None:
    search, detector, listener = analyse(media.video(count=91))
    assert detector.times == [n / 2 for n in range(19)], "two frames a second, all that were due"
    # The first GOP teaches the length; of the others (10 frames) 0 to 5 are needed.
    assert listener.pictures == 10 + 8 * 6 + 1
    assert search.counters["frames_damaged"] == 0


def test_a_keyframe_that_does_not_come_when_expected_costs_nothing_but_a_moment() -> None:
    # GOPs of one second, and suddenly one of four: the encoder's later keyframes are left out as if never sent.
    packets = media.video(count=20)
    packets += media.video(first=20, count=10, number=20)
    late = [packet for packet in media.video(first=30, count=10) if not packet.key]
    search, detector, _ = analyse(packets)
    waiting = len(search._waiting.packets)
    assert waiting == 4, "frames 26 to 29"
    for packet in late:
        search.packet(packet)
    assert search._waiting.packets == []
    assert detector.times[-1] > 3, "looked at again as soon as the keyframe was late"


def test_waiting_packets_are_bounded_and_gone_with_the_connection() -> None:
    search, _, listener = analyse(media.video(count=28))
    assert search._waiting.packets
    stuck = search._waiting.packets[-1]
    for _ in range(2 * module.MAX_WAITING_PACKETS):
        search.packet(stuck)
    assert len(search._waiting.packets) <= module.MAX_WAITING_PACKETS
    assert listener.pictures > 28
    search.interrupt()
    assert search._waiting.packets == []
    assert not search._waiting.full


def test_a_connection_that_ends_before_its_first_keyframe_is_nothing_special() -> None:
    MotionSearch(CAMERA, StillDetector(), Listener()).interrupt()


def test_one_look_that_shows_what_moved_before_is_enough_for_a_gop() -> None:
    plan = DecodePlan()
    for number in range(11):
        plan.wanted(number / 10, number % 10 == 0, moving=False)
    shown = [plan.wanted(n / 10, n % 10 == 0, moving=True, hits=min(1, n - 11)) for n in range(11, 30)]
    assert shown == [True, *[False] * 8, True, *[False] * 9]
