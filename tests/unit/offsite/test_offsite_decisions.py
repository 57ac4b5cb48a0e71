"""Which recordings go off-site, in which order, how fast, and what is said when they do not."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pydantic import ValidationError
from vigilar_common.config import Config
from vigilar_common.config.offsite import Occasion, Offsite
from vigilar_common.merkle import tree_root
from vigilar_common.messages.alarm import ArmState, Severity
from vigilar_common.messages.camera import Trigger
from vigilar_common.testing.fakes import START_MS
from vigilar_offsite.domain.chain import BrokenLedgerError, Chain
from vigilar_offsite.domain.errors import TargetError, Why
from vigilar_offsite.domain.findings import Condition, findings
from vigilar_offsite.domain.jobs import MAX_JOBS, Job, Jobs
from vigilar_offsite.domain.occasions import Alarms, Priority, wanted_by_itself
from vigilar_offsite.domain.pace import BackOff, Pace
from vigilar_supervisor.children import service_names

DEFAULT = (Occasion.ALARM, Occasion.RULE)
KEY = "ssh-ed25519 " + "A" * 68


@pytest.mark.parametrize(
    ("occasions", "state", "trigger", "wanted"),
    [
        (DEFAULT, ArmState.TRIGGERED, Trigger.MOTION, Priority.ALARM),
        (DEFAULT, ArmState.ARMED_AWAY, Trigger.MOTION, None),
        (DEFAULT, ArmState.DISARMED, Trigger.RULE, Priority.ORDERED),
        (DEFAULT, None, Trigger.RULE, Priority.ORDERED),
        (DEFAULT, ArmState.PENDING, Trigger.MOTION, None),
        ((Occasion.ENTRY,), ArmState.PENDING, Trigger.MOTION, Priority.ALARM),
        ((Occasion.MANUAL,), ArmState.DISARMED, Trigger.MANUAL, Priority.ORDERED),
        ((Occasion.MANUAL,), ArmState.DISARMED, Trigger.RULE, None),
        ((Occasion.ARMED,), ArmState.ARMED_NIGHT, Trigger.MOTION, Priority.ORDERED),
        ((Occasion.ARMED,), ArmState.DISARMED, Trigger.MOTION, None),
        ((Occasion.ALWAYS,), None, Trigger.CONTINUOUS, Priority.ORDERED),
    ],
)
def test_what_a_recording_is_sent_for(
    occasions: tuple[Occasion, ...], state: ArmState | None, trigger: Trigger, wanted: Priority | None
) -> None:
    assert wanted_by_itself(occasions, state, trigger) is wanted


def test_an_alarm_opens_a_window_once_and_its_end_leaves_it_to_be_gone_through() -> None:
    alarms = Alarms(DEFAULT)
    assert not alarms.heard(ArmState.ARMED_AWAY, START_MS, START_MS)
    assert alarms.heard(ArmState.TRIGGERED, START_MS + 10, START_MS)
    assert not alarms.heard(ArmState.TRIGGERED, START_MS + 10, START_MS), "the retained state says it again"
    assert not alarms.heard(ArmState.ARMED_AWAY, START_MS + 5, START_MS), "the log brings what was before"
    assert alarms.active
    assert alarms.heard(ArmState.DISARMED, START_MS + 99, START_MS)
    assert alarms.open is None
    assert [(w.from_ms, w.to_ms) for w in alarms.closed] == [(START_MS + 10, START_MS + 99)]


def test_a_state_heard_while_the_clock_was_years_ahead_does_not_silence_an_alarm() -> None:
    alarms = Alarms(DEFAULT)
    alarms.heard(ArmState.ARMED_AWAY, START_MS + 10**11, START_MS + 10**11)
    assert alarms.heard(ArmState.TRIGGERED, START_MS, START_MS)
    assert alarms.active


def test_an_alarm_of_long_ago_is_not_gone_through() -> None:
    alarms = Alarms(DEFAULT)
    alarms.heard(ArmState.TRIGGERED, START_MS - 10**9, START_MS)
    assert not alarms.heard(ArmState.DISARMED, START_MS - 10**9 + 60_000, START_MS)
    assert alarms.closed == []


def test_the_alarm_is_known_again_after_a_restart() -> None:
    alarms, again = Alarms(DEFAULT), Alarms(DEFAULT)
    alarms.heard(ArmState.TRIGGERED, START_MS, START_MS)
    again.restore(alarms.kept())
    assert again.active
    assert again.state is ArmState.TRIGGERED
    with pytest.raises((TypeError, ValueError, KeyError)):
        again.restore({"state": "triggered", "changed_ms": "x", "from_ms": None})


def job(number: int, priority: Priority = Priority.ORDERED, **more: Any) -> Job:
    return Job(f"r{number}", "front", priority, START_MS, START_MS + number, **more)


def test_alarm_goes_first_and_equals_take_turns() -> None:
    jobs = Jobs()
    for number in range(4):
        jobs.add(job(number, Priority.ALARM if number > 1 else Priority.ORDERED))
    order = []
    for _ in range(4):
        order.append(jobs.order()[0])
        jobs.serve(order[-1])
    assert [item.recording_id for item in order] == ["r2", "r3", "r2", "r3"]


def test_a_recording_that_waits_becomes_urgent_with_the_alarm_and_is_there_once() -> None:
    jobs = Jobs()
    assert jobs.add(job(1)) == (True, None)
    assert jobs.add(job(1, Priority.ALARM)) == (False, None)
    assert [item.priority for item in jobs] == [Priority.ALARM]


def test_a_full_list_lets_go_of_the_newest_less_urgent_one_and_of_nothing_for_an_equal() -> None:
    jobs = Jobs()
    for number in range(MAX_JOBS):
        jobs.add(job(number))
    late = job(MAX_JOBS)
    assert jobs.add(late) == (False, late)
    added, victim = jobs.add(job(MAX_JOBS + 1, Priority.ALARM))
    assert added
    assert victim is not None
    assert victim.recording_id == "r0"
    assert len(jobs) == MAX_JOBS


def test_the_age_of_what_waits_counts_from_when_it_was_there() -> None:
    found = job(1)
    assert found.unsent_s(50) == 0
    found.grew_to(512, 10)
    found.grew_to(512, 11)
    found.grew_to(16_912, 12)
    assert found.unsent_s(20) == 10
    found.sent_to(512, "x")
    assert found.unsent_s(20) == 8
    found.sent_to(16_912, "x")
    assert found.unsent_s(20) == 0


def test_jobs_come_back_from_what_was_kept_and_nonsense_is_told() -> None:
    jobs, again = Jobs(), Jobs()
    told: list[str] = []
    jobs.add(job(1, Priority.ALARM, sent_bytes=512, tail_sha256="ab", generation=2))
    again.restore([*jobs.kept(), {"recording_id": "x"}, 7, {**job(2).kept(), "sent_bytes": -1}], told.append)
    (back,) = again
    assert (back.recording_id, back.sent_bytes, back.priority) == ("r1", 512, Priority.ALARM)
    assert back.name == "recordings/front/r1.2.vge"
    assert len(told) == 3


def test_the_cap_holds_over_time_and_zero_means_none() -> None:
    pace, now_s, sent = Pace(8, 0.0), 0.0, 0
    while now_s < 60:
        wait_s = pace.wait_s(now_s)
        if wait_s:
            now_s += wait_s
            continue
        pace.sent(262_144)
        sent += 262_144
    assert 58_000_000 < sent < 63_000_000
    free = Pace(0, 0.0)
    free.sent(10**12)
    assert free.wait_s(0.0) == 0


def test_attempts_are_farther_apart_and_never_far_while_an_alarm_waits() -> None:
    back_off = BackOff()
    waits = [back_off.failed(alarm=True, jitter=0.0) for _ in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert back_off.failed(alarm=False, jitter=1.0) == 0.75 * 128
    for _ in range(50):
        longest = back_off.failed(alarm=False, jitter=0.0)
    assert longest == 300
    back_off.worked()
    assert back_off.failed(alarm=False, jitter=0.0) == 0.5


def row(seq: int, subject: str) -> dict[str, Any]:
    return {
        "seq": seq, "ts_ms": START_MS, "mono_ms": 1, "boot_id": "b", "type": "opened", "subject": subject, "body": {},
        "prev_hash": "0" * 64, "hash": hashlib.sha256(str(seq).encode()).hexdigest(),
    }  # fmt: skip


def root(size: int) -> bytes:
    return tree_root(hashlib.sha256(str(seq).encode()).digest() for seq in range(1, size + 1))


def test_the_ledger_is_told_with_hashes_and_only_our_entries() -> None:
    chain = Chain()
    for seq in range(1, 8):
        chain.take(row(seq, "ours" if seq == 5 else f"other {seq}"), lambda subject: subject == "ours")
    document = chain.close("note", root(7))
    assert document is not None
    assert document["from"]["size"] == 4
    assert [type(leaf) for leaf in document["leaves"]] == [dict, str, str]
    assert "other" not in str(document)
    again = Chain(chain.kept()["size"], tuple(map(bytes.fromhex, chain.kept()["range"])))
    again.take(row(8, "other"), lambda _: False)
    assert again.close("note", root(8)) is None


def test_a_ledger_with_a_hole_or_another_root_is_refused() -> None:
    chain = Chain()
    chain.take(row(1, "a"), lambda _: False)
    with pytest.raises(BrokenLedgerError, match="entry 3 follows entry 1"):
        chain.take(row(3, "a"), lambda _: False)
    with pytest.raises(BrokenLedgerError, match="root"):
        chain.close("note", root(2))
    with pytest.raises(BrokenLedgerError, match="cannot be read"):
        chain.take({"seq": 2}, lambda _: False)


def found(**now: Any) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in findings(Condition(**now))}


def test_an_outage_is_told_after_30_seconds_and_a_foreign_host_key_at_once() -> None:
    away = TargetError(Why.UNREACHABLE, "sftp://x is away")
    assert found(error=away, failing_s=5) == {}
    assert found(error=away, failing_s=31) == {"offsite_target": Severity.ALERT}
    assert found(error=away, failing_s=31, alarm_waits=True) == {"offsite_target": Severity.CRITICAL}
    assert found(error=TargetError(Why.HOST_KEY, "x")) == {"offsite_target": Severity.CRITICAL}
    assert found(lag_s=31.0) == {"offsite_behind": Severity.ALERT}
    assert found(lost=1, lost_reason="gone", unsealed="plain", unsaved="disk") == {
        "offsite_lost": Severity.ALERT, "offsite_unsealed": Severity.CRITICAL, "offsite_state": Severity.ALERT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({}, "url: enabled needs a target"),
        ({"url": "sftp://u@h/p"}, "host_key: an SFTP target needs"),
        ({"url": "sftp://u:canary@h/p", "host_key": KEY}, "must hold no password"),
        ({"url": "ftp://h/p"}, "must be sftp://"),
        ({"url": "sftp://h/a/../b", "host_key": KEY}, r"must not hold \.\."),
        ({"url": "sftp://h/p", "host_key": "AAAA"}, "SHA256:…"),
        ({"url": "s3://bucket/p"}, "endpoint: an s3"),
        ({"url": "s3://k@bucket/p", "endpoint": "https://h"}, "names a bucket"),
        ({"url": "http://h/p"}, "in the clear"),
        ({"url": "s3://b/p", "endpoint": "http://h"}, "in the clear"),
        ({"url": "https://h/p", "occasions": []}, "at least 1"),
        ({"url": "https://h/p?x=1"}, "must not hold"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused_with_the_reason(
    keys: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint) as caught:
        Offsite.model_validate({"enabled": True, **keys})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "sftp://u@h:2222/p", "host_key": KEY + " comment at the end"},
        {"url": "sftp://u@h", "host_key": "SHA256:" + "a" * 43},
        {"url": "s3://bucket", "endpoint": "https://h:9000"},
        {"url": "https://h/p"},
        {"url": "http://h/p", "private_targets": ["10.0.0.0/8"]},
    ],
)
def test_targets_of_every_kind_are_taken(keys: dict[str, Any]) -> None:
    Offsite.model_validate({"enabled": True, **keys})


@pytest.mark.parametrize("enabled", [True, False])
def test_the_service_runs_only_when_it_is_switched_on(enabled: bool) -> None:
    config = Config.model_validate({"offsite": {"enabled": enabled, "url": "https://h/p"}})
    assert ("offsite" in service_names(config)) is enabled
