"""Ids of what is concluded from facts; apart from the feed so that pure domain code can use it."""

from __future__ import annotations

import uuid

NAMESPACE = uuid.UUID("6c1f6f6c-7669-5669-a169-6c6172000001")


def derived_id(rule: str, cause_id: str) -> str:
    """The id of what `rule` makes of a fact: the same cause never yields two results."""
    return str(uuid.uuid5(NAMESPACE, f"{rule}|{cause_id}"))
