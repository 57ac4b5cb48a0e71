"""The command `alerts/test`: one message through a channel now, and in plain words what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from vigilar_common.bus import Received
from vigilar_common.clock import Clock, uuid7
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import AlertTest, Outcome

from vigilar_alerts.adapters.store import Job
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert

log = logging.getLogger("vigilar.alerts.trial")

LIMIT_S = 45.0
MAX_TARGETS = 64
MAX_TEXT = 400
MAX_MESSAGE = 500

Jobs = Callable[[str, Alert], list[Job]]
"""(channel, alert) → a delivery for everybody who is told through it; none: it is off or has nobody."""


class Trial:
    def __init__(
        self, clock: Clock, deliverer: Deliverer, jobs: Jobs, why_none: Callable[[str], str]
    ) -> None:
        self._clock, self._deliverer = clock, deliverer
        self._jobs, self._why_none = jobs, why_none
        self._busy = threading.Lock()

    def on_test(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, AlertTest)
        if not self._busy.acquire(blocking=False):
            received.reply(ok=False, code="busy", message="A test is under way; wait a few seconds.")
            return
        # Servers take their time; the bus's thread has none.
        threading.Thread(target=self._run, args=(received, command), name="alert-test", daemon=True).start()

    def _run(self, received: Received, command: AlertTest) -> None:
        try:
            self._answer(received, command)
        except Exception:
            log.exception("the test notification failed")
            received.reply(ok=False, code="failed", message="The test failed; see the log of alerts.")
        finally:
            self._busy.release()

    def _answer(self, received: Received, command: AlertTest) -> None:
        alert = Alert(
            alert_id=uuid7(self._clock),
            event_id=None,
            severity=Severity.ALERT,
            title="Test notification",
            body=f"Asked for by {command.user}. Alerts reach you this way.",
            tag="test",
            onset_ms=self._clock.now_ms(),
            url="/alerts",
        )
        jobs = self._jobs(command.channel, alert)[:MAX_TARGETS]
        if not jobs:
            received.reply(ok=False, code="no_targets", message=self._why_none(command.channel))
            return
        give_up_s = self._clock.monotonic_s() + LIMIT_S
        results: list[dict[str, Any]] = []
        for job in jobs:
            if self._clock.monotonic_s() > give_up_s:
                log.warning(
                    "the test took too long: %d of %d were not tried", len(jobs) - len(results), len(jobs)
                )
                break
            began_s = self._clock.monotonic_s()
            verdict = self._deliverer.attempt(job, retries=False)
            results.append(
                {
                    "target": job.target,
                    "outcome": verdict.outcome.value,
                    "took_ms": round((self._clock.monotonic_s() - began_s) * 1000),
                    "error": verdict.error[:MAX_TEXT],
                    "cure": verdict.cure,
                }
            )
        delivered = sum(found["outcome"] == Outcome.DELIVERED.value for found in results)
        text = f"{delivered} of {len(jobs)} delivered."
        failed = next((found for found in results if found["error"]), None)
        if failed:
            text += f" {failed['error'].rstrip('.')}. {failed['cure']}".rstrip()
        received.reply(
            ok=delivered > 0,
            code="ok" if delivered else "not_delivered",
            message=text[:MAX_MESSAGE],
            data={"delivered": delivered, "results": results},
        )
