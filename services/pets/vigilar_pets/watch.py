"""Rules at work, and the retained state: what follows from a sighting, and from the time."""

from __future__ import annotations

import logging
from typing import Final

from vigilar_common.almanac import Almanac
from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.config import CameraLocation, Config
from vigilar_common.config.rule_words import SUNRISE, SUNSET, Window
from vigilar_common.derived import derived_id
from vigilar_common.messages.animals import PetActionKind, PetRuleFired
from vigilar_common.messages.camera import RecordAction, RecordCommand
from vigilar_common.messages.pets import PetNow, PetsState, Whereabouts
from vigilar_common.outbox import FactLog
from vigilar_common.topics import CMD_RECORD, PETS_STATE

from vigilar_pets.domain.rules import Firing, Seen, World
from vigilar_pets.household import Household

log = logging.getLogger("vigilar.pets.rules")

NIGHT: Final = Window(SUNSET, SUNRISE)
GUESS_MS: Final = 24 * 3_600_000
"""Where a pet is is a guess for so long after it was seen."""
RECORD_S: Final = 60
INSIDE: Final = (CameraLocation.INTERIOR, CameraLocation.GARAGE)


class Watch:
    """Called by the one thread of the service; `say` by any."""

    def __init__(
        self, *, household: Household, bus: Bus, facts: FactLog, clock: Clock, config: Config
    ) -> None:
        self._household, self._bus, self._facts, self._clock = household, bus, facts, clock
        self.model_id = self.problem = ""
        self.enabled = True
        self.fired = 0
        self._said: PetsState | None = None
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._indoor = frozenset(camera.id for camera in config.cameras if camera.location in INSIDE)
        place = config.location
        self._almanac = Almanac(config.system.timezone, place.latitude, place.longitude)
        self._placed = bool(place.latitude or place.longitude)

    def sighted(self, seen: Seen, confidence: float) -> None:
        """Raises what the outbox and the disk raise."""
        with self._household.lock:
            self._household.seen(seen, confidence)
            firings = self._household.rules.on_seen(seen, self._world())
            self._act(firings)
            self._household.keep()
        self.say()

    def tick(self) -> None:
        with self._household.lock:
            firings = self._household.rules.on_time(self._clock.now_ms(), self._world())
            if firings:
                self._act(firings)
                self._household.keep()
        self.say()

    def _world(self) -> World:
        names = {pet_id: pet.name for pet_id, pet in self._household.pets.items()}
        return World(names, self._household.last, self._outside, self._dark)

    def _outside(self, camera_id: str) -> bool:
        return camera_id not in self._indoor

    def _dark(self, at_ms: int) -> bool | None:
        return self._almanac.span_at(NIGHT, at_ms) is not None if self._placed else None

    def _act(self, firings: list[Firing]) -> None:
        for firing in firings:
            self.fired += 1
            log.info("rule %s: %s", firing.rule.name, firing.reason)
            for action in firing.rule.actions:
                if action.kind is PetActionKind.ALERT:
                    self._alert(firing, action.message)
                elif camera_id := action.camera_id or (firing.seen.camera_id if firing.seen else None):
                    command = RecordCommand(action=RecordAction.START, duration_s=RECORD_S)
                    if not self._bus.publish(CMD_RECORD, command, sender="pets", camera_id=camera_id):
                        log.error("%s is not told to record: the broker is away", camera_id)

    def _alert(self, firing: Firing, message: str) -> None:
        seen = firing.seen
        self._facts.emit(
            PetRuleFired(
                id=derived_id("pet-rule", f"{firing.rule_id}:{firing.pet_id}:{firing.at_ms}"),
                ts_ms=firing.at_ms, rule_id=firing.rule_id, title=(message or firing.rule.name)[:200],
                reason=firing.reason, pet_id=firing.pet_id, camera_id=seen.camera_id if seen else None,
                track_id=seen.track_id if seen else None,
            )
        )  # fmt: skip

    # -- the retained state -----------------------------------------------------------------------------

    def say(self) -> None:
        state = self.state()
        if state != self._said:
            self._said = state
            self._bus.set_state(PETS_STATE, state)

    def state(self) -> PetsState:
        household = self._household
        with household.lock:
            return PetsState(
                enabled=self.enabled,
                problem=self.problem[:500],
                model_id=self.model_id,
                pets=[self._now(pet_id) for pet_id in household.pets],
                learnt=household.learnt,
                embedding_left=len(household.left()) if self.model_id else 0,
            )

    def _now(self, pet_id: str) -> PetNow:
        household = self._household
        pet, seen = household.pets[pet_id], household.last.get(pet_id)
        photos = household.photos_of(pet_id)
        used = household.photos_of(pet_id, used=True)
        return PetNow(
            pet_id=pet_id, name=pet.name, species=pet.species, breed=pet.breed,
            photo_id=next(iter([*used, *photos]), None), photos=len(used), staged=len(photos) - len(used),
            where=self._where(seen), seen_ms=seen.ts_ms if seen else 0,
            camera_id=seen.camera_id if seen else None, zone=seen.zone[:80] if seen else "",
            confidence=round(min(1.0, max(0.0, household.confidence.get(pet_id, 0.0))), 3),
        )  # fmt: skip

    def _where(self, seen: Seen | None) -> Whereabouts:
        if seen is None or self._clock.now_ms() - seen.ts_ms > GUESS_MS:
            return Whereabouts.UNKNOWN
        return Whereabouts.OUTSIDE if self._outside(seen.camera_id) else Whereabouts.INSIDE
