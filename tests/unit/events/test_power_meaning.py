"""What the power means: one event for each change that people feel."""

from __future__ import annotations

import pytest
from vigilar_common.config.alerts import Alerts
from vigilar_common.messages.alarm import ArmState, EventEnded, EventOpened, EventType, Severity
from vigilar_common.messages.power import PowerChanged, PowerShutdown, PowerState, PowerValues, ShutdownStage
from vigilar_events.domain.power import power_events

ID = "0190f000-0000-7000-8000-0000000000aa"
MAINS, BATTERY, LOW, SILENT = (
    PowerState.ON_LINE, PowerState.ON_BATTERY, PowerState.LOW_BATTERY, PowerState.UNKNOWN,
)  # fmt: skip


def change(before: PowerState | None, state: PowerState, severity: Severity = Severity.ALERT) -> PowerChanged:
    values = PowerValues(charge_pct=80, runtime_s=1_860)
    return PowerChanged(
        id=ID, ts_ms=5, ups_id="ups", before=before, state=state, severity=severity, values=values
    )


def opened(fact: PowerChanged | PowerShutdown, age_s: float = 0.0) -> EventOpened | None:
    events = power_events(fact, ArmState.ARMED_AWAY, age_s)
    if not events:
        return None
    first, last = events
    assert isinstance(first, EventOpened)
    assert isinstance(last, EventEnded)
    assert (last.event_id, last.ended_ms, first.cause_id) == (first.event_id, 5, ID)
    return first


@pytest.mark.parametrize(
    ("before", "state", "kind"),
    [
        (MAINS, BATTERY, EventType.POWER_OUT),
        (None, BATTERY, EventType.POWER_OUT),
        (SILENT, BATTERY, EventType.POWER_OUT),
        (BATTERY, LOW, EventType.POWER_LOW),
        (LOW, MAINS, EventType.POWER_BACK),
        (BATTERY, MAINS, EventType.POWER_BACK),
        (SILENT, MAINS, None),
        (None, MAINS, None),
        (MAINS, SILENT, None),
        (BATTERY, BATTERY, None),
        (MAINS, MAINS, None),
    ],
)
def test_changes_that_people_feel_are_events(
    before: PowerState | None, state: PowerState, kind: EventType | None
) -> None:
    event = opened(change(before, state))
    assert (event.type if event else None) is kind


def test_the_title_says_how_long_it_lasts_and_the_event_alerts() -> None:
    event = opened(change(MAINS, BATTERY))
    assert event
    assert event.title == "The power is out (80 %, about 31 min left)"
    assert event.severity is Severity.ALERT
    profile = Alerts().profile_for(event.type, event.arm_state)
    assert profile
    assert profile.name == "power"


@pytest.mark.parametrize("stage", ShutdownStage)
def test_every_step_of_a_shutdown_is_an_event(stage: ShutdownStage) -> None:
    event = opened(PowerShutdown(id=ID, ts_ms=5, ups_id="ups", stage=stage, at_ms=9, reason="LB"))
    assert event
    critical = stage is not ShutdownStage.CANCELLED
    assert event.severity is (Severity.CRITICAL if critical else Severity.ALERT)
    assert event.title.endswith(": LB")


def test_old_news_informs_and_a_repeat_has_the_same_ids() -> None:
    late, fresh = (
        opened(change(MAINS, LOW, Severity.CRITICAL), 31),
        opened(change(MAINS, LOW, Severity.CRITICAL)),
    )
    assert late
    assert fresh
    assert (late.severity, fresh.severity) == (Severity.INFO, Severity.CRITICAL)
    assert (late.id, late.event_id) == (fresh.id, fresh.event_id)
