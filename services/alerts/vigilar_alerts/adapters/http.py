"""A POST through the way out of the house, and what its answer means for a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from vigilar_common import logs
from vigilar_common.clock import Clock
from vigilar_common.egress import Egress, EgressError, Problem

from vigilar_alerts.domain.retry import Answer

MAX_REASON_BYTES = 512
REASON_CHARACTERS = 160
CLOCK_TOLERANCE_S = 300.0


def post(
    egress: Egress,
    clock: Clock,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    private: tuple[str, ...] = (),
) -> Answer:
    """Never raises for what the outside does."""
    try:
        found = egress.request(
            "POST", url, body, headers, max_answer_bytes=MAX_REASON_BYTES, only_refusals=True, private=private
        )
    except EgressError as error:
        return of_error(error)
    status, sent_ms = found.status, found.sent_ms
    if status < 300:
        return Answer(status, sent_ms=sent_ms)
    if status < 400:
        return Answer(status, f"HTTP {status}: redirects are not followed", sent_ms=sent_ms)
    if status in (401, 403):
        ahead_s = _ahead_s(found.headers.get("date", ""), clock.now_ms() / 1000)
        if abs(ahead_s) > CLOCK_TOLERANCE_S:
            way = "ahead" if ahead_s > 0 else "behind"
            text = f"HTTP {status}: this machine's clock is {abs(ahead_s) / 60:.0f} minutes {way}"
            return Answer(0, text, sent_ms=sent_ms, problem="clock")
    said = "".join(c if c.isprintable() else " " for c in found.body.decode("utf-8", "replace"))
    said = logs.mask(" ".join(said.split()))[:REASON_CHARACTERS]
    text = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    return Answer(status, text, found.headers.get("retry-after", ""), sent_ms)


def of_error(error: EgressError) -> Answer:
    """What is forbidden stays so until somebody changes the configuration; everything else may pass."""
    status = 400 if error.problem is Problem.FORBIDDEN else 0
    return Answer(status, str(error), sent_ms=error.sent_ms, problem=error.problem.value)


def _ahead_s(date: str, now_s: float) -> float:
    """How far our clock is ahead of the other side's; 0 when it does not tell the time."""
    try:
        return now_s - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
