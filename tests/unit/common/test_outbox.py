"""A fact that `put` returned for survives; the drain keeps order, waits for storage and never doubles."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from patience import wait_until
from vigilar_common.clock import SystemClock
from vigilar_common.errors import OutboxFullError, StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.base import Keep
from vigilar_common.messages.system import SystemEvent
from vigilar_common.outbox import FactLog, Outbox


class Reading(Fact):
    """Telemetry as a sensor would send it."""

    TYPE: ClassVar[str] = "test.reading"
    KEEP: ClassVar[Keep] = Keep.NEWEST
    sensor: str
    value: float

    def telemetry_key(self) -> str:
        return self.sensor


class Sink:
    def __init__(self, failures: int = 0) -> None:
        self.rows: list[tuple[int, str, str, dict[str, Any]]] = []
        self.failures = failures
        self.rejects: set[str] = set()

    def post_facts(self, source: str, facts: list[tuple[int, str, str, dict[str, Any]]]) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailableError("down")
        self.rows += facts
        return {"rejected": [{"id": f[1], "reason": "no"} for f in facts if f[1] in self.rejects]}


def event(text: str = "x") -> SystemEvent:
    return SystemEvent(component="test", level=Severity.INFO, code="test", message=text)


def opened(path: Path, **bounds: int) -> Outbox:
    box = Outbox(path / "outbox.db", "test", SystemClock(), **bounds)
    box.open()
    return box


def wait_for(condition: Any, limit_s: float = 5.0) -> None:
    wait_until(condition, limit_s, "what is waited for", 0.005)


def test_facts_put_before_a_restart_are_sent_after_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    ids = [first.put(event(str(n))).id for n in range(5)]
    # no close(): the process died
    second = opened(tmp_path)
    sink = Sink()
    second.start_drain(sink)
    wait_for(lambda: second.depth == 0)
    assert [row[1] for row in sink.rows] == ids
    assert [row[0] for row in sink.rows] == sorted(row[0] for row in sink.rows)
    second.close()


def test_the_drain_retries_until_storage_commits_and_keeps_the_order(tmp_path: Path) -> None:
    box, sink = opened(tmp_path), Sink(failures=3)
    box.start_drain(sink)
    ids = [box.put(event(str(n))).id for n in range(300)]
    wait_for(lambda: box.depth == 0)
    assert [row[1] for row in sink.rows] == ids
    assert box.counters["drain_retries"] == 3
    box.close()


def test_sequence_numbers_go_on_after_everything_was_sent_and_the_file_reopened(tmp_path: Path) -> None:
    box = opened(tmp_path)
    box.start_drain(Sink())
    last = [box.put(event()).seq for _ in range(3)][-1]
    wait_for(lambda: box.depth == 0)
    box.close()
    again = opened(tmp_path)
    assert again.put(event()).seq == last + 1


def test_many_threads_share_commits_and_each_gets_its_own_fact_back(tmp_path: Path) -> None:
    box = opened(tmp_path)
    results: dict[int, Fact] = {}

    def put(n: int) -> None:
        results[n] = box.put(event(str(n)))

    threads = [threading.Thread(target=put, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert {n: getattr(fact, "message") for n, fact in results.items()} == {n: str(n) for n in range(40)}  # noqa: B009
    assert len({fact.seq for fact in results.values()}) == 40
    assert box.depth == 40


def test_the_same_id_is_kept_once(tmp_path: Path) -> None:
    box = opened(tmp_path)
    first = box.put(event())
    again = box.put(first)
    assert (again.id, again.seq) == (first.id, first.seq)
    assert box.depth == 1


def test_a_fact_that_storage_rejects_is_counted_and_does_not_block_the_next(tmp_path: Path) -> None:
    box, sink = opened(tmp_path), Sink()
    bad = box.put(event("bad"))
    sink.rejects.add(bad.id)
    box.start_drain(sink)
    good = box.put(event("good"))
    wait_for(lambda: box.depth == 0)
    assert sink.rows[-1][1] == good.id
    assert box.counters["rejected"] == 1
    box.close()


def test_a_full_outbox_keeps_the_newest_telemetry_with_a_gap_and_every_other_fact(tmp_path: Path) -> None:
    box = opened(tmp_path, max_bytes=4_000, hard_bytes=8_000)
    important = [box.put(event(f"keep {n}")).id for n in range(5)]
    for n in range(100):
        box.put(Reading(sensor="t1", value=float(n)))
    sink = Sink()
    box.start_drain(sink)
    wait_for(lambda: box.depth == 0)
    kinds = [row[2] for row in sink.rows]
    assert [row[1] for row in sink.rows if row[2] == "system.event"] == important
    assert "outbox.gap" in kinds
    values = [row[3]["value"] for row in sink.rows if row[2] == "test.reading"]
    assert values[-1] == 99.0
    dropped = sum(row[3]["dropped"] for row in sink.rows if row[2] == "outbox.gap")
    assert dropped + len(values) == 100
    box.close()


def test_beyond_the_hard_bound_the_caller_is_told_and_the_fact_is_still_published_live(
    tmp_path: Path,
) -> None:
    box = opened(tmp_path, max_bytes=500, hard_bytes=1_000)
    live: list[Fact] = []
    facts = FactLog(box, lambda fact, _: live.append(fact))
    while box.size_bytes < 800:
        facts.emit(event("y" * 100))
    with pytest.raises(OutboxFullError, match=r"system\.event was not kept"):
        facts.emit(event("y" * 300))
    assert len(live) == box.depth + 1


def test_an_alarm_fact_is_told_before_it_is_written(tmp_path: Path) -> None:
    box = opened(tmp_path)
    depth_when_told: list[int] = []
    facts = FactLog(box, lambda _, __: depth_when_told.append(box.depth))
    facts.emit_first(event().model_copy(update={"id": "0198c0de-0000-7000-8000-000000000001", "ts_ms": 1}))
    assert depth_when_told == [0]
    assert box.depth == 1


def test_facts_that_go_in_together_cost_one_commit_and_keep_their_order(tmp_path: Path) -> None:
    box, live = opened(tmp_path), list[Fact]()
    facts = FactLog(box, lambda fact, _: live.append(fact))
    assert facts.emit_all([event(str(n)) for n in range(50)]) == []
    assert [fact.seq for fact in live] == list(range(1, 51))
    assert box.depth == 50
    assert facts.emit_all([]) == []


def test_of_many_facts_those_that_find_no_room_are_named_and_all_are_told(tmp_path: Path) -> None:
    box, live = opened(tmp_path, max_bytes=500, hard_bytes=1_000), list[Fact]()
    facts = FactLog(box, lambda fact, _: live.append(fact))
    problems = facts.emit_all([event("y" * 100) for _ in range(12)])
    assert len(live) == 12
    assert len(problems) == 12 - box.depth > 0
    assert isinstance(problems[0], OutboxFullError)
