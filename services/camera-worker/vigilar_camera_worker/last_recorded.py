"""Until when recordings go, kept over the end of this process: the next one tells what was missed meanwhile."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Final

from vigilar_common.clock import Clock
from vigilar_common.messages.camera import Trigger
from vigilar_common.state_file import StateFile

from vigilar_camera_worker.domain.session import Written
from vigilar_camera_worker.recorder import Recorder

log = logging.getLogger(__name__)

NOTE_S: Final = 5.0
"""A process that is killed leaves a note at most this old."""


class LastRecorded:
    """``note`` belongs to the writer's thread: the disk may be slow."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file, self._clock = StateFile(path), clock
        self._due_s = -NOTE_S
        self._broken = False

    def note(self, written: Written, now: bool) -> None:
        """While a file grows, kept every few seconds; ``now``: at once."""
        now_s = self._clock.monotonic_s()
        if not now and now_s < self._due_s:
            return
        self._due_s = now_s + NOTE_S
        value = asdict(written)
        try:
            self._file.save(value)
        except OSError as error:
            if not self._broken:
                log.error("%s cannot be written: %s", self._file.path, error.strerror)  # noqa: TRY400
            self._broken = True
        else:
            self._broken = False

    def tell(
        self, recorder: Recorder, continuous: bool, reason: str = "the camera worker did not run"
    ) -> None:
        """Before the first connection: what would have been recorded since is missing."""
        loaded = self._file.load()
        if loaded.problem:
            log.warning("when recording ended last is not known: %s", loaded.problem)
        value = loaded.value
        if value is None:
            return
        try:
            ended_ms, trigger, wanted = (
                int(value["ended_ms"]),
                Trigger(value["trigger"]),
                bool(value["wanted"]),
            )
        except (KeyError, TypeError, ValueError):
            log.warning("%s holds no time: what was missed is not known", self._file.path)
            return
        cause_id = value.get("cause_id")
        if 0 < ended_ms < self._clock.now_ms() and (continuous or wanted):
            recorder.missed_since(ended_ms, reason, trigger, cause_id)
