"""What is kept of pets: sealed, told as facts, whole after a restart; models are never mixed."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.errors import FileDamagedError
from vigilar_common.messages.animals import Origin, PetRemoved, PetSaved, PetTrainingRemoved, PetTrainingSaved
from vigilar_common.messages.pets import PetRuleWish
from vigilar_common.outbox import FactLog
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_pets.adapters.vault import KEY_FILE, MAX_SIGHTINGS, Vault
from vigilar_pets.domain.rules import Seen
from vigilar_pets.errors import RefusedError
from vigilar_pets.household import MAX_PHOTOS, Household, Pet

Floats = NDArray[np.float32]
OLD, NEW = "old@1", "new@2"


def vector(seed: int, at: int = 0) -> Floats:
    made = np.random.default_rng(seed).normal(0, 0.02, 32)
    made[at] += 1
    return (made / np.linalg.norm(made)).astype(np.float32)


def house(folder: Path, facts: FakeFacts | None = None) -> tuple[Household, FakeFacts]:
    facts = facts or FakeFacts()
    household = Household(
        Vault(folder), StateFile(folder / "household.json"), cast(FactLog, facts), FakeClock()
    )
    household.load()
    household.use_model(OLD)
    return household, facts


def two_pets(household: Household) -> tuple[str, str]:
    pets = [household.save_pet(None, Pet(name, "cat")) for name in ("Momo", "Tom")]
    for at, pet_id in enumerate(pets):
        for seed in range(4):
            household.stage(pet_id, Origin.UPLOAD, b"jpeg", vector(seed, at), OLD)
    return pets[0], pets[1]


def test_photos_are_staged_learnt_at_once_and_told_with_sealed_vectors(tmp_path: Path) -> None:
    household, facts = house(tmp_path)
    momo, _ = two_pets(household)
    assert household.gallery.tell(vector(9)).pet_id is None, "nothing is learnt yet"
    before, after = household.retrain()
    assert (before.photos, after.photos, after.right) == (0, 8, 8)
    assert household.gallery.tell(vector(9)).pet_id == momo
    told = [fact for fact in facts.emitted if isinstance(fact, PetTrainingSaved)]
    assert {fact.used for fact in told} == {False, True}
    plain = vector(0).astype(np.float16).tobytes()
    assert all(plain not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [f.training_count for f in facts.emitted if isinstance(f, PetSaved) and f.pet_id == momo][-1] == 4
    with pytest.raises(RefusedError, match="No photo waits"):
        household.retrain()


def test_everything_is_there_after_a_restart_and_what_was_not_told_is_told_then(tmp_path: Path) -> None:
    household, _ = house(tmp_path)
    momo, _ = two_pets(household)
    household.retrain()
    household.save_rule(None, PetRuleWish.model_validate(
        {"pet_id": momo, "name": "r", "conditions": [{"kind": "seen"}], "actions": [{"kind": "alert"}]}
    ))  # fmt: skip
    household.seen(Seen(momo, "yard", "pond", 5_000), 0.8)
    household._untold = {momo: "pet"}  # as if it was killed before the fact was in the outbox
    household.keep()
    again, facts = house(tmp_path)
    again.tell()
    assert [type(fact) for fact in facts.emitted] == [PetSaved]
    assert again.gallery.tell(vector(9)).pet_id == momo
    assert (again.last[momo].zone, len(again.rules.rules), again.learnt.right) == ("pond", 1, 8)


def test_removing_a_pet_removes_its_photos_vectors_and_rules(tmp_path: Path) -> None:
    household, facts = house(tmp_path)
    momo, tom = two_pets(household)
    household.retrain()
    household.save_rule(None, PetRuleWish.model_validate(
        {"name": "r", "conditions": [{"kind": "together_with", "other_pet_id": momo}], "actions": [{"kind": "alert"}]}
    ))  # fmt: skip
    household.remove_pet(momo)
    assert household.gallery.tell(vector(9)).pet_id is None
    assert len(list((tmp_path / "photos").iterdir())) == 8, "a photo and a vector for each of the other's"
    assert household.rules.rules == {}
    assert [fact.pet_id for fact in facts.emitted if isinstance(fact, PetRemoved)] == [momo]
    assert set(household.pets) == {tom}


def test_a_photo_is_moved_to_another_pet_or_rejected(tmp_path: Path) -> None:
    household, facts = house(tmp_path)
    momo, tom = two_pets(household)
    household.retrain()
    first, second = household.photos_of(momo)[:2]
    household.label(first, tom)
    assert first in household.photos_of(tom, used=False)
    household.reject(second)
    assert [fact.image_id for fact in facts.emitted if isinstance(fact, PetTrainingRemoved)] == [second]
    with pytest.raises(RefusedError, match="no such photo"):
        household.reject(second)


def test_with_another_model_photos_take_no_part_until_all_were_looked_at_again(tmp_path: Path) -> None:
    household, _ = house(tmp_path)
    momo, _ = two_pets(household)
    household.retrain()
    left = household.use_model(NEW)
    assert len(left) == 8
    assert household.gallery.tell(vector(9)).pet_id is None
    for number, photo_id in enumerate(left):
        assert household.gallery.tell(vector(9, at=5)).pet_id is None, (
            "vectors of two models are never compared"
        )
        at = 5 if household.photos[photo_id].pet_id == momo else 6
        household.looked_at(photo_id, vector(number, at), NEW)
    assert household.gallery.tell(vector(9, at=5)).pet_id == momo


def test_names_are_unique_and_photos_bounded(tmp_path: Path) -> None:
    household, _ = house(tmp_path)
    momo = household.save_pet(None, Pet("Momo", "cat"))
    with pytest.raises(RefusedError, match="a pet of the name momo"):
        household.save_pet(None, Pet("momo", "dog"))
    household.save_pet(momo, Pet("Momo", "cat", "tabby"))
    for seed in range(MAX_PHOTOS):
        household.stage(momo, Origin.UPLOAD, b"jpeg", vector(seed), OLD)
    with pytest.raises(RefusedError, match="reject one first"):
        household.stage(momo, Origin.UPLOAD, b"jpeg", vector(1), OLD)


def test_a_changed_file_or_another_key_opens_nothing(tmp_path: Path) -> None:
    vault, photo_id = Vault(tmp_path), uuid7(SystemClock())
    vault.open()
    vault.keep_photo(photo_id, b"jpeg")
    assert vault.picture(photo_id) == b"jpeg"
    path = tmp_path / "photos" / f"{photo_id}.jpg"
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(FileDamagedError, match="cannot be opened"):
        vault.picture(photo_id)
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(FileDamagedError, match="is damaged"):
        Vault(tmp_path).open()


def test_pictures_of_sightings_are_bounded(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.open()
    for number in range(MAX_SIGHTINGS + 3):
        (tmp_path / "sightings" / f"{number}.jpg").write_bytes(b"x")
    newest = uuid7(SystemClock())
    vault.keep_sighting(newest, b"jpeg")
    assert len(list((tmp_path / "sightings").iterdir())) == MAX_SIGHTINGS
    assert vault.picture(newest) == b"jpeg"
