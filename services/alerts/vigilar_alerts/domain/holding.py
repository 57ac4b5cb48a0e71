"""What holds alerts back that are not critical: snoozes, quiet hours, cooldowns."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from vigilar_common.almanac import Almanac, Span
from vigilar_common.config.alert_profiles import AlertProfile
from vigilar_common.config.rule_words import window_of
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import MAX_SNOOZE_S, Snooze

from vigilar_alerts.domain.incidents import louder

ALL = ""
"""The key of a snooze of all cameras."""
MAX_HELD = 500
"""Alerts of one night that the digest knows by name; further ones are counted."""


@dataclass
class Holding:
    """Everything here survives a restart (`kept`, `restore`)."""

    snoozes: dict[str, Snooze] = field(default_factory=dict)
    """Camera → its snooze; `ALL` for all."""
    night: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Alert → its title, of what quiet hours held back and no digest has told yet."""
    night_more: int = 0
    _cooldowns: dict[str, tuple[int, Severity]] = field(default_factory=dict)

    def snooze(self, camera_id: str | None, duration_s: int, by: str, now_ms: int) -> Snooze:
        made = Snooze(camera_id=camera_id, until_ms=now_ms + duration_s * 1000, by=by)
        self.snoozes[camera_id or ALL] = made
        return made

    def unsnooze(self, camera_id: str | None) -> bool:
        return self.snoozes.pop(camera_id or ALL, None) is not None

    def active(self, now_ms: int) -> list[Snooze]:
        """One that would last longer than any may was made while the clock was wrong, and holds nothing back."""
        longest_ms = MAX_SNOOZE_S * 1000
        return [one for one in self.snoozes.values() if now_ms < one.until_ms <= now_ms + longest_ms]

    def expire(self, now_ms: int) -> bool:
        """Whether any ended."""
        active = {one.camera_id or ALL for one in self.active(now_ms)}
        ended = set(self.snoozes) - active
        for key in ended:
            del self.snoozes[key]
        return bool(ended)

    def snoozed(self, camera_id: str | None, now_ms: int) -> Snooze | None:
        return next((one for one in self.active(now_ms) if one.camera_id in (None, camera_id)), None)

    def cools(self, profile: AlertProfile | None, severity: Severity, now_ms: int) -> bool:
        """Whether the profile alerted a moment ago, as grave as this."""
        if profile is None or profile.name not in self._cooldowns:
            return False
        at_ms, then = self._cooldowns[profile.name]
        return 0 <= now_ms - at_ms < profile.cooldown_s * 1000 and not louder(severity, then)

    def alerted(self, profile: AlertProfile | None, severity: Severity, now_ms: int) -> None:
        if profile is not None and profile.cooldown_s:
            self._cooldowns[profile.name] = (now_ms, severity)

    def hold_for_digest(self, alert_id: str, title: str) -> None:
        if alert_id in self.night or len(self.night) < MAX_HELD:
            self.night[alert_id] = title
        else:
            self.night_more += 1

    def kept(self) -> dict[str, Any]:
        return {
            "snoozes": [one.model_dump(mode="json") for one in self.snoozes.values()],
            "night": dict(self.night),
            "night_more": self.night_more,
            "cooldowns": {
                name: [at_ms, severity.value] for name, (at_ms, severity) in self._cooldowns.items()
            },
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Raises ValueError, TypeError or KeyError for what was never written by `kept`."""
        snoozes = [Snooze.model_validate(one) for one in kept["snoozes"]]
        self.snoozes = {one.camera_id or ALL: one for one in snoozes}
        self.night = OrderedDict((str(key), str(title)) for key, title in kept["night"].items())
        self.night_more = int(kept["night_more"])
        self._cooldowns = {
            str(name): (int(at_ms), Severity(severity))
            for name, (at_ms, severity) in kept["cooldowns"].items()
        }


def open_window(almanac: Almanac, times: tuple[str, ...], at_ms: int) -> Span | None:
    """The window of these that is open then."""
    spans = (almanac.span_at(window_of(text), at_ms) for text in times)
    return next((span for span in spans if span), None)
