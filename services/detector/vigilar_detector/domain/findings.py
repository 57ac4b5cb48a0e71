"""What the owner should know of the detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

SLOW_SHARE: Final = 0.05
"""Of the crops of a window so many may stay unseen before it is told."""
LEAST_CROPS: Final = 100


@dataclass(frozen=True)
class Condition:
    """``problem``: why no crop is looked at, empty when they are; the counts are those of the last minute."""

    problem: str = ""
    untrusted: str = ""
    seen: int = 0
    unseen: int = 0


def findings(now: Condition) -> Iterator[Finding]:
    if now.problem:
        yield Finding(
            code="detector_model",
            severity=Severity.ALERT,
            title=f"Persons are not told from other motion: {now.problem}"[:500],
            cure="Motion alone goes on. `vigilar models list` and `vigilar models verify` say what is there.",
        )
    elif now.untrusted:
        yield Finding(
            code="detector_answers",
            severity=Severity.ALERT,
            title=f"The model gives no usable answers: {now.untrusted}"[:500],
            cure="Install it anew or use another one: `vigilar models list`.",
        )
    total = now.seen + now.unseen
    if total >= LEAST_CROPS and now.unseen > SLOW_SHARE * total:
        yield Finding(
            code="detector_slow",
            severity=Severity.ALERT,
            title=f"{now.unseen} of {total} crops of the last minute were not looked at in time",
            cure="Name fewer cameras in [detection] cameras, use a smaller model, or a faster machine.",
        )
