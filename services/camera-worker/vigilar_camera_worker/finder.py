"""Finds cameras on the network for the web page: one search at a time, bounded, on a thread of its own."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.messages.camera import FindCameras

log = logging.getLogger(__name__)

LISTEN_S: Final = 3.0
DEVICE_LIMIT_S: Final = 6.0
INTERVAL_S: Final = 10.0
MAX_CAMERAS: Final = 32
MAX_REPLY_BYTES: Final = 60_000


class Finder:
    """``asked`` comes from the bus's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._free_s = clock.monotonic_s()
        self._busy = False
        self.counters = {"searches": 0, "searches_refused": 0}

    def asked(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, FindCameras)
        with self._lock:
            if self._busy or self._clock.monotonic_s() < self._free_s:
                self.counters["searches_refused"] += 1
                words = "Somebody searched a moment ago: wait ten seconds."
                received.reply(ok=False, code="busy", message=words)
                return
            self._busy = True
            self.counters["searches"] += 1
        threading.Thread(target=self._run, args=(received, command), name="finder", daemon=True).start()

    def _run(self, received: Received, command: FindCameras) -> None:
        from vigilar_common.errors import VigilarError

        try:
            received.reply(ok=True, data=self._found(command))
        except VigilarError as error:
            received.reply(ok=False, code="not_possible", message=str(error)[:500])
        except Exception as error:
            log.exception("the search for cameras failed")
            received.reply(ok=False, code="failed", message=f"internal error: {type(error).__name__}")
        finally:
            with self._lock:
                self._busy = False
                self._free_s = self._clock.monotonic_s() + INTERVAL_S

    def _found(self, command: FindCameras) -> dict[str, Any]:
        """Raises VigilarError when the network cannot be asked."""
        from vigilar_camera_worker.domain.onvif import Login
        from vigilar_camera_worker.find import find, snippet

        login = Login(command.user, command.password) if command.user else None
        hosts = (command.host,) if command.host else ()
        cameras = find(
            self._clock, listen_s=LISTEN_S, hosts=hosts, login=login, device_limit_s=DEVICE_LIMIT_S
        )
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
