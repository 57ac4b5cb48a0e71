"""What the answer of a channel means, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential_jitter
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome

from vigilar_alerts.domain import diagnosis

FIRST_WAIT_S = 0.5
MAX_WAIT_S = 300.0
MAX_RETRY_AFTER_S = 3600.0
LEAST_ATTEMPTS = 12
"""About 35 minutes, also for what is told late."""
DEADLINE_S = {Severity.INFO: 3600.0, Severity.ALERT: 4 * 3600.0, Severity.CRITICAL: 24 * 3600.0}
"""From the onset on: how long an alert is worth trying again, where the internet was away for hours."""
ACCEPTED = (200, 201, 202, 204)
GONE = (404, 410)
TRY_AGAIN = (408, 425, 429)

_waits = wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=MAX_WAIT_S, jitter=0.5)


@dataclass(frozen=True)
class Answer:
    """What came back from a channel, as a status of HTTP. 0: nothing did, and `error` says why."""

    status: int
    error: str = ""
    retry_after: str = ""
    sent_ms: int = 0
    """When the request went out, where that is later than the beginning of the attempt."""
    problem: str = ""
    """The kind of failure, a key of `diagnosis.CURES`; empty: the status says it."""


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    error: str = ""
    wait_s: float = 0.0
    cure: str = ""


def judge(
    answer: Answer, attempt: int, now_s: float, age_s: float = 0.0, severity: Severity = Severity.ALERT
) -> Verdict:
    """`attempt` counts from 1; `now_s` is UTC in seconds, for Retry-After given as a date; `age_s` since the onset."""
    if answer.status in ACCEPTED:
        return Verdict(Outcome.DELIVERED)
    verdict = _failure(answer, attempt, now_s, age_s, severity)
    return replace(verdict, cure=diagnosis.cure(answer.problem, answer.status))


def _failure(answer: Answer, attempt: int, now_s: float, age_s: float, severity: Severity) -> Verdict:
    error = answer.error or f"HTTP {answer.status}"
    if answer.status in GONE:
        return Verdict(Outcome.GONE, f"{error}: the push service no longer knows the subscription")
    temporary = answer.status == 0 or answer.status in TRY_AGAIN or answer.status >= 500
    if not temporary:
        return Verdict(Outcome.FAILED, error)
    if attempt >= LEAST_ATTEMPTS and age_s > DEADLINE_S[severity]:
        return Verdict(Outcome.FAILED, f"{error}; given up after {attempt} attempts")
    return Verdict(
        Outcome.RETRYING, error, max(back_off_s(attempt), _retry_after_s(answer.retry_after, now_s))
    )


def back_off_s(attempt: int) -> float:
    """Seconds to wait after failed attempt number `attempt`."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    return float(_waits(state))


def _retry_after_s(text: str, now_s: float) -> float:
    """RFC 9110: seconds or a date; 0 when it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        wait_s = parsedate_to_datetime(text).timestamp() - now_s
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, wait_s), MAX_RETRY_AFTER_S)
