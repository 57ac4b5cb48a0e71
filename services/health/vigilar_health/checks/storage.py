"""Does storage answer, and do facts flow into it?"""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import Board

STARTING_S = 30.0
OUTBOX_LARGE_BYTES = 64 * 1024 * 1024
DROPPED_SHOWN_S = 3600.0


def unreachable(board: Board) -> Iterator[Finding]:
    if not board.usage.problem or board.now_s - board.started_s < STARTING_S:
        return
    yield Finding(
        code="storage_unreachable",
        severity=Severity.CRITICAL,
        subject="storage",
        title=f"Storage does not answer: {board.usage.problem}"[:500],
        cure="Read the log of storage. Alarm, alerts and recording go on; events wait in each service's outbox.",
    )


def outbox_large(board: Board) -> Iterator[Finding]:
    for service, heard in sorted(board.beats.items()):
        if heard.beat.outbox_bytes > OUTBOX_LARGE_BYTES:
            yield Finding(
                code="outbox_large",
                severity=Severity.ALERT,
                subject=service,
                title=f"{service} has many facts waiting for storage",
                cure="See why storage does not take them; nothing is lost while the service's disk has room.",
            )


def telemetry_dropped(board: Board) -> Iterator[Finding]:
    for source in sorted({d.source for at_s, d in board.dropped if board.now_s - at_s <= DROPPED_SHOWN_S}):
        yield Finding(
            code="telemetry_dropped",
            severity=Severity.ALERT,
            subject=source,
            title=f"{source} kept only the newest of its measurements: its outbox was full",
            cure="See why storage did not take them; alarms, events and recordings are not affected.",
        )
