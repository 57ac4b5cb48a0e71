"""Is every process alive, ready, and running the newest configuration?"""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import CORE_SERVICES, Board

SILENT_AFTER_S = 30.0
NOT_READY_AFTER_S = 30.0


def silent(board: Board) -> Iterator[Finding]:
    for service in sorted(board.expected()):
        if board.silent_s(service) <= SILENT_AFTER_S:
            continue
        yield Finding(
            code="service_silent",
            # A camera that is gone is a finding of its own; the house's core is another matter.
            severity=Severity.CRITICAL if service in CORE_SERVICES else Severity.ALERT,
            subject=service,
            title=f"{service} has not been heard for more than {SILENT_AFTER_S:.0f} seconds",
            cure="Read its log; it is restarted by itself, again and again, until its cause is gone.",
        )


def not_ready(board: Board) -> Iterator[Finding]:
    for service, heard in sorted(board.beats.items()):
        since_s = heard.not_ready_since_s
        if since_s is None or board.now_s - since_s < NOT_READY_AFTER_S:
            continue
        if board.silent_s(service) > SILENT_AFTER_S:
            continue  # its silence is the finding
        yield Finding(
            code="service_not_ready",
            severity=Severity.ALERT,
            subject=service,
            title=f"{service} runs but is not ready: {heard.beat.reason or 'it gives no reason'}"[:500],
            cure="The reason names what it waits for; see that first.",
        )


def bad_configuration(board: Board) -> Iterator[Finding]:
    if board.refused_config:
        yield Finding(
            code="config_refused",
            severity=Severity.ALERT,
            subject="configuration",
            title=f"The last good configuration stays in use: {board.refused_config}"[:500],
            cure="Mend what it names; the file is then taken over by itself. `vigilar config validate` checks it.",
        )
    for service, heard in sorted(board.beats.items()):
        if heard.beat.config_error:
            yield Finding(
                code="config_refused",
                severity=Severity.ALERT,
                subject=service,
                title=f"{service} keeps its last good configuration: {heard.beat.config_error}"[:500],
                cure="Run `vigilar config validate` and mend what it names.",
            )


def reported(board: Board) -> Iterator[Finding]:
    """Findings that services have of themselves, in the detail of their heartbeats."""
    for service, heard in sorted(board.beats.items()):
        found = heard.beat.detail.get("findings")
        if board.silent_s(service) > SILENT_AFTER_S or not isinstance(found, list):
            continue
        for raw in found[:MAX_REPORTED]:
            try:
                finding = Finding.model_validate(raw)
            except ValueError:
                finding = Finding(
                    code="finding_unreadable",
                    severity=Severity.INFO,
                    title=f"{service} reports a finding that cannot be read",
                    cure="Its version may differ from that of health.",
                )
            yield finding if finding.subject else finding.model_copy(update={"subject": service})


MAX_REPORTED = 20
