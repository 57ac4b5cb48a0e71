"""Objects in the public API: what was seen, found by class and zone, and who is there now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
from vigilar_common import topics
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.objects import CameraObjects

UUID = "01234567-89ab-7def-8123-456789abcdef"
OTHER = "01234567-89ab-7def-8123-456789abcd00"
JPEG = b"\xff\xd8\xff\xe0object"
ROW = {
    "id": UUID, "type": "motion", "severity": "alert", "title": "Motion", "camera_id": "front", "started_ms": 1000,
    "ended_ms": None, "picture_id": OTHER, "recording_id": OTHER, "recording_offset_ms": 5000, "arm_state": "disarmed",
    "zones": ["Path"], "score": 0.5, "received_ms": 9, "cause_id": None, "detail": {},
}  # fmt: skip
TRACK = "01970000-0000-7000-8000-00000000000f"
SEEN = {
    "object_class": "person",
    "track_id": TRACK,
    "confidence": 0.7,
    "box": {"x": 0.1, "y": 0.2, "w": 0.1, "h": 0.4},
}


def test_what_a_camera_sees_now_is_counted_while_its_worker_lives_and_somebody_looks(home: Any) -> None:
    def objects() -> Any:
        return home.get("/api/v1/cameras").json()["items"][0]["objects"]

    seen = CameraObjects(camera_id="front", known=True, counts={"person": 2})
    home.bus.deliver(topics.CAMERA_OBJECTS, seen, camera_id="front")
    assert objects() is None, "nobody looks: detection is off"
    cameras = home.parts.settings.cameras
    home.change(cameras={**cameras, "front": replace(cameras["front"], looked_at=True)})
    assert objects() == {"known": False, "reason": "", "counts": {}}
    home.bus.deliver(topics.CAMERA_OBJECTS, seen, camera_id="front")
    home.bus.deliver(topics.CAMERA_OBJECTS, seen, camera_id="yard")
    assert objects() == {"known": True, "reason": "", "counts": {"person": 2}}
    home.bus.deliver(topics.CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    assert objects() == {"known": False, "reason": "its worker is not running", "counts": {}}


def test_the_picture_of_an_object_is_not_taken_for_what_the_camera_shows(home: Any) -> None:
    home.bus.deliver(
        topics.PICTURE, payload=JPEG, properties={"kind": "thumbnail", "picture_id": UUID}, camera_id="front"
    )
    home.bus.deliver(
        topics.PICTURE, payload=JPEG, properties={"kind": "object", "picture_id": OTHER}, camera_id="front"
    )
    assert home.parts.pictures.get(OTHER) == JPEG
    assert home.parts.pictures.newest("front").id == UUID


def test_objects_are_asked_for_by_class_and_zone_and_say_what_they_are(home: Any) -> None:
    over = {
        "object_class": "person",
        "confidence": 0.8,
        "zones": ["porch", "path"],
        "speed": "slow",
        "reason": "gone",
    }
    row = ROW | {"type": "object", "detail": SEEN, "end_detail": over, "zones": ["path"]}
    home.storage.answers["/v1/events"] = {"items": [row], "next": None}
    item = home.get("/api/v1/events?class=person&zone=My%20porch").json()["items"][0]
    assert dict(home.storage.requests[-1].url.params) == {
        "class": "person",
        "zone": "My porch",
        "limit": "50",
    }
    assert item["zones"] == ["porch", "path"]
    assert (item["object"]["track_id"], item["object"]["confidence"], item["object"]["speed"]) == (
        TRACK,
        0.8,
        "slow",
    )
    assert item["object"]["box"] == SEEN["box"]
    assert home.get("/api/v1/events?class=Per'son").status_code == 422


def test_an_object_in_sight_is_shown_before_storage_has_it(home: Any) -> None:
    opened = EventOpened(
        event_id=UUID, type=EventType.OBJECT, severity=Severity.INFO, title="Person", camera_id="front",
        arm_state=ArmState.DISARMED, ts_ms=123, detail=SEEN,
    )  # fmt: skip
    home.bus.deliver(topics.EVENT_OPENED, opened)
    seen = home.get(f"/api/v1/events/{UUID}").json()["object"]
    assert (seen["object_class"], seen["speed"]) == ("person", None)


def test_words_for_many_classes_and_how_it_went_are_asked_of_storage(home: Any) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> Any:
        asked.append(dict(request.url.params))
        return {"items": [], "next": None}

    home.storage.answers["/v1/events"] = answer
    home.get("/api/v1/events?class=vehicle,person&speed=fast&loitered=true&min_dwell_s=5&zone=path")
    (query,) = asked
    assert query["class"].startswith("car,truck,")
    assert query["class"].endswith(",person")
    assert (query["speed"], query["loitered"], query["min_dwell_s"]) == ("fast", "true", "5.0")
    assert home.get("/api/v1/events?speed=quick").status_code == 422
