"""Rules against what happens: which of them fire, and why. Compiled once, looked up by what a condition looks at."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_common.almanac import Almanac, Span
from vigilar_common.config.rule_words import Window
from vigilar_common.config.rules import Rule
from vigilar_common.derived import derived_id
from vigilar_common.messages import Fact

from vigilar_events.domain.meaning import FRESH_S
from vigilar_events.domain.rule_tree import Compiled, Leaf, compile_rule
from vigilar_events.domain.rule_world import TICK, Happening, Point, World, happening_of

TOO_OLD_S = 3600.0
"""What came to light that late is news to nobody: it is counted."""
REMEMBERED_FIRINGS = 16
"""Ids of the newest firings of a rule: what the log brings again does not act again."""
MAX_PER_MINUTE = 30
"""Firings of one rule: a rule that brings about its own condition does not run away."""
CLOSED_FOR_MS = 24 * 3_600_000
"""How far ahead the next opening of a window is looked for."""
MAX_TOLD = 12
"""Conditions that an explanation holds."""


@dataclass(frozen=True)
class Moment:
    """UTC ms for windows and the log, seconds that never jump for what runs."""

    ms: int
    s: float


@dataclass(frozen=True)
class Told:
    """One condition in an explanation."""

    text: str
    holds: bool
    caused: bool


@dataclass(frozen=True)
class Firing:
    """A rule fired: what caused it, and how each condition stood."""

    rule: Rule
    cause_id: str
    at: Moment
    happening: Happening
    told: tuple[Told, ...]
    late_s: float = 0.0
    """Seconds that the cause is old; above FRESH_S it is told, and nothing is done."""

    @property
    def id(self) -> str:
        return derived_id(f"rule:{self.rule.id}", self.cause_id)

    @property
    def is_late(self) -> bool:
        return self.late_s > FRESH_S

    @property
    def because(self) -> str:
        """One sentence: what happened, and which conditions it met."""
        met = "; ".join(told.text for told in self.told if told.caused)
        return f"{self.happening.text} ({met})"[:300]


@dataclass(frozen=True)
class Miss:
    """Something met a condition, and the rule did nothing. `reason`: conditions, cooldown, repeated, too_old, capped."""

    at: Moment
    happening: Happening
    told: tuple[Told, ...]
    reason: str


@dataclass
class Memory:
    """What a rule did. `until_s` is when it may act again, by the clock that never jumps."""

    last_ms: int = 0
    count: int = 0
    because: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    ids: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FIRINGS))
    until_s: float = float("-inf")
    late_until_s: float = float("-inf")
    minute: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_PER_MINUTE))


@dataclass
class _Runner:
    compiled: Compiled
    memory: Memory
    held: list[bool | None]
    """Of states: how they stood last; None: not known."""
    hit_s: list[float]
    """Of moments: when they happened last."""
    within_s: list[int | None]
    """Of moments: for how long they count afterwards; None: a state."""


class Engine:
    """Not thread-safe: one caller at a time. `world` and the memories outlive it when rules are changed."""

    def __init__(
        self,
        rules: Iterable[Rule],
        almanac: Almanac,
        world: World,
        memories: Mapping[str, Memory] | None = None,
    ) -> None:
        self._almanac, self._world = almanac, world
        known = memories or {}
        self._runners = [
            _Runner(
                compiled, known.get(compiled.rule.id) or Memory(),
                [None] * len(compiled.leaves), [float("-inf")] * len(compiled.leaves),
                [leaf.within_s if leaf.happens else None for leaf in compiled.leaves],
            )
            for compiled in (compile_rule(rule) for rule in rules if rule.enabled)
        ]  # fmt: skip
        self._index: dict[Point, list[tuple[int, int]]] = {}
        self._timed: list[tuple[int, int, Window]] = []
        for number, runner in enumerate(self._runners):
            for at, leaf in enumerate(runner.compiled.leaves):
                if leaf.window:
                    self._timed.append((number, at, leaf.window))
                for point in leaf.points:
                    self._index.setdefault(point, []).append((number, at))
        self._windows: dict[Window, tuple[Span | None, int, int]] = {}
        world.wanted = self.wants
        self.counters: Counter[str] = Counter()
        self.missed: Callable[[Miss], None] | None = None
        """Told of everything that met a condition in vain; nobody asks while rules are at work."""

    @property
    def memories(self) -> dict[str, Memory]:
        return {runner.compiled.rule.id: runner.memory for runner in self._runners}

    @property
    def windows(self) -> list[Window]:
        return list(dict.fromkeys(window for _, _, window in self._timed))

    @property
    def kinds(self) -> frozenset[str]:
        """What the rules look at: arm, sensor, motion …"""
        return frozenset(point[0] for point in self._index)

    def wants(self, point: Point) -> bool:
        """Whether any rule looks at it; values of others need not be kept."""
        return point in self._index or (point[0] == "sensor" and ("sensor", "", point[2]) in self._index)

    def edges(self, window: Window, from_ms: int, to_ms: int) -> list[int]:
        """When it opens and closes in that time."""
        return self._almanac.edges(window, from_ms, to_ms)

    def settle(self, now: Moment) -> None:
        """How things stand, before anything happens. A window that opened in the last seconds still counts as opening."""
        for runner in self._runners:
            for at, leaf in enumerate(runner.compiled.leaves):
                if leaf.holds and runner.held[at] is None:
                    runner.held[at] = leaf.holds(self._world)
                elif leaf.window:
                    runner.held[at] = self._open(leaf.window, now.ms - round(FRESH_S * 1000)) is not None

    def heard(self, fact: Fact, now: Moment, age_s: float = 0.0) -> list[Firing]:
        """Everything that fires because of a fact."""
        happening = happening_of(fact, self._world)
        return self._happened(happening, now, age_s) if happening else []

    def stands(self, points: Iterable[Point]) -> None:
        """The world was told how these stand: nothing happened."""
        for point in points:
            for number, at in self._index.get(point, ()):
                runner = self._runners[number]
                holds = runner.compiled.leaves[at].holds
                if holds and runner.held[at] is None:
                    runner.held[at] = holds(self._world)

    def forget_sensors(self, at_ms: int) -> None:
        """Nobody listens to them: nothing happened, and no condition on how one stands holds until it speaks again."""
        for point in self._world.forget_sensor("", at_ms):
            for number, at in self._index.get(point, ()):
                runner = self._runners[number]
                if runner.compiled.leaves[at].holds:
                    runner.held[at] = None

    def tick(self, now: Moment) -> list[Firing]:
        """Everything that fires because of the time."""
        fired = []
        for number, at, window in self._timed:
            runner = self._runners[number]
            span = self._open(window, now.ms)
            if (span is not None) is runner.held[at]:
                continue
            was, runner.held[at] = runner.held[at], span is not None
            # The clock may have been set: a window that opened long ago does not open now.
            if span and was is False and now.ms - span.begin_ms <= FRESH_S * 1000:
                cause_id = f"time:{span.begin_ms}"
                fired += self._judge(runner, {at}, TICK, cause_id, now, 0.0)
        return fired

    def _happened(self, happening: Happening, now: Moment, age_s: float) -> list[Firing]:
        touched: dict[int, list[int]] = {}
        for point in happening.points:
            for number, at in self._index.get(point, ()):
                touched.setdefault(number, []).append(at)
        fired: list[Firing] = []
        for number, leaves in sorted(touched.items()):
            runner = self._runners[number]
            caused = {at for at in leaves if self._caused(runner, at, happening, now.s - age_s)}
            if caused:
                fired += self._judge(runner, caused, happening, happening.cause_id, now, age_s)
        return fired

    def _caused(self, runner: _Runner, at: int, happening: Happening, at_s: float) -> bool:
        leaf: Leaf = runner.compiled.leaves[at]
        if leaf.happens:
            if not leaf.happens(happening):
                return False
            runner.hit_s[at] = at_s
            return True
        if not leaf.holds:
            return False
        was, runner.held[at] = runner.held[at], leaf.holds(self._world)
        return runner.held[at] is True and was is False and happening.change

    def _judge(
        self,
        runner: _Runner,
        caused: set[int],
        happening: Happening,
        cause_id: str,
        now: Moment,
        age_s: float,
    ) -> list[Firing]:
        compiled, memory = runner.compiled, runner.memory
        held, hit_s, at_s = runner.held, runner.hit_s, now.s - age_s
        truths = [
            at in caused or (held[at] is True if within_s is None else at_s - hit_s[at] <= within_s > 0)
            for at, within_s in enumerate(runner.within_s)
        ]
        if not compiled.fires(truths, caused):
            self._in_vain(runner, truths, caused, happening, now, "conditions")
            return []
        if age_s <= FRESH_S and now.s < memory.until_s:
            self.counters["cooldown"] += 1
            self._in_vain(runner, truths, caused, happening, now, "cooldown")
            return []
        firing = Firing(compiled.rule, cause_id, now, happening, _told(compiled, truths, caused), age_s)
        refusal = self._refusal(memory, firing)
        self.counters[refusal or ("late" if firing.is_late else "fired")] += 1
        if refusal:
            self._in_vain(runner, truths, caused, happening, now, refusal)
            return []
        if not firing.is_late:
            remember(memory, firing)
        return [firing]

    def _in_vain(
        self,
        runner: _Runner,
        truths: list[bool],
        caused: set[int],
        happening: Happening,
        now: Moment,
        reason: str,
    ) -> None:
        if self.missed:
            self.missed(Miss(now, happening, _told(runner.compiled, truths, caused), reason))

    @staticmethod
    def _refusal(memory: Memory, firing: Firing) -> str:
        """Why a rule whose conditions are met and that does not rest does nothing: repeated, too_old, cooldown or capped."""
        now_s = firing.at.s
        if firing.id in memory.ids:
            return "repeated"
        if firing.is_late:
            if now_s < memory.late_until_s:
                return "cooldown"
            if firing.late_s > TOO_OLD_S:
                return "too_old"
            memory.late_until_s = now_s + firing.rule.cooldown_s
            return ""
        if len(memory.minute) == MAX_PER_MINUTE and now_s - memory.minute[0] < 60:
            return "capped"
        return ""

    def _open(self, window: Window, at_ms: int) -> Span | None:
        """The stretch in which the window is open; looked up anew only when it can have changed."""
        found = self._windows.get(window)
        if found and found[1] <= at_ms < found[2]:
            return found[0]
        span = self._almanac.span_at(window, at_ms)
        if span:
            self._windows[window] = (span, span.begin_ms, span.end_ms)
        else:
            ahead = self._almanac.edges(window, at_ms + 1, at_ms + CLOSED_FOR_MS)
            self._windows[window] = (None, at_ms, ahead[0] if ahead else at_ms + CLOSED_FOR_MS)
        return span


def _told(compiled: Compiled, truths: list[bool], caused: set[int]) -> tuple[Told, ...]:
    return tuple(
        Told(leaf.text[:100], truths[at], at in caused) for at, leaf in enumerate(compiled.leaves[:MAX_TOLD])
    )


def remember(memory: Memory, firing: Firing) -> None:
    memory.last_ms, memory.count = firing.at.ms, memory.count + 1
    memory.because = firing.because
    memory.told = [{"text": t.text, "holds": t.holds, "caused": t.caused} for t in firing.told]
    memory.ids.append(firing.id)
    memory.minute.append(firing.at.s)
    memory.until_s = firing.at.s + firing.rule.cooldown_s


def kept(memories: Mapping[str, Memory]) -> dict[str, Any]:
    """What goes to disk."""
    return {
        "rules": {
            name: {
                "last_ms": memory.last_ms, "count": memory.count, "because": memory.because, "told": memory.told,
                "ids": list(memory.ids),
            }
            for name, memory in memories.items()
            if memory.count
        }
    }  # fmt: skip


def restored(raw: Mapping[str, Any], rules: Iterable[Rule], now: Moment) -> dict[str, Memory]:
    """Memories from disk; what was left of a cooldown goes on, never longer than its whole length. Raises ValueError."""
    found: dict[str, Memory] = {}
    try:
        for rule in rules:
            if not (row := raw["rules"].get(rule.id)):
                continue
            memory = Memory(int(row["last_ms"]), int(row["count"]), str(row["because"]), list(row["told"]))
            memory.ids.extend(str(one) for one in row["ids"])
            passed_s = (now.ms - memory.last_ms) / 1000
            left_s = rule.cooldown_s - passed_s if passed_s >= 0 else float(rule.cooldown_s)
            memory.until_s = now.s + left_s
            found[rule.id] = memory
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the rules' memory lacks its fields") from error
    return found
