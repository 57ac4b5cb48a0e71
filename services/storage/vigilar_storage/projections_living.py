"""From facts to rows: pets, wildlife, timelapses."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from vigilar_common.messages import Fact
from vigilar_common.messages.animals import (
    PetRemoved,
    PetRuleRemoved,
    PetRuleSaved,
    PetSaved,
    PetSighted,
    PetTrainingRemoved,
    PetTrainingSaved,
    WildlifeSighted,
)
from vigilar_common.messages.timelapse import TimelapseMade, TimelapseRemoved, TimelapseSaved

from vigilar_storage.projecting import ProjectionError, must_know, own_rows, remove, save
from vigilar_storage.schema import pet_rules, pet_training_images, pets, timelapse_schedules


def vector_bytes(fact: Fact, text: str) -> bytes:
    """Raises ProjectionError when it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ProjectionError(f"{fact.TYPE}: its vector is no base64") from error


def _pet_saved(connection: sa.Connection, fact: PetSaved) -> None:
    known = fact.model_dump(include={"name", "species", "breed", "picture_id", "training_count"})
    save(connection, pets, fact.pet_id, fact.ts_ms, known)


def _pet_removed(connection: sa.Connection, fact: PetRemoved) -> None:
    if not remove(connection, pets, fact.pet_id, fact.ts_ms):
        return
    for table, cleared in ((pet_rules, {}), (pet_training_images, {"vector": None})):
        of_pet = sa.update(table).where(table.c.pet_id == fact.pet_id, table.c.removed_ms.is_(None))
        connection.execute(of_pet.values(removed_ms=fact.ts_ms, **cleared))


_PET_COLUMNS = (
    "id", "ts_ms", "camera_id", "pet_id", "species", "confidence", "track_id", "event_id", "picture_id", "recording_id",
    "zone",
)  # fmt: skip
_WILDLIFE_COLUMNS = (
    "id", "ts_ms", "camera_id", "species", "threat_level", "confidence", "light", "track_id", "temperature_c",
    "conditions", "event_id", "picture_id", "recording_id",
)  # fmt: skip


def _pet_sighted(connection: sa.Connection, fact: PetSighted) -> None:
    own_rows(connection, "pet_sightings", _PET_COLUMNS, [tuple(getattr(fact, name) for name in _PET_COLUMNS)])


def _wildlife_sighted(connection: sa.Connection, fact: WildlifeSighted) -> None:
    row = tuple(getattr(fact, name) for name in _WILDLIFE_COLUMNS)
    own_rows(connection, "wildlife_sightings", _WILDLIFE_COLUMNS, [row])


def _training_saved(connection: sa.Connection, fact: PetTrainingSaved) -> None:
    must_know(connection, pets, fact.pet_id)
    known = fact.model_dump(include={"pet_id", "picture_id", "origin", "used", "model"})
    known["vector"] = vector_bytes(fact, fact.vector)
    save(connection, pet_training_images, fact.image_id, fact.ts_ms, known)


def _training_removed(connection: sa.Connection, fact: PetTrainingRemoved) -> None:
    remove(connection, pet_training_images, fact.image_id, fact.ts_ms, {"vector": None})


def _rule_saved(connection: sa.Connection, fact: PetRuleSaved) -> None:
    must_know(connection, pets, fact.pet_id)
    names = {"pet_id", "name", "conditions", "actions", "cooldown_s", "priority", "enabled"}
    save(connection, pet_rules, fact.rule_id, fact.ts_ms, fact.model_dump(mode="json", include=names))


def _rule_removed(connection: sa.Connection, fact: PetRuleRemoved) -> None:
    remove(connection, pet_rules, fact.rule_id, fact.ts_ms)


def _timelapse_saved(connection: sa.Connection, fact: TimelapseSaved) -> None:
    names = {
        "camera_id", "name", "start_time", "end_time", "days", "interval_s", "fps", "retention_days", "enabled",
    }  # fmt: skip
    save(connection, timelapse_schedules, fact.schedule_id, fact.ts_ms, fact.model_dump(include=names))


def _timelapse_removed(connection: sa.Connection, fact: TimelapseRemoved) -> None:
    remove(connection, timelapse_schedules, fact.schedule_id, fact.ts_ms)


def _timelapse_made(connection: sa.Connection, fact: TimelapseMade) -> None:
    must_know(connection, timelapse_schedules, fact.schedule_id)
    last = sa.func.max(sa.func.coalesce(timelapse_schedules.c.last_run_ms, 0), fact.ts_ms)
    of_schedule = sa.update(timelapse_schedules).where(timelapse_schedules.c.id == fact.schedule_id)
    connection.execute(of_schedule.values(last_run_ms=last))


_WRITERS: dict[str, Callable[[sa.Connection, Any], None]] = {
    PetSaved.TYPE: _pet_saved,
    PetRemoved.TYPE: _pet_removed,
    PetSighted.TYPE: _pet_sighted,
    PetTrainingSaved.TYPE: _training_saved,
    PetTrainingRemoved.TYPE: _training_removed,
    PetRuleSaved.TYPE: _rule_saved,
    PetRuleRemoved.TYPE: _rule_removed,
    WildlifeSighted.TYPE: _wildlife_sighted,
    TimelapseSaved.TYPE: _timelapse_saved,
    TimelapseRemoved.TYPE: _timelapse_removed,
    TimelapseMade.TYPE: _timelapse_made,
}
TYPES = tuple(_WRITERS)


def write(connection: sa.Connection, fact: Fact, _received_ms: int) -> None:
    """One row after the other: a rule may name the pet that was added just before it."""
    _WRITERS[fact.TYPE](connection, fact)
