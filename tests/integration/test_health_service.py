"""The health service as a process on a real broker, with the heartbeat of another service beside it."""

from __future__ import annotations

from pathlib import Path

from service_rig import ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery, Outcome
from vigilar_common.messages.system import Finding, Heartbeat, StorageCheckpoint, SystemEvent, SystemHealth
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import ALERT_DELIVERY, HEARTBEAT, STORAGE_CHECKPOINT, SYSTEM_EVENT, SYSTEM_HEALTH


def test_the_state_of_the_house_is_published_with_what_is_wrong_and_its_cure(
    tmp_path: Path, broker: TestBroker
) -> None:
    rig = ServiceRig(tmp_path, broker, "")
    web = broker.bus("web")
    seen: list[SystemHealth] = []
    news: list[SystemEvent] = []

    def hear(received: Received) -> None:
        match received.message:
            case SystemHealth() as health:
                seen.append(health)
            case SystemEvent() as event:
                news.append(event)

    web.subscribe(SYSTEM_HEALTH, hear)
    web.subscribe(SYSTEM_EVENT, hear)
    storage = broker.bus("storage")
    checkpoint = StorageCheckpoint(origin="vigilar/x", size=7, root="cm9vdA==", note="a signed note\n")
    storage.set_state(STORAGE_CHECKPOINT, checkpoint)
    health = rig.service("health").start()
    pin = Finding(code="pin_not_configured", severity=Severity.ALERT, title="No PIN", cure="`config set-pin`")
    detail = {"findings": [pin.model_dump(mode="json")]}
    web.publish(
        HEARTBEAT, Heartbeat(service="web", pid=1, started_ms=1, ready=True, detail=detail), service="web"
    )

    def complete() -> bool:
        return (
            bool(seen)
            and {"web", "health"} <= seen[-1].services.keys()
            and bool(seen[-1].findings and seen[-1].ledger)
        )

    until(complete, 9, "a report with both services, sooner than a second heartbeat")
    newest = seen[-1]
    assert newest.mqtt_connected
    assert not newest.storage_reachable
    assert newest.ledger is not None
    assert (newest.ledger.size, newest.ledger.note) == (7, "a signed note\n"), (
        "a digest finds what to hand on"
    )
    (finding,) = [f for f in newest.findings if f.code == "pin_not_configured"]
    assert "set-pin" in finding.cure
    assert newest.status == "warning"
    assert until(lambda: [n for n in news if n.code == "pin_not_configured"], what="the news")
    assert health.rss_bytes() < 60_000_000
    health.kill()
    storage.stop()
    web.stop()


def test_a_delivery_says_which_checkpoint_of_the_ledger_it_carried_out_of_the_house(
    broker: TestBroker,
) -> None:
    alerts, web = broker.bus("alerts"), broker.bus("web")
    seen: list[AlertDelivery] = []

    def hear(received: Received) -> None:
        assert isinstance(received.message, AlertDelivery)
        seen.append(received.message)

    web.subscribe(ALERT_DELIVERY, hear)
    made = StorageCheckpoint(origin="vigilar/x", size=7, root="cm9vdA==", note="a signed note\n", ts_ms=5)
    told = AlertDelivery(
        id="0190f000-0000-7000-8000-0000000000aa", alert_id="0190f000-0000-7000-8000-0000000000ab", channel="webhook",
        target="siem", attempt=1, outcome=Outcome.DELIVERED, severity=Severity.ALERT, title="Alarm", latency_ms=1,
        ledger=made.anchor,
    )  # fmt: skip

    def heard() -> bool:
        alerts.publish(ALERT_DELIVERY, told)
        return bool(seen)

    until(heard, what="the delivery is heard")
    assert seen[0].ledger == made.anchor
    alerts.stop()
    web.stop()
