"""What the detector sees is told while somebody tunes it, and only then."""

from __future__ import annotations

import base64
import json
from typing import Any

import camera_media as media
import numpy as np
from object_scenes import CAR, Actor, looks, tracker
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.domain.motion import Observation, Phase
from vigilar_camera_worker.search import MotionSearch
from vigilar_camera_worker.tuning import MASK_SIZE, Tuning
from vigilar_common.bus import Received
from vigilar_common.config import Camera
from vigilar_common.messages.camera import TuneLease
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.topics import CMD_TUNE, TUNE

LEASE = Received(
    CMD_TUNE, {"sender": "web", "camera_id": "front"}, TuneLease(lease_s=6), b"", {}, False, None
)


def camera(**more: Any) -> Camera:
    return Camera(
        id="front", display_name="Front", rtsp_url="rtsp://host/x", resolution_motion=(320, 240), **more
    )


class _Silent:
    def picture_decoded(self, stream_id: str, picture: object) -> None: ...
    def motion_started(self, started: object, picture: object) -> None: ...
    def motion_ended(self, ended: object) -> None: ...
    def observed(self, seen: Observation, picture: object) -> None: ...


def _told(bus: FakeBus) -> list[dict[str, Any]]:
    return [json.loads(frame.payload) for frame in bus.published if frame.topic is TUNE]


def test_while_a_lease_runs_every_look_is_told_and_afterwards_none() -> None:
    clock = FakeClock()
    bus = FakeBus(clock)
    tuning = Tuning(bus, camera(), clock)
    search = MotionSearch(camera(), MotionDetector(camera()), _Silent())
    search.onlooker = tuning
    search.begin(media.stream_format())
    packets = media.video(count=240)
    for packet in packets[:80]:
        search.packet(packet)
    assert _told(bus) == []
    tuning.leased(LEASE)
    for packet in packets[80:200]:
        search.packet(packet)
    looks = _told(bus)
    span_s = packets[199].time_s - packets[80].time_s
    assert len(looks) >= 3 * span_s, "several looks a second, though nothing moves most of the time"
    assert {look["phase"] for look in looks} <= {phase.value for phase in Phase}
    clock.advance(7)
    for packet in packets[200:]:
        search.packet(packet)
    late = [look for look in _told(bus)[len(looks) :] if look["ts_ms"] > packets[200].wall_ms + 4_000]
    assert late == []


def test_a_look_holds_boxes_score_and_a_mask_that_can_be_drawn() -> None:
    clock = FakeClock()
    bus = FakeBus(clock)
    tuned = camera(motion_sensitivity=0.9, motion_min_area_px=300)
    tuning, detector = Tuning(bus, tuned, clock), MotionDetector(tuned)
    tuning.leased(LEASE)
    still = np.full((240, 320), 90, np.uint8)
    walked = still.copy()
    walked[80:160, 100:140] = 200
    for n in range(30):
        detector.observe(still, n / 5, 0)
    seen = detector.observe(walked, 6.0, 6_000)
    tuning.looked(seen, detector, Phase.SUSPECT)
    (look,) = _told(bus)
    assert look["score"] > 0.03
    assert (look["sensitivity"], look["min_area_px"]) == (0.9, 300)
    x, y, w, h = look["boxes"][0]
    assert abs(x - 100 / 320) < 0.02
    assert abs(y + h / 2 - 0.5) < 0.02
    bits = np.unpackbits(np.frombuffer(base64.b64decode(look["counted"]), np.uint8))
    mask = bits.reshape(MASK_SIZE[1], MASK_SIZE[0])
    assert mask[45, 60] == 1
    assert mask[5, 5] == 0
    assert w * h < 0.1
    assert len(bus.published[0].payload) < TUNE.max_bytes / 4


def test_a_look_shows_what_is_followed_told_or_not() -> None:
    subject = tracker()
    person = Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 8)
    for item in looks([person, Actor("car", (0.5, 0.8), (0.5, 0.8), 0, 60, CAR)], 3):
        subject.look(item)
    bus = FakeBus(FakeClock())
    tuning = Tuning(bus, camera(), FakeClock())
    tuning.objects = subject.followed
    tuning.looked(Observation(1.0, 1_000), MotionDetector(camera()), Phase.MOVING)
    (told,) = _told(bus)
    assert sorted((one[0], one[6]) for one in told["objects"]) == [("car", "seen"), ("person", "told")]
    assert all(0 <= value <= 1 for one in told["objects"] for value in one[1:6])


def test_new_thresholds_are_taken_over_between_two_pictures() -> None:
    search = MotionSearch(camera(), MotionDetector(camera()), _Silent())
    search.begin(media.stream_format())
    packets = media.video(count=60)
    for packet in packets[:30]:
        search.packet(packet)
    before = search.rejections
    search.retune(camera(motion_min_area_px=70_000))
    for packet in packets[30:]:
        search.packet(packet)
    assert search.rejections is before, "counters go on"
    assert search.counters["frames_damaged"] == 0
