"""What the power means for people: it is out, it runs short, the machine goes down, it is back. Moments, not spans."""

from __future__ import annotations

from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.power import PowerChanged, PowerShutdown, PowerState, PowerValues, ShutdownStage

from vigilar_events.domain.meaning import FRESH_S

ON_BATTERY = (PowerState.ON_BATTERY, PowerState.LOW_BATTERY)
STAGES = {
    ShutdownStage.PLANNED: "The machine is about to go down",
    ShutdownStage.CANCELLED: "The machine stays up",
    ShutdownStage.BEGUN: "The machine goes down now",
}


def power_events(
    fact: PowerChanged | PowerShutdown, arm_state: ArmState, age_s: float
) -> list[EventOpened | EventEnded]:
    """Nothing for a flag that changed or a UPS that is not heard: findings tell these."""
    found = _of_change(fact) if isinstance(fact, PowerChanged) else _of_shutdown(fact)
    if found is None:
        return []
    kind, severity, title = found
    event_id = derived_id("event:power", fact.id)
    opened = EventOpened(
        id=derived_id("event.opened:power", fact.id),
        ts_ms=fact.ts_ms,
        event_id=event_id,
        type=kind,
        severity=Severity.INFO if age_s > FRESH_S else severity,
        title=title[:500],
        cause_id=fact.id,
        arm_state=arm_state,
        detail={"late_s": round(age_s)} if age_s > FRESH_S else {},
    )
    ended = EventEnded(
        id=derived_id("event.ended:power", fact.id), ts_ms=fact.ts_ms, event_id=event_id, ended_ms=fact.ts_ms
    )
    return [opened, ended]


def _of_change(fact: PowerChanged) -> tuple[EventType, Severity, str] | None:
    if fact.state is fact.before:
        return None
    match fact.state:
        case PowerState.ON_BATTERY:
            return EventType.POWER_OUT, fact.severity, f"The power is out{_left(fact.values)}"
        case PowerState.LOW_BATTERY:
            return EventType.POWER_LOW, fact.severity, f"The battery of the UPS is low{_left(fact.values)}"
        case PowerState.ON_LINE if fact.before in ON_BATTERY:
            return EventType.POWER_BACK, Severity.ALERT, "The power is back"
        case _:
            return None


def _of_shutdown(fact: PowerShutdown) -> tuple[EventType, Severity, str]:
    severity = Severity.ALERT if fact.stage is ShutdownStage.CANCELLED else Severity.CRITICAL
    return EventType.HOST_SHUTDOWN, severity, f"{STAGES[fact.stage]}: {fact.reason}"


def _left(values: PowerValues) -> str:
    told = [] if values.charge_pct is None else [f"{values.charge_pct:g} %"]
    if values.runtime_s is not None:
        told.append(f"about {values.runtime_s // 60} min left")
    return f" ({', '.join(told)})" if told else ""
