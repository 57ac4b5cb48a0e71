"""What Home Assistant was told of, kept over restarts: only who remembers it can take it back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_homeassistant.domain.device import Device, Naming, described

MAX_GONE = 256
MAX_REMOVED = 64
"""Entities of one device that are remembered as gone."""


@dataclass
class Told:
    """One device as it was announced last: platforms by component, and those that are no longer."""

    components: dict[str, str]
    removed: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    """Of the newest message that this process sent; empty: not sent yet."""


@dataclass
class Announced:
    """Everything that stands, or may stand, in Home Assistant."""

    prefix: str
    told: dict[str, Told] = field(default_factory=dict)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """By device: values it has told so far, with their kind. They only grow while the device stays."""
    gone: set[str] = field(default_factory=set)
    """Devices that were taken back."""

    def kept(self) -> dict[str, Any]:
        """What goes into the file."""
        told = {name: {"components": t.components, "removed": t.removed} for name, t in self.told.items()}
        return {"prefix": self.prefix, "told": told, "keys": self.keys, "gone": sorted(self.gone)}

    @classmethod
    def restored(cls, raw: Mapping[str, Any]) -> Announced:
        """Raises ValueError when the content makes no sense."""
        try:
            told = {
                str(name): Told(_words(entry["components"]), _words(entry["removed"]))
                for name, entry in dict(raw["told"]).items()
            }
            keys = {str(name): _words(entry) for name, entry in dict(raw["keys"]).items()}
            return cls(str(raw["prefix"]), told, keys, {str(name) for name in raw["gone"]})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("it lacks its fields") from error

    def learn(self, object_id: str, keys: Mapping[str, str]) -> bool:
        """Whether some of these are new."""
        known = self.keys.setdefault(object_id, {})
        fresh = {key: kind for key, kind in keys.items() if key not in known}
        known |= fresh
        return bool(fresh)

    def name(self, object_id: str, found_id: str, name: str) -> None:
        """Of what is known by being told only: kept, so that it stands while who tells of it is away."""
        self.keys[object_id] = {"id": found_id, "name": name}

    def named(self, prefix: str) -> dict[str, str]:
        """Names by id of such devices."""
        kept = [keys for object_id, keys in self.keys.items() if object_id.startswith(prefix)]
        return {keys["id"]: keys["name"] for keys in kept if keys.keys() >= {"id", "name"}}

    def plan(self, device: Device) -> bool:
        """Remember what is going to be announced, before it is; whether the file has to be written."""
        components = {key: found["platform"] for key, found in device.components.items()}
        before = self.told.get(device.object_id) or Told({})
        once = {**before.removed, **before.components}
        removed = dict([(key, once[key]) for key in once if key not in components][-MAX_REMOVED:])
        returned = device.object_id in self.gone
        self.gone.discard(device.object_id)
        changed = returned or before.components != components or before.removed != removed
        self.told[device.object_id] = Told(components, removed, before.digest)
        return changed

    def message(self, device: Device, naming: Naming) -> bytes:
        """The discovery message of a planned device, with what was announced before and is no longer."""
        payload = described(device, naming, self.told[device.object_id].removed)
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()

    def sent(self, object_id: str, message: bytes) -> None:
        self.told[object_id].digest = digest(message)

    def is_sent(self, object_id: str, message: bytes) -> bool:
        return self.told[object_id].digest == digest(message)

    def forget(self, object_id: str) -> None:
        """It was taken back; it is taken back again whenever all is announced anew, for this time may not have arrived."""
        self.told.pop(object_id, None)
        self.keys.pop(object_id, None)
        self.gone.add(object_id)
        while len(self.gone) > MAX_GONE:
            self.gone.pop()

    def again(self) -> None:
        """Nothing counts as sent: the broker or Home Assistant may have lost it."""
        for told in self.told.values():
            told.digest = ""


def digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


def _words(raw: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in dict(raw).items()}
