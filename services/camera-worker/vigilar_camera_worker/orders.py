"""Record on command: of people through the web page, of rules through the events service."""

from __future__ import annotations

import logging
from typing import Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.messages.camera import RecordAction, RecordCommand, Trigger

from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

RULES_SENDER: Final = "events"


class Orders:
    """The handler of the record command, and what the camera's state says of it."""

    def __init__(self, recorder: Recorder, report: Report, clock: Clock) -> None:
        self._recorder, self._report, self._clock = recorder, report, clock
        self.counters = {"record_commands": 0}

    def received(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, RecordCommand)
        self.counters["record_commands"] += 1
        sender = received.ids["sender"]
        if command.action is RecordAction.STOP:
            self._stop(received, sender, command)
        else:
            self._start(received, sender, command)
        self.refresh()

    def refresh(self) -> None:
        """Tell when the last order ends, or that none runs any more."""
        self._report.update(ordered_until_ms=self._recorder.ordered_until_ms())

    def _start(self, received: Received, sender: str, command: RecordCommand) -> None:
        trigger = Trigger.RULE if sender == RULES_SENDER else Trigger.MANUAL
        found = self._recorder.order(sender, trigger, command.cause_id, command.duration_s)
        left_s = max(0.0, found.until_s - self._clock.monotonic_s())
        until_ms = self._clock.now_ms() + round(left_s * 1000)
        log.info("record for %.0f s: ordered by %s %s", left_s, sender, command.user)
        if found.away:
            words = f"The camera sends no pictures ({found.away}); recording begins when it does."[:500]
            received.reply(ok=True, code="waiting", message=words, data={"until_ms": until_ms})
            return
        data = {"recording_id": found.recording_id, "until_ms": until_ms}
        received.reply(ok=True, message=f"Recording for {left_s:.0f} s.", data=data)

    def _stop(self, received: Received, sender: str, command: RecordCommand) -> None:
        # People may end what a rule began; a rule ends only its own.
        senders = (sender,) if sender == RULES_SENDER else (sender, RULES_SENDER)
        stopped = [self._recorder.cancel(name) for name in senders]
        if not any(stopped):
            received.reply(ok=False, code="not_recording", message="No recording was ordered here.")
            return
        log.info("stop recording: ordered by %s %s", sender, command.user)
        words = "The recording ends after the post-roll, unless something else keeps it going."
        received.reply(ok=True, message=words, data={"recording_id": self._recorder.recording_id})
