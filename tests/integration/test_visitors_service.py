"""Visitors as a process on a real broker with a real storage, the default models and NASA's portrait: enrol, visit, forget."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from face_pictures import astronaut, changed, ensure_face_models, jpeg
from service_rig import ServiceProcess, ServiceRig, until
from storage_rig import Rig, new_id, now_ms
from vigilar_common.bus import Received
from vigilar_common.messages import Fact, Reply
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import TrackLease
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft
from vigilar_common.messages.visitors import (
    CONSENT_VERSION,
    FaceProfileSaved,
    VisitBegan,
    VisitorAction,
    VisitorsCommand,
    VisitorsState,
)
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_VISITORS, FACT_TOPICS, TRACK_CROP, VISITORS_LEASE, VISITORS_STATE

NAME = "Eileen Q. Testname"
CONFIG = f"""
[detection]
person_detection = true
[visitors]
enabled = true
consent_version = {CONSENT_VERSION}
consent_by = "Ann"
consent_at = "2026-01-01T00:00:00Z"
visit_gap_s = 30
[[cameras]]
id = "front"
display_name = "Front"
rtsp_url = "rtsp://127.0.0.1:9/front"
"""


class House:
    """Storage, visitors, a camera that sends what it follows, and a page that asks."""

    def __init__(self, folder: Path, broker: TestBroker, config: str = CONFIG) -> None:
        self.folder = folder
        self.storage = Rig(folder / "storage")
        self.storage.folder.mkdir()
        self.storage.configure()
        self.storage.start()
        self.rig = ServiceRig(folder / "rig", broker, config, self.storage.url)
        self.camera, self.web, self.alerts = (
            broker.bus(name) for name in ("camera-worker-front", "web", "alerts")
        )
        self.heard: list[Received] = []
        self.states: list[VisitorsState] = []
        self.leases: list[TrackLease] = []
        self.camera.subscribe(VISITORS_LEASE, lambda got: self.leases.append(got.message))  # type: ignore[arg-type]
        self.web.subscribe(VISITORS_STATE, lambda got: self.states.append(got.message))  # type: ignore[arg-type]
        for kind in (FaceProfileSaved.TYPE, VisitBegan.TYPE):
            self.alerts.subscribe(FACT_TOPICS[kind], self.heard.append)
        self.process: ServiceProcess | None = None

    def start(self) -> ServiceProcess:
        os.environ["VIGILAR_MODELS_DIR"] = str(ensure_face_models())
        self.process = self.rig.service("visitors")
        self.process.start()
        return self.process

    def ask(self, action: VisitorAction, **what: Any) -> Reply:
        command = VisitorsCommand.model_validate({"action": action, **what})
        return self.web.request(CMD_VISITORS, command, 20, sender="web")

    def show(self, track: str, picture: bytes, kind: str = "person") -> None:
        told = {
            "track_id": track,
            "kind": kind,
            "ts_ms": str(now_ms()),
            "box": "0.4,0.1,0.2,0.8",
            "score": "0.9",
        }
        assert self.camera.publish_frame(TRACK_CROP, picture, told, camera_id="front")

    def leaves(self, track: str) -> None:
        fact = ObjectLeft(
            camera_id="front", track_id=track, reason=ObjectEnd.GONE, object_class="person", confidence=0.9,
            box=Box(x=0.4, y=0.1, w=0.2, h=0.8), started_ms=now_ms() - 3_000, ts_ms=now_ms(),
        )  # fmt: skip
        assert self.camera.publish(FACT_TOPICS[ObjectLeft.TYPE], fact, camera_id="front")

    def rows(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.storage.get(path, "visitors").json()["items"]
        return items

    def traces(self, *needles: str) -> list[str]:
        """Files of every volume of the house that hold one of these."""
        wanted = [needle.encode() for needle in needles]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [
            f"{path.relative_to(self.folder)}: {needle.decode()}"
            for path in files
            for needle in wanted
            if needle in path.read_bytes()
        ]

    def stop(self) -> None:
        os.environ.pop("VIGILAR_MODELS_DIR", None)
        for bus in (self.camera, self.web, self.alerts):
            bus.stop()
        if self.process is not None:
            self.process.stop()
        self.storage.stop()


@pytest.fixture(name="house")
def _house(tmp_path: Path, broker: TestBroker) -> Iterator[House]:
    house = House(tmp_path, broker)
    yield house
    house.stop()


def test_enrolled_from_a_photo_recognised_at_the_door_and_forgotten_without_a_trace(house: House) -> None:
    process = house.start()
    until(lambda: house.leases and house.leases[-1].kinds == ["person"], 30, "a lease for persons alone")
    portrait = astronaut()
    photo = base64.b64encode(jpeg(portrait)).decode()
    enrolled = house.ask(VisitorAction.ENROL, name=NAME, household=True, photo=photo)
    assert enrolled.ok, enrolled.message
    profile_id = enrolled.data["profile_id"]
    track = new_id()
    house.show(track, jpeg(portrait), kind="animal")
    for looks, number in enumerate((3, 4), 1):
        house.show(track, jpeg(changed(portrait, number)))
        until(partial(_looked, process, looks), 20, "a look")
    until(lambda: house.states and house.states[-1].visitors, 20, "somebody is there")
    (visitor,) = house.states[-1].visitors
    assert (visitor.name, visitor.household, visitor.camera_id) == (NAME, True, "front")
    house.leaves(track)
    until(lambda: len(house.heard) >= 2, 10, "what alerts hear")
    told = [got.message for got in house.heard]
    kinds = [fact.TYPE for fact in told if isinstance(fact, Fact)]
    assert kinds == [FaceProfileSaved.TYPE, VisitBegan.TYPE], "what calms alerts came before the visit"
    (row,) = until(lambda: house.rows("/v1/visits"), 10, "the visit in storage")
    assert row["profile_id"] == profile_id
    assert row["left_ms"] is None
    until(lambda: [one for one in house.rows("/v1/face-profiles") if one["visit_count"] == 1], 10, "counted")
    assert process.rss_bytes() < 250_000_000
    picture = house.ask(VisitorAction.PICTURE, profile_id=profile_id)
    assert base64.b64decode(picture.data["jpeg"]).startswith(b"\xff\xd8")
    assert house.traces(NAME), "there is something to forget"
    vectors = [row["vector"] for row in house.rows("/v1/face-vectors")]
    assert vectors
    assert house.traces(*vectors)

    assert house.ask(VisitorAction.FORGET, profile_id=profile_id).ok
    until(lambda: not house.rows("/v1/face-profiles") and not house.rows("/v1/visits"), 10, "forgotten")
    until(lambda: house.states[-1].visitors == [] and house.states[-1].people == 0, 10, "nobody is there")
    assert list((house.folder / "rig" / "state" / "visitors" / "faces").iterdir()) == []
    assert house.storage.get(f"/v1/visits/{row['id']}", "visitors").status_code == 404
    assert process.stop() == 0
    house.storage.stop()
    assert house.traces(NAME, row["id"], *vectors) == []


def test_without_consent_nothing_is_loaded_leased_or_answered(tmp_path: Path, broker: TestBroker) -> None:
    house = House(tmp_path, broker, CONFIG.replace(f"consent_version = {CONSENT_VERSION}", ""))
    try:
        process = house.start()
        until(lambda: house.states, 10, "a state")
        assert (house.states[-1].enabled, house.states[-1].consented) == (True, False)
        house.show(new_id(), jpeg(astronaut()))
        assert process.rss_bytes() < 90_000_000, "no model is loaded"
        assert house.leases == []
    finally:
        house.stop()


def _looked(process: ServiceProcess, looks: int) -> bool:
    """Whether it looked at so many crops, by its own count."""
    for line in process.get("/metrics").splitlines():
        if line.startswith('vigilar_visitors_total{what="crops"}'):
            return float(line.split()[-1]) >= looks
    return False
