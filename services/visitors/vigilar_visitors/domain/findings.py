"""What the owner should know of visitors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding


@dataclass(frozen=True)
class Condition:
    """`problem`: why no face is looked for although it is wanted; `detecting`: persons are told from other motion."""

    consented: bool
    detecting: bool
    problem: str = ""
    unreadable: int = 0


def findings(now: Condition) -> Iterator[Finding]:
    if not now.consented:
        yield Finding(
            code="visitors_consent",
            severity=Severity.ALERT,
            title="Faces are not looked for: nobody has accepted the statement of law",
            cure="Read and accept it on the page Visitors, or switch [visitors] off.",
        )
    elif now.problem:
        yield Finding(
            code="visitors_model",
            severity=Severity.ALERT,
            title=f"Faces are not looked for: {now.problem}"[:500],
            cure="`vigilar models list` and `vigilar models install` bring the models; the guide page Visitors names them.",
        )
    elif not now.detecting:
        yield Finding(
            code="visitors_detection",
            severity=Severity.ALERT,
            title="Faces are not looked for: persons are not told from other motion",
            cure="Switch [detection] person_detection on.",
        )
    if now.unreadable:
        yield Finding(
            code="visitors_key",
            severity=Severity.ALERT,
            title=f"{now.unreadable} face vectors cannot be opened with this service's key",
            cure="Restore the key from a backup, or forget these people and enrol them anew.",
        )
