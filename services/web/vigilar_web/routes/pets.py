"""Pets and wild animals: who, where, photos, rules. The pets service answers; rows come from storage."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.base import Uuid
from vigilar_common.messages.pets import PHOTO_CHARACTERS, PetCommand, PetOrder, PetRuleWish

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.items import camera_name
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_ALL, Cameras, control
from vigilar_web.routes.types import Cursor, ItemId, Limit, Moment

router = guarded_router()

STATUS_BY_CODE = {
    "not_found": 404,
    "invalid": 422,
    "bad_photo": 422,
    "no_animal": 422,
    "wrong_species": 422,
    "not_kept": 503,
}
ROWS_A_PAGE, PAGES = 200, 25
"""Of statistics: the newest 5,000 rows of the time that is asked for."""
DAY_MS = 86_400_000
CHANGE = control(Cameras.ALL, "pet.change")


class PetWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=80)
    species: str = Field(min_length=1, max_length=40)
    breed: str = Field("", max_length=80)


class PhotoWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    photo: str = Field("", max_length=PHOTO_CHARACTERS, description="JPEG of at most 45,000 bytes, base64")
    sighting: Uuid | None = Field(None, description="instead: the picture of this sighting")


class Labelling(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pet_id: Uuid


class RuleWish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rule: PetRuleWish


@router.get("/api/v1/pets")
@access(Access.SESSION, SEE_ALL, renews=False)
async def pets(parts: PartsNeeded) -> dict[str, Any]:
    """The household's pets; null `items` while nobody tells them apart."""
    state = parts.model.pets
    if state is None or not state.enabled:
        return {"items": None, "problem": "", "learnt": None, "embedding_left": 0}
    cameras = parts.settings.cameras
    items = [
        one.model_dump(mode="json")
        | {"camera_name": camera_name(one.camera_id, cameras), "photo_url": _url(one.photo_id)}
        for one in state.pets
    ]
    problem = "The pets service is not running." if parts.model.service_gone("pets") else state.problem
    return {
        "items": items, "problem": problem, "learnt": state.learnt.model_dump(),
        "embedding_left": state.embedding_left,
    }  # fmt: skip


@router.post("/api/v1/pets")
@access(Access.SESSION, CHANGE)
async def add(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Add a pet of the household."""
    wish = await body_of(request, PetWish)
    return await _order(parts, session.user, PetOrder.SAVE, **wish.model_dump())


@router.put("/api/v1/pets/{pet_id}")
@access(Access.SESSION, CHANGE)
async def change(
    pet_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Change what a pet is called, its species or breed."""
    wish = await body_of(request, PetWish)
    return await _order(parts, session.user, PetOrder.SAVE, pet_id=pet_id, **wish.model_dump())


@router.delete("/api/v1/pets/{pet_id}")
@access(Access.SESSION, CHANGE)
async def remove(pet_id: ItemId, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """With its photos, what was learnt of it, and its rules."""
    return await _order(parts, session.user, PetOrder.REMOVE, pet_id=pet_id)


@router.get("/api/v1/pets/{pet_id}/photos")
@access(Access.SESSION, SEE_ALL)
async def photos(pet_id: ItemId, parts: PartsNeeded) -> dict[str, Any]:
    """Photos it is, or will be, learnt from."""
    told = await _order(parts, "", PetOrder.PHOTOS, pet_id=pet_id)
    return {"items": [item | {"photo_url": _url(item["photo_id"])} for item in told["items"]]}


@router.post("/api/v1/pets/{pet_id}/photos")
@access(Access.SESSION, CHANGE)
async def add_photo(
    pet_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """A photo, or the picture of a sighting, waits for learning."""
    wish = await body_of(request, PhotoWish)
    if wish.sighting is not None:
        return await _order(
            parts, session.user, PetOrder.NAME_SIGHTING, pet_id=pet_id, photo_id=wish.sighting
        )
    return await _order(parts, session.user, PetOrder.ADD_PHOTO, pet_id=pet_id, photo=wish.photo)


@router.post("/api/v1/pets/learn")
@access(Access.SESSION, CHANGE)
async def learn(parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Every photo that waits is learnt: how well pets were told apart before, and are now."""
    return await _order(parts, session.user, PetOrder.RETRAIN)


@router.get("/api/v1/pet-photos/{photo_id}")
@access(Access.SESSION, SEE_ALL, renews=False)
async def photo(photo_id: ItemId, parts: PartsNeeded) -> Response:
    """A photo of a pet, or the picture of a sighting (JPEG)."""
    told = await _order(parts, "", PetOrder.PHOTO, photo_id=photo_id)
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(base64.b64decode(told["jpeg"]), media_type="image/jpeg", headers=headers)


@router.post("/api/v1/pet-photos/{photo_id}")
@access(Access.SESSION, CHANGE)
async def label(
    photo_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """It shows another pet."""
    wish = await body_of(request, Labelling)
    return await _order(parts, session.user, PetOrder.LABEL, photo_id=photo_id, pet_id=wish.pet_id)


@router.delete("/api/v1/pet-photos/{photo_id}")
@access(Access.SESSION, CHANGE)
async def reject(photo_id: ItemId, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Take a photo away: nothing is learnt from it."""
    return await _order(parts, session.user, PetOrder.REJECT, photo_id=photo_id)


@router.get("/api/v1/pet-rules")
@access(Access.SESSION, SEE_ALL)
async def rules(parts: PartsNeeded) -> dict[str, Any]:
    """The household's rules about pets."""
    return await _order(parts, "", PetOrder.RULES)


@router.post("/api/v1/pet-rules")
@access(Access.SESSION, CHANGE)
async def add_rule(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Make a rule: when a pet is seen, or is not."""
    wish = await body_of(request, RuleWish)
    return await _order(parts, session.user, PetOrder.SAVE_RULE, rule=wish.rule)


@router.put("/api/v1/pet-rules/{pet_rule_id}")
@access(Access.SESSION, CHANGE)
async def change_rule(
    pet_rule_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Change a rule, or switch it on or off."""
    wish = await body_of(request, RuleWish)
    return await _order(parts, session.user, PetOrder.SAVE_RULE, rule_id=pet_rule_id, rule=wish.rule)


@router.delete("/api/v1/pet-rules/{pet_rule_id}")
@access(Access.SESSION, CHANGE)
async def remove_rule(pet_rule_id: ItemId, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Take a rule away."""
    return await _order(parts, session.user, PetOrder.REMOVE_RULE, rule_id=pet_rule_id)


@router.get("/api/v1/pet-sightings")
@access(Access.SESSION, SEE_ALL)
async def sightings(
    parts: PartsNeeded, pet: Uuid | None = None, from_ms: Moment | None = None, to_ms: Moment | None = None,
    cursor: Cursor = None, limit: Limit = 50,
) -> dict[str, Any]:  # fmt: skip
    """Newest first; `pet_id` is null where the animal was not recognised."""
    query = {"pet": pet, "from_ms": from_ms, "to_ms": to_ms, "cursor": cursor, "limit": limit}
    return await _rows(parts, "/v1/pet-sightings", query)


@router.get("/api/v1/wildlife-sightings")
@access(Access.SESSION, SEE_ALL)
async def wildlife(
    parts: PartsNeeded, from_ms: Moment | None = None, to_ms: Moment | None = None, cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:  # fmt: skip
    """Wild animals, newest first, with what was known of light and weather."""
    query = {"from_ms": from_ms, "to_ms": to_ms, "cursor": cursor, "limit": limit}
    return await _rows(parts, "/v1/wildlife-sightings", query)


@router.get("/api/v1/pet-activity")
@access(Access.SESSION, SEE_ALL)
async def activity(parts: PartsNeeded, days: int = Query(7, ge=1, le=92)) -> dict[str, Any]:
    """By pet: sightings by hour of the house's clock, and by camera (the map of its days)."""
    zone = ZoneInfo(parts.settings.timezone)
    rows, complete = await _all(parts, "/v1/pet-sightings", days)
    pets: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["pet_id"] is None:
            continue
        of = pets.setdefault(row["pet_id"], {"hours": [0] * 24, "cameras": Counter()})
        of["hours"][_hour(row["ts_ms"], zone)] += 1
        of["cameras"][row["camera_id"]] += 1
    cameras = parts.settings.cameras
    items = [
        {
            "pet_id": pet_id, "hours": of["hours"],
            "cameras": [
                {"camera_id": camera, "camera_name": camera_name(camera, cameras), "count": count}
                for camera, count in of["cameras"].most_common()
            ],
        }
        for pet_id, of in pets.items()
    ]  # fmt: skip
    return {"days": days, "items": items, "complete": complete}


@router.get("/api/v1/wildlife-species")
@access(Access.SESSION, SEE_ALL)
async def species(parts: PartsNeeded, days: int = Query(30, ge=1, le=366)) -> dict[str, Any]:
    """By species: how often, when last, at which hours."""
    zone = ZoneInfo(parts.settings.timezone)
    rows, complete = await _all(parts, "/v1/wildlife-sightings", days)
    found: dict[str, dict[str, Any]] = {}
    for row in rows:  # newest first
        of = found.setdefault(
            row["species"],
            {"species": row["species"], "threat_level": row["threat_level"], "last_ms": row["ts_ms"], "count": 0,
             "hours": [0] * 24},
        )  # fmt: skip
        of["count"] += 1
        of["hours"][_hour(row["ts_ms"], zone)] += 1
    items = sorted(found.values(), key=lambda item: (-item["count"], item["species"]))
    return {"days": days, "items": items, "complete": complete}


def _hour(ts_ms: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).astimezone(zone).hour


def _url(photo_id: str | None) -> str | None:
    return f"/api/v1/pet-photos/{photo_id}" if photo_id else None


async def _rows(parts: Parts, path: str, query: dict[str, Any]) -> dict[str, Any]:
    page = await parts.storage.json("GET", path, query)
    cameras = parts.settings.cameras
    items = [
        row | {"camera_name": camera_name(row["camera_id"], cameras), "photo_url": _url(row["picture_id"])}
        for row in page["items"]
    ]
    return {"items": items, "next": page["next"]}


async def _all(parts: Parts, path: str, days: int) -> tuple[list[dict[str, Any]], bool]:
    """(newest rows of so many days, whether they are all)."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    from_ms = parts.clock.now_ms() - days * DAY_MS
    for _ in range(PAGES):
        query = {"from_ms": from_ms, "cursor": cursor, "limit": ROWS_A_PAGE}
        page = await parts.storage.json("GET", path, query)
        rows += page["items"]
        cursor = page["next"]
        if cursor is None:
            return rows, True
    return rows, False


async def _order(parts: Parts, user: str, order: PetOrder, **what: Any) -> dict[str, Any]:
    """The answer's data with its message. Raises ApiError."""
    reply = await ask(parts, topics.CMD_PETS, PetCommand(order=order, user=user[:80], **what), _silent)
    return _answered(reply)


def _answered(reply: Reply) -> dict[str, Any]:
    if not reply.ok:
        raise ApiError(STATUS_BY_CODE.get(reply.code, 409), reply.code, reply.message)
    return {"message": reply.message, **reply.data}


def _silent(_: str = "") -> ApiError:
    return ApiError(503, "pets_unavailable", "The pets service does not answer; nothing was changed.")
