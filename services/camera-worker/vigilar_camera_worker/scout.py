"""The scout: finds cameras and tries out addresses for the page, also where no camera is set up yet.

It has no camera's password, no key of recordings and no right to say anything of a camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vigilar_common.config.slices import Slice
from vigilar_common.service import Context
from vigilar_common.topics import CMD_FIND_CAMERAS, CMD_TRY_CAMERA

from vigilar_camera_worker.finder import finder
from vigilar_camera_worker.trial import trials

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


class Scout:
    """The App."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turns = {CMD_FIND_CAMERAS: finder(context.clock), CMD_TRY_CAMERA: trials(context.clock)}
        self._started = False
        context.health.measure(self._collector)

    def start(self) -> None:
        for topic, turns in self._turns.items():
            self._context.bus.subscribe(topic, turns.asked)
        self._started = True

    def stop(self) -> None:
        """What runs is bounded, and its threads end with the process."""

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        return new.config.mqtt == self._context.config.mqtt

    def heartbeat_detail(self) -> dict[str, Any]:
        return self._counts()

    def _counts(self) -> dict[str, int]:
        return {name: count for turns in self._turns.values() for name, count in turns.counters.items()}

    def _collector(self) -> Collector:
        from vigilar_camera_worker.metrics import ScoutCollector

        return ScoutCollector(self._counts)


def build(context: Context) -> Scout:
    return Scout(context)
