"""The power and the people of the house."""

from __future__ import annotations

from typing import Any

from vigilar_web.gate import Access, PartsNeeded, access, guarded_router

router = guarded_router()


@router.get("/api/v1/house")
@access(Access.SESSION, renews=False)
async def house(parts: PartsNeeded) -> dict[str, Any]:
    """Each part is null where it is switched off."""
    settings, model = parts.settings, parts.model
    return {
        "power": model.power_item() if settings.watches_power else None,
        "people": model.people_item(settings.members) if settings.members else None,
    }
