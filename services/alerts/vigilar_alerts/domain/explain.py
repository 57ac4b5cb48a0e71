"""Why somebody was, or was not, told: in words, for the page and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vigilar_common.messages.alarm import Severity

WORDS: Mapping[str, str] = {
    "alerted": "It was told with a sound.",
    "grouped": "It belongs to an alert that was told already: that one was updated without a sound.",
    "no_profile": "No profile of [[alerts.profiles]] fits, so nobody was told.",
    "muted": "The profile that fits is mute: it is listed, and nobody was told.",
    "snoozed": "Alerts were snoozed: it is listed, and was not sent.",
    "quiet": "It came in quiet hours: it is listed, and told in the digest at their end.",
    "cooldown": "Its profile had alerted shortly before (cooldown_s): it is listed, and was not sent.",
    "acknowledged": "Its alert had been acknowledged: it is listed, and no update was sent.",
    "capped": "Too many alerts had been sent within five minutes: it is listed, and told in a summary.",
    "late": "It was learned of more than an hour late: it is listed, and told in a summary.",
}
"""What a decision's word means."""


@dataclass(frozen=True)
class Checked:
    """One profile, and why it does not fit; empty: it does, and decides."""

    profile: str
    why_not: str


@dataclass(frozen=True)
class Explanation:
    outcome: str
    """A key of `WORDS`."""
    severity: Severity
    checked: tuple[Checked, ...]
    """In their order, up to the one that fits."""
    more: str = ""
    """What else played a part."""

    def as_json(self) -> dict[str, Any]:
        fits = next((one.profile for one in self.checked if not one.why_not), "")
        text = WORDS[self.outcome] + (f" {self.more}" if self.more else "")
        return {
            "outcome": self.outcome,
            "severity": self.severity.value,
            "profile": fits,
            "text": text,
            "checked": [asdict(one) for one in self.checked],
        }
