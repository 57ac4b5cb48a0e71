"""The health service as a process on a real broker, with the heartbeat of another service beside it."""

from __future__ import annotations

from pathlib import Path

from service_rig import ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding, Heartbeat, SystemEvent, SystemHealth
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import HEARTBEAT, SYSTEM_EVENT, SYSTEM_HEALTH


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
    health = rig.service("health").start()
    pin = Finding(code="pin_not_configured", severity=Severity.ALERT, title="No PIN", cure="`config set-pin`")
    detail = {"findings": [pin.model_dump(mode="json")]}
    web.publish(
        HEARTBEAT, Heartbeat(service="web", pid=1, started_ms=1, ready=True, detail=detail), service="web"
    )

    def complete() -> bool:
        return bool(seen) and {"web", "health"} <= seen[-1].services.keys() and bool(seen[-1].findings)

    until(complete, 9, "a report with both services, sooner than a second heartbeat")
    newest = seen[-1]
    assert newest.mqtt_connected
    assert not newest.storage_reachable
    (finding,) = [f for f in newest.findings if f.code == "pin_not_configured"]
    assert "set-pin" in finding.cure
    assert newest.status == "warning"
    assert until(lambda: [n for n in news if n.code == "pin_not_configured"], what="the news")
    assert health.rss_bytes() < 60_000_000
    health.kill()
    web.stop()
