"""What an admin changes about the PINs in the page: checked, hashed, ready for the file. Nothing is kept here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from vigilar_common.config.security import Pin
from vigilar_common.messages.alarm import PinsAction, PinsCommand
from vigilar_common.passwords import hash_pin, why_not_password, why_not_pin

from vigilar_events.domain.pins import PinBook, Verify

MAX_NAMED = 8
"""Each makes a check of a PIN some 0.2 s longer."""


@dataclass(frozen=True)
class Changed:
    kept: dict[str, Any]
    """For the file; hashes only."""
    message: str
    told: str
    """For the log: what was done, behind who did it."""


@dataclass(frozen=True)
class Refused:
    code: str
    message: str


def listed(pins: PinBook) -> dict[str, Any]:
    """Who has a PIN and what it may do; never a hash."""
    named = [pin.model_dump(mode="json", exclude={"pin_hash"}) for pin in pins.named]
    return {"configured": pins.has_main, "named": named, "recovery": bool(pins.recovery_hash)}


def change(pins: PinBook, command: PinsCommand, verify: Verify) -> Changed | Refused:
    """Takes as long as the hashes do."""
    if command.action is PinsAction.SET_PASSPHRASE:
        return _set_passphrase(pins, command)
    if command.action is PinsAction.REMOVE:
        return _remove(pins, command)
    return _set(pins, command, verify)


def _set_passphrase(pins: PinBook, command: PinsCommand) -> Changed | Refused:
    if why := why_not_password(command.secret):
        return Refused("bad_passphrase", f"This passphrase is not possible: {why}.")
    kept = pins.recovery_kept(hash_pin(command.secret))
    return Changed(kept, "The new recovery passphrase holds from now on.", "set the recovery passphrase")


def _remove(pins: PinBook, command: PinsCommand) -> Changed | Refused:
    if command.name not in [pin.name for pin in pins.named]:
        return Refused("not_found", "There is no PIN of this name.")
    return Changed(
        pins.named_kept(command.name, None),
        "The PIN opens nothing any more.",
        f"removed the PIN of {command.name}",
    )


def _set(pins: PinBook, command: PinsCommand, verify: Verify) -> Changed | Refused:
    if why := why_not_pin(command.secret):
        return Refused("bad_pin", f"The new PIN is not possible: {why}.")
    owner = pins.find(command.secret, verify)
    if owner is not None and owner.name != command.name:
        return Refused("pin_taken", "This PIN belongs to somebody else already.")
    hashed = hash_pin(command.secret)
    if not command.name:
        return Changed(pins.reset_kept(hashed), "The new PIN holds from now on.", "set the PIN of the house")
    if command.name not in [pin.name for pin in pins.named] and len(pins.named) >= MAX_NAMED:
        return Refused("too_many", f"There are {MAX_NAMED} named PINs already; remove one first.")
    rights = command.model_dump(include={"name", "duress", "modes", "days", "from_time", "until_time"})
    try:
        pin = Pin.model_validate(rights | {"pin_hash": hashed})
    except ValidationError as error:
        return Refused("invalid", str(error.errors(include_input=False)[0]["msg"])[:300])
    return Changed(
        pins.named_kept(command.name, pin), "The PIN holds from now on.", f"set the PIN of {command.name}"
    )
