"""The feed over a log in memory: what is handed over together, and what a crash in between repeats."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from patience import wait_until
from vigilar_common.feed import PAGE_FACTS, TOGETHER, Feed
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmState, ArmStateChanged
from vigilar_common.testing import FakeBus, FakeStorage

MANY = 2 * TOGETHER + 3


class Log:
    """Facts in storage, and what a reader of them does."""

    def __init__(self, folder: Path, count: int = MANY) -> None:
        self.folder, self.bus, self.storage = folder, FakeBus(), FakeStorage()
        fact = ArmStateChanged(
            from_state=ArmState.DISARMED, to_state=ArmState.ARMED_AWAY, changed_by="x", method="x", ts_ms=1
        )
        self.facts = [[n, "events", n, str(uuid4()), fact.TYPE, fact.body()] for n in range(1, count + 1)]
        self.storage.answers["/v1/facts"] = self._page
        self.done: list[str] = []
        self.kept: list[int] = []
        self.dies_at = 0

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        page = self.facts[query["after"] : query["after"] + query["limit"]]
        return {"epoch": "e", "last_n": len(self.facts), "facts": page}

    def reader(self, *, together: bool = True) -> Feed:
        return Feed(
            "t", [ArmStateChanged.TYPE], self._on_fact, bus=self.bus, storage=self.storage,  # type: ignore[arg-type]
            clock=self.bus.clock, state_dir=self.folder, together=self._together if together else None,
        )  # fmt: skip

    def _on_fact(self, fact: Fact, _age_s: float, _live: bool) -> None:
        if self.dies_at and len(self.done) >= self.dies_at:
            raise KeyboardInterrupt
        self.done.append(fact.id)

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        before = len(self.done)
        yield
        self.kept.append(len(self.done) - before)


def test_facts_of_the_log_are_handed_over_some_at_a_time(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.reader()._catch_up()
    assert log.kept == [TOGETHER, TOGETHER, 3]
    assert log.done == [row[3] for row in log.facts]


def test_who_does_not_ask_for_it_gets_them_one_by_one(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.reader(together=False)._catch_up()
    assert (len(log.done), log.kept) == (MANY, [])


def test_a_crash_before_they_were_kept_repeats_them(tmp_path: Path) -> None:
    log = Log(tmp_path, PAGE_FACTS + MANY)
    log.dies_at = PAGE_FACTS + TOGETHER + 1
    with pytest.raises(KeyboardInterrupt):
        log.reader()._catch_up()
    kept, log.dies_at = sum(log.kept), 0
    assert kept == PAGE_FACTS + TOGETHER
    log.done.clear()
    after = log.reader()
    after.start()
    wait_until(lambda: after.caught_up, 5, "the rest")
    after.stop()
    ids = [row[3] for row in log.facts]
    assert log.done == ids[PAGE_FACTS:], "from the last page on, what was not kept among it"
