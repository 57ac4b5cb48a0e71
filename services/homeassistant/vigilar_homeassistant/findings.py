"""What hinders the bridge, as findings with their cure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

MAX_TOO_LARGE = 8


def findings(unsaved: Path | None, too_large: Mapping[str, str]) -> list[Finding]:
    """`unsaved`: the file that cannot be written; `too_large`: devices that cannot be announced, and why."""
    found = []
    if unsaved is not None:
        found.append(
            Finding(
                code="homeassistant_file",
                severity=Severity.ALERT,
                title=f"What Home Assistant was told of cannot be kept: {unsaved}",
                cure="Look at the disk of the state folder; what is configured away later may stay in Home Assistant.",
            )
        )
    found += [
        Finding(
            code="homeassistant_too_large",
            severity=Severity.ALERT,
            title=f"{object_id} is too large to be announced: {why}"[:500],
            cure="Give the sensor fewer values in its bridge.",
            subject=object_id[:120],
        )
        for object_id, why in list(too_large.items())[:MAX_TOO_LARGE]
    ]
    return found
