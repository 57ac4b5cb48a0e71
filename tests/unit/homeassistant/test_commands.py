"""Switch commands that Home Assistant sends, and pictures that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from homeassistant_house import BridgeHouse, house
from vigilar_common.bus import BusUnavailableError, Received
from vigilar_common.config import Config
from vigilar_common.messages import Message, Reply
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.camera import CameraCondition, CameraState, CameraSwitch, CameraSwitchName
from vigilar_common.topics import (
    CAMERA_STATE,
    CMD_ASK_SWITCH,
    CMD_SNAPSHOT,
    CMD_SWITCH,
    HOUSE_EVENT,
    HOUSE_IMAGE,
    PICTURE,
    Topic,
)
from vigilar_homeassistant.commands import MAX_WAITING, Commands
from vigilar_homeassistant.pictures import LEAST_S, Pictures


class CommandHouse(BridgeHouse):
    def __init__(self, folder: Path, **homeassistant: Any) -> None:
        super().__init__(folder, house(**homeassistant))
        config = Config.model_validate(self.raw)
        self.commands = Commands(self.bus, self.bridge, lambda: config)
        self.pictures = Pictures(self.clock, self.bus, config, self.bridge)
        for topic, handler in self.pictures.table().items():
            self.bus.subscribe(topic, handler)
        self.orders: list[tuple[Topic, CameraSwitch, Mapping[str, str]]] = []
        self.answer: Reply | None = Reply(ok=True, message="privacy is on.", data={"privacy": True})
        self.bus.answers = self._answer

    def _answer(self, topic: Topic, message: Message, ids: Mapping[str, str]) -> Reply:
        assert isinstance(message, CameraSwitch)
        self.orders.append((topic, message, ids))
        if self.answer is None:
            raise BusUnavailableError("no answer")
        return self.answer

    def received(self, switch: str, on: bool, camera_id: str, replies: list[Reply]) -> Received:
        command = CameraSwitch(switch=CameraSwitchName(switch), on=on)
        ids = {"sender": "home_automation", "camera_id": camera_id}
        return Received(CMD_ASK_SWITCH, ids, command, b"", {}, False, replies.append)

    def ask(self, switch: str, on: bool, camera_id: str = "front") -> Reply:
        replies: list[Reply] = []
        self.commands.handle(self.received(switch, on, camera_id, replies))
        (reply,) = replies
        return reply

    def state(self, condition: CameraCondition = CameraCondition.ONLINE, privacy: bool = False) -> None:
        message = CameraState(camera_id="front", condition=condition, privacy=privacy)
        self.bus.deliver(CAMERA_STATE, message, camera_id="front")

    def picture(self, data: bytes = b"jpeg") -> None:
        self.bus.deliver(PICTURE, payload=data, camera_id="front")

    def shown(self) -> list[bytes]:
        return [found.payload for found in self.bus.published if found.topic is HOUSE_IMAGE]


@pytest.fixture
def there(tmp_path: Path) -> CommandHouse:
    found = CommandHouse(tmp_path, images=True)
    found.alarm()
    return found


def test_an_allowed_switch_is_ordered_from_the_cameras_worker(there: CommandHouse) -> None:
    reply = there.ask("privacy", True)
    assert (reply.ok, reply.data) == (True, {"privacy": True})
    ((topic, order, ids),) = there.orders
    assert (topic, ids["camera_id"]) == (CMD_SWITCH, "front")
    assert (order.switch, order.on, order.user) == ("privacy", True, "for home_automation")


@pytest.mark.parametrize(
    ("switch", "on", "camera_id", "state", "code"),
    [
        ("privacy", True, "front", ArmState.ARMED_AWAY, "armed"),
        ("recording", False, "front", ArmState.TRIGGERED, "armed"),
        ("privacy", False, "front", ArmState.ARMED_AWAY, ""),
        ("privacy", True, "attic", ArmState.DISARMED, "no_such_camera"),
        ("privacy", True, "old", ArmState.DISARMED, "no_such_camera"),
    ],
)
def test_what_may_not_be_is_refused_with_an_event_and_never_ordered(
    there: CommandHouse, switch: str, on: bool, camera_id: str, state: ArmState, code: str
) -> None:
    there.alarm(state=state)
    reply = there.ask(switch, on, camera_id)
    assert (reply.ok, reply.code) == (not code, code or "ok")
    assert len(there.orders) == (0 if code else 1)
    told = [event.detail["code"] for event in there.bus.messages(HOUSE_EVENT)]
    assert told == ([code] if code else [])


def test_a_worker_that_is_silent_or_refuses_is_told(there: CommandHouse) -> None:
    there.answer = None
    assert there.ask("recording", False).code == "camera_silent"
    there.answer = Reply(ok=False, code="not_kept", message="The disk is full.")
    reply = there.ask("recording", False)
    assert (reply.code, reply.message) == ("not_kept", "The disk is full.")
    assert there.bridge.counters["switches_refused"] == 2


def test_more_commands_than_can_wait_are_refused_at_once(there: CommandHouse) -> None:
    replies: list[Reply] = []
    for _ in range(MAX_WAITING + 1):
        there.commands.asked(there.received("privacy", True, "front", replies))
    assert [reply.code for reply in replies] == ["busy"]


def test_pictures_are_asked_for_at_the_interval_and_only_of_cameras_that_see(there: CommandHouse) -> None:
    assert there.pictures.step() == 1
    there.state()
    assert there.pictures.step() == 60
    assert len(there.bus.messages(CMD_SNAPSHOT)) == 1
    there.clock.advance(59)
    there.pictures.step()
    assert len(there.bus.messages(CMD_SNAPSHOT)) == 1
    there.clock.advance(1)
    there.pictures.step()
    (first, _) = there.bus.messages(CMD_SNAPSHOT)
    assert first.max_width_px == 640
    there.state(CameraCondition.OFFLINE)
    there.clock.advance(120)
    there.pictures.step()
    assert len(there.bus.messages(CMD_SNAPSHOT)) == 2


def test_a_picture_is_passed_on_at_most_once_in_ten_seconds(there: CommandHouse) -> None:
    there.picture(b"before its first word")
    there.state()
    there.picture(b"one")
    there.picture(b"two")
    there.clock.advance(LEAST_S)
    there.picture(b"three")
    assert there.shown() == [b"one", b"three"]
    assert there.bridge.counters["pictures_held_back"] == 2


def test_in_privacy_no_picture_leaves_the_house(there: CommandHouse) -> None:
    """Also not one that was on its way."""
    there.state()
    there.state(privacy=True)
    there.picture(b"on its way")
    there.clock.advance(3600)
    there.pictures.step()
    assert there.shown() == []
    assert there.bus.messages(CMD_SNAPSHOT) == []


def test_a_picture_is_bounded_and_not_retained() -> None:
    assert (HOUSE_IMAGE.max_bytes, HOUSE_IMAGE.retain) == (262_144, False)
