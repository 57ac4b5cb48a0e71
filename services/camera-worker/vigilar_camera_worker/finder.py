"""Finds cameras on the network for the web page: what a search gives, in one message."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.messages.camera import FindCameras

from vigilar_camera_worker.turns import MAX_REPLY_BYTES, Turns

log = logging.getLogger(__name__)

LISTEN_S: Final = 3.0
DEVICE_LIMIT_S: Final = 6.0
INTERVAL_S: Final = 10.0
MAX_CAMERAS: Final = 32


def finder(clock: Clock) -> Turns:
    busy = "Somebody searched a moment ago: wait ten seconds."
    return Turns("searches", clock, INTERVAL_S, busy, lambda received: _found(clock, received))


def _found(clock: Clock, received: Received) -> dict[str, Any]:
    """Raises VigilarError when the network cannot be asked."""
    from vigilar_camera_worker.domain.onvif import Login
    from vigilar_camera_worker.find import find, snippet

    command = received.message
    assert isinstance(command, FindCameras)
    login = Login(command.user, command.password) if command.user else None
    hosts = (command.host,) if command.host else ()
    cameras = find(clock, listen_s=LISTEN_S, hosts=hosts, login=login, device_limit_s=DEVICE_LIMIT_S)
    log.info("a search found %d cameras", len(cameras))
    shown = cameras[:MAX_CAMERAS]
    while True:
        # Streams are told by main and sub; the reply must fit into one message.
        told = [{key: v for key, v in camera.to_json().items() if key != "streams"} for camera in shown]
        data = {
            "cameras": told,
            "toml": snippet(shown, None, command.taken_ids),
            "left_out": len(cameras) - len(shown),
        }
        if len(json.dumps(data)) <= MAX_REPLY_BYTES or not shown:
            return data
        shown = shown[: len(shown) // 2]
