"""Who is told what, in which words, and how often."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_alerts.domain import later, retry
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.decide import CAP, Decider, Decision
from vigilar_alerts.domain.happening import of_event
from vigilar_alerts.domain.payload import MAX_BYTES, payload
from vigilar_alerts.domain.retry import Answer
from vigilar_common.config import Camera, Config
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import Outcome

NOW = 1_750_000_000_000


def _camera(camera_id: str, location: str) -> Camera:
    return Camera.model_validate(
        {"id": camera_id, "display_name": camera_id, "rtsp_url": "rtsp://x/", "location": location}
    )


CONFIG = Config(cameras=(_camera("front", "EXTERIOR"), _camera("hall", "INTERIOR")))


def decide(decider: Decider, event: EventOpened, age_s: float, at_s: float) -> Decision:
    return decider.decide(of_event(event), age_s, NOW + round(at_s * 1000), at_s)


def _event(
    camera: str = "front",
    state: str = "disarmed",
    kind: str = "motion",
    severity: str = "info",
    at_s: float = 0,
) -> EventOpened:
    return EventOpened(
        event_id=str(uuid4()),
        ts_ms=NOW + round(at_s * 1000),
        type=EventType(kind),
        severity=Severity(severity),
        title=f"Motion at {camera}",
        camera_id=camera,
        picture_id=str(uuid4()),
        arm_state=ArmState(state),
    )


@pytest.mark.parametrize("state", list(ArmState))
def test_motion_outside_alerts_in_every_arm_state(state: ArmState) -> None:
    decision = decide(Decider(CONFIG), _event(state=state.value), 0.1, 0)
    assert decision.push
    assert decision.alert
    assert decision.alert.severity is Severity.ALERT


@pytest.mark.parametrize(
    ("state", "told"), [("disarmed", False), ("armed_home", False), ("armed_away", True), ("triggered", True)]
)
def test_motion_inside_alerts_when_nobody_should_be_there(state: str, told: bool) -> None:
    decision = decide(Decider(CONFIG), _event("hall", state, severity="critical" if told else "info"), 0.1, 0)
    assert decision.push is told
    assert decision.reason == ("alerted" if told else "no_profile")
    if decision.alert:
        assert decision.alert.severity is Severity.CRITICAL


def test_a_camera_that_is_offline_alerts_and_one_unknown_to_the_config_does_not_break_anything() -> None:
    decider = Decider(CONFIG)
    assert decide(decider, _event(kind="camera_offline"), 11, 0).push
    assert decide(decider, _event("stranger"), 0, 0).alert is None


@pytest.mark.parametrize("kind", ["alarm_triggered", "duress"])
def test_an_alarm_is_told_as_critical_with_sound_each_time_also_without_a_profile(kind: str) -> None:
    config = Config.model_validate({"alerts": {"profiles": [{"name": "mine", "events": ["motion"]}]}})
    for decider in (Decider(CONFIG), Decider(config)):
        for at_s in (0, 5):
            event = _event(kind=kind, state="triggered", severity="critical", at_s=at_s).model_copy(
                update={"camera_id": None, "sensor_id": "kitchen"}
            )
            decision = decide(decider, event, 0.1, at_s)
            assert decision.push
            assert decision.alert
            assert (decision.alert.severity, decision.alert.silent) == (Severity.CRITICAL, False)


def test_a_confirmed_alarm_is_told_only_where_a_profile_names_it() -> None:
    event = _event(kind="alarm_confirmed", state="triggered", severity="critical")
    assert decide(Decider(CONFIG), event, 0.1, 0).reason == "no_profile"


def test_the_same_event_always_gives_the_same_alert_and_telling() -> None:
    event = _event()
    first = decide(Decider(CONFIG), event, 0, 0).alert
    second = decide(Decider(CONFIG), event, 999, 5).alert
    assert first
    assert second
    assert (first.alert_id, first.key) == (second.alert_id, second.key)
    assert first.key != first.alert_id


def test_more_of_one_incident_replaces_silently_and_every_event_is_decided() -> None:
    decider = Decider(CONFIG)
    made = [decide(decider, _event(at_s=at_s), 0, at_s) for at_s in (0, 20, 150, 400)]
    assert [decision.reason for decision in made] == ["alerted", "grouped", "grouped", "alerted"]
    alerts = [decision.alert for decision in made if decision.alert]
    assert [alert.silent for alert in alerts] == [False, True, True, False]
    assert len({alert.alert_id for alert in alerts}) == 2
    assert len({alert.key for alert in alerts}) == 4


def test_a_late_event_informs_and_a_very_late_one_is_summarised() -> None:
    decider = Decider(CONFIG)
    late = decide(decider, _event(severity="critical", at_s=-300), 300, 0)
    assert late.push
    assert late.alert
    assert (late.alert.severity, late.alert.body) == (Severity.INFO, "5 minutes ago")
    assert decide(decider, _event(at_s=-90_000), 90_000, 0).reason == "late"
    summary = later.summary(decider, NOW, 1, "x")
    assert summary
    assert summary.title == "1 more event"
    assert later.summary(decider, NOW, 2, "y") is None


def test_a_storm_of_incidents_is_capped_and_summarised_but_never_what_is_critical() -> None:
    decider = Decider(CONFIG)
    made = [decide(decider, _event(at_s=-1000 * n), 0, n) for n in range(100)]
    assert sum(decision.push for decision in made) == CAP
    assert all(decision.alert for decision in made), "the alerts page still has each"
    assert decide(decider, _event("hall", "armed_away", severity="critical"), 0, 100).push
    assert later.summary(decider, NOW, 101, "x") is None
    summary = later.summary(decider, NOW, 500, "x")
    assert summary
    assert summary.title == "80 more events"


ALERT = Alert(
    "a" * 36, "e" * 36, Severity.ALERT, "Motion", "in drive", "motion-front", NOW, url="/events/" + "e" * 36
)


@given(st.text(max_size=600), st.text(max_size=600))
def test_a_notification_always_fits_and_is_json_with_the_keys_that_the_browser_reads(
    title: str, body: str
) -> None:
    data = payload(replace(ALERT, title=title, body=body), "/media/p/" + "x" * 150, NOW + 800)
    assert len(data) <= MAX_BYTES
    message = json.loads(data)
    assert message["url"].startswith("/events/")
    assert message["tag"] == "motion-front"
    assert (message["ts_ms"], message["sent_ms"]) == (NOW, NOW + 800)
    assert message["title"].isprintable()


def test_short_texts_are_not_touched() -> None:
    message = json.loads(payload(replace(ALERT, title="Bewegung: Küche 🚪"), "", NOW))
    assert message["title"] == "Bewegung: Küche 🚪"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, Outcome.DELIVERED),
        (200, Outcome.DELIVERED),
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (429, Outcome.RETRYING),
        (500, Outcome.RETRYING),
        (503, Outcome.RETRYING),
        (0, Outcome.RETRYING),
        (301, Outcome.FAILED),
        (307, Outcome.FAILED),
        (400, Outcome.FAILED),
        (403, Outcome.FAILED),
        (413, Outcome.FAILED),
    ],
)
def test_what_the_answer_of_a_push_service_means(status: int, outcome: Outcome) -> None:
    assert retry.judge(Answer(status), 1, NOW / 1000).outcome is outcome


def test_waits_grow_honour_retry_after_and_end() -> None:
    for attempt, least_s in ((1, 0.5), (2, 1), (5, 8), (11, 300)):
        wait_s = retry.judge(Answer(500), attempt, 0).wait_s
        assert least_s <= wait_s <= min(least_s + 0.5, 300.5)
    assert retry.judge(Answer(429, retry_after="120"), 1, 0).wait_s == 120
    assert retry.judge(Answer(429, retry_after="99999999999999999999"), 1, 0).wait_s == 3600
    assert retry.judge(Answer(503, retry_after="Thu, 01 Jan 1970 00:01:00 GMT"), 1, 10).wait_s == 50
    for nonsense in ("-5", "soon", "١٢", "nan", "\x00"):
        assert retry.judge(Answer(503, retry_after=nonsense), 1, 0).wait_s < 2
    enough = retry.LEAST_ATTEMPTS
    for severity, deadline_s in retry.DEADLINE_S.items():
        last = retry.judge(Answer(500), enough, 0, deadline_s + 1, severity)
        assert last.outcome is Outcome.FAILED
        assert "given up" in last.error
        assert retry.judge(Answer(500), enough, 0, deadline_s - 1, severity).outcome is Outcome.RETRYING
        assert retry.judge(Answer(500), enough - 1, 0, 10 * deadline_s, severity).outcome is Outcome.RETRYING
