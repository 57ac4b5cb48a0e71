"""What health finds, and what it says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vigilar_common.config import Config
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery, Outcome
from vigilar_common.messages.camera import CameraCondition, CameraState, RecordingGap
from vigilar_common.messages.system import FactsDropped, Finding, Heartbeat, SystemEvent, SystemHealth
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts, FakeStorage
from vigilar_common.topics import (
    ALERT_DELIVERY,
    CAMERA_STATE,
    FACTS_DROPPED,
    HEARTBEAT,
    RECORDING_GAP,
    SYSTEM_HEALTH,
)
from vigilar_health.domain.findings import MAX_FINDINGS, Ledger
from vigilar_health.handlers import Handlers, table

SERVICES = ("storage", "events", "alerts", "health", "web", "camera-worker-front")
ID = "00000000-0000-4000-8000-000000000000"


def _config(**health: Any) -> Config:
    camera = {"id": "front", "display_name": "Front door", "rtsp_url": "rtsp://x/"}
    return Config.model_validate({"cameras": [camera], "health": health})


def _usage(used_pct: float = 40) -> dict[str, Any]:
    disk = {
        "path": "/d",
        "total_bytes": 100,
        "used_bytes": used_pct,
        "free_bytes": 5_000_000_000,
        "used_pct": used_pct,
    }
    return {
        "disks": {"data": {**disk, "used_bytes": 1}, "recordings": {**disk, "used_bytes": 1, "used_pct": 10}}
    }


class House:
    def __init__(self, folder: Path) -> None:
        self.clock, self.folder = FakeClock(1_780_000_000_000), folder
        self.facts = FakeFacts(self.clock)
        self.storage = FakeStorage()
        self.storage.answers["/v1/usage"] = _usage()
        self.beats: dict[str, dict[str, Any]] = {name: {} for name in SERVICES}
        self.delay_ms = 5
        self.restart()

    def restart(self) -> None:
        self.bus = FakeBus(self.clock)
        self.handlers = Handlers(
            clock=self.clock,
            bus=self.bus,
            facts=self.facts,  # type: ignore[arg-type]
            storage=self.storage,  # type: ignore[arg-type]
            file=StateFile(self.folder / "findings.json"),
            config=_config(),
        )
        self.handlers.load()
        for topic, handler in table(self.handlers).items():
            self.bus.subscribe(topic, handler)
        self.handlers.ask_storage()

    def run(self, seconds: float = 40) -> SystemHealth:
        """Heartbeats and reports every ten seconds."""
        health = None
        for _ in range(round(seconds / 10)):
            self.clock.advance(10)
            for name, fields in self.beats.items():
                values = {"service": name, "pid": 1, "started_ms": 0, "ready": True} | fields
                beat = Heartbeat(**values, ts_ms=self.clock.now_ms() - self.delay_ms)
                self.bus.deliver(HEARTBEAT, beat, service=name)
            health = self.handlers.check()
        assert health
        return health

    def codes(self, seconds: float = 40) -> list[str]:
        return [finding.code for finding in self.run(seconds).findings]

    @property
    def news(self) -> list[tuple[str, str]]:
        return [(event.code, event.level.value) for event in self.facts.of(SystemEvent)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_healthy_house_is_ok_and_says_so_every_ten_seconds_retained(house: House) -> None:
    health = house.run()
    assert (health.status, health.findings) == ("ok", [])
    assert health.mqtt_connected
    assert health.storage_reachable
    assert health.disk_usage_pct == 40
    assert set(health.services) == set(SERVICES)
    assert house.bus.states[SYSTEM_HEALTH.path()].model_dump()["status"] == "ok"
    assert house.news == []


@pytest.mark.parametrize(
    ("gone", "severity", "status"),
    [("storage", "critical", "critical"), ("camera-worker-front", "alert", "warning")],
)
def test_a_service_that_is_silent_for_30_seconds_is_found_told_once_and_over_when_it_is_back(
    house: House, gone: str, severity: str, status: str
) -> None:
    house.run()
    del house.beats[gone]
    assert house.codes(20) == []
    health = house.run(40)
    assert [(f.code, f.subject, f.severity.value) for f in health.findings] == [
        ("service_silent", gone, severity)
    ]
    assert health.status == status
    assert health.findings[0].cure
    house.beats[gone] = {}
    assert house.codes(100) == []
    assert house.news == [("service_silent", severity), ("service_silent.over", "info")]


def test_a_camera_that_was_added_later_has_its_own_time_to_come(house: House) -> None:
    house.run()
    config = _config()
    added = config.cameras[0].model_copy(update={"id": "yard", "display_name": "Yard"})
    house.handlers.configure(config.model_copy(update={"cameras": [*config.cameras, added]}))
    assert house.codes(20) == []
    assert [finding.subject for finding in house.run(40).findings] == ["camera-worker-yard"]


def test_a_service_that_never_came_is_found_too(house: House) -> None:
    del house.beats["web"]
    assert [finding.subject for finding in house.run().findings] == ["web"]


def test_a_service_that_is_not_ready_or_keeps_an_old_configuration_is_found_with_the_reason(
    house: House,
) -> None:
    house.beats["web"] = {"ready": False, "reason": "storage: down"}
    house.beats["events"] = {"config_error": "vigilar.toml:3: [web] port"}
    texts = [finding.title for finding in house.run().findings]
    assert any("storage: down" in text for text in texts)
    assert any("vigilar.toml:3" in text for text in texts)


def test_a_service_that_is_not_ready_for_a_moment_is_no_finding(house: House) -> None:
    house.run()
    for _ in range(4):
        house.beats["web"] = {"ready": False, "reason": "storage: down"}
        assert house.codes(30) == []
        house.beats["web"] = {}
        assert house.codes(10) == []
    assert house.news == []


def test_findings_that_services_report_appear_and_rubbish_does_not_break_anything(house: House) -> None:
    pin = Finding(code="pin_not_configured", severity=Severity.ALERT, title="No PIN", cure="Set one")
    house.beats["events"] = {"detail": {"findings": [pin.model_dump(mode="json"), {"x": 1}, 7]}}
    house.beats["alerts"] = {"detail": {"findings": "nonsense"}}
    found = house.run().findings
    assert [(f.code, f.subject) for f in found] == [
        ("pin_not_configured", "events"),
        ("finding_unreadable", "events"),
    ]


@pytest.mark.parametrize(
    ("used_pct", "code", "status"),
    [
        (84.9, None, "ok"),
        (85, "disk_filling", "warning"),
        (94.9, "disk_filling", "warning"),
        (95, "disk_full", "critical"),
    ],
)
def test_disks_follow_the_thresholds_of_the_configuration(
    house: House, used_pct: float, code: str | None, status: str
) -> None:
    house.storage.answers["/v1/usage"] = _usage(used_pct)
    house.handlers.ask_storage()
    health = house.run()
    assert [f.code for f in health.findings] == ([code] if code else [])
    assert health.status == status


def test_a_storage_that_does_not_answer_is_found_and_the_last_figures_stay(house: House) -> None:
    house.storage.down = True
    assert not house.handlers.ask_storage()
    health = house.run()
    assert [f.code for f in health.findings] == ["storage_unreachable"]
    assert not health.storage_reachable
    assert health.disk_usage_pct == 40
    house.storage.down = False
    assert house.handlers.ask_storage()
    assert house.run().storage_reachable


@pytest.mark.parametrize("answer", [None, [], {}, {"disks": 3}, {"disks": {"data": {"path": "x"}}}])
def test_a_storage_that_answers_nonsense_counts_as_not_answering(house: House, answer: object) -> None:
    house.storage.answers["/v1/usage"] = answer
    assert not house.handlers.ask_storage()
    assert "storage_unreachable" in house.codes()


def test_a_broker_that_is_gone_or_swallows_messages_or_is_slow_is_found(house: House) -> None:
    house.delay_ms = 1500
    assert house.codes() == ["broker_slow"]
    house.delay_ms = 5
    assert house.codes() == []
    del house.beats["health"]
    assert "broker_unreachable" in house.codes()
    house.beats["health"] = {}
    assert house.codes() == []
    house.bus.connected = False
    health = house.run(20)
    assert (health.status, health.mqtt_connected) == ("critical", False)


def test_a_broker_that_restarts_is_no_finding(house: House) -> None:
    house.run()
    house.bus.connected = False
    house.handlers.check()
    house.clock.advance(4)
    house.handlers.check()
    house.bus.connected = True
    assert house.codes(10) == []
    assert house.news == []


def test_while_everything_starts_nothing_is_missing_yet(house: House) -> None:
    house.bus.connected = False
    house.storage.down = True
    house.handlers.ask_storage()
    state = CameraState(camera_id="front", condition=CameraCondition.OFFLINE, reason="x", since_ms=1)
    house.bus.deliver(CAMERA_STATE, state, camera_id="front")
    for _ in range(7):
        house.handlers.check()
        house.clock.advance(2)
    assert house.news == []
    house.clock.advance(2)
    house.handlers.check()
    assert {code for code, _ in house.news} == {"broker_unreachable", "camera_offline"}


def test_what_is_new_is_published_at_once_and_the_rest_every_ten_seconds(house: House) -> None:
    house.run()
    house.clock.advance(2)
    assert house.handlers.check() is None
    house.handlers.set_refused_config("vigilar.toml:2: [web] prot: unknown key")
    health = house.handlers.check()
    assert health is not None
    (finding,) = health.findings
    assert finding.code == "config_refused"
    assert "vigilar.toml:2: [web] prot" in finding.title
    house.handlers.set_refused_config("")
    health = house.handlers.check()
    assert health is not None
    assert health.findings == []
    house.clock.advance(8)
    assert house.handlers.check() is None
    house.clock.advance(2)
    assert house.handlers.check() is not None


def test_a_clock_that_jumps_or_was_never_set_is_found(house: House) -> None:
    house.run()
    house.clock.jump_wall(-3600)
    health = house.run(10)
    assert [f.code for f in health.findings] == ["clock_jumped"]
    assert "back by 3600 s" in health.findings[0].title
    assert house.codes(3700) == []
    house.clock.jump_wall(-1_700_000_000)
    assert "clock_not_set" in house.codes(10)


def test_a_camera_without_a_picture_is_found_and_what_its_worker_found(house: House) -> None:
    state = CameraState(
        camera_id="front",
        condition=CameraCondition.OFFLINE,
        reason="401 Unauthorized",
        since_ms=house.clock.now_ms(),
        findings=["resolution is 640×480"],
    )
    house.bus.deliver(CAMERA_STATE, state, camera_id="front")
    texts = [finding.title for finding in house.run().findings]
    assert texts == ["Front door gives no picture: 401 Unauthorized", "Front door: resolution is 640×480"]


def test_each_finding_of_a_camera_counts_and_one_whose_figures_change_stays_the_same(house: House) -> None:
    state = CameraState(
        camera_id="front",
        condition=CameraCondition.ONLINE,
        recording_problem="recording failed: No space left on device",
        findings=["keyframes come 5 s apart", "the stream is small"],
    )
    house.bus.deliver(CAMERA_STATE, state, camera_id="front")
    health = house.run()
    assert health.status == "critical"
    assert len(health.findings) == 3
    assert health.findings[0].title == "Front door: recording failed: No space left on device"
    told = len(house.news)
    house.bus.deliver(
        CAMERA_STATE,
        state.model_copy(update={"findings": ["keyframes come 9 s apart", "the stream is small"]}),
        camera_id="front",
    )
    house.run(10)
    assert len(house.news) == told == 3


def test_messages_of_cameras_that_are_not_configured_are_ignored(house: House) -> None:
    state = CameraState(camera_id="old", condition=CameraCondition.OFFLINE, since_ms=0)
    house.bus.deliver(CAMERA_STATE, state, camera_id="old")
    house.beats["camera-worker-old"] = {"ready": False}
    assert house.run().findings == []


def test_a_camera_in_privacy_is_told_as_that_and_is_no_trouble(house: House) -> None:
    state = CameraState(camera_id="front", condition=CameraCondition.OFFLINE, since_ms=0, privacy=True)
    house.bus.deliver(CAMERA_STATE, state, camera_id="front")
    health = house.run()
    assert [(found.code, found.severity.value) for found in health.findings] == [("camera_private", "info")]


def test_gaps_dropped_telemetry_and_failing_alerts_are_found(house: House) -> None:
    now = house.clock.now_ms()
    gap = RecordingGap(camera_id="front", from_ms=now - 3000, to_ms=now, reason="camera away")
    house.bus.deliver(RECORDING_GAP, gap, camera_id="front")
    dropped = FactsDropped(fact_type="x", key="k", dropped=3, from_ms=1, to_ms=2, source="sensors")
    house.bus.deliver(FACTS_DROPPED, dropped, service="sensors")
    for number in range(3):
        delivery = AlertDelivery(
            alert_id=ID, channel="web_push", target="t", attempt=number + 1, outcome=Outcome.RETRYING,
            severity=Severity.ALERT, title="x", latency_ms=1, error="HTTP 500",
        )  # fmt: skip
        house.bus.deliver(ALERT_DELIVERY, delivery)
    assert sorted(house.codes()) == ["alerts_fail", "recording_gaps", "telemetry_dropped"]
    house.bus.deliver(ALERT_DELIVERY, delivery.model_copy(update={"outcome": Outcome.DELIVERED}))
    assert "alerts_fail" not in house.codes()


def test_a_restart_of_health_tells_nothing_twice(house: House) -> None:
    del house.beats["web"]
    house.run()
    house.restart()
    house.run(100)
    assert house.news == [("service_silent", "critical")]


def test_what_flaps_is_told_once() -> None:
    ledger, news = Ledger(), 0
    finding = Finding(code="x", severity=Severity.ALERT, title="x", cure="y")
    for at_s in range(0, 3000, 10):
        news += len(ledger.update([finding] if at_s % 20 else [], at_s * 1000, at_s))
    assert news == 1
    for at_s in range(3000, 3100, 10):
        news += len(ledger.update([], at_s * 1000, at_s))
    assert news == 2
    assert ledger.present() == []


def test_many_findings_are_bounded_worst_first() -> None:
    ledger = Ledger()
    many = [
        Finding(code="x", severity=Severity.INFO, title="x", cure="y", subject=str(n)) for n in range(500)
    ]
    many.append(Finding(code="bad", severity=Severity.CRITICAL, title="x", cure="y"))
    ledger.update(many, 0, 0)
    present = ledger.present()
    assert len(present) == MAX_FINDINGS
    assert present[0].code == "bad"
    assert present[-1].title == "402 more findings are not listed"


def test_every_finding_has_a_cure(house: House) -> None:
    breakers: list[Callable[[], object]] = [
        lambda: house.beats.clear(),
        lambda: house.clock.jump_wall(100),
        lambda: house.storage.answers.clear(),
    ]
    for breaker in breakers:
        breaker()
    house.handlers.ask_storage()
    found = house.run().findings
    assert len(found) > 5
    assert all(finding.cure and finding.title for finding in found)
