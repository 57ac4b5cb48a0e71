"""Pets as a process on a real broker, with storage and events: real photos and the real model; enrol, see, rule, alert."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pet_pictures
import pytest
import tiny_models
from service_rig import ServiceProcess, ServiceRig, until
from storage_rig import Rig
from vigilar_common.bus import Received
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import EventOpened, EventType, Severity
from vigilar_common.messages.animals import PetAction, PetActionKind, PetCondition, PetConditionKind
from vigilar_common.messages.camera import Box
from vigilar_common.messages.detection import TrackLease
from vigilar_common.messages.objects import ObjectEnd, ObjectLeft
from vigilar_common.messages.pets import PetCommand, PetOrder, PetRuleWish, PetsState, Whereabouts
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CMD_PETS, EVENT_OPENED, FACT_TOPICS, PETS_LEASE, PETS_STATE, TRACK_CROP

pytestmark = pytest.mark.slow  # three services and a model: half a minute where the machine is busy
CLOCK = SystemClock()
TOML = """
[pets]
enabled = true
[[cameras]]
id = "front"
display_name = "Garden"
rtsp_url = "rtsp://127.0.0.1:9/front"
location = "GARDEN"
"""
PHOTOS = 4


class House(ServiceRig):
    def __init__(
        self, folder: Path, broker: TestBroker, storage: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIGILAR_MODELS_DIR", str(pet_pictures.ensure_model()))
        super().__init__(folder, broker, TOML, storage.url)
        self.storage = storage
        self.camera, self.web, self.alerts = (broker.bus(n) for n in ("camera-worker-front", "web", "alerts"))
        self.leases: list[TrackLease] = []
        self.states: list[PetsState] = []
        self.opened: list[EventOpened] = []
        self.camera.subscribe(PETS_LEASE, lambda received: self.leases.append(_of(received, TrackLease)))
        self.web.subscribe(PETS_STATE, lambda received: self.states.append(_of(received, PetsState)))
        self.alerts.subscribe(EVENT_OPENED, lambda received: self.opened.append(_of(received, EventOpened)))
        self.pets: ServiceProcess = self.service("pets")
        self.events: ServiceProcess = self.service("events")

    def ask(self, order: PetOrder, **what: Any) -> Reply:
        return self.web.request(CMD_PETS, PetCommand(order=order, user="Ann", **what), 10)

    def enrol(self, name: str, species: str, of: str) -> str:
        pet_id: str = self.ask(PetOrder.SAVE, name=name, species=species).data["pet_id"]
        for number in range(PHOTOS):
            photo = base64.b64encode(pet_pictures.jpeg(pet_pictures.seen(of, number))).decode()
            reply = self.ask(PetOrder.ADD_PHOTO, pet_id=pet_id, photo=photo)
            assert reply.ok or reply.code == "no_animal", reply
        return pet_id

    def passes(self, of: str, object_class: str, *, plain: bool = False) -> str:
        track_id = uuid7(CLOCK)
        for number in range(100, 103):
            told = {
                "track_id": track_id, "kind": "animal", "class": object_class, "ts_ms": str(CLOCK.now_ms()),
                "box": "0.2,0.2,0.4,0.4", "area": "0.1,0.1,0.6,0.6", "score": "0.8",
            }  # fmt: skip
            data = pet_pictures.jpeg(pet_pictures.photo(of) if plain else pet_pictures.seen(of, number))
            assert self.camera.publish_frame(TRACK_CROP, data, told, camera_id="front")
        return track_id

    def leaves(self, track_id: str, object_class: str) -> None:
        now_ms = CLOCK.now_ms()
        left = ObjectLeft(
            id=uuid7(CLOCK), ts_ms=now_ms, source="camera-worker-front", seq=1, camera_id="front", track_id=track_id,
            reason=ObjectEnd.GONE, object_class=object_class, confidence=0.8, box=Box(x=0.2, y=0.2, w=0.4, h=0.4),
            started_ms=now_ms - 5000,
        )  # fmt: skip
        self.camera.publish(FACT_TOPICS[ObjectLeft.TYPE], left, camera_id="front")

    def rows(self, what: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.storage.get(f"/v1/{what}").json()["items"]
        return rows

    def stop(self) -> None:
        for bus in (self.camera, self.web, self.alerts):
            bus.stop()
        codes = [process.stop() for process in (self.pets, self.events)]
        assert codes == [0, 0]


def _of(received: Received, model: type[Any]) -> Any:
    assert isinstance(received.message, model)
    return received.message


@pytest.fixture(name="house")
def _house(tmp_path: Path, broker: TestBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    storage = Rig(tmp_path / "storage")
    (tmp_path / "storage").mkdir()
    storage.configure()
    storage.start()
    house = House(tmp_path, broker, storage, monkeypatch)
    yield house
    house.web.stop()
    house.stop()
    storage.stop()


def test_a_pet_is_enrolled_seen_and_told_of_and_a_wild_bird_is_none(house: House) -> None:
    house.pets.start()
    house.events.start()
    until(lambda: house.leases, 20, "a lease")
    assert house.leases[0].kinds == ["animal"]
    bruno = house.enrol("Bruno", "dog", "mastiff")
    spot = house.enrol("Spot", "dog", "dalmatian")
    learnt = house.ask(PetOrder.RETRAIN)
    assert learnt.ok, learnt
    assert (
        learnt.data["after"]["right"] == learnt.data["after"]["photos"] > learnt.data["before"]["photos"] == 0
    )
    rule = PetRuleWish(
        pet_id=bruno, name="Bruno is in the garden", conditions=[PetCondition(kind=PetConditionKind.SEEN)],
        actions=[PetAction(kind=PetActionKind.ALERT)], cooldown_s=600,
    )  # fmt: skip
    assert house.ask(PetOrder.SAVE_RULE, rule=rule).ok

    house.passes("mastiff", "dog")
    told = until(lambda: [event for event in house.opened if event.type is EventType.RULE], 15, "the alert")[
        0
    ]
    assert (told.title, told.severity, told.camera_id) == ("Bruno is in the garden", Severity.ALERT, "front")
    assert "Bruno was seen by front" in told.detail["reason"]
    assert told.detail["channels"] == ["all"]
    row = until(lambda: house.rows("pet-sightings"), 15, "its row")[0]
    assert (row["pet_id"], row["species"], row["camera_id"]) == (bruno, "dog", "front")
    state = until(lambda: [s for s in house.states if any(p.seen_ms for p in s.pets)], 5, "where it is")[-1]
    now = {pet.pet_id: pet for pet in state.pets}
    assert (now[bruno].where, now[spot].where) == (Whereabouts.OUTSIDE, Whereabouts.UNKNOWN)

    goose = house.passes("goose", "bird", plain=True)
    house.leaves(goose, "bird")
    wild = until(lambda: house.rows("wildlife-sightings"), 15, "the wild bird")
    assert [(w["species"], w["threat_level"], w["temperature_c"]) for w in wild] == [("goose", "none", None)]

    kept = house.ask(PetOrder.PHOTO, photo_id=row["picture_id"])
    assert base64.b64decode(kept.data["jpeg"]).startswith(b"\xff\xd8")
    for path in (house.folder / "state" / "pets").rglob("*"):
        assert not path.is_file() or b"\xff\xd8\xff" not in path.read_bytes()[:64]
    again = house.ask(PetOrder.NAME_SIGHTING, pet_id=bruno, photo_id=row["picture_id"])
    assert again.ok, again
    assert len(house.opened) == 1


def test_hostile_photos_are_refused_before_they_are_decoded_and_a_kill_while_learning_loses_nothing(
    house: House,
) -> None:
    house.pets.start()
    until(lambda: house.leases, 20, "a lease")
    bruno = house.enrol("Bruno", "dog", "mastiff")
    small = tiny_models.jpeg()
    for bad, code in (
        (b"no picture", "bad_photo"),
        (tiny_models.claimed_size(small, 10_000, 10_000), "bad_photo"),
        (pet_pictures.jpeg(pet_pictures.photo("jeep")), "no_animal"),
    ):
        reply = house.ask(PetOrder.ADD_PHOTO, pet_id=bruno, photo=base64.b64encode(bad).decode())
        assert (reply.ok, reply.code) == (False, code), reply
    cat = house.ask(PetOrder.SAVE, name="Momo", species="cat").data["pet_id"]
    dog = base64.b64encode(pet_pictures.jpeg(pet_pictures.photo("mastiff"))).decode()
    assert house.ask(PetOrder.ADD_PHOTO, pet_id=cat, photo=dog).code == "wrong_species"
    assert house.camera.publish_frame(TRACK_CROP, b"\xff\xd8torn", {"track_id": "x"}, camera_id="front")

    before = house.ask(PetOrder.PHOTOS, pet_id=bruno).data["items"]
    house.web.publish(CMD_PETS, PetCommand(order=PetOrder.RETRAIN), sender="web")
    house.pets.kill()
    house.leases.clear()
    house.pets.start()
    until(lambda: house.leases, 20, "a lease again")
    after = house.ask(PetOrder.PHOTOS, pet_id=bruno).data["items"]
    assert {item["photo_id"] for item in after} == {item["photo_id"] for item in before}
    assert len({item["used"] for item in after}) == 1, "all of them are learnt, or none is"
