"""The detector as a process on a real broker, with a tiny model: leases, answers, what it says of itself, what goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tiny_models
from service_rig import ServiceProcess, ServiceRig, until
from vehicle_pictures import painted, street
from vigilar_common.bus import MqttBus, Received
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.messages.detection import CropResult, CropSeen, DetectorLease, DetectorState
from vigilar_common.messages.system import Heartbeat
from vigilar_common.messages.vehicles import VehicleAction, VehicleCommand
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_VEHICLE, CROP, CROP_SEEN, DETECTOR_LEASE, DETECTOR_STATE, HEARTBEAT

MODEL = tiny_models.onnx(tiny_models.person_in_the_middle())
PICTURE = tiny_models.jpeg()
CAMERAS = """
[[cameras]]
id = "front"
display_name = "Front"
rtsp_url = "rtsp://127.0.0.1:9/front"
[[cameras]]
id = "back"
display_name = "Back"
rtsp_url = "rtsp://127.0.0.1:9/back"
"""


class House(ServiceRig):
    """Two cameras, somebody who reads what the detector says, and the detector itself."""

    def __init__(self, folder: Path, broker: TestBroker) -> None:
        super().__init__(folder, broker, CAMERAS)
        self.models = folder / "state" / "detector" / "models"
        self.models.mkdir(parents=True)
        self.answers: list[CropSeen] = []
        self.leases: list[DetectorLease] = []
        self.states: list[DetectorState] = []
        self.findings: list[dict[str, Any]] = []
        self.beats = 0
        self.cameras = {name: broker.bus(f"camera-worker-{name}") for name in ("front", "back")}
        for name, bus in self.cameras.items():
            bus.subscribe(CROP_SEEN, self._answered, camera_id=name)
        self.cameras["front"].subscribe(DETECTOR_LEASE, self._leased)
        self.health: MqttBus = broker.bus("health")
        self.health.subscribe(DETECTOR_STATE, self._told)
        self.health.subscribe(HEARTBEAT, self._beat, service="detector")
        self.process: ServiceProcess | None = None

    def start(self, keys: str = "person_detection = true") -> ServiceProcess:
        self.configure(f"[detection]\n{keys}\n{CAMERAS}")
        self.process = self.service("detector").start()
        return self.process

    def send(self, camera: str = "front", data: bytes = PICTURE) -> str:
        crop_id = uuid7(SystemClock())
        assert self.cameras[camera].publish_frame(
            CROP, data, {"crop_id": crop_id, "ts_ms": "1"}, camera_id=camera
        )
        return crop_id

    def ask(self, camera: str = "front", data: bytes = PICTURE) -> CropSeen:
        """The answer to one crop."""
        crop_id = self.send(camera, data)
        return until(lambda: [a for a in self.answers if a.crop_id == crop_id], 10, "an answer")[0]

    def stop(self) -> None:
        for bus in (*self.cameras.values(), self.health):
            bus.stop()
        if self.process is not None:
            assert self.process.stop() == 0

    def _answered(self, received: Received) -> None:
        assert isinstance(received.message, CropSeen)
        self.answers.append(received.message)

    def _leased(self, received: Received) -> None:
        assert isinstance(received.message, DetectorLease)
        self.leases.append(received.message)

    def _told(self, received: Received) -> None:
        assert isinstance(received.message, DetectorState)
        self.states.append(received.message)

    def _beat(self, received: Received) -> None:
        assert isinstance(received.message, Heartbeat)
        self.beats += 1
        self.findings = received.message.detail.get("findings", [])


@pytest.fixture(name="house")
def _house(tmp_path: Path, broker: TestBroker) -> Iterator[House]:
    house = House(tmp_path, broker)
    yield house
    house.health.clear_state(DETECTOR_STATE)
    house.stop()


def test_crops_are_leased_looked_at_and_answered_to_their_own_camera(house: House) -> None:
    tiny_models.install(house.models, MODEL)
    house.start('person_detection = true\ncameras = ["front"]')
    until(lambda: house.leases, 10, "a lease")
    assert (house.leases[0].crop_px, house.leases[0].model_id) == (32, "tiny")
    state = until(lambda: [s for s in house.states if s.model_id], 5, "what it is")[0]
    assert (state.enabled, state.problem, state.classes) == (True, "", tiny_models.CLASSES)
    assert (state.model_licence, state.device) == ("Apache-2.0", "CPU")
    answer = house.ask()
    assert (answer.result, answer.camera_id, answer.model_id) == (CropResult.SEEN, "front", "tiny")
    assert [found.object_class for found in answer.objects] == ["person"]
    refused = house.ask("back")
    assert refused.result is CropResult.REFUSED
    assert "[detection] cameras" in refused.reason


def test_bad_pictures_and_a_flood_leave_it_answering(house: House) -> None:
    tiny_models.install(house.models, MODEL)
    process = house.start()
    until(lambda: house.leases, 10, "a lease")
    for bad in (b"", b"no picture", tiny_models.claimed_size(tiny_models.jpeg(), 60000, 60000)):
        answer = house.ask(data=bad)
        assert answer.result is CropResult.REFUSED
        assert answer.objects == []
    for number in range(200):
        house.send(("front", "back")[number % 2])
    house.ask("back")
    results = Counter(answer.result for answer in house.answers)
    assert set(results) <= {CropResult.REFUSED, CropResult.SEEN, CropResult.REPLACED, CropResult.LATE}
    assert process.get("/health/live")["status"] == "ok"
    assert 'vigilar_detector_total{what="crops_seen"}' in process.get("/metrics")


@pytest.mark.slow
def test_without_a_model_there_is_no_lease_but_a_finding_and_installing_one_is_enough(house: House) -> None:
    house.start()
    until(lambda: [s for s in house.states if "is not installed" in s.problem], 10, "what is missing")
    until(lambda: [f for f in house.findings if f["code"] == "detector_model"], 15, "the finding")
    house.send()
    assert house.leases == []
    tiny_models.install(house.models, MODEL)
    until(lambda: house.leases, 15, "a lease")
    assert house.ask().result is CropResult.SEEN
    assert house.states[-1].model_id == "tiny"


@pytest.mark.slow
def test_another_model_is_taken_over_while_it_runs_and_a_bad_one_is_not(house: House) -> None:
    tiny_models.install(house.models, MODEL)
    house.start()
    until(lambda: house.leases, 10, "a lease")
    folder = tiny_models.install(house.models, MODEL, id="other")
    until(lambda: house.ask().model_id == "other", 15, "the other model")
    (folder / "model.onnx").write_bytes(b"x" * len(MODEL))
    tiny_models.install(
        house.models,
        MODEL,
        id="third",
        files=[{"name": "model.onnx", "sha256": "0" * 64, "size_bytes": len(MODEL)}],
    )
    log = house.process.log if house.process else house.folder
    until(lambda: "stays in use" in log.read_text("utf-8"), 15, "the refusal")
    assert house.ask().model_id == "other"


def test_switched_off_it_loads_nothing_and_says_so(house: House) -> None:
    tiny_models.install(house.models, MODEL)
    process = house.start("person_detection = false")
    until(lambda: house.states, 5, "its state")
    assert house.states[-1].enabled is False
    assert process.process is not None
    maps = Path(f"/proc/{process.process.pid}/maps").read_text("utf-8")
    assert "openvino" not in maps
    assert "cv2" not in maps
    assert house.leases == []


def test_vehicles_are_measured_known_vehicles_are_learnt_from_the_page_and_recognised(
    house: House, broker: TestBroker
) -> None:
    answer = {
        "dets": np.array([[[0.5, 0.48, 0.5, 0.4]]], np.float32),
        "labels": np.full((1, 1, 3), -5, np.float32),
    }
    answer["labels"][0, 0, 1] = 3.0
    model = tiny_models.onnx(answer, size=(320, 320))
    tiny_models.install(house.models, model, input={"width_px": 320, "height_px": 320})
    known = '[[vehicles.known]]\nname = "estate"\ncolor_profile = "red"\n'
    house.start(f"person_detection = true\n{known}")
    until(lambda: house.leases, 20, "a lease")
    picture = cv2.resize(painted(street(), "red")[0:150, 72:222], (320, 320))
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    (seen,) = house.ask(data=jpeg).objects
    assert seen.vehicle is not None
    assert (seen.vehicle.colour, seen.vehicle.name, seen.vehicle.calibrated) == ("red", "estate", False)
    web = broker.bus("web")
    try:
        learn = VehicleCommand(
            action=VehicleAction.LEARN, name="estate", measure=seen.vehicle.measure, user="ann"
        )
        assert web.request(CMD_VEHICLE, learn).message == "estate is known by 1 looks."
        strange = web.request(CMD_VEHICLE, learn.model_copy(update={"id": "", "name": "lorry"}))
        assert (strange.ok, strange.code) == (False, "refused")
    finally:
        web.stop()
    until(
        lambda: (found := house.ask(data=jpeg).objects[0].vehicle) is not None and found.calibrated,
        15,
        "recognition",
    )
