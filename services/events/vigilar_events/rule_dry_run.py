"""What a rule would have done: the facts of the log, once more, past an engine of their own. Nothing is done or kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pydantic import ValidationError
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.rules import Rule
from vigilar_common.messages import Fact
from vigilar_common.messages.alarm import ArmStateChanged, EventOpened
from vigilar_common.messages.camera import MotionEnded, MotionStarted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.power import PowerChanged
from vigilar_common.messages.presence import HouseholdChanged, PresenceChanged
from vigilar_common.messages.sensor import SensorChanged, SensorLost, SensorReading
from vigilar_common.topics import FACT_MODELS

from vigilar_events.domain.rule_engine import Engine, Firing, Miss, Moment, Told
from vigilar_events.domain.rule_world import Point, Value, World, before_of
from vigilar_events.rules import almanac_of

PAGE_FACTS = 500
MAX_FACTS = 100_000
LIMIT_S = 20.0
PAUSE_S = 0.005
"""After each page: what happens now goes before what happened then."""
MAX_LISTED = 50
MAX_N = 1 << 48
"""No log has as many commits; the beginning is looked for below it."""
DAY_MS = 86_400_000
TYPES: Mapping[str, tuple[type[Fact], ...]] = {
    "arm": (ArmStateChanged,),
    "household": (HouseholdChanged,),
    "member": (PresenceChanged,),
    "ups": (PowerChanged,),
    "motion": (MotionStarted, MotionEnded),
    "object": (ObjectDetected,),
    "package": (EventOpened,),
    "vehicle": (EventOpened,),
    "sensor": (SensorChanged, SensorLost),
    "time": (),
}
"""What tells of a kind of point."""


class Log(Protocol):
    """Storage's API, as far as it is needed here; raises StorageUnavailableError, StorageRefusedError."""

    def get(self, path: str, **query: Any) -> Any: ...


def dry_run(
    rule: Rule,
    config: Config,
    known: Mapping[Point, tuple[Value, int]],
    days: int,
    log: Log,
    clock: Clock,
    stopping: threading.Event,
) -> dict[str, Any]:
    """`{rule_id, from_ms, to_ms, facts, unreadable, count, firings: [{at_ms, because, conditions}], missed, misses: [{at_ms,
    what, why, conditions}], complete, reason}`: what it would have done, and what met a condition in vain.

    `known` is how things stand now, with since when: what has not changed since the beginning stood so all the time.
    Raises StorageUnavailableError and StorageRefusedError.
    """
    to_ms = clock.now_ms()
    from_ms = to_ms - days * DAY_MS
    world = World()
    engine = Engine([rule.model_copy(update={"enabled": True})], almanac_of(config), world)
    for point, (value, since_ms) in known.items():
        if since_ms <= from_ms:
            world.put(point, value, since_ms)
    engine.settle(Moment(from_ms, from_ms / 1000))
    replay = _Replay(engine, world, from_ms, to_ms)
    reader = _Reader(_types(rule, engine), log, clock, stopping)
    for fact in reader.facts(from_ms):
        if from_ms <= fact.ts_ms <= to_ms:
            replay.take(fact)
    replay.until(to_ms if not reader.reason else replay.newest_ms)
    return {
        "rule_id": rule.id,
        "from_ms": from_ms,
        "to_ms": to_ms if not reader.reason else replay.newest_ms,
        "facts": reader.count,
        "unreadable": reader.unread,
        "count": len(replay.fired),
        "firings": [_told(firing) for firing in replay.fired[-MAX_LISTED:]],
        "missed": replay.missed,
        "misses": [_missed(miss) for miss in replay.misses],
        "complete": not reader.reason,
        "reason": reader.reason,
    }


class _Replay:
    """Facts in the order of the log, and between them every edge of a window."""

    def __init__(self, engine: Engine, world: World, from_ms: int, to_ms: int) -> None:
        self._engine, self._world = engine, world
        edges = {edge for window in engine.windows for edge in engine.edges(window, from_ms, to_ms)}
        self._edges = sorted(edges, reverse=True)
        self.newest_ms = from_ms
        self.fired: list[Firing] = []
        self.missed = 0
        self.misses: deque[Miss] = deque(maxlen=MAX_LISTED)
        engine.missed = self._miss

    def _miss(self, miss: Miss) -> None:
        self.missed += 1
        self.misses.append(miss)

    def take(self, fact: Fact) -> None:
        self.until(fact.ts_ms)
        for point, value in before_of(fact):
            if self._world.fill(point, value, 0):
                self._engine.stands((point,))
        self.fired += self._engine.heard(fact, Moment(fact.ts_ms, self.newest_ms / 1000))

    def until(self, at_ms: int) -> None:
        while self._edges and self._edges[-1] <= at_ms:
            edge_ms = self._edges.pop()
            self.newest_ms = max(self.newest_ms, edge_ms)
            self.fired += self._engine.tick(Moment(edge_ms, self.newest_ms / 1000))
        self.newest_ms = max(self.newest_ms, at_ms)


class _Reader:
    """Bounded in facts and in time; `reason` says which bound ended it."""

    def __init__(self, types: tuple[str, ...], log: Log, clock: Clock, stopping: threading.Event) -> None:
        self._types, self._log, self._clock, self._stopping = types, log, clock, stopping
        self.count = 0
        self.unread = 0
        self.reason = ""

    def facts(self, from_ms: int) -> Iterator[Fact]:
        if not self._types:
            return
        give_up_s = self._clock.monotonic_s() + LIMIT_S
        epoch = self._page("", 0, 1)["epoch"]
        after = self._begin(epoch, from_ms)
        while True:
            page = self._page(epoch, after, PAGE_FACTS)
            for row in page["facts"]:
                self.count += 1
                if fact := self._fact(row):
                    yield fact
            if len(page["facts"]) < PAGE_FACTS:
                return
            after = page["facts"][-1][0]
            if self.count >= MAX_FACTS:
                self.reason = f"more than {MAX_FACTS} facts: the rest was not looked at"
            elif self._clock.monotonic_s() > give_up_s:
                self.reason = f"it took longer than {LIMIT_S:g} s: the rest was not looked at"
            elif self._clock.wait(self._stopping, PAUSE_S):
                self.reason = "the service stops"
            if self.reason:
                return

    def _begin(self, epoch: str, from_ms: int) -> int:
        """The commit number before the first fact of the range; facts are committed nearly in the order of their time."""
        low, high = 0, MAX_N
        while high - low > 1:
            middle = (low + high) // 2
            rows = self._page(epoch, middle, 1)["facts"]
            if rows and int(rows[0][5].get("ts_ms", 0)) < from_ms:
                low = int(rows[0][0])
            else:
                high = middle
        return low

    def _page(self, epoch: str, after: int, limit: int) -> dict[str, Any]:
        page = self._log.get("/v1/facts", epoch=epoch, after=after, types=",".join(self._types), limit=limit)
        assert isinstance(page, dict)
        return page

    def _fact(self, row: list[Any]) -> Fact | None:
        _, source, seq, fact_id, kind, body = row
        try:
            return FACT_MODELS[kind].model_validate({**body, "id": fact_id, "source": source, "seq": seq})
        except (ValidationError, KeyError):
            self.unread += 1
            return None


def _types(rule: Rule, engine: Engine) -> tuple[str, ...]:
    models = {model for kind in engine.kinds for model in TYPES[kind]}
    if "sensor" in engine.kinds and rule.wants_readings:
        models.add(SensorReading)
    return tuple(sorted(model.TYPE for model in models))


def _told(firing: Firing) -> dict[str, Any]:
    return {
        "at_ms": firing.at.ms,
        "because": firing.because,
        "conditions": _conditions(firing.told),
    }


def _missed(miss: Miss) -> dict[str, Any]:
    return {
        "at_ms": miss.at.ms,
        "what": miss.happening.text[:200],
        "why": miss.reason,
        "conditions": _conditions(miss.told),
    }


def _conditions(told: tuple[Told, ...]) -> list[dict[str, Any]]:
    return [{"text": one.text, "holds": one.holds, "caused": one.caused} for one in told]
