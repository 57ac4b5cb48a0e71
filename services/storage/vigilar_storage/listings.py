"""Every table that is read in pages: in which order, by which filters, and who may.

Each filter has an index that gives its rows in the order of the page (a test looks at the plans), so a page costs the same
wherever it lies and however few rows fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from vigilar_common.messages.alarm import ArmState, Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.messages.animals import ThreatLevel
from vigilar_common.messages.audit import AuditOutcome
from vigilar_common.messages.packages import PackageState

from vigilar_storage import schema as tables
from vigilar_storage.queries import Span
from vigilar_storage.schema.living import CURRENT

ALWAYS = Span()
STATE, LIVING, FACES = "state:read", "living:read", "faces:read"
PET_VECTORS, FACE_VECTORS = "pet-vectors:read", "face-vectors:read"


class ArmOutcome(StrEnum):
    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Equal:
    """Rows whose column has the value asked for."""

    column: str
    kind: type[str] | type[bool] = str


@dataclass(frozen=True)
class Switch:
    """Rows of one of two conditions, in the words of the index over them."""

    yes: str
    no: str


@dataclass(frozen=True)
class Listing:
    """`GET /v1/{name}`: newest first by `order`; with `one` also `GET /v1/{name}/{id}`, which knows removed rows too."""

    name: str
    table: sa.Table
    scope: str
    order: tuple[str, ...]
    filters: Mapping[str, Equal | Switch] = field(default_factory=dict)
    time: str = ""
    """Column that `from_ms` and `to_ms` limit; must be the first of `order`."""
    where: str = ""
    hidden: frozenset[str] = frozenset()
    one: bool = False

    @property
    def order_columns(self) -> list[sa.Column[Any]]:
        return [self.table.c[name] for name in self.order]

    def columns(self) -> list[sa.Column[Any]]:
        return [column for column in self.table.c if column.name not in self.hidden]

    def query(self, asked: Mapping[str, Any], span: Span = ALWAYS) -> sa.Select[Any]:
        """`asked` may name any of `filters`; None is not asked."""
        query = sa.select(*self.columns())
        if self.where:
            query = query.where(sa.text(self.where))
        for name, value in asked.items():
            wanted = self.filters[name]
            if value is None:
                continue
            if isinstance(wanted, Switch):
                query = query.where(sa.text(wanted.yes if value else wanted.no))
            else:
                query = query.where(self.table.c[wanted.column] == value)
        return span.limit(query, self.table.c[self.time]) if self.time else query

    def by_id(self, row_id: str) -> sa.Select[Any]:
        return sa.select(*self.columns()).where(self.table.c.id == row_id)


_VECTOR = frozenset({"vector"})
_CAMERA = Equal("camera_id")
_PET = Equal("pet_id")
_BY_AGE = ("created_ms", "id")

LISTINGS = (
    Listing(
        "alert-log", tables.alert_log, STATE, ("ts_ms", "id"), time="ts_ms",
        filters={"event_id": Equal("event_id"), "alert_id": Equal("alert_id"), "channel": Equal("channel"),
                 "outcome": Equal("outcome", Outcome),
                 "severity": Equal("severity", Severity)},
    ),
    Listing(
        "system-events", tables.system_events, STATE, ("ts_ms", "id"), time="ts_ms",
        filters={"level": Equal("level", Severity), "component": Equal("component")},
    ),
    Listing(
        "arm-log", tables.arm_state_log, STATE, ("ts_ms", "id"), time="ts_ms",
        filters={"state": Equal("to_state", ArmState), "outcome": Equal("outcome", ArmOutcome), "by": Equal("changed_by")},
    ),
    Listing(
        "audit-log", tables.audit_log, STATE, ("ts_ms", "id"), time="ts_ms",
        filters={"account": Equal("account_id"), "action": Equal("action"), "subject": Equal("subject"),
                 "outcome": Equal("outcome", AuditOutcome), "address": Equal("address")},
    ),
    Listing("rejected-facts", tables.rejected_facts, STATE, ("n",)),
    Listing("settings-history", tables.settings_history, STATE, ("n",)),
    Listing(
        "recording-gaps", tables.recording_gaps, STATE, ("from_ms", "id"), time="from_ms", filters={"camera": _CAMERA}
    ),
    Listing(
        "sensor-states", tables.sensor_states, STATE, ("sensor_id", "key"),
        filters={"sensor": Equal("sensor_id"), "key": Equal("key")},
    ),
    Listing(
        "packages", tables.package_events, LIVING, ("detected_ms", "id"), time="detected_ms", one=True,
        filters={"state": Equal("state", PackageState), "camera": _CAMERA},
    ),
    Listing("pets", tables.pets, LIVING, _BY_AGE, where=CURRENT, one=True),
    Listing(
        "pet-sightings", tables.pet_sightings, LIVING, ("ts_ms", "id"), time="ts_ms",
        filters={"pet": _PET, "camera": _CAMERA, "species": Equal("species"), "event_id": Equal("event_id")},
    ),
    Listing(
        "wildlife-sightings", tables.wildlife_sightings, LIVING, ("ts_ms", "id"), time="ts_ms",
        filters={"species": Equal("species"), "camera": _CAMERA, "threat": Equal("threat_level", ThreatLevel)},
    ),
    Listing("pet-rules", tables.pet_rules, LIVING, _BY_AGE, where=CURRENT, filters={"pet": _PET}, one=True),
    Listing(
        "pet-training-images", tables.pet_training_images, LIVING, _BY_AGE, where=CURRENT, filters={"pet": _PET},
        hidden=_VECTOR,
    ),
    Listing(
        "pet-vectors", tables.pet_training_images, PET_VECTORS, _BY_AGE, where=CURRENT, filters={"pet": _PET},
    ),
    Listing(
        "timelapse-schedules", tables.timelapse_schedules, LIVING, _BY_AGE, where=CURRENT, filters={"camera": _CAMERA},
        one=True,
    ),
    Listing(
        "face-profiles", tables.face_profiles, FACES, ("last_seen_ms", "id"), time="last_seen_ms", where=CURRENT, one=True,
        filters={"named": Switch("(name = '') = 0", "(name = '') = 1"), "household": Equal("household", bool)},
    ),
    Listing(
        "visits", tables.visits, FACES, ("arrived_ms", "id"), time="arrived_ms", one=True,
        filters={"profile": Equal("profile_id"), "camera": _CAMERA, "event_id": Equal("event_id"),
                 "open": Switch("(left_ms IS NULL) = 1", "(left_ms IS NULL) = 0")},
    ),
    Listing(
        "face-vectors", tables.face_embeddings, FACE_VECTORS, _BY_AGE, where=CURRENT,
        filters={"profile": Equal("profile_id"), "model": Equal("model")},
    ),
)  # fmt: skip
