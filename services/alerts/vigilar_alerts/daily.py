"""Sends the daily digest by mail, once per day, also over restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.messages.alerts import Outcome
from vigilar_common.messages.system import Finding, SystemHealth

from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.channels import Target
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.digest import DAY_MS, DIGEST_TAG, digest, due_day

LAST_DAY = "digest_day"
NOT_DELIVERED = (Outcome.FAILED.value, Outcome.RETRYING.value)


class Daily:
    """`targets` gives everybody who is told through channels that leave this machine."""

    def __init__(
        self, clock: Clock, store: Store, deliverer: Deliverer, targets: Callable[[], tuple[Target, ...]]
    ) -> None:
        self._clock, self._store, self._deliverer, self._targets = clock, store, deliverer, targets
        self._findings: list[Finding] = []
        self._told: Counter[str] = Counter()

    def on_health(self, received: Received) -> None:
        if isinstance(received.message, SystemHealth):
            self._findings = list(received.message.findings)

    def run(self, config: Config, zone: str) -> bool:
        """Every few seconds: whether a digest was put into the queue. Raises sqlite3.Error."""
        readers = [target for target in self._targets() if target.channel == "email"]
        if not config.health.daily_digest or not readers:
            return False
        now_ms = self._clock.now_ms()
        day = due_day(now_ms, config.health.daily_digest_time, zone, self._store.note(LAST_DAY))
        if not day:
            return False
        alerts = [
            alert
            for alert in self._store.alerts()
            if now_ms - DAY_MS <= alert.onset_ms <= now_ms and alert.tag != DIGEST_TAG
        ]
        alert = digest(day, now_ms, alerts, self._failures(), self._findings)
        self._store.add(alert, [Job(alert, t.channel, t.name, t.host, due_ms=now_ms) for t in readers])
        self._store.set_note(LAST_DAY, day)
        self._deliverer.wake()
        return True

    def _failures(self) -> dict[str, int]:
        """Attempts since the last digest of this process that did not deliver, by channel."""
        now: Counter[str] = Counter()
        for (channel, outcome), count in list(self._deliverer.outcomes.items()):
            if outcome in NOT_DELIVERED:
                now[channel] += count
        since, self._told = now - self._told, now
        return dict(since)
