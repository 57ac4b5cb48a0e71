"""The picture a camera shows before anything has moved."""

from __future__ import annotations

import camera_media as media
import pytest
from vigilar_camera_worker.adapters.decoder import Decoder, Picture
from vigilar_camera_worker.motion_report import SNAPSHOT_INTERVAL_S, SNAPSHOT_RETRY_S, MotionReport
from vigilar_camera_worker.report import Report
from vigilar_common import topics
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts


class House:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        report = Report(self.bus, self.facts, "front", self.clock)  # type: ignore[arg-type]
        self.seen: list[str] = []
        self.motion = MotionReport(self.bus, report, None, self.clock, self.seen.append)  # type: ignore[arg-type]

    @property
    def snapshots(self) -> list[dict[str, str]]:
        return [dict(frame.properties) for frame in self.bus.published if frame.topic is topics.PICTURE]


@pytest.fixture(name="picture")
def _picture() -> Picture:
    (first, *_) = media.video(count=1)
    (picture,) = Decoder(media.stream_format()).feed(first)
    return picture


def test_the_first_picture_of_a_connection_is_shown_and_not_kept(picture: Picture) -> None:
    house = House()
    for _ in range(3):
        house.motion.picture_decoded("one", picture)
    (told,) = house.snapshots
    assert (told["kind"], told["cause_id"], told["width_px"]) == ("snapshot", "", "320")
    assert told["ts_ms"] == str(picture.wall_ms)
    assert house.facts.emitted == []
    assert house.seen == ["one"] * 3


def test_a_camera_that_comes_and_goes_shows_at_most_one_a_minute_and_none_is_forgotten(
    picture: Picture,
) -> None:
    house = House()
    house.motion.picture_decoded("one", picture)
    for name in ("two", "three"):
        house.clock.advance(10)
        house.motion.picture_decoded(name, picture)
    assert len(house.snapshots) == 1
    house.clock.advance(SNAPSHOT_INTERVAL_S)
    house.motion.picture_decoded("three", picture)
    house.motion.picture_decoded("three", picture)
    assert len(house.snapshots) == 2


def test_a_snapshot_that_found_no_broker_is_taken_again(picture: Picture) -> None:
    house = House()
    house.bus.connected = False
    house.motion.picture_decoded("one", picture)
    house.bus.connected = True
    house.motion.picture_decoded("one", picture)
    assert house.snapshots == [], "not with every frame"
    house.clock.advance(SNAPSHOT_RETRY_S)
    house.motion.picture_decoded("one", picture)
    assert len(house.snapshots) == 1
    assert house.motion.counters["snapshots_sent"] == 1
