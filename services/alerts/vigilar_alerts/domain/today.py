"""A dry run: what the profiles of now say of an event of then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vigilar_common.messages.alarm import ArmState, EventType, Severity

from vigilar_alerts.domain.decide import Decider
from vigilar_alerts.domain.happening import Happening


def today(row: Mapping[str, Any], decider: Decider) -> dict[str, Any]:
    """`row` as the casebook keeps it. Nothing is told, and neither snoozes nor quiet hours are looked at."""
    happening = Happening(
        key=str(row["event_id"]),
        kind=EventType(row["type"]),
        ts_ms=int(row["ts_ms"]),
        severity=Severity(row["severity"]),
        title=str(row["title"]),
        arm_state=ArmState(row["arm_state"]),
        event_id=str(row["event_id"]),
        camera_id=row["camera_id"],
        sensor_id=row["sensor_id"],
        zones=tuple(row["zones"]),
        object_class=str(row["object_class"]),
    )
    checked, profile, severity = decider.check(happening)
    return {
        "profile": profile.name if profile else "",
        "mute": bool(profile and profile.mute),
        "severity": severity.value,
        "checked": [asdict(one) for one in checked],
    }
