"""`[security]`: the PIN that arms and disarms, and how to get back in."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from vigilar_common.config.base import Section, secret
from vigilar_common.passwords import why_not_pin_hash


def _pin_hash(stored: str) -> str:
    if stored and (why := why_not_pin_hash(stored)):
        raise ValueError(f"{why}; make one with `vigilar config set-pin`")
    return stored


def _passphrase_hash(stored: str) -> str:
    if stored and (why := why_not_pin_hash(stored)):
        raise ValueError(f"{why}; make one with `vigilar config set-recovery-passphrase`")
    return stored


class Security(Section):
    """Hashes only, never the PIN or passphrase itself."""

    pin_hash: Annotated[str, AfterValidator(_pin_hash)] = secret(
        "PIN hash", "Hash of the arm/disarm PIN, made by `vigilar config set-pin`."
    )
    recovery_passphrase_hash: Annotated[str, AfterValidator(_passphrase_hash)] = secret(
        "Recovery passphrase hash",
        "Made by `vigilar config set-recovery-passphrase`; whoever knows the passphrase may reset the PIN. "
        "Empty: no recovery.",
    )
