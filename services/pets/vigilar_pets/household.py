"""The household's pets, their photos and rules: kept in one small file, told as facts, compared as a gallery.

The file is written before the facts go out, with the names of what is not told yet; a service that was killed in between
tells it when it starts. What pets are compared with changes by one write of that file: learning that is interrupted
changes nothing.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import FileDamagedError
from vigilar_common.messages import Fact
from vigilar_common.messages.animals import (
    Origin,
    PetRemoved,
    PetRuleRemoved,
    PetRuleSaved,
    PetSaved,
    PetTrainingRemoved,
    PetTrainingSaved,
)
from vigilar_common.messages.pets import MAX_PETS, MAX_RULES, Learnt, PetRuleWish
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile

from vigilar_pets.adapters.vault import Vault
from vigilar_pets.domain.gallery import Gallery
from vigilar_pets.domain.rules import Rules, Seen
from vigilar_pets.errors import RefusedError

log = logging.getLogger("vigilar.pets.household")

Floats = NDArray[np.float32]
MAX_PHOTOS: Final = 60
"""Of one pet."""


@dataclass
class Pet:
    name: str
    species: str
    breed: str = ""


@dataclass
class Photo:
    pet_id: str
    origin: str
    used: bool = False
    model: str = ""
    """That made its vector; empty or another one: it is looked at again."""


class Household:
    """Thread-safe."""

    def __init__(self, vault: Vault, file: StateFile, facts: FactLog, clock: Clock) -> None:
        self._vault, self._file, self._facts, self._clock = vault, file, facts, clock
        self.lock = threading.RLock()
        self.pets: dict[str, Pet] = {}
        self.photos: dict[str, Photo] = {}
        self.rules = Rules()
        self.last: dict[str, Seen] = {}
        self.confidence: dict[str, float] = {}
        self.gallery = Gallery({})
        self.learnt = Learnt()
        self._model = ""
        self._untold: dict[str, str] = {}
        """What was changed and not told as a fact yet: id → kind."""
        self.fresh = True
        """Nothing was ever kept here."""

    # -- on disk --------------------------------------------------------------------------------------

    def load(self) -> None:
        """Raises OSError, FileDamagedError for a key that cannot be used."""
        self._vault.open()
        if problem := self._file.restore(self._restore):
            log.error("what is known of pets may be older than it was: %s", problem)
        if not self.fresh:
            self._vault.keep_only(set(self.photos))

    def _restore(self, kept: dict[str, Any]) -> None:
        try:
            self.pets = {pet_id: Pet(**told) for pet_id, told in kept["pets"].items()}
            self.photos = {photo_id: Photo(**told) for photo_id, told in kept["photos"].items()}
            self.rules = Rules(
                {rule_id: PetRuleWish.model_validate(told) for rule_id, told in kept["rules"].items()},
                {rule_id: int(ms) for rule_id, ms in kept["fired_ms"].items()},
                {key: int(ms) for key, ms in kept["absent_told"].items()},
            )
            self.last = {pet_id: Seen(**told) for pet_id, told in kept["last"].items()}
            self.confidence = {pet_id: float(one) for pet_id, one in kept["confidence"].items()}
            self._untold = dict(kept["untold"])
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise ValueError(f"makes no sense: {type(error).__name__}") from error
        self.fresh = False

    def keep(self) -> None:
        """Raises OSError."""
        with self.lock:
            self._file.save(
                {
                    "pets": {pet_id: asdict(pet) for pet_id, pet in self.pets.items()},
                    "photos": {photo_id: asdict(photo) for photo_id, photo in self.photos.items()},
                    "rules": {i: rule.model_dump(mode="json") for i, rule in self.rules.rules.items()},
                    "fired_ms": self.rules.fired_ms,
                    "absent_told": self.rules.absent_told,
                    "last": {pet_id: asdict(seen) for pet_id, seen in self.last.items()},
                    "confidence": self.confidence,
                    "untold": self._untold,
                }
            )
            self.fresh = False

    def tell(self) -> None:
        """What was changed, as facts. Raises what the outbox raises; then it is told the next time."""
        with self.lock:
            if not self._untold:
                return
            # Pets before their photos and rules: storage must know them.
            for what, kind in sorted(self._untold.items(), key=lambda item: item[1] != "pet"):
                fact = self._fact(what, kind)
                if fact is not None:
                    self._facts.emit(fact)
            self._untold = {}
            self.keep()

    def _fact(self, what: str, kind: str) -> Fact | None:
        now_ms = self._clock.now_ms()
        if kind == "pet":
            pet = self.pets.get(what)
            if pet is None:
                return PetRemoved(ts_ms=now_ms, pet_id=what)
            return PetSaved(
                ts_ms=now_ms, pet_id=what, name=pet.name, species=pet.species, breed=pet.breed,
                training_count=len(self.photos_of(what, used=True)),
            )  # fmt: skip
        if kind == "rule":
            rule = self.rules.rules.get(what)
            if rule is None:
                return PetRuleRemoved(ts_ms=now_ms, rule_id=what)
            return PetRuleSaved(ts_ms=now_ms, rule_id=what, **rule.model_dump())
        photo = self.photos.get(what)
        if photo is None:
            return PetTrainingRemoved(ts_ms=now_ms, image_id=what)
        vector = self._vault.vector(what, photo.model) if photo.model else None
        if vector is None:
            return None  # told when it was looked at
        sealed = self._vault.seal_vector(what, photo.model, vector)
        return PetTrainingSaved(
            ts_ms=now_ms, image_id=what, pet_id=photo.pet_id, picture_id=what, origin=Origin(photo.origin),
            used=photo.used, model=photo.model, vector=base64.b64encode(sealed).decode(),
        )  # fmt: skip

    def _changed(self, kind: str, *ids: str) -> None:
        self._untold |= dict.fromkeys(ids, kind)
        self.keep()

    # -- pets -----------------------------------------------------------------------------------------

    def save_pet(self, pet_id: str | None, pet: Pet) -> str:
        """Its id. Raises RefusedError, OSError."""
        with self.lock:
            if pet_id is not None and pet_id not in self.pets:
                raise RefusedError("not_found", "There is no such pet.")
            if pet_id is None and len(self.pets) >= MAX_PETS:
                raise RefusedError("too_many", f"There are {MAX_PETS} pets already.")
            same = pet.name.casefold()
            if any(one.name.casefold() == same and known != pet_id for known, one in self.pets.items()):
                raise RefusedError("name_taken", f"There is a pet of the name {pet.name} already.")
            pet_id = pet_id or uuid7(self._clock)
            self.pets[pet_id] = pet
            self._changed("pet", pet_id)
            self.tell()
            return pet_id

    def remove_pet(self, pet_id: str) -> None:
        """With its photos, vectors and rules; sightings stay, without a name. Raises RefusedError, OSError."""
        with self.lock:
            self.named(pet_id)
            del self.pets[pet_id]
            gone = self.photos_of(pet_id)
            for photo_id in gone:
                del self.photos[photo_id]
            for rule_id, rule in list(self.rules.rules.items()):
                others = {condition.other_pet_id for condition in rule.conditions}
                if pet_id == rule.pet_id or pet_id in others:
                    self.rules.forget(rule_id)
                    self._untold[rule_id] = "rule"
            self.last.pop(pet_id, None)
            self.confidence.pop(pet_id, None)
            self._untold = {what: kind for what, kind in self._untold.items() if what not in gone}
            self._changed("pet", pet_id)
            for photo_id in gone:
                self._vault.drop_photo(photo_id)
            self.compare()
            self.tell()

    def named(self, pet_id: str | None) -> Pet:
        """Raises RefusedError."""
        pet = self.pets.get(pet_id or "")
        if pet is None:
            raise RefusedError("not_found", "There is no such pet.")
        return pet

    # -- photos ---------------------------------------------------------------------------------------

    def photos_of(self, pet_id: str, *, used: bool | None = None) -> list[str]:
        found = [(photo_id, one) for photo_id, one in self.photos.items() if one.pet_id == pet_id]
        return [photo_id for photo_id, one in found if used is None or one.used is used]

    def stage(self, pet_id: str, origin: Origin, jpeg: bytes, vector: Floats, model: str) -> str:
        """A photo that waits for learning; its id. Raises RefusedError, OSError."""
        with self.lock:
            pet = self.named(pet_id)
            if len(self.photos_of(pet_id)) >= MAX_PHOTOS:
                raise RefusedError(
                    "too_many", f"{pet.name} has {MAX_PHOTOS} photos already: reject one first."
                )
            photo_id = uuid7(self._clock)
            self._vault.keep_photo(photo_id, jpeg)
            self._vault.keep_vector(photo_id, self._vault.seal_vector(photo_id, model, vector))
            self.photos[photo_id] = Photo(pet_id, origin.value, model=model)
            self._changed("photo", photo_id)
            self.tell()
            return photo_id

    def label(self, photo_id: str, pet_id: str) -> None:
        """It shows another pet; it waits for learning again. Raises RefusedError, OSError."""
        with self.lock:
            self.named(pet_id)
            photo = self._photo(photo_id)
            before = photo.pet_id
            photo.pet_id, photo.origin, photo.used = pet_id, Origin.CORRECTION.value, False
            self._changed("photo", photo_id)
            self._changed("pet", before)
            self.compare()
            self.tell()

    def reject(self, photo_id: str) -> None:
        """Raises RefusedError, OSError."""
        with self.lock:
            pet_id = self._photo(photo_id).pet_id
            del self.photos[photo_id]
            self._changed("photo", photo_id)
            self._changed("pet", pet_id)
            self._vault.drop_photo(photo_id)
            self.compare()
            self.tell()

    def retrain(self) -> tuple[Learnt, Learnt]:
        """Everything staged is learnt: (how well they were told apart before, and now). Raises RefusedError, OSError."""
        with self.lock:
            before = self.learnt
            staged = [i for i, photo in self.photos.items() if not photo.used and photo.model == self._model]
            if not staged:
                raise RefusedError("nothing_staged", "No photo waits for learning.")
            for photo_id in staged:
                self.photos[photo_id].used = True
            try:
                self._untold |= dict.fromkeys(staged, "photo")
                self._changed("pet", *{self.photos[photo_id].pet_id for photo_id in staged})
            except OSError:
                for photo_id in staged:
                    self.photos[photo_id].used = False
                raise
            self.compare()
            self.tell()
            return before, self.learnt

    def _photo(self, photo_id: str | None) -> Photo:
        photo = self.photos.get(photo_id or "")
        if photo is None:
            raise RefusedError("not_found", "There is no such photo.")
        return photo

    # -- comparing ------------------------------------------------------------------------------------

    def use_model(self, model: str) -> list[str]:
        """Photos that this model has not looked at: they take no part until it has."""
        with self.lock:
            self._model = model
            self.compare()
            return self.left()

    def left(self) -> list[str]:
        return [photo_id for photo_id, photo in self.photos.items() if photo.model != self._model]

    def looked_at(self, photo_id: str, vector: Floats, model: str) -> None:
        """Raises OSError."""
        with self.lock:
            photo = self.photos.get(photo_id)
            if photo is None:
                return
            self._vault.keep_vector(photo_id, self._vault.seal_vector(photo_id, model, vector))
            photo.model = model
            self._changed("photo", photo_id)
            if not self.left():
                self.compare()
            self.tell()

    def compare(self) -> None:
        """What crops are compared with from now on: learnt photos, of the model in use alone."""
        vectors: dict[str, list[Floats]] = {}
        for photo_id, photo in self.photos.items():
            if not photo.used or photo.model != self._model:
                continue
            try:
                vector = self._vault.vector(photo_id, photo.model)
            except (OSError, FileDamagedError) as error:
                log.error("photo %s takes no part: %s", photo_id, error)  # noqa: TRY400
                continue
            if vector is None:
                photo.model = ""  # damaged: it is looked at again
            else:
                vectors.setdefault(photo.pet_id, []).append(vector)
        self.gallery = Gallery(vectors)
        self.learnt = self.gallery.learnt()

    # -- rules and sightings ----------------------------------------------------------------------------

    def save_rule(self, rule_id: str | None, rule: PetRuleWish) -> str:
        """Raises RefusedError, OSError."""
        with self.lock:
            if rule_id is not None and rule_id not in self.rules.rules:
                raise RefusedError("not_found", "There is no such rule.")
            if rule_id is None and len(self.rules.rules) >= MAX_RULES:
                raise RefusedError("too_many", f"There are {MAX_RULES} rules already.")
            for pet_id in {rule.pet_id, *(condition.other_pet_id for condition in rule.conditions)} - {None}:
                self.named(pet_id)
            rule_id = rule_id or uuid7(self._clock)
            self.rules.rules[rule_id] = rule
            self._changed("rule", rule_id)
            self.tell()
            return rule_id

    def remove_rule(self, rule_id: str | None) -> None:
        """Raises RefusedError, OSError."""
        with self.lock:
            if rule_id not in self.rules.rules:
                raise RefusedError("not_found", "There is no such rule.")
            assert rule_id is not None
            self.rules.forget(rule_id)
            self._changed("rule", rule_id)
            self.tell()

    def seen(self, seen: Seen, confidence: float) -> None:
        with self.lock:
            before = self.last.get(seen.pet_id)
            if seen.pet_id in self.pets and (before is None or before.ts_ms <= seen.ts_ms):
                self.last[seen.pet_id] = seen
                self.confidence[seen.pet_id] = confidence

    def adopt(self, pets: Mapping[str, Pet], rules: Mapping[str, PetRuleWish]) -> None:
        """What storage knows, where nothing was ever kept here: after a move of the database, or a restore."""
        with self.lock:
            self.pets, self.rules = dict(pets), Rules(dict(rules))
            self.keep()
