"""Deliveries: taken from the store, sent by a few threads, proven by one fact per attempt."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vigilar_common.clock import Clock
from vigilar_common.derived import derived_id
from vigilar_common.errors import OutboxFullError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertDelivery, Outcome
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.outbox import FactLog

from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.domain import retry
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.breaker import Breaker
from vigilar_alerts.domain.retry import Answer, Verdict
from vigilar_alerts.domain.summary import OLD_MS, SUMMARISED, SUMMARY_TAG, summed

log = logging.getLogger("vigilar.alerts.delivery")

THREADS = 8
"""Two for each server that hangs, and some for the others."""
IDLE_WAIT_S = 5.0
BUSY_WAIT_S = 0.25
"""How soon a thread looks again when all that is due waits for a busy push service."""
AT_HAND = frozenset({"ui", "syslog", "mqtt"})
"""Channels that answer at once: many of their deliveries are settled together, with one commit for all."""
AT_ONCE = 64

LATENCIES = 256
"""Per channel: the newest ones, for the median and the 95th percentile."""
PROVEN = "proven "
"""Beginning of a note in the store: the channel has delivered something at least once."""
CARRIES_ANCHOR = frozenset({"syslog", "webhook", "email", "mqtt"})
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
        self._breaker = Breaker()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.latencies_ms: dict[str, deque[int]] = {}
        """From the onset to the channel's yes, of alerts that were told at once."""
        self.last_delivered_ms: dict[str, int] = {}
        """By channel."""
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
            self.take(job)
            attempts += 1
        return attempts

    def resting(self) -> list[str]:
        """Channels and servers that are left alone for a while because they did not answer."""
        return self._breaker.resting(self._clock.monotonic_s())

    def take(self, job: Job) -> None:
        """A claimed delivery: made, told together with others, or put off while its server rests."""
        now_ms = self._clock.now_ms()
        if job.channel in AT_HAND and (more := self._store.claim_like(job, now_ms, AT_ONCE - 1)):
            self._take_all([job, *more], now_ms)
            return
        if (
            job.channel in SUMMARISED
            and job.alert.tag != SUMMARY_TAG
            and now_ms - job.alert.onset_ms >= OLD_MS
        ):
            count, among = self._store.fold(
                job, now_ms, lambda alerts: summed(alerts, job.channel, job.target, now_ms)
            )
            if count:
                self.outcomes[job.channel, "summarised"] += count
                log.warning("%d late alerts by %s to %s are told in one", count, job.channel, job.target)
                self.wake()
            if among:
                return
        if not self._put_off(job, now_ms):
            self.attempt(job)

    def _put_off(self, job: Job, now_ms: int) -> bool:
        """Whether its server rests. What is critical is tried at least once, whatever became of the alert before."""
        eager = job.alert.severity is Severity.CRITICAL and job.attempt == 1
        rest_s = 0.0 if eager else self._breaker.wait_s(_server(job), self._clock.monotonic_s())
        if rest_s > 0:
            self.outcomes[job.channel, "put_off"] += 1
            self._hurry_next(job, now_ms)
            self._again(job, now_ms + round(rest_s * 1000), counts=False)
        return rest_s > 0

    def _take_all(self, jobs: Sequence[Job], now_ms: int) -> None:
        """Of channels at hand that stand in no order: their rows are durable together, and so are their ends."""
        tried = [(job, *self._try(job)) for job in jobs if not self._put_off(job, now_ms)]
        if problems := self._facts.emit_all([fact for *_, fact in tried]):
            log.critical("%d deliveries are not in the log: %s", len(problems), problems[0])
        ended = [job for job, verdict, _ in tried if verdict.outcome is Outcome.DELIVERED]
        for job, verdict, fact in tried:
            if verdict.outcome is not Outcome.DELIVERED:
                self._settle(job, verdict, fact.ts_ms)
        try:
            self._store.finished_all(ended)
        except sqlite3.Error as error:
            log.critical("%d deliveries cannot be settled: %s", len(ended), error)

    def attempt(self, job: Job, retries: bool = True) -> Verdict:
        """One attempt, its fact, and what follows from it. Without `retries` the store knows nothing of the job."""
        verdict, fact = self._try(job, retries)
        self._tell(fact)
        if retries:
            self._settle(job, verdict, fact.ts_ms)
        if verdict.outcome is Outcome.GONE:
            self._on_gone(job.target, verdict.error)
        return verdict

    def _try(self, job: Job, retries: bool = True) -> tuple[Verdict, AlertDelivery]:
        """What became of it, and the fact that says so."""
        started_ms = self._clock.now_ms()
        try:
            answer = self._channels[job.channel](job.alert, job.target)
        except Exception as error:
            # A bug in one channel must neither end the thread nor keep the other channels from telling people.
            log.exception("channel %s failed", job.channel)
            answer = Answer(0, f"internal error: {type(error).__name__}")
        ended_ms = self._clock.now_ms()
        self._breaker.told(_server(job), 0 < answer.status < 500, self._clock.monotonic_s())
        age_s = max(0, ended_ms - job.alert.onset_ms) / 1000
        verdict = retry.judge(answer, job.attempt, ended_ms / 1000, age_s, job.alert.severity)
        if not retries and verdict.outcome is Outcome.RETRYING:
            verdict = replace(verdict, outcome=Outcome.FAILED)
        self.outcomes[job.channel, verdict.outcome.value] += 1
        if verdict.outcome is Outcome.DELIVERED:
            if job.channel not in self.last_delivered_ms:
                self._prove(job.channel, ended_ms)
            self.last_delivered_ms[job.channel] = ended_ms
            if job.attempt == 1 and retries:
                known = self.latencies_ms.setdefault(job.channel, deque(maxlen=LATENCIES))
                known.append(max(0, ended_ms - job.alert.onset_ms))
        else:
            log.warning(
                "alert %s by %s to %s, attempt %d: %s (%s)",
                job.alert.alert_id, job.channel, job.target, job.attempt, verdict.outcome.value, verdict.error,
            )  # fmt: skip
        return verdict, self._fact(job, verdict, answer.sent_ms or started_ms, ended_ms)

    def _settle(self, job: Job, verdict: Verdict, now_ms: int) -> None:
        if verdict.outcome is Outcome.RETRYING:
            self._again(job, now_ms + round(verdict.wait_s * 1000))
            return
        try:
            if job.alert.tag == SUMMARY_TAG:
                self._tell_members(job, verdict, now_ms)
            if verdict.outcome is Outcome.DELIVERED:
                if spared := self._store.delivered(job):
                    self.outcomes[job.channel, "spared"] += spared
            else:
                self._hurry_next(job, now_ms)
            self._store.finished(job)
        except sqlite3.Error as error:
            log.critical("delivery of alert %s cannot be settled: %s", job.alert.alert_id, error)

    def _again(self, job: Job, due_ms: int, counts: bool = True) -> None:
        try:
            self._store.again(job, due_ms, counts)
        except sqlite3.Error as error:
            log.critical("delivery of alert %s cannot be settled: %s", job.alert.alert_id, error)

    def _hurry_next(self, job: Job, now_ms: int) -> None:
        """The next channel in the order need not wait for one that cannot deliver now."""
        try:
            if self._store.hurry_next(job, now_ms):
                log.warning(
                    "alert %s: the next channel after %s is tried now", job.alert.alert_id, job.channel
                )
                self.wake()
        except sqlite3.Error as error:
            log.critical("alert %s: the next channel waits its time: %s", job.alert.alert_id, error)

    def _prove(self, channel: str, now_ms: int) -> None:
        """Once per start: the channel has worked."""
        try:
            self._store.set_note(PROVEN + channel, str(now_ms))
        except sqlite3.Error as error:
            log.error("it is not kept that %s works: %s", channel, error)  # noqa: TRY400 the reason says it all

    def _tell_members(self, job: Job, verdict: Verdict, now_ms: int) -> None:
        """Each alert that was told in one gets its row too."""
        why = verdict.error or f"told in one message with others: {job.alert.alert_id}"
        facts = [
            self._fact(
                replace(job, alert=alert, attempt=attempt), replace(verdict, error=why), now_ms, now_ms
            )
            for alert, attempt in self._store.members(job)
        ]
        if problems := self._facts.emit_all(facts):
            log.critical("%d deliveries told in one are not in the log: %s", len(problems), problems[0])

    def _tell(self, fact: AlertDelivery) -> None:
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("delivery %s of alert %s is not in the log: %s", fact.id, fact.alert_id, error)

    def _fact(self, job: Job, verdict: Verdict, sent_ms: int, ended_ms: int) -> AlertDelivery:
        alert = job.alert
        return AlertDelivery(
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

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                job = self._store.claim(self._clock.now_ms())
                if job:
                    self.take(job)
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


def _server(job: Job) -> str:
    """What rests when it does not answer: a channel's server."""
    return f"{job.channel} {job.host}".rstrip()
