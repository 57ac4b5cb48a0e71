"""What a channel is handed."""

from __future__ import annotations

from dataclasses import dataclass

from vigilar_common.messages.alarm import Severity


@dataclass(frozen=True)
class Alert:
    """One telling of an alert. Everything a channel needs, without secrets."""

    alert_id: str
    """The incident's: the first telling and all updates share it."""
    event_id: str | None
    severity: Severity
    title: str
    body: str
    tag: str
    onset_ms: int
    silent: bool = False
    """Replaces an earlier notification of the same tag without sound."""
    picture_id: str | None = None
    url: str = "/"
    telling_id: str = ""
    """Of this telling alone; empty: as the alert."""
    update: int = 0
    """0: the first telling."""
    camera_id: str | None = None
    acknowledgeable: bool = False
    """Whether it is an alert that people deal with; a test, a summary and a digest are not."""

    @property
    def key(self) -> str:
        return self.telling_id or self.alert_id
