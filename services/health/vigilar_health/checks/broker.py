"""Does the broker carry messages, and how fast? The measure is health's own heartbeat, there and back."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import Board

STALE_S = 30.0
SLOW_MS = 1000.0
LOST_AFTER_S = 5.0
"""A broker that restarts is back sooner."""


def broker(board: Board) -> Iterator[Finding]:
    last_s = board.round_trip_at_s if board.round_trip_at_s is not None else board.started_s
    lost_s = 0.0 if board.broker_lost_at_s is None else board.now_s - board.broker_lost_at_s
    if board.starting:
        return
    if lost_s >= LOST_AFTER_S or board.now_s - last_s > STALE_S:
        yield Finding(
            code="broker_unreachable",
            severity=Severity.CRITICAL,
            subject="broker",
            title="The broker carries no messages"
            if board.broker_connected
            else "The broker is not connected",
            cure="See whether mosquitto runs and listens where [mqtt] host and port say.",
        )
    elif board.round_trip_ms is not None and board.round_trip_ms > SLOW_MS:
        yield Finding(
            code="broker_slow",
            severity=Severity.ALERT,
            subject="broker",
            title=f"Messages take longer than {SLOW_MS / 1000:.0f} s through the broker",
            cure="See what else uses the processor and the disk of this machine.",
        )
