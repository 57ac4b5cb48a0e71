"""Pets and rules as storage knows them."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ValidationError
from vigilar_common.messages.pets import MAX_PETS, MAX_RULES, PetRuleWish
from vigilar_common.storage_client import StorageClient

from vigilar_pets.household import Pet

log = logging.getLogger("vigilar.pets.household")


def from_storage(storage: StorageClient) -> tuple[dict[str, Pet], dict[str, PetRuleWish]]:
    """Raises StorageUnavailableError, StorageRefusedError."""
    pets = {
        row["id"]: Pet(row["name"], row["species"], row["breed"]) for row in _rows(storage, "pets", MAX_PETS)
    }
    rules = {}
    for row in _rows(storage, "pet-rules", MAX_RULES):
        try:
            rules[row["id"]] = PetRuleWish.model_validate(row)
        except ValidationError as error:
            log.error("rule %s of before cannot be used: %s", row["id"], error.errors()[0]["msg"])  # noqa: TRY400
    return pets, rules


def _rows(storage: StorageClient, what: str, most: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = storage.get(f"/v1/{what}", limit=most)["items"]
    return rows
