"""Who watches what: one lease per camera and stream, renewed while anybody does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vigilar_common import topics
from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError
from vigilar_common.messages.camera import LiveLease, LiveStream

from vigilar_web.bridge import Bridge
from vigilar_web.errors import ApiError
from vigilar_web.live.relay import Key, Relay, Sink
from vigilar_web.live.viewer import Viewer

log = logging.getLogger(__name__)

LEASE_S = 6.0
RENEW_S = 2.0
MAX_VIEWERS = 96
MAIN, SUB = LiveStream.MAIN.value, LiveStream.SUB.value
MAX_TRANSCODED = {LiveStream.H264.value: 4, LiveStream.JPEG.value: 8}
"""Cameras of which a stream is made on demand at the same time; its viewers share it. The remote profile has
limits of its own."""


@dataclass
class Counters:
    viewers: int = 0
    refused: int = 0
    skips: int = 0
    holes: int = 0
    """Both of viewers and streams that have ended."""
    malformed: int = 0
    unwatched: int = 0


class LiveHub:
    """Lives on the event loop; `offer` alone is called on the bus's thread."""

    def __init__(self, bus: Bus, user: str, clock: Clock, bridge: Bridge) -> None:
        self._bus = bus
        self._user = user
        self._clock = clock
        self._bridge = bridge
        self._relays: dict[Key, Relay] = {}
        self._fresh: set[Key] = set()
        self._with_sub: set[str] = set()
        self._conditions: dict[str, tuple[str, str]] = {}
        self._viewers: set[Viewer] = set()
        self._wake = asyncio.Event()
        self._watched: frozenset[Key] = frozenset()
        self.counters = Counters()

    # -- watching -----------------------------------------------------------------------------------

    def join(self, camera_id: str, stream: str) -> Viewer:
        """Raises ApiError 503 when too many live pictures are open."""
        self._check_room()
        self.check_transcodes(camera_id, stream)
        viewer = Viewer(self._clock, (camera_id, self._available(camera_id, stream)), stream)
        self._viewers.add(viewer)
        self.counters.viewers = len(self._viewers)
        self.add(viewer.key, viewer)
        return viewer

    def _check_room(self) -> None:
        if len(self._viewers) >= MAX_VIEWERS:
            self.counters.refused += 1
            raise ApiError(
                503, "too_many_viewers", f"{MAX_VIEWERS} live pictures are open already; close one."
            )

    def check_transcodes(self, camera_id: str, stream: str) -> None:
        """Raises ApiError 503 when this stream is made of too many cameras already."""
        most = MAX_TRANSCODED.get(stream)
        if most is None or (camera_id, stream) in self._relays:
            return
        if sum(key[1] == stream for key in self._relays) >= most:
            self.counters.refused += 1
            raise ApiError(
                503,
                "too_many_transcodes",
                f"The pictures of {most} cameras are being converted already; close one of them.",
            )

    def _available(self, camera_id: str, stream: str) -> str:
        return MAIN if stream == SUB and camera_id not in self._with_sub else stream

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self.counters.skips += viewer.skips
        self.counters.viewers = len(self._viewers)
        self.remove(viewer.key, viewer)

    def add(self, key: Key, sink: Sink) -> None:
        """Anything that takes parts; the first one starts the lease at once."""
        relay = self._relays.get(key)
        if relay is None:
            relay = self._relays[key] = Relay("/".join(key))
            self._watched = frozenset(self._relays)
            self._fresh.add(key)
            self._wake.set()
        relay.join(sink)

    def remove(self, key: Key, sink: Sink) -> None:
        """The last one to go frees the memory and lets the lease run out."""
        relay = self._relays.get(key)
        if relay is None:
            return
        relay.leave(sink)
        if not relay.sinks:
            del self._relays[key]
            self.counters.holes += relay.holes
            self._watched = frozenset(self._relays)
            self._fresh.discard(key)

    def tell_state(self, camera_id: str, state: Mapping[str, Any] | None) -> None:
        """Viewers hear when the camera goes or comes, not each of its motion scores."""
        self._sub_changed(camera_id, bool(state and state["sub_online"]))
        condition = (state["condition"], state["reason"]) if state else ("", "")
        if self._conditions.get(camera_id) == condition:
            return
        self._conditions[camera_id] = condition
        text = json.dumps({"state": state})
        for (camera, _), relay in self._relays.items():
            if camera == camera_id:
                relay.tell(text)

    def _sub_changed(self, camera_id: str, online: bool) -> None:
        """Who asked for the sub stream gets the main one while it is away, and the sub stream when it is back."""
        if online == (camera_id in self._with_sub):
            return
        (self._with_sub.add if online else self._with_sub.discard)(camera_id)
        for viewer in [v for v in self._viewers if v.key[0] == camera_id and v.wanted == SUB]:
            self.remove(viewer.key, viewer)
            viewer.key = (camera_id, self._available(camera_id, SUB))
            viewer.waiting = True
            self.add(viewer.key, viewer)

    def drop_camera(self, known: set[str]) -> None:
        """A new configuration: close the views of cameras that are gone."""
        self._with_sub &= known
        for (camera, _), relay in list(self._relays.items()):
            if camera not in known:
                for sink in list(relay.sinks):
                    if isinstance(sink, Viewer):
                        sink.close()

    def close(self) -> None:
        for viewer in self._viewers:
            viewer.close()
        self._wake.set()

    @property
    def watched(self) -> list[str]:
        return sorted("/".join(key) for key in self._watched)

    # -- leases -------------------------------------------------------------------------------------

    async def keep_leases(self) -> None:
        """Runs for ever; costs nothing while nobody watches."""
        while True:
            try:
                async with asyncio.timeout(RENEW_S if self._relays else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            leases = {key: key in self._fresh or not relay.begun for key, relay in self._relays.items()}
            self._fresh.clear()
            if leases:
                await asyncio.to_thread(self._renew, leases)

    def _renew(self, leases: Mapping[Key, bool]) -> None:
        for (camera_id, stream), fresh in leases.items():
            lease = LiveLease(stream=LiveStream(stream), lease_s=LEASE_S, fresh=fresh)
            try:
                self._bus.publish(topics.CMD_LIVE, lease, sender=self._user, camera_id=camera_id)
            except VigilarError:
                log.exception("lease of %s/%s not sent", camera_id, stream)

    # -- parts --------------------------------------------------------------------------------------

    def offer(self, received: Received) -> None:
        """A live part from the broker."""
        key = (received.ids["camera_id"], received.ids["stream"])
        if key not in self._watched:
            self.counters.unwatched += 1  # the rest of a lease that nobody renews
            return
        properties = received.properties
        kind, seq = properties.get("kind", ""), properties.get("seq", "")
        if kind not in ("init", "part") or not seq.isdecimal() or len(seq) > 18:
            self.counters.malformed += 1
            if self.counters.malformed % 100 == 1:
                log.warning(
                    "a live part of %s/%s has no usable kind or seq (%d so far)",
                    *key,
                    self.counters.malformed,
                )
            return
        self._bridge.post(
            self._take, key, kind, int(seq), properties.get("key") == "1", properties.get("codec", ""),
            received.payload, size_bytes=len(received.payload),
        )  # fmt: skip

    def _take(self, key: Key, kind: str, seq: int, keyframe: bool, codec: str, payload: bytes) -> None:
        relay = self._relays.get(key)
        if relay is None:
            self.counters.unwatched += 1
        elif kind == "init":
            relay.take_init(seq, codec, payload)
        else:
            relay.take_part(seq, keyframe, payload)
