"""What to do when a pet does something: conditions asked in order of priority, each firing explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vigilar_common.messages.animals import PetCondition, PetConditionKind
from vigilar_common.messages.pets import PetRuleWish

TOGETHER_S: Final = 60
"""Two pets are together when the same camera saw both within this time, unless the rule says another."""


@dataclass(frozen=True)
class Seen:
    """A pet, where and when."""

    pet_id: str
    camera_id: str
    zone: str
    ts_ms: int
    track_id: str | None = None


@dataclass(frozen=True)
class Firing:
    rule_id: str
    rule: PetRuleWish
    pet_id: str
    reason: str
    at_ms: int
    seen: Seen | None


@dataclass
class World:
    """What rules may ask. ``dark``: None where nobody knows where the house stands."""

    names: Mapping[str, str]
    last: Mapping[str, Seen]
    outside: Callable[[str], bool]
    dark: Callable[[int], bool | None]


@dataclass
class Rules:
    """Not thread-safe. Times of firing are kept by the caller (`fired_ms`), so that a restart repeats nothing."""

    rules: dict[str, PetRuleWish] = field(default_factory=dict)
    fired_ms: dict[str, int] = field(default_factory=dict)
    absent_told: dict[str, int] = field(default_factory=dict)
    """By rule and pet: the moment of being seen last for which an absence was told; it is told once."""

    def on_seen(self, seen: Seen, world: World) -> list[Firing]:
        """Of one sighting only the rule of the highest priority fires."""
        for rule_id, rule in self._in_order():
            about = rule.pet_id in (None, seen.pet_id)
            if not about or _waits(rule) or self._rests(rule_id, rule, seen.ts_ms):
                continue
            told = [_holds(condition, seen, world) for condition in rule.conditions]
            if all(told):
                return [self._fire(rule_id, rule, seen.pet_id, told, seen.ts_ms, seen)]
        return []

    def on_time(self, now_ms: int, world: World) -> list[Firing]:
        """Absences, once each."""
        found = []
        for rule_id, rule in self._in_order():
            if not _waits(rule) or self._rests(rule_id, rule, now_ms):
                continue
            for pet_id in [rule.pet_id] if rule.pet_id else list(world.names):
                last = world.last.get(pet_id)
                key = f"{rule_id}:{pet_id}"
                if last is None or self.absent_told.get(key) == last.ts_ms:
                    continue
                told = [_absent(condition, last, now_ms, world) for condition in rule.conditions]
                if all(told):
                    self.absent_told[key] = last.ts_ms
                    found.append(self._fire(rule_id, rule, pet_id, told, now_ms, last))
        return found

    def forget(self, rule_id: str) -> None:
        self.rules.pop(rule_id, None)
        self.fired_ms.pop(rule_id, None)
        for key in [key for key in self.absent_told if key.startswith(f"{rule_id}:")]:
            del self.absent_told[key]

    def _in_order(self) -> list[tuple[str, PetRuleWish]]:
        known = [(rule_id, rule) for rule_id, rule in self.rules.items() if rule.enabled]
        return sorted(known, key=lambda item: (-item[1].priority, item[0]))

    def _rests(self, rule_id: str, rule: PetRuleWish, now_ms: int) -> bool:
        fired = self.fired_ms.get(rule_id)
        return fired is not None and now_ms - fired < rule.cooldown_s * 1000

    def _fire(
        self, rule_id: str, rule: PetRuleWish, pet_id: str, told: Sequence[str], at_ms: int, seen: Seen
    ) -> Firing:
        self.fired_ms[rule_id] = at_ms
        return Firing(rule_id, rule, pet_id, "; ".join(told)[:300], at_ms, seen)


def _waits(rule: PetRuleWish) -> bool:
    return any(condition.kind is PetConditionKind.NOT_SEEN_FOR for condition in rule.conditions)


def _here(condition: PetCondition, camera_id: str) -> bool:
    return condition.camera_id in (None, camera_id)


def _holds(condition: PetCondition, seen: Seen, world: World) -> str:
    """Why it holds, in words; empty when it does not."""
    name = world.names.get(seen.pet_id, "a pet")
    if not _here(condition, seen.camera_id):
        return ""
    match condition.kind:
        case PetConditionKind.SEEN:
            return f"{name} was seen by {seen.camera_id}"
        case PetConditionKind.SEEN_IN_ZONE:
            return f"{name} was in {seen.zone}" if seen.zone and seen.zone == condition.zone else ""
        case PetConditionKind.OUT_AFTER_DARK:
            out = world.outside(seen.camera_id) and world.dark(seen.ts_ms) is True
            return f"{name} was outside after dark" if out else ""
        case PetConditionKind.TOGETHER_WITH:
            return _together(condition, seen, world, name)
        case PetConditionKind.NOT_SEEN_FOR:
            return ""


def _together(condition: PetCondition, seen: Seen, world: World, name: str) -> str:
    other = world.last.get(condition.other_pet_id or "")
    if other is None or other.pet_id == seen.pet_id or other.camera_id != seen.camera_id:
        return ""
    apart_s = abs(seen.ts_ms - other.ts_ms) / 1000
    near = apart_s <= (condition.duration_s or TOGETHER_S)
    return (
        f"{name} and {world.names.get(other.pet_id, 'another')} were seen within {apart_s:.0f} s"
        if near
        else ""
    )


def _absent(condition: PetCondition, last: Seen, now_ms: int, world: World) -> str:
    name = world.names.get(last.pet_id, "a pet")
    match condition.kind:
        case PetConditionKind.NOT_SEEN_FOR:
            gone_s = (now_ms - last.ts_ms) / 1000
            return (
                f"{name} was not seen for {_words(gone_s)}" if gone_s >= max(1, condition.duration_s) else ""
            )
        case PetConditionKind.OUT_AFTER_DARK:
            out = world.outside(last.camera_id) and world.dark(now_ms) is True
            return f"{name} was outside when seen last, and it is dark" if out else ""
        case PetConditionKind.SEEN | PetConditionKind.SEEN_IN_ZONE:
            zoned = condition.kind is PetConditionKind.SEEN or last.zone == condition.zone
            return f"seen last by {last.camera_id}" if zoned and _here(condition, last.camera_id) else ""
        case PetConditionKind.TOGETHER_WITH:
            return ""


def _words(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
