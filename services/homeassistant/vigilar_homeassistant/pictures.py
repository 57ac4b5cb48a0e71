"""Pictures for the image entities: asked for again and again, passed on at a bounded rate, never in privacy."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from vigilar_common.bus import Bus, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.messages.camera import CameraCondition, CameraState, PictureKind, TakeSnapshot
from vigilar_common.topics import CAMERA_STATE, CMD_SNAPSHOT, HOUSE_IMAGE, PICTURE, Topic

from vigilar_homeassistant.handlers import Bridge

MAX_WIDTH_PX = 640
LEAST_S = 10.0
"""Between two pictures of a camera, whoever they were made for."""
TICK_S = 1.0


@dataclass
class _Camera:
    seeing: bool = False
    """Online, and not in privacy; False before its first word."""
    due_s: float = 0.0
    sent_s: float = float("-inf")


class Pictures:
    """``step`` belongs to one thread, the handlers to the bus's."""

    def __init__(self, clock: Clock, bus: Bus, config: Config, bridge: Bridge) -> None:
        self._clock, self._bus, self._bridge = clock, bus, bridge
        self._interval_s = float(config.homeassistant.image_interval_s)
        self._lock = threading.Lock()
        self._cameras: dict[str, _Camera] = {}
        bridge.counters.update(pictures=0, pictures_asked=0, pictures_held_back=0)

    def on_state(self, received: Received) -> None:
        state = received.message
        assert isinstance(state, CameraState)
        with self._lock:
            camera = self._cameras.setdefault(state.camera_id, _Camera())
            camera.seeing = state.condition is CameraCondition.ONLINE and not state.privacy

    def on_picture(self, received: Received) -> None:
        """The whole picture of a camera; what is cut out around an object is none."""
        if received.properties.get("kind") == PictureKind.OBJECT:
            return
        now_s, camera_id = self._clock.monotonic_s(), received.ids["camera_id"]
        with self._lock:
            camera = self._cameras.get(camera_id)
            if camera is None or not camera.seeing or now_s - camera.sent_s < LEAST_S:
                self._bridge.counters["pictures_held_back"] += 1
                return
            camera.sent_s = now_s
        if self._bus.publish_frame(HOUSE_IMAGE, received.payload, camera_id=camera_id):
            self._bridge.counters["pictures"] += 1

    def step(self) -> float:
        """Ask for what is due. Seconds until the next time."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            due = [name for name, found in self._cameras.items() if found.seeing and now_s >= found.due_s]
            for name in due:
                self._cameras[name].due_s = now_s + self._interval_s
            dues = [found.due_s for found in self._cameras.values() if found.seeing]
        for name in due:
            order = TakeSnapshot(max_width_px=MAX_WIDTH_PX)
            self._bridge.counters["pictures_asked"] += self._bus.send_command(
                CMD_SNAPSHOT, order, camera_id=name
            )
        return max(TICK_S, min(dues, default=now_s + TICK_S) - now_s)

    def table(self) -> dict[Topic, Handler]:
        return {CAMERA_STATE: self.on_state, PICTURE: self.on_picture}
