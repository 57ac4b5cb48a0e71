"""What a rule tells people: through the channels it names, whatever the profiles say."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from vigilar_alerts.adapters.store import Store
from vigilar_alerts.domain.decide import Decider, Decision
from vigilar_alerts.domain.happening import of_event
from vigilar_alerts.handlers import Channels, Handlers
from vigilar_common.config import Config
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts

NOW = 1_750_000_000_000


def fired(
    *channels: str, severity: Severity = Severity.ALERT, kind: EventType = EventType.RULE, at_ms: int = NOW
) -> EventOpened:
    return EventOpened(
        id=str(uuid4()), event_id=str(uuid4()), ts_ms=at_ms, type=kind, severity=severity, title="Back door at night",
        arm_state=ArmState.DISARMED, detail={"rule_id": "night", "reason": "back_door: open", "channels": list(channels)},
    )  # fmt: skip


def decide(decider: Decider, event: EventOpened) -> Decision:
    return decider.decide(of_event(event), 0, NOW, 0)


def test_a_rule_is_told_without_a_profile_and_as_loud_as_it_says() -> None:
    decision = decide(Decider(Config()), fired("all", severity=Severity.CRITICAL))
    assert decision.push
    assert decision.alert
    assert (decision.alert.severity, decision.alert.body) == (Severity.CRITICAL, "back_door: open")
    assert decision.aim.channels == ()


def test_a_rule_that_alerts_nobody_tells_nobody_and_no_other_event_may_name_channels() -> None:
    decider = Decider(Config())
    assert decide(decider, fired(severity=Severity.INFO)).reason == "no_profile"
    assert decide(decider, fired("all", kind=EventType.CAMERA_ONLINE)).reason == "no_profile"


def test_two_rules_are_two_subjects_and_one_rule_is_grouped() -> None:
    decider, other = Decider(Config()), fired("all")
    other.detail["rule_id"] = "day"
    reasons = [decide(decider, event).reason for event in (fired("all"), fired("all"), other)]
    assert reasons == ["alerted", "grouped", "alerted"]


class _Quiet:
    def wake(self) -> None: ...


def _channels(tmp_path: Path, event: EventOpened, desktop: bool = True) -> tuple[set[str], Handlers]:
    store = Store(tmp_path / "alerts.db")
    store.open()
    try:
        handlers = Handlers(
            clock=FakeClock(NOW), store=store, deliverer=_Quiet(), subscriptions=None, config=Config(),  # type: ignore[arg-type]
            facts=FakeFacts(), bus=FakeBus(),  # type: ignore[arg-type]
            channels=lambda: Channels(web_push=True, syslog="syslog", desktop=desktop),
        )  # fmt: skip
        handlers.start()
        handlers.on_fact(event, 0, True)
        jobs = iter(lambda: store.claim(NOW + 60_000), None)
        return {job.channel for job in jobs}, handlers
    finally:
        store.close()


def test_only_the_named_channels_and_the_alerts_page_are_used(tmp_path: Path) -> None:
    channels, handlers = _channels(tmp_path, fired("syslog"))
    assert channels == {"ui", "syslog"}
    assert not handlers.decisions["no_channel"]


def test_all_channels_that_are_on_are_used_by_alert_all(tmp_path: Path) -> None:
    assert _channels(tmp_path, fired("all", "webhook"))[0] == {"ui", "syslog", "desktop"}


def test_a_channel_that_is_off_or_not_there_is_counted_and_the_page_shows_the_alert(tmp_path: Path) -> None:
    channels, handlers = _channels(tmp_path, fired("webhook", "desktop"), desktop=False)
    assert channels == {"ui"}
    assert handlers.decisions["no_channel"] == 2
