"""Words that people type, understood: cameras, zones, classes, how grave, and times of the house's clocks. Pure.

What is not understood is looked for in the titles of events. The words of each language stand in one table; English is
the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MAX_WORDS = 24
TITLE_DAYS = 92
"""Titles have no index: without a time only so much of the past is read for them."""

ANIMALS = ("dog", "cat", "bird", "horse", "sheep", "cow", "bear", "fox", "deer")
VEHICLES = ("car", "truck", "bus", "motorcycle", "bicycle", "van")
CLASSES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("person", *ANIMALS, *VEHICLES)},
    **{f"{name}s": (name,) for name in (*ANIMALS, *VEHICLES)},
    "people": ("person",), "persons": ("person",), "somebody": ("person",), "someone": ("person",),
    "buses": ("bus",), "foxes": ("fox",), "puppy": ("dog",), "kitten": ("cat",), "lorry": ("truck",), "bike": ("bicycle",),
    "bikes": ("bicycle",), "motorbike": ("motorcycle",), "vehicle": VEHICLES, "vehicles": VEHICLES, "animal": ANIMALS,
    "animals": ANIMALS, "pet": ("dog", "cat"), "pets": ("dog", "cat"),
}  # fmt: skip
TYPES: Mapping[str, tuple[str, ...]] = {
    "motion": ("motion",), "movement": ("motion",), "alarm": ("alarm_triggered",), "alarms": ("alarm_triggered",),
    "offline": ("camera_offline",), "package": ("package", "package_taken"), "packages": ("package", "package_taken"),
    "parcel": ("package", "package_taken"), "parcels": ("package", "package_taken"),
}  # fmt: skip
SEVERITIES: Mapping[str, str] = {"alert": "alert", "alerts": "alert", "critical": "critical", "info": "info"}
FILLERS = frozenset(
    {"a", "an", "the", "at", "in", "on", "of", "by", "near", "from", "during", "with", "and", "or", "any", "all", "show",
     "me", "find", "events", "event", "was", "were", "is", "there"}
)  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS_OF_DAY: Mapping[str, tuple[int, int]] = {
    "morning": (5, 12),
    "noon": (11, 14),
    "afternoon": (12, 18),
    "evening": (17, 23),
    "night": (20, 30),
}
"""Hours of the house's clock, counted from the midnight before."""

_WORD = re.compile(r"[\w:.-]+")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


@dataclass(frozen=True)
class Place:
    """A camera with the zones in its picture."""

    id: str
    name: str
    zones: Sequence[str] = ()


@dataclass
class Understood:
    cameras: list[str] = field(default_factory=list)
    zone: str | None = None
    classes: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    severity: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    words: list[str] = field(default_factory=list)
    """In the title."""
    shortened_days: int | None = None
    """Titles are read only so far back, because no time was named."""

    def query(self) -> dict[str, Any]:
        """As storage is asked."""
        return {
            "camera": ",".join(self.cameras) or None,
            "zone": self.zone,
            "class": ",".join(self.classes) or None,
            "type": ",".join(self.kinds) or None,
            "severity": self.severity,
            "text": " ".join(self.words) or None,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
        }


def understand(text: str, places: Iterable[Place], timezone: str, now_ms: int) -> Understood:
    found = Understood()
    zone = ZoneInfo(timezone)
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    words = _WORD.findall(text.lower())[:MAX_WORDS]
    words = _names(words, places, found)
    words, span = _times(words, now)
    if span is not None:
        found.from_ms, found.to_ms = (_ms(moment, zone) for moment in span)
    for word in words:
        if word in CLASSES:
            found.classes += [name for name in CLASSES[word] if name not in found.classes]
        elif word in TYPES:
            found.kinds += [name for name in TYPES[word] if name not in found.kinds]
        elif word in SEVERITIES:
            found.severity = SEVERITIES[word]
        elif word not in FILLERS:
            found.words.append(word)
    if found.words and found.from_ms is None:
        found.shortened_days = TITLE_DAYS
        found.from_ms = now_ms - TITLE_DAYS * 86_400_000
    return found


def _names(words: list[str], places: Iterable[Place], found: Understood) -> list[str]:
    """Takes out the names of cameras, then those of zones, longest first: `front door` before `front`."""
    every = list(places)
    named: list[tuple[list[str], Callable[[], None]]] = []
    for place in every:
        names = {place.name, place.id}
        named += [(_WORD.findall(name.lower()), _adder(found, place.id)) for name in names]
    zones = {zone for place in every for zone in place.zones}
    named += [(_WORD.findall(name.lower()), _setter(found, name)) for name in zones]
    for name_words, take in sorted(named, key=lambda one: -len(one[0])):
        at = _position(words, name_words)
        if at is not None:
            take()
            words = words[:at] + words[at + len(name_words) :]
    return words


def _adder(found: Understood, camera_id: str) -> Callable[[], None]:
    def add() -> None:
        if camera_id not in found.cameras:
            found.cameras.append(camera_id)

    return add


def _setter(found: Understood, zone: str) -> Callable[[], None]:
    def put() -> None:
        found.zone = found.zone or zone

    return put


def _position(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    if not wanted:
        return None
    last = len(words) - len(wanted) + 1
    return next((at for at in range(last) if list(words[at : at + len(wanted)]) == list(wanted)), None)


Span = tuple[datetime, datetime]
"""Times of the wall, without a zone."""


def _times(words: list[str], now: datetime) -> tuple[list[str], Span | None]:
    """Takes out what names a time; the part of a day narrows the day that is named, or today."""
    today = now.date()
    part: tuple[int, int] | None = None
    span: Span | None = None
    rest: list[str] = []
    at = 0
    while at < len(words):
        taken = _span_at(words, at, today, now) if span is None else None
        if taken is not None:
            span, used = taken
            if words[at : at + used] in (["tonight"], ["last", "night"]):
                part = None
            at += used
            continue
        if words[at] in PARTS_OF_DAY and part is None:
            part = PARTS_OF_DAY[words[at]]
        elif words[at] != "this":
            rest.append(words[at])
        at += 1
    if part is not None and (span is None or span[1] - span[0] == timedelta(days=1)):
        begin = span[0] if span else datetime.combine(today, time())
        span = (begin + timedelta(hours=part[0]), begin + timedelta(hours=part[1]))
    return rest, span


def _day(day: date, days: int = 1) -> Span:
    begin = datetime.combine(day, time())
    return begin, begin + timedelta(days=days)


def _span_at(words: Sequence[str], at: int, today: date, now: datetime) -> tuple[Span, int] | None:
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    monday = today - timedelta(days=today.weekday())
    if word == "today":
        return _day(today), 1
    if word == "yesterday":
        return _day(today - timedelta(days=1)), 1
    if word == "tonight":
        begin = datetime.combine(today, time(18))
        return (begin, begin + timedelta(hours=12)), 1
    if word in ("last", "past", "this") and following:
        return _relative(word, words, at, today, monday, now)
    if word in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS.index(word)) % 7
        return _day(today - timedelta(days=back)), 1
    if iso := _ISO.fullmatch(word):
        return _dated(int(iso[1]), int(iso[2]), int(iso[3]), 1)
    return _month_day(words, at, today)


def _relative(
    word: str, words: Sequence[str], at: int, today: date, monday: date, now: datetime
) -> tuple[Span, int] | None:
    following = words[at + 1]
    before = word != "this"
    if following == "week":
        return _day(monday - timedelta(days=7 if before else 0), 7), 2
    if following == "weekend":
        saturday = monday + timedelta(days=5)
        return _day(saturday - timedelta(days=7) if before or saturday > today else saturday, 2), 2
    if following == "month":
        first = today.replace(day=1)
        begin = (first - timedelta(days=1)).replace(day=1) if before else first
        return _month(begin), 2
    if following == "year":
        year = today.year - before
        return (datetime(year, 1, 1), datetime(year + 1, 1, 1)), 2  # noqa: DTZ001 a time of the wall
    if following == "night" and before:
        begin = datetime.combine(today, time()) - timedelta(hours=6)
        return (begin, begin + timedelta(hours=12)), 2
    if following in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS.index(following) - 1) % 7 + 1
        return _day(today - timedelta(days=back)), 2
    unit = words[at + 2].rstrip("s") if at + 2 < len(words) else ""
    hours = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168}.get(unit)
    if following.isdecimal() and len(following) <= 4 and hours:
        end = now.replace(tzinfo=None)
        return (end - timedelta(hours=hours * int(following)), end + timedelta(minutes=1)), 3
    if following == "hour":
        end = now.replace(tzinfo=None)
        return (end - timedelta(hours=1), end + timedelta(minutes=1)), 2
    return None


def _month(begin: date) -> Span:
    following = (begin.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime.combine(begin, time()), datetime.combine(following, time())


def _month_day(words: Sequence[str], at: int, today: date) -> tuple[Span, int] | None:
    """`12 march`, `march 12`, `march`: the last that has been."""
    pair = words[at : at + 2]
    for day, month in (pair, pair[::-1]) if len(pair) == 2 else ():
        number = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", day)
        if number and month in MONTHS:
            index = MONTHS.index(month) + 1
            year = today.year - ((index, int(number[1])) > (today.month, today.day))
            return _dated(year, index, int(number[1]), 2)
    if words[at] in MONTHS and words[at] != "may":
        index = MONTHS.index(words[at]) + 1
        return _month(date(today.year - (index > today.month), index, 1)), 1
    return None


def _dated(year: int, month: int, day: int, used: int) -> tuple[Span, int] | None:
    try:
        return _day(date(year, month, day)), used
    except ValueError:
        return None


def _ms(moment: datetime, zone: ZoneInfo) -> int:
    """Of two equal times of a day the first."""
    return int(moment.replace(tzinfo=zone).timestamp() * 1000)
