"""The owner's marks: heard as commands, kept, learnt from, told as facts."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Final

from vigilar_common.bus import Received
from vigilar_common.messages.objects import MarkObject, ObjectMarked, Verdict

from vigilar_camera_worker.adapters.marks_file import MAX_MARKS, MarksFile
from vigilar_camera_worker.domain.likeness import Marks
from vigilar_camera_worker.domain.object_tracker import Followed
from vigilar_camera_worker.report import Report

log = logging.getLogger(__name__)

SAID: Final = {
    Verdict.WRONG: "Marked. What looks like it at that place is counted, but not told any more.",
    Verdict.RIGHT: "Marked as right. What looks like it at that place is told.",
    Verdict.NONE: "Taken back.",
}
NOT_LEARNT: Final = "Marked. The camera learns nothing from it: it does not know any more how it looked."


class Marking:
    """``open`` once; ``received`` is called on the bus's thread, ``keep`` on that of objects."""

    def __init__(self, file: MarksFile, report: Report) -> None:
        self._file, self._report = file, report
        self.on_change: Callable[[Marks], None] = lambda _marks: None
        self.counters = {"marks": 0, "marks_failed": 0, "marks_forgotten": 0}

    def open(self) -> None:
        """A file that cannot be used costs what was learnt, never the camera."""
        try:
            self._file.open()
            self.on_change(Marks(self._file.marks()))
        except (sqlite3.Error, OSError, ValueError) as error:
            self._failed("marks cannot be read, so nothing is held back by them", error)

    def close(self) -> None:
        self._file.close()

    def keep(self, followed: Followed) -> None:
        """How it looks, should it be marked."""
        if not followed.views:
            return
        track = followed.track
        try:
            self._file.keep(track.track_id, track.object_class, followed.views)
        except sqlite3.Error as error:
            self._failed("how an object looked cannot be kept", error)

    def received(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, MarkObject)
        try:
            learnt, forgotten = self._file.mark(command.track_id, command.object_class, command.verdict)
            self.on_change(Marks(self._file.marks()))
        except (sqlite3.Error, ValueError) as error:
            self._failed("a mark cannot be kept", error)
            received.reply(ok=False, code="not_kept", message=f"The mark cannot be kept: {error}.")
            return
        self.counters["marks"] += 1
        self.counters["marks_forgotten"] += forgotten
        self._report.tell(
            ObjectMarked(
                camera_id=self._report.camera_id,
                track_id=command.track_id,
                verdict=command.verdict,
                object_class=command.object_class,
                by=command.user,
                learnt=learnt and command.verdict is not Verdict.NONE,
            )
        )
        words = SAID[command.verdict] if learnt or command.verdict is Verdict.NONE else NOT_LEARNT
        if forgotten:
            words += f" A camera keeps {MAX_MARKS} marks: the oldest was forgotten."
        log.info("%s: %s is %s", self._report.camera_id, command.track_id, command.verdict.value)
        received.reply(ok=True, message=words, data={"learnt": learnt})

    def _failed(self, what: str, error: Exception) -> None:
        self.counters["marks_failed"] += 1
        log.error("%s: %s: %s", self._report.camera_id, what, error)
