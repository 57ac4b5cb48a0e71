"""Deliveries: taken from the store, sent by a few threads, proven by one fact per attempt."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from vigilar_common.clock import Clock
from vigilar_common.derived import derived_id
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alerts import AlertDelivery, Outcome
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.outbox import FactLog

from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.domain import retry
from vigilar_alerts.domain.decide import Alert
from vigilar_alerts.domain.retry import Answer

log = logging.getLogger("vigilar.alerts.delivery")

THREADS = 4
IDLE_WAIT_S = 5.0
BUSY_WAIT_S = 0.25
"""How soon a thread looks again when all that is due waits for a busy push service."""

CARRIES_ANCHOR = frozenset({"syslog"})
"""Channels whose text says what the ledger held: what they write may be kept on another machine."""

Send = Callable[[Alert, str], Answer]
"""(alert, target) → the channel's answer; must not raise for what the outside does."""
Gone = Callable[[str, str], None]
"""(target, reason): the channel's target no longer exists."""


class Deliverer:
    """`channels` maps a channel's name to how it sends."""

    def __init__(
        self, *, store: Store, clock: Clock, facts: FactLog, channels: Mapping[str, Send], on_gone: Gone
    ) -> None:
        self._store, self._clock, self._facts = store, clock, facts
        self._channels, self._on_gone = channels, on_gone
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.last_delivered_ms = 0
        self.anchor: LedgerAnchor | None = None
        """The newest checkpoint of the ledger."""

    def start(self) -> None:
        for number in range(THREADS):
            thread = threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Attempts that are under way may end; what is cut off is sent again after the next start."""
        with self._news:
            self._stopping.set()
            self._news.notify_all()
        for thread in self._threads:
            thread.join(1.0)

    def problem(self) -> str:
        if not self._stopping.is_set() and any(not thread.is_alive() for thread in self._threads):
            return "a delivery thread died"
        return ""

    def wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def run_due(self) -> int:
        """Deliver all that is due now on the calling thread; how many attempts that took."""
        attempts = 0
        while job := self._store.claim(self._clock.now_ms()):
            self.attempt(job)
            attempts += 1
        return attempts

    def attempt(self, job: Job, retries: bool = True) -> Outcome:
        """One attempt, its fact, and what follows from it. Without `retries` the store knows nothing of the job."""
        started_ms = self._clock.now_ms()
        try:
            answer = self._channels[job.channel](job.alert, job.target)
        except Exception as error:
            # A bug in one channel must neither end the thread nor keep the other channels from telling people.
            log.exception("channel %s failed", job.channel)
            answer = Answer(0, f"internal error: {type(error).__name__}")
        ended_ms = self._clock.now_ms()
        verdict = retry.judge(answer, job.attempt, ended_ms / 1000)
        if not retries and verdict.outcome is Outcome.RETRYING:
            verdict = retry.Verdict(Outcome.FAILED, verdict.error)
        self.outcomes[job.channel, verdict.outcome.value] += 1
        if verdict.outcome is Outcome.DELIVERED:
            self.last_delivered_ms = ended_ms
        else:
            log.warning(
                "alert %s by %s to %s, attempt %d: %s (%s)",
                job.alert.alert_id, job.channel, job.target, job.attempt, verdict.outcome.value, verdict.error,
            )  # fmt: skip
        self._tell(job, verdict, answer.sent_ms or started_ms, ended_ms)
        if retries:
            self._settle(job, verdict, ended_ms)
        if verdict.outcome is Outcome.GONE:
            self._on_gone(job.target, verdict.error)
        return verdict.outcome

    def _settle(self, job: Job, verdict: retry.Verdict, now_ms: int) -> None:
        try:
            if verdict.outcome is Outcome.RETRYING:
                self._store.again(job, now_ms + round(verdict.wait_s * 1000))
                return
            self._store.finished(job)
        except sqlite3.Error as error:
            log.critical("delivery of alert %s cannot be settled: %s", job.alert.alert_id, error)

    def _tell(self, job: Job, verdict: retry.Verdict, sent_ms: int, ended_ms: int) -> None:
        alert = job.alert
        fact = AlertDelivery(
            id=derived_id("alert.delivery", f"{alert.key}|{job.channel}|{job.target}|{job.attempt}"),
            ts_ms=ended_ms,
            alert_id=alert.alert_id,
            update=alert.update,
            event_id=alert.event_id,
            channel=job.channel,
            target=job.target,
            attempt=job.attempt,
            outcome=verdict.outcome,
            severity=alert.severity,
            title=alert.title,
            latency_ms=max(0, ended_ms - alert.onset_ms),
            sent_after_ms=max(0, sent_ms - alert.onset_ms),
            error=verdict.error[:500],
            ledger=self.anchor if job.channel in CARRIES_ANCHOR else None,
        )
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("delivery %s of alert %s is not in the log: %s", fact.id, alert.alert_id, error)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                job = self._store.claim(self._clock.now_ms())
                if job:
                    self.attempt(job)
                    continue
                wait_s = self._wait_s()
            except Exception:
                if self._stopping.is_set():
                    return
                log.exception("deliveries are interrupted; they go on in %g s", IDLE_WAIT_S)
                wait_s = IDLE_WAIT_S
            with self._news:
                if not self._stopping.is_set():
                    self._news.wait(wait_s)

    def _wait_s(self) -> float:
        due_ms = self._store.next_due_ms()
        if due_ms is None:
            return IDLE_WAIT_S
        until_s = (due_ms - self._clock.now_ms()) / 1000
        return min(until_s, IDLE_WAIT_S) if until_s > 0 else BUSY_WAIT_S
