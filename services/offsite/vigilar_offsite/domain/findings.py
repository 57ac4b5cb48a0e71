"""What the owner should know about evidence that does not get out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_offsite.domain.errors import CURES, TargetError, Why

FAILING_AFTER_S = 30.0
BEHIND_AFTER_S = 30.0
LOST_TOLD_S = 24 * 3600.0


@dataclass(frozen=True)
class Condition:
    """How it stands now. Durations in seconds; None: not so."""

    error: TargetError | None = None
    failing_s: float = 0.0
    alarm_waits: bool = False
    lag_s: float = 0.0
    lost: int = 0
    """Recordings that were given up, in the last day."""
    lost_reason: str = ""
    unsealed: str = ""
    """Why a recording is not sent, or could not be opened by its owner; empty: all can."""
    unsaved: str = ""


def findings(now: Condition) -> Iterator[Finding]:
    error = now.error
    if error is not None and (error.why is not Why.UNREACHABLE or now.failing_s >= FAILING_AFTER_S):
        yield Finding(
            code="offsite_target",
            severity=Severity.CRITICAL if now.alarm_waits or error.why is Why.HOST_KEY else Severity.ALERT,
            title=f"Nothing gets off-site: {error}"[:500],
            cure=CURES[error.why],
        )
    elif error is None and now.lag_s >= BEHIND_AFTER_S:
        yield Finding(
            code="offsite_behind",
            severity=Severity.ALERT,
            title=f"Off-site evidence is {now.lag_s:.0f} seconds behind",
            cure="The way out is too slow for what is recorded: raise [offsite] max_upload_mbps, or send less.",
        )
    if now.lost:
        yield Finding(
            code="offsite_lost",
            severity=Severity.ALERT,
            title=f"{now.lost} recordings did not get off-site: {now.lost_reason}"[:500],
            cure="They are (or were) on this machine only. Look at the log of offsite for each of them.",
        )
    if now.unsealed:
        yield Finding(
            code="offsite_unsealed",
            severity=Severity.CRITICAL,
            title=now.unsealed[:500],
            cure="Set [storage] encrypt_recordings, run `vigilar init`, and restart the camera workers.",
        )
    if now.unsaved:
        yield Finding(
            code="offsite_state",
            severity=Severity.ALERT,
            title=f"What was sent cannot be remembered: {now.unsaved}"[:500],
            cure="Look at the disk of the state folder; after a restart some of it may be sent again.",
        )
