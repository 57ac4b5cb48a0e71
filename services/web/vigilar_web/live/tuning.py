"""What a camera's motion detector sees, kept for the few seconds until the page that tunes it asks."""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from vigilar_common import topics
from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError
from vigilar_common.messages.camera import TuneLease

from vigilar_web.bridge import Bridge

log = logging.getLogger(__name__)

LEASE_S = 6.0
RENEW_S = 2.0
KEPT_LOOKS = 60
"""Six seconds at ten looks a second."""
UNASKED_S = 10.0
MAX_WATCHED = 8


@dataclass
class _Watched:
    asked_s: float
    renewed_s: float = float("-inf")
    looks: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=KEPT_LOOKS))
    number: int = 0


class Tuning:
    """Lives on the event loop, `heard` excepted."""

    def __init__(self, bus: Bus, clock: Clock, bridge: Bridge) -> None:
        self._bus, self._clock, self._bridge = bus, clock, bridge
        self._watched: dict[str, _Watched] = {}
        self.refused = 0

    def start(self) -> None:
        self._bus.subscribe(topics.TUNE, self.heard)

    def lease(self, camera_id: str) -> TuneLease | None:
        """Somebody asks: the lease to send now, or None while the last one is young.

        Raises VigilarError when too many cameras are being tuned."""
        now_s = self._clock.monotonic_s()
        self._watched = {
            name: item for name, item in self._watched.items() if now_s - item.asked_s <= UNASKED_S
        }
        item = self._watched.get(camera_id)
        if item is None:
            if len(self._watched) >= MAX_WATCHED:
                raise VigilarError(f"{MAX_WATCHED} cameras are being tuned already")
            item = self._watched[camera_id] = _Watched(now_s)
        item.asked_s = now_s
        if now_s - item.renewed_s < RENEW_S:
            return None
        item.renewed_s = now_s
        return TuneLease(lease_s=LEASE_S)

    def send(self, camera_id: str, lease: TuneLease) -> bool:
        """From any thread: False when the broker is away."""
        return self._bus.send_command(topics.CMD_TUNE, lease, camera_id=camera_id)

    def after(self, camera_id: str, number: int) -> tuple[list[dict[str, Any]], int]:
        """Looks newer than `number`, oldest first, and the number to go on from."""
        item = self._watched.get(camera_id)
        if item is None:
            return [], 0
        if number > item.number:  # this service began anew
            number = 0
        return [look for at, look in item.looks if at > number], item.number

    def heard(self, received: Received) -> None:
        """On the bus's thread."""
        camera_id = received.ids["camera_id"]
        if camera_id not in self._watched:
            return  # the rest of a lease
        try:
            look = json.loads(received.payload)
        except ValueError:
            look = None
        if not isinstance(look, dict):
            self.refused += 1
            log.warning(
                "a look of %s's motion detector is no JSON object; %d refused", camera_id, self.refused
            )
            return
        self._bridge.post(self._keep, camera_id, look, size_bytes=len(received.payload))

    def _keep(self, camera_id: str, look: dict[str, Any]) -> None:
        item = self._watched.get(camera_id)
        if item is not None:
            item.number += 1
            item.looks.append((item.number, look))
