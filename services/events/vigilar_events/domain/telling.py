"""Events of the alarm. Ids come from the fact behind them: an alarm that is told twice is one event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vigilar_common.derived import derived_id
from vigilar_common.messages.alarm import ArmMode, ArmState, EventEnded, EventOpened, EventType, Severity

from vigilar_events.domain.alarm import Alarm, Trip
from vigilar_events.domain.points import OPENED, RULE

Names = Callable[[str], str]


def words(trip: Trip, name: str) -> str:
    return OPENED.get(trip.what, "{name}: {what}").format(name=name, what=trip.what)


def _opened(
    kind: EventType, cause: str, at_ms: int, severity: Severity, title: str, state: ArmState, sensor_id: str | None,
    **detail: object,
) -> EventOpened:  # fmt: skip
    return EventOpened(
        id=derived_id(f"event.opened:{kind.value}", cause),
        ts_ms=at_ms,
        event_id=derived_id(f"event:{kind.value}", cause),
        type=kind,
        severity=severity,
        title=title[:500],
        sensor_id=sensor_id,
        arm_state=state,
        detail={key: value for key, value in detail.items() if value},
    )


def triggered(trip: Trip, name: Names, cause_id: str, now_ms: int, mode: ArmMode | None) -> EventOpened:
    title = f"Alarm: {words(trip, name(trip.sensor_id))}"
    mode_name = mode.armed.value if mode else "disarmed"
    return _opened(
        EventType.ALARM_TRIGGERED, cause_id, now_ms, Severity.CRITICAL, title, ArmState.TRIGGERED,
        None if trip.what == RULE else trip.sensor_id, what=trip.what, mode=mode_name, sensor_opened_ms=trip.at_ms,
    )  # fmt: skip


def confirmed(alarm: Alarm, name: Names, now_ms: int) -> EventOpened:
    names = ", ".join(dict.fromkeys(name(trip.sensor_id) for trip in alarm.trips))
    return _opened(
        EventType.ALARM_CONFIRMED, alarm.cause_id, now_ms, Severity.CRITICAL, f"Alarm not disarmed: {names}",
        ArmState.TRIGGERED, alarm.trips[0].sensor_id if alarm.trips and alarm.trips[0].what != RULE else None,
        reason="nobody disarmed within the abort window",
    )  # fmt: skip


def failed_to_arm(
    blockers: Sequence[Trip], name: Names, by: str, method: str, alarm: Alarm, now_ms: int
) -> EventOpened:
    names = [name(trip.sensor_id) for trip in blockers]
    state = alarm.fallback.armed if alarm.fallback else ArmState.DISARMED
    # Somebody who waits for the answer of a command has been told already.
    severity = Severity.ALERT if method == "timer" else Severity.INFO
    return _opened(
        EventType.FAILED_TO_ARM, f"{alarm.since_ms}:{now_ms}", now_ms, severity,
        f"Not armed: {', '.join(names)} open", state, blockers[0].sensor_id,
        open_sensors=[trip.sensor_id for trip in blockers][:32], by=by,
    )  # fmt: skip


def sensor_opened(
    trip: Trip, name: str, cause_id: str, state: ArmState, severity: Severity, why: str
) -> EventOpened:
    return _opened(
        EventType.SENSOR_OPENED, f"{cause_id}:{trip.what}", trip.at_ms, severity, words(trip, name), state,
        trip.sensor_id, what=trip.what, reason=why,
    )  # fmt: skip


def duress(command_id: str, now_ms: int, state: ArmState, by: str) -> EventOpened:
    return _opened(
        EventType.DURESS, command_id, now_ms, Severity.CRITICAL, "Disarmed under duress", state, None, by=by
    )


def sensor_ended(event_id: str, now_ms: int) -> EventEnded:
    return EventEnded(
        id=derived_id("event.ended:sensor", event_id), ts_ms=now_ms, event_id=event_id, ended_ms=now_ms
    )


def ended(alarm: Alarm, outcome: str, by: str, now_ms: int) -> list[EventEnded]:
    """The events of the alarm are over: disarmed, aborted (within the abort window) or expired."""
    return [
        EventEnded(
            id=derived_id("event.ended:alarm", event_id), ts_ms=now_ms, event_id=event_id, ended_ms=now_ms,
            detail={"outcome": outcome, "by": by},
        )
        for event_id in alarm.events
    ]  # fmt: skip
