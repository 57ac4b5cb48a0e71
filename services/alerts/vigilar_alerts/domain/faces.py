"""Who of the recognised people belongs to the house: profile ids and nothing else, so that a forgotten person is gone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from vigilar_common.config.alert_profiles import Recognition
from vigilar_common.messages.visitors import FaceForgotten, FaceProfileSaved

MAX_FACES = 5_000
"""The ones that were met last."""


class Faces:
    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def take(self, fact: FaceProfileSaved | FaceForgotten) -> None:
        self._known.pop(fact.profile_id, None)
        if isinstance(fact, FaceForgotten):
            return
        who = Recognition.HOUSEHOLD if fact.household else Recognition.STRANGER
        self._known[fact.profile_id] = "" if fact.ignored else who.value
        if len(self._known) > MAX_FACES:
            self._known.popitem(last=False)

    def who(self, profile_id: str) -> Recognition | None:
        """None: visits of this person are not to be told."""
        found = self._known.get(profile_id, Recognition.UNKNOWN.value)
        return Recognition(found) if found else None

    def kept(self) -> dict[str, Any]:
        return dict(self._known)

    def restore(self, kept: dict[str, Any]) -> None:
        known = (*Recognition, "")
        self._known = OrderedDict((str(key), str(who)) for key, who in kept.items() if who in known)
