"""What must be known after a restart: which recordings are on their way, how far they came, and the alarm."""

from __future__ import annotations

import logging
from collections import OrderedDict

from vigilar_common.clock import Clock
from vigilar_common.state_file import StateFile

from vigilar_offsite.anchors import Anchors
from vigilar_offsite.chooser import REMEMBERED, Chooser

log = logging.getLogger("vigilar.offsite.state")

SAVE_EVERY_S = 1.0
"""What was sent after the last save is sent again after a crash; that changes nothing at the target."""


class Keeping:
    """Used by the thread that sends."""

    def __init__(
        self, file: StateFile, chooser: Chooser, anchors: Anchors, clock: Clock, target: str
    ) -> None:
        self._file, self._chooser, self._anchors, self._clock = file, chooser, anchors, clock
        self._target = target
        self._dirty = False
        self._due_s = 0.0
        self.problem = ""

    def load(self) -> None:
        """How far another target came says nothing of this one."""
        loaded = self._file.load()
        if loaded.problem:
            self.problem = loaded.problem
            log.error("what was sent is not known as a whole: %s", loaded.problem)
        kept = loaded.value
        if kept is None:
            return
        try:
            same = kept["target"] == self._target
            self._chooser.alarms.restore(kept["alarm"])
            self._chooser.jobs.restore(
                kept["jobs"],
                lambda reason: log.error("an entry of %s makes no sense: %s", self._file.path, reason),
            )
            if same:
                self._chooser.done = OrderedDict.fromkeys(str(item) for item in kept["done"][-REMEMBERED:])
                self._anchors.restore(kept["anchors"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error("%s makes no sense: %s", self._file.path, error)  # noqa: TRY400
            return
        if not same:
            log.warning("the target is another one: what waits is sent from its beginning")
            for job in self._chooser.jobs:
                job.sent_to(0, "")
                job.generation, job.complete = 1, False

    def touch(self, at_once: bool = False) -> None:
        """Something changed."""
        self._dirty = True
        if at_once:
            self._due_s = 0.0

    def save_if_due(self, now_s: float) -> None:
        if (self._dirty or self._chooser.changed) and now_s >= self._due_s:
            self._due_s = now_s + SAVE_EVERY_S
            self.save()

    def save(self) -> None:
        with self._chooser.lock:
            self._chooser.changed = False
            kept = {
                "target": self._target,
                "alarm": self._chooser.alarms.kept(),
                "jobs": self._chooser.jobs.kept(),
                "done": list(self._chooser.done),
                "anchors": self._anchors.kept(),
            }
        try:
            self._file.save(kept)
        except OSError as error:
            if not self.problem:
                log.error("%s cannot be written: %s", self._file.path, error.strerror)  # noqa: TRY400
            self.problem = f"{self._file.path}: {error.strerror}"
            self._dirty = True
            return
        self._dirty, self.problem = False, ""
