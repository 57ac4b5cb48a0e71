"""Do alerts reach anybody?"""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import Board

SHOWN_S = 3600.0
FAILURES = 3


def failing_channels(board: Board) -> Iterator[Finding]:
    """A channel whose last attempts all failed."""
    by_channel: dict[str, list[tuple[Outcome, str]]] = {}
    for at_s, delivery in board.deliveries:
        if board.now_s - at_s <= SHOWN_S:
            by_channel.setdefault(delivery.channel, []).append((delivery.outcome, delivery.error))
    for channel, attempts in sorted(by_channel.items()):
        last = attempts[-FAILURES:]
        if len(last) == FAILURES and all(outcome is not Outcome.DELIVERED for outcome, _ in last):
            yield Finding(
                code="alerts_fail",
                severity=Severity.CRITICAL,
                subject=channel,
                title=f"Alerts through {channel} do not arrive: {last[-1][1]}"[:500],
                cure="See the alerts page for each attempt, and send a test from there.",
            )
