"""Who came, by face: consent, people, unknown faces, visits. Only the visitors service can open pictures of faces."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.base import Uuid
from vigilar_common.messages.visitors import (
    CONSENT_VERSION,
    PersonName,
    VisitorAction,
    VisitorsCommand,
    VisitorsState,
)

from vigilar_web.commands import ask
from vigilar_web.errors import ApiError
from vigilar_web.gate import Access, PartsNeeded, SessionNeeded, access, body_of, guarded_router
from vigilar_web.items import camera_name
from vigilar_web.parts import Parts
from vigilar_web.policy import SEE_ALL, Cameras, Policy, Role
from vigilar_web.routes.types import Cursor, ItemId, Limit

router = guarded_router()

MAX_PHOTO_CHARACTERS: Final = 60_000
"""Base64; the page makes photos small enough."""
PEOPLE: Final = 200
STATUS: Final = {"not_found": 404, "busy": 503, "not_ready": 503, "not_kept": 503, "too_large": 413}


def _change(word: str) -> Policy:
    """By an admin, never by a token: it is about other people."""
    return Policy(Role.ADMIN, None, Cameras.ALL, f"visitors.{word}")


class _Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Consent(_Wish):
    version: int = Field(description="of the statement that was read")


class PersonWish(_Wish):
    name: PersonName = ""
    household: bool = False
    ignored: bool = False


class EnrolWish(_Wish):
    name: PersonName = ""
    household: bool = False
    profile_id: Uuid | None = None
    photo: str = Field(max_length=MAX_PHOTO_CHARACTERS, description="base64 of a JPEG with one face")


class MergeWish(_Wish):
    into_id: Uuid


class SplitWish(_Wish):
    embedding_ids: list[Uuid] = Field(min_length=1, max_length=150)
    visit_ids: list[Uuid] = Field(default_factory=list, max_length=150)
    name: PersonName = ""


@router.get("/api/v1/visitors")
@access(Access.SESSION, SEE_ALL, renews=False)
async def overview(parts: PartsNeeded) -> dict[str, Any]:
    """Whether faces are looked for, who is there, the people and the unknown faces, those met last first."""
    state = parts.model.visitors or VisitorsState(enabled=False)
    gone = parts.model.service_gone("visitors")
    page = await parts.storage.json("GET", "/v1/face-profiles", {"limit": PEOPLE})
    rows = [_person(row) for row in page["items"]]
    return {
        "enabled": state.enabled,
        "consented": state.consented,
        "statement": CONSENT_VERSION,
        "problem": "The visitors service is not running." if state.enabled and gone else state.problem,
        "model": state.model_title,
        "current": [] if gone else [_current(one.model_dump(mode="json"), parts) for one in state.visitors],
        "people": [row for row in rows if row["name"]],
        "strangers": [row for row in rows if not row["name"]],
        "more": page["next"] is not None,
    }


@router.get("/api/v1/visitors/visits")
@access(Access.SESSION, SEE_ALL, renews=False)
async def visits(
    parts: PartsNeeded, profile: Uuid | None = None, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """`{id, profile_id, camera_id, camera_name, arrived_ms, left_ms, confidence, event_id}`, newest first."""
    query = {"profile": profile, "cursor": cursor, "limit": limit}
    page = await parts.storage.json("GET", "/v1/visits", query)
    names = ("id", "profile_id", "camera_id", "arrived_ms", "left_ms", "confidence", "event_id")
    cameras = parts.settings.cameras
    items = [
        {name: row[name] for name in names} | {"camera_name": camera_name(row["camera_id"], cameras)}
        for row in page["items"]
    ]
    return {"items": items, "next": page["next"]}


@router.post("/api/v1/visitors/consent")
@access(Access.SESSION, _change("consent"))
async def consent(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Who asks has read the statement of law and accepts it; faces are looked for from then on."""
    wish = await body_of(request, Consent)
    if wish.version != CONSENT_VERSION:
        raise ApiError(409, "other_statement", "The statement has changed: read it again.")
    now = datetime.fromtimestamp(parts.clock.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    by = session.user[:80]
    accepted = {"enabled": True, "consent_version": wish.version, "consent_by": by, "consent_at": now}
    return await _switch(parts, by, accepted)


@router.post("/api/v1/visitors/withdraw")
@access(Access.SESSION, _change("withdraw"))
async def withdraw(parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Faces are looked for no more; what is kept stays until it is forgotten."""
    off = {"enabled": False, "consent_version": 0, "consent_by": "", "consent_at": ""}
    return await _switch(parts, session.user[:80], off)


async def _switch(parts: Parts, by: str, values: dict[str, Any]) -> dict[str, Any]:
    revision = (await parts.storage.json("GET", "/v1/settings"))["revision"]
    body = {"changes": {"visitors": values}, "actor": by, "revision": revision}
    await parts.storage.json("PUT", "/v1/settings", body=body)
    return {"enabled": values["enabled"]}


@router.post("/api/v1/visitors")
@access(Access.SESSION, _change("enrol"))
async def enrol(request: Request, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """From a photo of one face: a new person, or one more face of one who is known."""
    wish = await body_of(request, EnrolWish)
    return await _command(parts, session.user, VisitorAction.ENROL, **wish.model_dump())


@router.put("/api/v1/visitors/{profile_id}")
@access(Access.SESSION, _change("save"))
async def save(
    profile_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Name, whether of the household, whether visits are not to be told."""
    wish = await body_of(request, PersonWish)
    return await _command(parts, session.user, VisitorAction.SAVE, profile_id=profile_id, **wish.model_dump())


@router.post("/api/v1/visitors/{profile_id}/merge")
@access(Access.SESSION, _change("merge"))
async def merge(
    profile_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """Two were one person: this one's visits and faces go to the other."""
    wish = await body_of(request, MergeWish)
    return await _command(
        parts, session.user, VisitorAction.MERGE, profile_id=profile_id, **wish.model_dump()
    )


@router.post("/api/v1/visitors/{profile_id}/split")
@access(Access.SESSION, _change("split"))
async def split(
    profile_id: ItemId, request: Request, parts: PartsNeeded, session: SessionNeeded
) -> dict[str, Any]:
    """These faces and visits are another person's."""
    wish = await body_of(request, SplitWish)
    return await _command(
        parts, session.user, VisitorAction.SPLIT, profile_id=profile_id, **wish.model_dump()
    )


@router.delete("/api/v1/visitors/{profile_id}")
@access(Access.SESSION, _change("forget"))
async def forget(profile_id: ItemId, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """Vectors, pictures of the face, visits and every mention go."""
    return await _command(parts, session.user, VisitorAction.FORGET, profile_id=profile_id)


@router.get("/api/v1/visitors/{profile_id}/faces")
@access(Access.SESSION, SEE_ALL, renews=False)
async def faces(profile_id: ItemId, parts: PartsNeeded, session: SessionNeeded) -> dict[str, Any]:
    """`{faces: [{embedding_id, quality}]}`, best first."""
    return await _command(parts, session.user, VisitorAction.FACES, profile_id=profile_id)


@router.get("/api/v1/visitors/{profile_id}/picture")
@access(Access.SESSION, SEE_ALL, renews=False)
async def picture(
    profile_id: ItemId, parts: PartsNeeded, session: SessionNeeded, face: Uuid | None = None
) -> Response:
    """JPEG of the best face, or of the one that is named."""
    named = [face] if face else []
    done = await _command(
        parts, session.user, VisitorAction.PICTURE, profile_id=profile_id, embedding_ids=named
    )
    jpeg = base64.b64decode(done.get("jpeg", ""))
    # Not kept by the browser: who is forgotten must not stay in its cache.
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _command(parts: Parts, user: str, action: VisitorAction, **what: Any) -> dict[str, Any]:
    command = VisitorsCommand.model_validate({"action": action, "user": user[:80], **what})
    reply: Reply = await ask(parts, topics.CMD_VISITORS, command, _silent)
    if not reply.ok:
        raise ApiError(STATUS.get(reply.code, 409), reply.code, reply.message)
    return reply.data


def _silent(_: str = "") -> ApiError:
    return ApiError(503, "visitors_silent", "The visitors service does not answer; nothing was changed.")


def _person(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "name", "household", "ignored", "visit_count", "first_seen_ms", "last_seen_ms")
    return {name: row[name] for name in names} | {"picture_url": f"/api/v1/visitors/{row['id']}/picture"}


def _current(one: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return one | {"camera_name": camera_name(one["camera_id"], parts.settings.cameras)}
