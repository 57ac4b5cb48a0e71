"""When a time window of a rule or an alert profile is open: stretches of UTC, made of local times of day and of the sun.

Local times are taken on the clock of the house. A time that the clock skips (spring) counts as that much later; one that it shows
twice (autumn) begins a window the first time and ends one the second time, so that the longer night counts.

Sunrise and sunset come from astral (NOAA's equations). Where the sun does not set that day, the night has no length:
sunrise and sunset meet at solar midnight. Where it does not rise, the day has none: they meet at solar noon. So
"sunset-sunrise" is never open in polar summer and always in polar winter.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from vigilar_common.config.rule_words import DAY_MINUTES, Point, Window

MAX_DAYS_KEPT = 512
"""Of computed sunrises; a dry run goes through a month."""
HORIZON_DEG = -0.833
"""Height of the sun's centre when its upper edge shows, refraction included."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Open from `begin_ms` until before `end_ms`, UTC."""

    begin_ms: int
    end_ms: int


@dataclass
class Almanac:
    """Time zone and place of the house. Not thread-safe: one caller at a time."""

    timezone: str = "UTC"
    latitude: float = 0.0
    longitude: float = 0.0
    _suns: OrderedDict[date, tuple[datetime, datetime]] = field(default_factory=OrderedDict)
    _zone: ZoneInfo | None = None

    def span_at(self, window: Window, at_ms: int) -> Span | None:
        """The stretch in which the window is open at that time; None: it is closed."""
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        today = at.astimezone(self.zone).date()
        # A window of yesterday may go on today; the sun's times may fall on the day before or after.
        for day in (today, today - _DAY, today + _DAY, today - 2 * _DAY):
            span = self._span_of(window, day)
            if span and span.begin_ms <= at_ms < span.end_ms:
                return span
        return None

    def edges(self, window: Window, from_ms: int, to_ms: int) -> list[int]:
        """Every time in the range at which the window opens or closes, in order."""
        day = datetime.fromtimestamp(from_ms / 1000, UTC).astimezone(self.zone).date() - 2 * _DAY
        last = datetime.fromtimestamp(to_ms / 1000, UTC).astimezone(self.zone).date() + _DAY
        found: set[int] = set()
        while day <= last:
            if span := self._span_of(window, day):
                found |= {edge for edge in (span.begin_ms, span.end_ms) if from_ms <= edge <= to_ms}
            day += _DAY
        return sorted(found)

    @property
    def zone(self) -> ZoneInfo:
        if self._zone is None:
            self._zone = ZoneInfo(self.timezone)
        return self._zone

    def sun(self, day: date) -> tuple[datetime, datetime]:
        """Sunrise and sunset of a local day, UTC."""
        if day not in self._suns:
            self._suns[day] = self._computed(day)
            if len(self._suns) > MAX_DAYS_KEPT:
                self._suns.popitem(last=False)
        return self._suns[day]

    def _span_of(self, window: Window, day: date) -> Span | None:
        """The window that begins on that day."""
        if day.weekday() not in window.days:
            return None
        begin = self._moment(window.begin, day, fold=0)
        end = self._moment(window.end, day, fold=1)
        by_day = window.begin.of == "sunrise" and window.end.of == "sunset"
        if end <= begin and not by_day:  # a day too short for its offsets does not last until tomorrow
            end = self._moment(window.end, day + _DAY, fold=1)
        if end <= begin:
            return None
        return Span(round(begin.timestamp() * 1000), round(end.timestamp() * 1000))

    def _moment(self, point: Point, day: date, fold: int) -> datetime:
        if point.of:
            rise, fall = self.sun(day)
            return (rise if point.of == "sunrise" else fall) + timedelta(minutes=point.minutes)
        hour, minute = divmod(point.minutes % DAY_MINUTES, 60)
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone, fold=fold)
        if local.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            local = local.replace(fold=0)  # skipped by the clock: both readings must give the later one
        return local.astimezone(UTC)

    def _computed(self, day: date) -> tuple[datetime, datetime]:
        from astral import Observer
        from astral.sun import elevation, midnight, noon, sunrise, sunset

        place = Observer(self.latitude, self.longitude)
        middle = self._on(day, noon(place, day, UTC))
        try:
            rise = _near(sunrise(place, day, tzinfo=UTC), middle - timedelta(hours=6))
            fall = _near(sunset(place, day, tzinfo=UTC), middle + timedelta(hours=6))
        except ValueError:  # it does not reach the horizon that day
            rise = fall = middle
            before = self._on(day, midnight(place, day, UTC), middle - timedelta(hours=12))
            # Noon and midnight together: either alone may lie on the horizon itself, where the equations differ.
            if elevation(place, middle, False) + elevation(place, before, False) > 2 * HORIZON_DEG:
                rise = before
                fall = self._on(day + _DAY, midnight(place, day + _DAY, UTC), middle + timedelta(hours=12))
        return rise, fall

    def _on(self, day: date, moment: datetime, about: datetime | None = None) -> datetime:
        """astral counts days in UTC; far from Greenwich the moment may belong to the day before or after."""
        about = about or datetime(day.year, day.month, day.day, 12, tzinfo=self.zone).astimezone(UTC)
        return _near(moment, about)


def _near(moment: datetime, about: datetime) -> datetime:
    while moment - about > timedelta(hours=12):
        moment -= _DAY
    while about - moment > timedelta(hours=12):
        moment += _DAY
    return moment
