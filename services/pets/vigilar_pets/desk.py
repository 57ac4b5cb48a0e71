"""What the page asks for: pets, photos and rules, answered one after the other."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.errors import FileDamagedError
from vigilar_common.messages.animals import Origin
from vigilar_common.messages.pets import MAX_PHOTO_BYTES, PetCommand, PetOrder
from vigilar_models.errors import CropError, ModelError

from vigilar_pets.adapters.looks import Looks, smaller
from vigilar_pets.adapters.vault import Vault
from vigilar_pets.domain.wild import DOMESTIC
from vigilar_pets.errors import RefusedError
from vigilar_pets.household import Household, Pet

log = logging.getLogger("vigilar.pets.desk")

LEAST_ANIMAL: Final = 0.2
"""A photo in which the model sees less of any animal is refused: a sofa would be learnt."""
CLEARLY_OTHER: Final = 0.8
"""A photo that is so clearly of another kind than the pet is refused."""


class Desk:
    """``on_command`` on the bus's thread. ``changed`` is called after each change."""

    def __init__(
        self,
        household: Household,
        vault: Vault,
        looks: Callable[[], Looks | None],
        changed: Callable[[], None],
    ) -> None:
        self._household, self._vault, self._looks, self._changed = household, vault, looks, changed
        self._orders: dict[PetOrder, Callable[[PetCommand], tuple[str, dict[str, Any]]]] = {
            PetOrder.SAVE: self._save,
            PetOrder.REMOVE: self._remove,
            PetOrder.ADD_PHOTO: self._add_photo,
            PetOrder.NAME_SIGHTING: self._name_sighting,
            PetOrder.LABEL: self._label,
            PetOrder.REJECT: self._reject,
            PetOrder.RETRAIN: self._retrain,
            PetOrder.PHOTOS: self._photos,
            PetOrder.PHOTO: self._photo,
            PetOrder.SAVE_RULE: self._save_rule,
            PetOrder.REMOVE_RULE: self._remove_rule,
            PetOrder.RULES: self._rules,
        }

    def on_command(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, PetCommand)
        try:
            message, data = self._orders[command.order](command)
        except RefusedError as error:
            received.reply(ok=False, code=error.code, message=str(error))
        except CropError as error:
            received.reply(ok=False, code="bad_photo", message=f"The photo {error}."[:500])
        except ModelError as error:
            received.reply(ok=False, code="model", message=str(error)[:500])
        except (OSError, FileDamagedError) as error:
            log.error("%s of a pet failed: %s", command.order.value, error)  # noqa: TRY400
            received.reply(ok=False, code="not_kept", message=f"It cannot be kept: {error}"[:500])
        else:
            if command.order not in (PetOrder.PHOTO, PetOrder.PHOTOS, PetOrder.RULES):
                log.info("%s by %s", command.order.value, command.user or "somebody")
                self._changed()
            received.reply(ok=True, message=message, data=data)

    # -- pets -----------------------------------------------------------------------------------------

    def _save(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        name, species = command.name.strip(), command.species.strip().lower()
        if not name or not species:
            raise RefusedError("invalid", "A pet needs a name, and what kind of animal it is.")
        pet_id = self._household.save_pet(command.pet_id, Pet(name, species, command.breed.strip()))
        return f"{name} is kept.", {"pet_id": pet_id}

    def _remove(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        name = self._household.named(command.pet_id).name
        self._household.remove_pet(command.pet_id or "")
        return f"{name} and all photos of {name} are deleted.", {}

    # -- photos ---------------------------------------------------------------------------------------

    def _add_photo(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        try:
            jpeg = base64.b64decode(command.photo, validate=True)
        except binascii.Error as error:
            raise RefusedError("bad_photo", "The photo is no base64.") from error
        if len(jpeg) > MAX_PHOTO_BYTES:
            raise RefusedError("bad_photo", f"The photo has more than {MAX_PHOTO_BYTES} bytes.")
        return self._stage(command, jpeg, Origin.UPLOAD)

    def _name_sighting(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        jpeg = self._vault.picture(command.photo_id or "") if command.photo_id else None
        if jpeg is None:
            raise RefusedError("not_found", "The picture of that sighting is no longer kept.")
        return self._stage(command, jpeg, Origin.SIGHTING)

    def _stage(self, command: PetCommand, jpeg: bytes, origin: Origin) -> tuple[str, dict[str, Any]]:
        pet = self._household.named(command.pet_id)
        looks = self._looks()
        if looks is None:
            raise RefusedError("no_model", "No model is installed: vigilar models install efficientnet-lite0")
        vector, animals = looks.look(jpeg)
        if origin is Origin.UPLOAD and animals:
            _require_animal(animals, pet)
        photo_id = self._household.stage(command.pet_id or "", origin, smaller(jpeg), vector, looks.model_id)
        return f"One more photo of {pet.name} waits for learning.", {"photo_id": photo_id}

    def _label(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        self._household.label(command.photo_id or "", command.pet_id or "")
        return f"It shows {self._household.named(command.pet_id).name}.", {}

    def _reject(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        self._household.reject(command.photo_id or "")
        return "The photo is deleted.", {}

    def _retrain(self, _command: PetCommand) -> tuple[str, dict[str, Any]]:
        before, after = self._household.retrain()
        told = f"{after.right} of {after.photos} photos are told by the others"
        was = f"; before it were {before.right} of {before.photos}" if before.photos else ""
        return told + was + ".", {"before": before.model_dump(), "after": after.model_dump()}

    def _photos(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        with self._household.lock:
            wanted = self._household.photos_of(command.pet_id or "")
            items = [
                {"photo_id": photo_id, "used": photo.used, "origin": photo.origin}
                for photo_id, photo in self._household.photos.items()
                if photo_id in wanted
            ]
        return "", {"items": items}

    def _photo(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        jpeg = self._vault.picture(command.photo_id or "") if command.photo_id else None
        if jpeg is None:
            raise RefusedError("not_found", "There is no such photo.")
        return "", {"jpeg": base64.b64encode(jpeg).decode()}

    # -- rules ----------------------------------------------------------------------------------------

    def _save_rule(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        if command.rule is None:
            raise RefusedError("invalid", "There is no rule in it.")
        return f"The rule “{command.rule.name}” is kept.", {
            "rule_id": self._household.save_rule(command.rule_id, command.rule)
        }

    def _remove_rule(self, command: PetCommand) -> tuple[str, dict[str, Any]]:
        self._household.remove_rule(command.rule_id)
        return "The rule is deleted.", {}

    def _rules(self, _command: PetCommand) -> tuple[str, dict[str, Any]]:
        with self._household.lock:
            rules = self._household.rules
            items = [
                rule.model_dump(mode="json") | {"rule_id": rule_id, "fired_ms": rules.fired_ms.get(rule_id)}
                for rule_id, rule in rules.rules.items()
            ]
        return "", {"items": items}


def _require_animal(animals: dict[str, float], pet: Pet) -> None:
    """Raises RefusedError."""
    if sum(animals.values()) < LEAST_ANIMAL:
        raise RefusedError("no_animal", "No animal is seen in the photo: choose one that the pet fills.")
    name, share = max(animals.items(), key=lambda item: item[1])
    if share >= CLEARLY_OTHER and name != pet.species and pet.species in DOMESTIC:
        raise RefusedError("wrong_species", f"The photo shows a {name}, and {pet.name} is a {pet.species}.")
