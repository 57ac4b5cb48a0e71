"""Arming and guard of the events service with their surroundings, without a broker, storage or real time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigilar_common.bus import Received
from vigilar_common.clock import uuid7
from vigilar_common.config import Config
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import (
    AlarmState,
    ArmAction,
    ArmCommand,
    ArmState,
    ArmStateChanged,
    EventOpened,
    ResetPin,
    SirenState,
)
from vigilar_common.messages.sensor import SensorChanged, SensorLost
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CMD_ALARM, CMD_RESET_PIN
from vigilar_events.adapters.keeper import Keeper
from vigilar_events.arming import Arming
from vigilar_events.guard import Guard


def hash_of(pin: str) -> str:
    """A well-formed hash that `House._verify` reads the PIN from."""
    return f"pbkdf2_sha256${pin.encode().hex():0>16}${'00' * 32}"


class House:
    """Arming and guard with their surroundings; `restart` as after a kill -9."""

    def __init__(self, folder: Path, pin: str = "1234", config: dict[str, Any] | None = None) -> None:
        self.clock, self.folder = FakeClock(), folder
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.hashed = 0
        self.boot_id = folder / "boot_id"
        self.boot_id.write_text("one")
        modes = {mode: {"exit_delay_s": 0} for mode in ("home", "away", "night", "vacation")}
        self.raw: dict[str, Any] = {"alarm": {"modes": modes}, "security": {}} | (config or {})
        if pin:
            self.raw["security"] = {"pin_hash": hash_of(pin)} | self.raw["security"]
        self.restart()

    @property
    def config(self) -> Config:
        return Config.model_validate(self.raw)

    def restart(self) -> None:
        self.bus = FakeBus(self.clock)
        keeper = Keeper(self.folder, self.clock, self.boot_id)
        self.guard = Guard(
            clock=self.clock,
            bus=self.bus,
            facts=self.facts,  # type: ignore[arg-type]
            keeper=keeper,
            config=self.config,
            pin_configured=lambda: self.arming.pin_configured,
        )
        self.arming = Arming(
            clock=self.clock,
            facts=self.facts,  # type: ignore[arg-type]
            keeper=keeper,
            guard=self.guard,
            config=self.config,
            verify=self._verify,
        )
        self.guard.load()

    def configure(self, **sections: Any) -> None:
        self.raw |= sections
        self.guard.configure(self.config)
        self.arming.configure(self.config)

    def _verify(self, pin: str, stored: str) -> bool:
        self.hashed += 1
        return f"{pin.encode().hex():0>16}" == stored.split("$")[1]

    def ask(self, action: str, pin: str = "", sender: str = "web", user: str = "admin", **more: Any) -> Reply:
        replies: list[Reply] = []
        command = ArmCommand(
            action=ArmAction(action), pin=pin, user=user, id="x", ts_ms=self.clock.now_ms(), **more
        )
        self.arming.handle(Received(CMD_ALARM, {"sender": sender}, command, b"", {}, False, replies.append))
        (reply,) = replies
        return reply

    def state(self) -> ArmState:
        """A call, so that a checker of types does not take it for what it was two steps ago."""
        return self.guard.state

    def sounding(self) -> bool:
        """Whether the siren is on."""
        return self.siren.on

    @property
    def told(self) -> AlarmState:
        state = self.bus.states["vigilar/alarm/state"]
        assert isinstance(state, AlarmState)
        return state

    # -- sensors and time ---------------------------------------------------------------------------

    def says(
        self, sensor_id: str, value: bool, key: str = "contact", age_s: float = 0.0, **more: Any
    ) -> None:
        """`value` as the sensors service has it: contact is false while open."""
        live = more.pop("live", True)
        fact = SensorChanged(
            id=uuid7(self.clock),
            ts_ms=self.clock.now_ms() - round(age_s * 1000),
            sensor_id=sensor_id,
            key=key,
            value=value,
            **more,
        )
        self.guard.on_sensor(fact, age_s, live)

    def loses(self, sensor_id: str) -> None:
        fact = SensorLost(
            id=uuid7(self.clock), ts_ms=self.clock.now_ms(), sensor_id=sensor_id, reason="silent"
        )
        self.guard.on_sensor(fact, 0.0, True)

    def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.guard.tick()

    def reset(self, passphrase: str, new_pin: str, sender: str = "web") -> Reply:
        replies: list[Reply] = []
        command = ResetPin(passphrase=passphrase, new_pin=new_pin, user="admin")
        self.arming.handle(
            Received(CMD_RESET_PIN, {"sender": sender}, command, b"", {}, False, replies.append)
        )
        (reply,) = replies
        return reply

    @property
    def siren(self) -> SirenState:
        state = self.bus.states["vigilar/alarm/siren"]
        assert isinstance(state, SirenState)
        return state

    @property
    def events(self) -> list[str]:
        """Types of the events so far."""
        return [event.type.value for event in self.facts.of(EventOpened)]

    @property
    def path(self) -> list[str]:
        """States taken so far."""
        return [fact.to_state.value for fact in self.facts.of(ArmStateChanged)]


def sensor(sensor_id: str, kind: str = "CONTACT") -> dict[str, Any]:
    name = sensor_id.replace("_", " ").capitalize()
    return {
        "id": sensor_id,
        "display_name": name,
        "type": kind,
        "protocol": "ZIGBEE",
        "device_address": sensor_id,
    }
