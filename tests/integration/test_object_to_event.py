"""From the detector's answers, through a real broker and a worker's objects, to a row of the table of events: in two seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from patience import wait_until
from stand_in_detector import StandInDetector
from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.crops import Crops
from vigilar_camera_worker.domain.motion import Observation
from vigilar_camera_worker.domain.session import StorePicture
from vigilar_camera_worker.object_report import ObjectReport
from vigilar_camera_worker.report import Report
from vigilar_common.bus import Received
from vigilar_common.clock import SystemClock
from vigilar_common.config import Camera, Config
from vigilar_common.config.detection import Detection
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import CameraObjects, ObjectLeft
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeFacts
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CAMERA_OBJECTS
from vigilar_events.handlers import Handlers
from vigilar_storage import feed, migrate, queries
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore

CAMERA = Camera.model_validate(
    {
        "id": "front",
        "display_name": "Front door",
        "rtsp_url": "rtsp://192.0.2.1/main",
        "zones": [{"name": "Path", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
    }
)
LOOK_EVERY_S = 0.1
MOTION_ID = "01970000-0000-7000-8000-000000000001"


class View:
    stream_id = "01970000-0000-7000-8000-000000000009"

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def picture(self, wall_ms: int) -> Picture | None:
        del wall_ms
        return self._picture


def taken(store: FactStore, source: str, facts: Iterable[Fact]) -> None:
    items = [[fact.seq, fact.id, fact.TYPE, fact.model_dump(mode="json")] for fact in facts]
    assert store.ingest(source, items).rejections == []


def test_what_the_detector_answers_is_an_event_with_class_score_box_zone_track_and_picture(
    broker: TestBroker, tmp_path: Path
) -> None:
    clock = SystemClock()
    facts, meant, stored = FakeFacts(), FakeFacts(), list[StorePicture]()
    facts.source, meant.source = "camera-worker-front", "events"
    facts.clock = meant.clock = clock  # type: ignore[assignment]
    worker, detector, house = broker.bus("camera-worker-front"), StandInDetector(broker), broker.bus("web")
    states = list[Received]()
    house.subscribe(CAMERA_OBJECTS, states.append)
    pixels = np.full((360, 640, 3), 90, np.uint8)
    shown = Picture(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p"), clock.now_ms())
    report = Report(worker, facts, "front", clock)  # type: ignore[arg-type]
    objects = ObjectReport(
        worker, report, clock, CAMERA, Detection(person_detection=True), View(shown),
        lambda item: not stored.append(item), lambda: MOTION_ID,  # type: ignore[func-returns-value]
    )  # fmt: skip
    crops = Crops(worker, "front", clock, objects)
    try:
        objects.start()
        crops.start()
        crops.began()
        wait_until(
            lambda: _looked(crops, clock, shown, detector) and facts.of(ObjectDetected), 10, "a person"
        )
        wait_until(lambda: states and _counts(states[-1]) == {"person": 1}, 5, "the retained count")
    finally:
        objects.stop(2)
        detector.stop()
        worker.stop()
        house.stop()
    (seen,), (left,) = facts.of(ObjectDetected), facts.of(ObjectLeft)
    handlers = Handlers(
        clock=clock, facts=meant, arm_state=lambda: ArmState.ARMED_AWAY,  # type: ignore[arg-type]
        file=StateFile(tmp_path / "outages.json"), config=Config(cameras=(CAMERA,)),
    )  # fmt: skip
    for fact in (seen, left):
        handlers.on_fact(fact, 0.1, live=True)
    assert [type(fact) for fact in meant.emitted] == [EventOpened, EventEnded]
    row = _row_of(tmp_path / "vigilar.db", facts.emitted, meant.emitted)
    detail, end = row["detail"], row["end_detail"]
    assert (row["type"], row["title"], row["camera_id"]) == ("object", "Person at Front door", "front")
    assert row["score"] == seen.confidence >= 0.89
    assert (detail["object_class"], detail["track_id"]) == ("person", seen.track_id)
    assert set(detail["box"]) == {"x", "y", "w", "h"}
    assert "Path" in end["zones"]
    assert {"speed", "loitered", "dwell_s", "direction"} <= set(end)
    assert row["picture_id"] in {item.picture_id for item in stored}


def _looked(crops: Crops, clock: SystemClock, shown: Picture, detector: StandInDetector) -> bool:
    """One picture in which something moves where the person is."""
    place = detector.place()
    shown.wall_ms = clock.now_ms()
    moving = (Box(x=place.x, y=place.y, w=place.w, h=place.h),)
    crops.looked(Observation(clock.monotonic_s(), shown.wall_ms, 0.1, 900, moving), shown)
    time.sleep(LOOK_EVERY_S)
    return True


def _counts(received: Received) -> dict[str, int]:
    assert isinstance(received.message, CameraObjects)
    return dict(received.message.counts)


def _row_of(path: Path, told: list[Fact], meant: list[Fact]) -> Any:
    """The only event, as storage has it."""
    clock = SystemClock()
    migrate.prepare(path, clock)
    database = Database(path)
    database.open()
    try:
        with database.read() as connection:
            epoch = feed.read_epoch(connection)
        store = FactStore(database, clock, lambda: epoch)
        taken(store, "camera-worker-front", told)
        taken(store, "events", meant)
        query = queries.wanted_events(queries.Wanted(classes=["person"], min_dwell_s=0.0))
        with database.read() as connection:
            ((row,), _) = queries.list_events(connection, query, 5, None, clock.now_ms() + 1)
        return row
    finally:
        database.close()
