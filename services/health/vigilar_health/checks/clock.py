"""Is the time of day believable? Recordings are named and deleted by it."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import Board

JUMP_MS = 5_000
JUMP_SHOWN_S = 3600.0
NOT_BEFORE_MS = 1_735_689_600_000
"""2025-01-01: this software did not exist earlier, so an earlier clock was never set."""


def clock(board: Board) -> Iterator[Finding]:
    if board.now_ms < NOT_BEFORE_MS:
        yield Finding(
            code="clock_not_set",
            severity=Severity.CRITICAL,
            subject="clock",
            title="The clock of this machine was never set: times of recordings and events are wrong",
            cure="Start time synchronisation (systemd-timesyncd or chrony) and see that it reaches a server.",
        )
    elif board.clock_jump_at_s is not None and board.now_s - board.clock_jump_at_s < JUMP_SHOWN_S:
        direction = "forward" if board.clock_jump_ms > 0 else "back"
        yield Finding(
            code="clock_jumped",
            severity=Severity.ALERT,
            subject="clock",
            title=f"The clock was set {direction} by {abs(board.clock_jump_ms) / 1000:.0f} s within the last hour",
            cure="Start time synchronisation (systemd-timesyncd or chrony), which corrects in small steps.",
        )
