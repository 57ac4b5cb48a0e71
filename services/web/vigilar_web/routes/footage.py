"""What the recordings take, how long they last, and whether they are as they were: storage answers."""

from __future__ import annotations

from typing import Any, Self

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vigilar_web.gate import Access, CallerNeeded, PartsNeeded, access, body_of, guarded_router
from vigilar_web.policy import SEE_ALL, Cameras, control
from vigilar_web.routes.exports import MOMENT_LIMIT
from vigilar_web.routes.types import ItemId

router = guarded_router()


class VerifyOrder(BaseModel):
    """All that was recorded, or of one camera, or what began in a time. `quick` compares hashes and decrypts nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)
    camera_id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    from_ms: int | None = Field(None, ge=0, lt=MOMENT_LIMIT)
    to_ms: int | None = Field(None, ge=0, lt=MOMENT_LIMIT)
    quick: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise ValueError("from_ms must be before to_ms")
        return self


@router.get("/api/v1/storage")
@access(Access.SESSION, SEE_ALL, renews=False)
async def storage(parts: PartsNeeded) -> Any:
    """Disks, what the recordings take, and the forecast with the numbers that it is made of."""
    return await parts.storage.json("GET", "/v1/usage")


@router.get("/api/v1/verifications")
@access(Access.SESSION, SEE_ALL, renews=False)
async def verifications(parts: PartsNeeded) -> Any:
    """The newest few since storage started, the one that runs among them."""
    return await parts.storage.json("GET", "/v1/verifications")


@router.post("/api/v1/verifications", status_code=202)
@access(Access.SESSION, control(Cameras.ALL, "recordings.verify"))
async def verify(request: Request, parts: PartsNeeded, caller: CallerNeeded) -> Any:
    """Compare files, rows and ledger. 409 `verification_running` while another one runs."""
    wish = await body_of(request, VerifyOrder)
    if wish.camera_id is not None:
        parts.camera(wish.camera_id)
    body = {**wish.model_dump(exclude_none=True), "actor": caller.name[:80]}
    return await parts.storage.json("POST", "/v1/verifications", body=body)


@router.get("/api/v1/verifications/{verification_id}")
@access(Access.SESSION, SEE_ALL, renews=False)
async def verification(verification_id: ItemId, parts: PartsNeeded) -> Any:
    """One: running with how far it is, done with what was found, failed or cancelled."""
    return await parts.storage.json("GET", f"/v1/verifications/{verification_id}")


@router.delete("/api/v1/verifications/{verification_id}", status_code=204)
@access(Access.SESSION, control(Cameras.ALL, "recordings.verify_cancel"))
async def cancel(verification_id: ItemId, parts: PartsNeeded) -> Response:
    """End the one that runs."""
    await parts.storage.json("DELETE", f"/v1/verifications/{verification_id}")
    return Response(status_code=204)
