"""The public API described for programs (OpenAPI 3.1): every route that a token may reach, and no other."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from vigilar_web.policy import SAFE_METHODS, Access, Policy, kind_of, policy_of
from vigilar_web.routes import (
    alarm,
    alerts,
    cameras,
    exports,
    find,
    footage,
    marks,
    outside,
    pets,
    recordings,
    rules,
    settings,
    timeline,
    tuning,
)
from vigilar_web.routes import push as pushes

UUID = "0198f2c5-7d4e-7a31-9d52-3c1f0e6b8a90"
Body = tuple[type[BaseModel], dict[str, Any]]
PET_RULE: dict[str, Any] = {
    "rule": {
        "name": "Out at night",
        "conditions": [{"kind": "out_after_dark"}],
        "actions": [{"kind": "alert"}],
    }
}
BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/alarm"): (alarm.AlarmChange, {"action": "ARM_AWAY", "pin": "1234"}),
    ("POST", "/api/v1/cameras/{camera_id}/record"): (cameras.RecordWish, {"action": "start", "duration_s": 60}),
    ("POST", "/api/v1/cameras/{camera_id}/switch"): (cameras.SwitchWish, {"switch": "detection", "on": False}),
    ("POST", "/api/v1/cameras/{camera_id}/marks"): (
        marks.MarkWish, {"track_id": UUID, "object_class": "person", "verdict": "wrong"},
    ),
    ("POST", "/api/v1/packages/{package_id}"): (outside.ParcelWish, {"action": "collected"}),
    ("POST", "/api/v1/vehicles/learn"): (outside.VehicleWish, {"name": "family car", "event_id": UUID}),
    ("POST", "/api/v1/pets"): (pets.PetWish, {"name": "Momo", "species": "cat"}),
    ("PUT", "/api/v1/pets/{pet_id}"): (pets.PetWish, {"name": "Momo", "species": "cat"}),
    ("POST", "/api/v1/pets/{pet_id}/photos"): (pets.PhotoWish, {"sighting": UUID}),
    ("POST", "/api/v1/pet-photos/{photo_id}"): (pets.Labelling, {"pet_id": UUID}),
    ("POST", "/api/v1/pet-rules"): (pets.RuleWish, PET_RULE),
    ("PUT", "/api/v1/pet-rules/{pet_rule_id}"): (pets.RuleWish, PET_RULE),
    ("POST", "/api/v1/cameras/{camera_id}/tune"): (tuning.LooksWish, {"after": 0}),
    ("PUT", "/api/v1/cameras/{camera_id}/motion"): (
        tuning.MotionWish, {"revision": "1f2e3d", "motion_sensitivity": 0.7, "motion_min_area_px": 500},
    ),
    ("POST", "/api/v1/find-cameras"): (find.FindWish, {"user": "admin", "password": "the camera's", "host": ""}),
    ("POST", "/api/v1/try-camera"): (find.TryWish, {"url": "rtsp://192.0.2.10/stream"}),
    ("PATCH", "/api/v1/recordings/{recording_id}"): (recordings.StarChange, {"starred": True}),
    ("DELETE", "/api/v1/recordings/{recording_id}"): (recordings.Deletion, {"reason": "a neighbour asked"}),
    ("POST", "/api/v1/verifications"): (footage.VerifyOrder, {"camera_id": "front", "quick": True}),
    ("POST", "/api/v1/exports"): (
        exports.ExportOrder,
        {"camera_id": "front", "from_ms": 1767225600000, "to_ms": 1767225900000, "reason": "broken fence"},
    ),
    ("POST", "/api/v1/reviews"): (timeline.Marking, {"event_ids": [UUID], "reviewed": True}),
    ("POST", "/api/v1/snoozes"): (alerts.SnoozeWish, {"camera_id": "front", "duration_s": 3600}),
    ("DELETE", "/api/v1/snoozes"): (alerts.Unsnooze, {"camera_id": "front"}),
    ("POST", "/api/v1/alerts/test"): (pushes.Channel, {"channel": "web_push"}),
    ("POST", "/api/v1/rules/{rule_id}/test"): (rules.DryRun, {"days": 7}),
    ("POST", "/api/v1/rules/try"): (
        rules.Draft,
        {
            "days": 7,
            "rule": {
                "id": "night_door",
                "conditions": [{"type": "sensor_event", "sensor_id": "back_door", "event": "open"}],
                "actions": ["alert_all"],
            },
        },
    ),
    ("POST", "/api/v1/settings/check"): (settings.Trial, {"changes": {"system": {"name": "Our house"}}}),
    ("PUT", "/api/v1/settings"): (
        settings.Change, {"changes": {"system": {"name": "Our house"}}, "revision": "1f2e3d"},
    ),
    ("POST", "/api/v1/settings/return"): (
        settings.Return, {"version": "20260101T000000000Z-1f2e3d.toml", "revision": "1f2e3d"},
    ),
}  # fmt: skip
"""What is to be sent, with an example that its model takes (a test tries)."""
NO_BODY = frozenset(
    {
        ("POST", "/api/v1/incidents/{alert_id}/acknowledge"),
        ("POST", "/api/v1/incidents/{alert_id}/opened"),
        ("DELETE", "/api/v1/exports/{export_id}"),
        ("DELETE", "/api/v1/verifications/{verification_id}"),
        ("DELETE", "/api/v1/pets/{pet_id}"),
        ("POST", "/api/v1/pets/learn"),
        ("DELETE", "/api/v1/pet-photos/{photo_id}"),
        ("DELETE", "/api/v1/pet-rules/{pet_rule_id}"),
        ("POST", "/api/v1/push/test"),
    }
)
"""These take `{}`."""
REFUSALS = {
    "401": "No such token, or it has ended",
    "403": "Role or scope do not suffice",
    "404": "Not there, or not yours to see",
}


def documented(routes: Iterable[Any]) -> list[APIRoute]:
    """Routes for programs: those whose policy has a scope."""
    return [
        route
        for route in routes
        if isinstance(route, APIRoute)
        and kind_of(route.endpoint) is Access.SESSION
        and (policy := policy_of(route.endpoint)) is not None
        and policy.scope is not None
    ]


def describe(routes: Iterable[Any], version: str) -> dict[str, Any]:
    """The whole document."""
    wanted = documented(routes)
    made = get_openapi(
        title="Vigilar",
        version=version,
        summary="What programs may ask of Vigilar, with an API token.",
        routes=wanted,
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"token": []}]
    for route in wanted:
        policy = policy_of(route.endpoint)
        assert policy is not None
        for method in route.methods or ():
            operation = made["paths"][route.path_format][method.lower()]
            _describe(operation, route, policy)
            if method not in SAFE_METHODS:
                _describe_body(operation, (method, route.path), schemas)
    return made


def _describe(operation: dict[str, Any], route: APIRoute, policy: Policy) -> None:
    words = inspect.getdoc(route.endpoint) or ""
    summary, _, rest = words.partition("\n")
    operation["summary"] = summary
    operation.pop("description", None)
    if rest.strip():
        operation["description"] = rest.strip()
    operation["tags"] = [route.path.removeprefix("/api/v1/").removeprefix("/").split("/")[0]]
    operation["x-scope"], operation["x-role"] = str(policy.scope), policy.role.value
    operation["x-cameras"] = policy.cameras.value
    operation["responses"] |= {code: {"description": text} for code, text in REFUSALS.items()}


def _describe_body(operation: dict[str, Any], key: tuple[str, str], schemas: dict[str, Any]) -> None:
    if key in NO_BODY:
        content: dict[str, Any] = {"schema": {"type": "object"}, "example": {}}
    elif key not in BODIES:  # a test misses it; whoever reads the rest of the document should not
        content = {"schema": {"type": "object"}}
    else:
        model, example = BODIES[key]
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        content = {"schema": schema, "example": example}
    operation["requestBody"] = {"required": True, "content": {"application/json": content}}
