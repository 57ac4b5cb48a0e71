"""Pictures of now: asked of the camera's worker, once for all who want one at the same time."""

from __future__ import annotations

import asyncio
import logging

from vigilar_common import topics
from vigilar_common.bus import Bus, BusUnavailableError
from vigilar_common.clock import Clock
from vigilar_common.messages.camera import TakeSnapshot

from vigilar_web.pictures import Picture, PictureCache

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 4.0
ARRIVAL_LIMIT_S = 2.0
"""The picture itself comes beside the answer, by another queue."""
POLL_S = 0.02


class Snapshots:
    """Lives on the event loop. At most one question per camera is under way."""

    def __init__(self, bus: Bus, pictures: PictureCache, clock: Clock) -> None:
        self._bus = bus
        self._pictures = pictures
        self._clock = clock
        self._asking: dict[str, asyncio.Task[None]] = {}
        self.failed = 0

    async def newest(self, camera_id: str, max_age_s: float) -> Picture | None:
        """At most `max_age_s` old when the worker can make one, else the newest there is; None: never any."""
        known = self._pictures.newest(camera_id)
        if known is None or self._clock.now_ms() - known.taken_ms > max_age_s * 1000:
            task = self._asking.get(camera_id)
            if task is None:
                task = asyncio.create_task(self._ask(camera_id), name=f"snapshot of {camera_id}")
                self._asking[camera_id] = task
                task.add_done_callback(lambda _: self._asking.pop(camera_id, None))
            await asyncio.shield(task)
        return self._pictures.newest(camera_id)

    async def _ask(self, camera_id: str) -> None:
        try:
            reply = await asyncio.to_thread(
                self._bus.request, topics.CMD_SNAPSHOT, TakeSnapshot(), ANSWER_LIMIT_S, camera_id=camera_id
            )
        except BusUnavailableError as error:
            self._tell(camera_id, str(error))
            return
        picture_id = reply.data.get("picture_id")
        if not reply.ok or not isinstance(picture_id, str):
            self._tell(camera_id, reply.message)
            return
        left_s = ARRIVAL_LIMIT_S
        while self._pictures.get(picture_id) is None:
            if left_s <= 0:
                self._tell(camera_id, "its picture did not arrive")
                return
            await asyncio.sleep(POLL_S)
            left_s -= POLL_S

    def _tell(self, camera_id: str, reason: str) -> None:
        self.failed += 1
        log.warning("no new picture of %s: %s", camera_id, reason)
