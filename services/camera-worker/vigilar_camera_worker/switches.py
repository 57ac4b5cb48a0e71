"""What is switched off by command: recording, detection, or all of it (privacy). Kept over restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName
from vigilar_common.messages.system import SystemEvent
from vigilar_common.state_file import StateFile

from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

PRIVATE: Final = "The camera is in privacy: there is no connection to it."
FIELDS: Final = {
    CameraSwitchName.RECORDING: "recording_on",
    CameraSwitchName.DETECTION: "detection_on",
    CameraSwitchName.PRIVACY: "privacy",
}
"""Switch to its field of the camera's state."""


class Switches:
    """``load`` once. ``on_change`` is called on the bus's thread after a switch was kept."""

    def __init__(self, file: StateFile, report: Report, clock: Clock) -> None:
        self._file, self._report, self._clock = file, report, clock
        self.recording_on = self.detection_on = True
        self.privacy = False
        self.private_until_ms = 0
        """When the last privacy ended; 0: it was told as a gap, or there was none."""
        self.on_change: Callable[[CameraSwitchName], None] = lambda _switch: None
        self.counters = {"switch_commands": 0, "switches_refused": 0}

    def load(self) -> None:
        """What cannot be read counts as privacy: rather nothing is recorded than what nobody wanted."""
        loaded = self._file.load()
        value = loaded.value
        if value is not None:
            self.recording_on = value.get("recording_on") is not False
            self.detection_on = value.get("detection_on") is not False
            self.privacy = value.get("privacy") is True
            self.private_until_ms = int(value.get("private_until_ms") or 0)
        elif loaded.problem:
            log.error("how this camera is switched is not known, it stays private: %s", loaded.problem)
            self.privacy = True
        self._report.update(**self.values())

    def values(self) -> dict[str, bool]:
        return {field: getattr(self, field) for field in FIELDS.values()}

    def received(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, CameraSwitch)
        self.counters["switch_commands"] += 1
        field, sender = FIELDS[command.switch], received.ids["sender"]
        if getattr(self, field) is command.on:
            received.reply(ok=True, message="It is so already.", data=self.values())
            return
        before_ms, ends = self.private_until_ms, command.switch is CameraSwitchName.PRIVACY and not command.on
        setattr(self, field, command.on)
        self.private_until_ms = self._clock.now_ms() if ends else before_ms
        try:
            self._keep()
        except OSError as error:
            setattr(self, field, not command.on)
            self.private_until_ms = before_ms
            self.counters["switches_refused"] += 1
            text = f"The switch cannot be kept, so it stays as it is: {error.strerror}."
            log.error("%s: %s", self._report.camera_id, text)  # noqa: TRY400
            received.reply(ok=False, code="not_kept", message=text, data=self.values())
            return
        self._tell(command, sender)
        self._report.update(**self.values())
        received.reply(ok=True, message=f"{command.switch.value} is {_word(command.on)}.", data=self.values())
        self.on_change(command.switch)

    def refuse(self, received: Received) -> None:
        """Any other command, while there is privacy."""
        received.reply(ok=False, code="privacy", message=PRIVATE)

    def gap_told(self) -> None:
        """The time in privacy stands in the timeline now."""
        self.private_until_ms = 0
        try:
            self._keep()
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file.path, error.strerror)

    def _keep(self) -> None:
        value: dict[str, Any] = {**self.values(), "private_until_ms": self.private_until_ms}
        self._file.save(value)

    def _tell(self, command: CameraSwitch, sender: str) -> None:
        name = "".join(c for c in command.user if c.isprintable())
        text = (
            f"{self._report.camera_id}: {command.switch.value} {_word(command.on)} by {sender} {name}".strip()
        )
        log.info("%s", text)
        self._report.tell(
            SystemEvent(
                component="camera-worker", level=Severity.INFO, code="camera_switched", message=text[:500]
            )
        )


def _word(on: bool) -> str:
    return "on" if on else "off"
