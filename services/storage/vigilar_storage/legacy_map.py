"""Which column of the described system becomes which of ours, by name; its columns beyond their names are unknown.

A table maps to (column, names to look for, how the value is read, what stands there when there is none). A row whose
needed values are missing is kept as it was, in the table `legacy`, and nowhere else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from vigilar_common.messages.base import ID_PATTERN

Row = Mapping[str, Any]
MS_FROM = 1e11
"""A number of this size or more counts milliseconds (it would be the year 5138 in seconds)."""
MAX_MS = (1 << 48) - 1
TIMES = ("ts_ms", "ts", "timestamp", "time", "created_ms", "created_at", "started_at", "occurred_at")


@dataclass
class Known:
    """What rows read earlier say about names used later."""

    camera_ids: dict[Any, str] = field(default_factory=dict)
    """The old system's key of a camera → the camera's id in the configuration."""
    sensor_ids: dict[Any, str] = field(default_factory=dict)


Reader = Callable[[Any, Known], Any]


@dataclass(frozen=True)
class Col:
    name: str
    names: tuple[str, ...]
    read: Reader
    default: Any = None


def new_id(table: str, value: Any) -> str:
    """The same old key always becomes the same id."""
    text = str(value)
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(NAMESPACE_OID, f"vigilar/version-1/{table}/{text}"))


def to_ms(value: Any, _: Known | None = None) -> int | None:
    """UTC ms of seconds, milliseconds or ISO 8601 (without a zone: UTC); None when it is no time."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                return None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            value = moment.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    ms = round(value if value >= MS_FROM else value * 1000)
    return ms if 0 <= ms <= MAX_MS else None


def text(limit: int) -> Reader:
    def read(value: Any, _: Known) -> str | None:
        return (
            value[:limit]
            if isinstance(value, str)
            else str(value)[:limit]
            if isinstance(value, int | float)
            else None
        )

    return read


def integer(value: Any, _: Known) -> int | None:
    try:
        return max(0, int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return None


def scaled(factor: float) -> Reader:
    def read(value: Any, _: Known) -> int | None:
        try:
            return max(0, round(float(value) * factor))
        except (TypeError, ValueError, OverflowError):
            return None

    return read


def share(value: Any, _: Known) -> float | None:
    """0 to 1; percentages are divided."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    number = number / 100 if 1 < number <= 100 else number
    return number if 0 <= number <= 1 else None


def flag(value: Any, _: Known) -> int | None:
    if isinstance(value, str):
        return int(value.strip().lower() in ("1", "true", "yes", "on", "t"))
    return None if value is None else int(bool(value))


def degrees(value: Any, _: Known) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if -100 <= number <= 100 else None


def word(**known: str) -> Reader:
    """Our word → the old ones for it, divided by blanks; each also means itself."""
    meaning = {old: ours for ours, olds in known.items() for old in (ours, *olds.split())}

    def read(value: Any, _: Known) -> str | None:
        return meaning.get(value.strip().lower()) if isinstance(value, str) else None

    return read


def key_of(table: str) -> Reader:
    return lambda value, _: None if value in (None, "") else new_id(table, value)


def camera(value: Any, known: Known) -> str | None:
    found = known.camera_ids.get(value)
    if found is None and isinstance(value, str) and re.fullmatch(ID_PATTERN, value):
        return value
    return found


def sensor(value: Any, known: Known) -> str | None:
    found = known.sensor_ids.get(value)
    if found is None and isinstance(value, str) and re.fullmatch(ID_PATTERN, value):
        return value
    return found


def as_json(kind: type) -> Reader:
    """JSON text of this kind of value; anything else is not taken over."""

    def read(value: Any, _: Known) -> str | None:
        try:
            value = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return None
        return json.dumps(value, separators=(",", ":")) if isinstance(value, kind) else None

    return read


def any_json(value: Any, _: Known) -> str | None:
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return json.dumps(value)
        return value
    return json.dumps(value)


SEVERITY = word(info="debug notice low", alert="warning warn medium error high", critical="alarm emergency")
ARM = word(
    disarmed="off disarm", armed_home="home arm_home", armed_away="away arm_away armed", armed_night="night arm_night",
    armed_vacation="vacation arm_vacation", arming="", pending="entry_delay", triggered="alarm", disarming="",
)  # fmt: skip
THREAT = word(none="safe", low="minor", medium="moderate", high="severe predator")
OUTCOME = word(
    delivered="sent success ok true", failed="error failure false", retrying="pending queued", gone="expired"
)
TS = Col("ts_ms", TIMES, to_ms)
CAMERA = Col("camera_id", ("camera_id", "camera", "source_id", "source", "cam_id"), camera)
EVENT = Col("event_id", ("event_id",), key_of("events"))
RECORDING = Col("recording_id", ("recording_id",), key_of("recordings"))
NAME = ("display_name", "name", "label", "title")


def created(name: str = "created_ms") -> Col:
    return Col(name, (name, "created_at", "created", "added_at", *TIMES), to_ms, 0)


TABLES: dict[str, tuple[Col, ...]] = {
    "cameras": (
        Col("display_name", NAME, text(120), ""), Col("location", ("location", "room"), text(64), ""),
        Col("enabled", ("enabled", "is_enabled"), flag, 1),
        Col("record_continuous", ("record_continuous",), flag, 0),
        Col("record_on_motion", ("record_on_motion",), flag, 0),
        Col("retention_days", ("retention_days",), integer, 30),
        Col("width_px", ("width_px", "width", "resolution_width"), integer, 0),
        Col("height_px", ("height_px", "height", "resolution_height"), integer, 0),
        Col("position", ("position", "sort_order"), integer, 0), created(), created("updated_ms"),
    ),
    "sensors": (
        Col("display_name", NAME, text(120), ""), Col("type", ("type", "sensor_type", "kind"), text(64), ""),
        Col("protocol", ("protocol",), text(32), ""),
        Col("device_address", ("device_address", "address", "ieee_address", "device_id"), text(200), ""),
        Col("location", ("location", "room"), text(120), ""), Col("enabled", ("enabled", "is_enabled"), flag, 1),
        Col("position", ("position", "sort_order"), integer, 0), created(), created("updated_ms"),
    ),
    "sensor_states": (
        Col("sensor_id", ("sensor_id", "sensor"), sensor), Col("key", ("key", "state_key", "attribute", "name"), text(80)),
        Col("value", ("value", "state", "state_value"), any_json, "null"), Col("unit", ("unit",), text(32), ""),
        Col("known", (), flag, 0), Col("ts_ms", ("updated_at", "updated_ms", *TIMES), to_ms, 0),
    ),
    "pets": (
        Col("name", ("name",), text(80)), Col("species", ("species",), text(40), ""),
        Col("breed", ("breed",), text(80), ""), Col("training_count", ("training_count",), integer, 0), created(),
    ),
    "face_profiles": (
        Col("name", ("name", "display_name"), text(120), ""),
        Col("household", ("household", "is_household", "household_flag"), flag, 0),
        Col("ignored", ("ignored", "is_ignored"), flag, 0), Col("visit_count", ("visit_count", "visits"), integer, 0),
        created("first_seen_ms"), Col("last_seen_ms", ("last_seen_ms", "last_seen_at", "last_seen", *TIMES), to_ms, 0),
    ),
    "events": (
        Col("type", ("type", "event_type", "kind"), lambda value, _: str(value).lower()[:64] if value else None),
        Col("severity", ("severity", "level"), SEVERITY, "info"),
        Col("title", ("title", "message", "description", "summary"), text(500), ""), CAMERA,
        Col("sensor_id", ("sensor_id",), sensor), RECORDING, Col("zones", ("zones",), as_json(list), "[]"),
        Col("score", ("score", "confidence"), share), Col("arm_state", ("arm_state",), ARM),
        Col("detail", ("detail", "details", "payload", "data", "metadata"), as_json(dict), "{}"),
        Col("started_ms", ("started_ms", *TIMES), to_ms), Col("ended_ms", ("ended_ms", "ended_at", "end_time"), to_ms),
    ),
    "recordings": (
        CAMERA, Col("trigger", ("trigger", "trigger_type"), text(32)), EVENT,
        Col("codec", ("codec", "video_codec"), text(32), ""), Col("starred", ("starred", "is_starred"), flag, 0),
        Col("started_ms", ("started_ms", "started_at", "start_time", "start_ts", *TIMES), to_ms),
        Col("duration_ms", ("duration_ms",), integer), Col("size_bytes", ("size_bytes", "file_size", "size"), integer),
    ),
    "system_events": (
        TS, Col("source", ("source", "service", "component", "subsystem"), text(80), "version 1"),
        Col("component", ("component", "subsystem"), text(80), ""), Col("level", ("level", "severity"), SEVERITY, "info"),
        Col("code", ("code", "event_type", "type"), text(64), "version_1"),
        Col("message", ("message", "text", "description", "detail"), text(500), ""),
    ),
    "arm_state_log": (
        TS, Col("outcome", (), flag, "changed"),
        Col("from_state", ("from_state", "old_state", "previous_state", "previous"), ARM),
        Col("to_state", ("to_state", "new_state", "state"), ARM),
        Col("changed_by", ("changed_by", "triggered_by", "user", "actor", "source"), text(80), "unknown"),
        Col("method", ("method", "via"), text(32), "version 1"), Col("reason", ("reason", "note"), text(500), ""),
    ),
    "alert_log": (
        TS, EVENT, Col("channel", ("channel",), text(32)), Col("target", ("target_label",), text(120), ""),
        Col("attempt", ("attempt", "attempts"), lambda value, known: max(1, integer(value, known) or 1), 1),
        Col("outcome", ("outcome", "status", "result", "success"), lambda value, known: OUTCOME(_worded(value), known)),
        Col("severity", ("severity", "level"), SEVERITY, "info"), Col("title", ("title", "message"), text(500), ""),
        Col("latency_ms", ("latency_ms",), integer, 0), Col("sent_after_ms", (), integer, 0),
        Col("error", ("error", "error_message"), text(500), ""),
    ),
    "push_subscriptions": (
        Col("endpoint", ("endpoint",), text(2048)), Col("p256dh", ("p256dh", "p256dh_key", "key_p256dh"), text(256)),
        Col("auth", ("auth", "auth_key", "key_auth"), text(128)), Col("user", ("user", "username"), text(80), ""),
        Col("device", ("device", "user_agent", "label"), text(200), ""), created(),
    ),
    "pet_sightings": (
        TS, CAMERA, Col("pet_id", ("pet_id",), key_of("pets")), Col("species", ("species",), text(40), ""),
        Col("confidence", ("confidence", "score"), share, 0.0), EVENT, RECORDING, Col("zone", ("zone",), text(80), ""),
    ),
    "wildlife_sightings": (
        TS, CAMERA, Col("species", ("species",), text(80)),
        Col("threat_level", ("threat_level", "threat"), THREAT, "none"),
        Col("confidence", ("confidence", "score"), share, 0.0),
        Col("temperature_c", ("temperature_c", "temp_c"), degrees),
        Col("conditions", ("conditions", "weather", "weather_conditions"), text(120), ""), EVENT, RECORDING,
    ),
    "package_events": (
        CAMERA, Col("state", ("state", "status"), word(detected="delivered", reminded="", collected="picked_up removed")),
        Col("detected_ms", ("detected_ms", "detected_at", *TIMES), to_ms),
        Col("reminded_ms", ("reminded_ms", "reminded_at"), to_ms),
        Col("collected_ms", ("collected_ms", "collected_at"), to_ms), EVENT, Col("box", ("box", "bbox"), as_json(dict), "{}"),
    ),
    "visits": (
        Col("profile_id", ("profile_id", "face_profile_id"), key_of("face_profiles")), CAMERA,
        Col("arrived_ms", ("arrived_ms", "arrived_at", "start_time", *TIMES), to_ms),
        Col("left_ms", ("left_ms", "left_at", "departed_at", "ended_at", "end_time"), to_ms),
        Col("confidence", ("confidence", "score"), share, 0.0), EVENT,
    ),
    "timelapse_schedules": (
        CAMERA, Col("name", ("name",), text(120), ""), Col("start_time", ("start_time",), text(5)),
        Col("end_time", ("end_time",), text(5)), Col("interval_s", ("interval_s", "interval_seconds", "interval"), integer),
        Col("fps", ("fps",), integer), Col("enabled", ("enabled", "is_enabled"), flag, 1), created(),
    ),
    "pet_rules": (
        Col("pet_id", ("pet_id",), key_of("pets")), Col("name", ("name",), text(120)),
        Col("cooldown_s", ("cooldown_s", "cooldown_seconds", "cooldown"), integer, 60),
        Col("priority", ("priority",), integer, 0),
        # What the old conditions and actions meant is unknown: the rule is shown, and never acts by itself.
        Col("enabled", (), flag, 0), created(), created("updated_ms"),
    ),
}  # fmt: skip
"""In an order in which every row finds the rows that it refers to. `face_embeddings` and `pet_training_images` are not
here: their vectors may only be sealed by their own services, so their rows are kept in `legacy`.
"""
RECEIVED = frozenset({"sensor_states", "events", "recordings"})
"""Tables that also say when storage heard of a row: with what was taken over, that is when it happened."""


def _worded(value: Any) -> Any:
    return str(bool(value)).lower() if isinstance(value, int) else value


def mapped(table: str, row: Row, known: Known) -> dict[str, Any]:
    """Our columns of an old row, keys left out."""
    found: dict[str, Any] = {}
    for column in TABLES[table]:
        values = (column.read(row[name], known) for name in column.names if row.get(name) is not None)
        found[column.name] = next((value for value in values if value is not None), column.default)
    return found


def named_id(row: Row, table: str) -> str | None:
    """The configuration's id of a camera or sensor: a word, never a row number."""
    singular = table.removesuffix("s")
    for name in (f"{singular}_id", "slug", "key", "id", "name"):
        value = row.get(name)
        if isinstance(value, str) and re.fullmatch(ID_PATTERN, value):
            return value
    return None
