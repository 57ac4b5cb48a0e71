"""Whose PIN it is, and what it may do when. Hashing is done by the caller."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vigilar_common.config.security import Pin, Security
from vigilar_common.messages.alarm import ArmMode

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Verify = Callable[[str, str], bool]


@dataclass(frozen=True)
class Found:
    """The owner of a PIN. `name` is empty for the one of `pin_hash`."""

    name: str = ""
    duress: bool = False
    pin: Pin | None = None

    def allowed(self, mode: ArmMode | None, now_ms: int, timezone: str) -> bool:
        """Whether it may arm or disarm `mode` now; None: whatever is armed has no mode (smoke while disarmed)."""
        pin = self.pin
        if pin is None:
            return True
        if pin.modes and mode is not None and mode not in pin.modes:
            return False
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(timezone))
        day, clock = local.weekday(), f"{local:%H:%M}"
        if (
            pin.from_time and pin.from_time > pin.until_time
        ):  # over midnight: the small hours belong to the day before
            if clock < pin.until_time:
                day = (day - 1) % 7
            elif clock < pin.from_time:
                return False
        elif pin.from_time and not pin.from_time <= clock < pin.until_time:
            return False
        return not pin.days or DAYS[day] in [word.value for word in pin.days]


class PinBook:
    """All PINs of the house: that of `pin_hash` (or the one set anew instead of it) and the named ones."""

    def __init__(self, security: Security, timezone: str, reset: dict[str, Any] | None = None) -> None:
        self.timezone = timezone
        self.security = security
        self.kept = dict(reset or {})
        """What was set in the page, for the file."""
        # A hash that the owner put into the configuration later wins again.
        is_newer = self.kept.get("replaces") == _fingerprint(security.pin_hash)
        self._main = str(self.kept.get("pin_hash", "")) if is_newer else security.pin_hash
        self._named = [pin for pin in self._all_named() if pin.pin_hash]

    @property
    def configured(self) -> bool:
        return bool(self._main) or any(not pin.duress for pin in self._named)

    @property
    def has_main(self) -> bool:
        return bool(self._main)

    @property
    def named(self) -> list[Pin]:
        return list(self._named)

    @property
    def recovery_hash(self) -> str:
        configured = self.security.recovery_passphrase_hash
        kept = self.kept.get("recovery")
        newer = isinstance(kept, dict) and kept.get("replaces") == _fingerprint(configured)
        return str(kept.get("hash", "")) if isinstance(kept, dict) and newer else configured

    def _all_named(self) -> list[Pin]:
        """Those of the configuration, as the page changed them since, and those it added."""
        found = {pin.name: pin for pin in self.security.pins}
        changed = self.kept.get("named")
        for name, entry in (changed if isinstance(changed, dict) else {}).items():
            configured = found.get(name)
            if not isinstance(entry, dict) or entry.get("replaces") != _fingerprint(
                configured.pin_hash if configured else ""
            ):
                continue
            found.pop(name, None)
            if isinstance(entry.get("pin"), dict):
                try:
                    found[name] = Pin.model_validate(entry["pin"])
                except ValueError:
                    continue  # a PIN that cannot be read opens nothing
        return list(found.values())

    def named_kept(self, name: str, pin: Pin | None) -> dict[str, Any]:
        """For the file: this PIN set, or (None) taken away."""
        configured = next((one.pin_hash for one in self.security.pins if one.name == name), "")
        entry = {"replaces": _fingerprint(configured), "pin": pin.model_dump(mode="json") if pin else None}
        named = self.kept.get("named")
        return self.kept | {"named": (named if isinstance(named, dict) else {}) | {name: entry}}

    def recovery_kept(self, passphrase_hash: str) -> dict[str, Any]:
        replaces = _fingerprint(self.security.recovery_passphrase_hash)
        return self.kept | {"recovery": {"hash": passphrase_hash, "replaces": replaces}}

    def find(self, entered: str, verify: Verify) -> Found | None:
        """Every hash is tried, so that the time an answer takes does not tell a duress PIN from another."""
        found = [Found(pin.name, pin.duress, pin) for pin in self._named if verify(entered, pin.pin_hash)]
        if self._main and verify(entered, self._main):
            found.append(Found())
        # One PIN under two names: that it means duress must not get lost.
        return max(found, key=lambda owner: owner.duress) if found else None

    def reset_kept(self, pin_hash: str) -> dict[str, Any]:
        """What goes into the file for a PIN set anew."""
        return self.kept | {"pin_hash": pin_hash, "replaces": _fingerprint(self.security.pin_hash)}


def _fingerprint(pin_hash: str) -> str:
    return hashlib.sha256(pin_hash.encode()).hexdigest()
