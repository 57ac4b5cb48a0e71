"""Switch commands of Home Assistant: decided here, carried out by the camera's worker."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from vigilar_common.bus import Bus, BusUnavailableError, Received
from vigilar_common.config import Config
from vigilar_common.messages.camera import CameraSwitch
from vigilar_common.topics import CMD_SWITCH

from vigilar_homeassistant.domain.authority import REFUSALS, refusal
from vigilar_homeassistant.handlers import Bridge

log = logging.getLogger("vigilar.homeassistant.commands")

MAX_WAITING = 32
ANSWER_S = 5.0
SILENT = "The camera's worker does not answer."


class Commands:
    """``asked`` comes from the bus's thread; a thread of its own waits for the workers' answers."""

    def __init__(self, bus: Bus, bridge: Bridge, config: Callable[[], Config]) -> None:
        self._bus, self._bridge, self._config = bus, bridge, config
        self._waiting: queue.Queue[Received | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="homeassistant-commands", daemon=True)
        self._stopping = False
        bridge.counters.update(switches=0, switches_refused=0)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        if self._thread.ident is None:
            return
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            log.debug("commands still wait at stop: the flag ends their thread")
        self._thread.join(1)

    def problem(self) -> str:
        dead = self._thread.ident and not self._thread.is_alive() and not self._stopping
        return "the thread that carries out commands died" if dead else ""

    def asked(self, received: Received) -> None:
        try:
            self._waiting.put_nowait(received)
        except queue.Full:
            self._refuse(received, "busy", "Too many commands wait; try again.")

    def _run(self) -> None:
        while not self._stopping and (received := self._waiting.get()) is not None:
            try:
                self.handle(received)
            except Exception:
                log.exception("a switch command failed")
                self._refuse(received, "failed", "The command failed; see the log.")

    def handle(self, received: Received) -> None:
        """Decide one command, have it carried out, answer it."""
        command, camera_id = received.message, received.ids["camera_id"]
        assert isinstance(command, CameraSwitch)
        config = self._config()
        camera = config.camera(camera_id)
        code = refusal(command, config.homeassistant, self._bridge.alarm)
        if camera is None or not camera.enabled:
            code = "no_such_camera"
        if code:
            self._refuse(received, code, REFUSALS[code])
            return
        order = CameraSwitch(switch=command.switch, on=command.on, user=f"for {received.ids['sender']}")
        try:
            reply = self._bus.request(CMD_SWITCH, order, timeout_s=ANSWER_S, camera_id=camera_id)
        except BusUnavailableError as error:
            log.warning("%s: %s", camera_id, error)
            self._refuse(received, "camera_silent", SILENT)
            return
        if not reply.ok:
            self._refuse(received, reply.code, reply.message)
            return
        self._bridge.counters["switches"] += 1
        received.reply(ok=True, message=reply.message, data=reply.data)

    def _refuse(self, received: Received, code: str, why: str) -> None:
        command, camera_id = received.message, received.ids["camera_id"]
        assert isinstance(command, CameraSwitch)
        self._bridge.counters["switches_refused"] += 1
        word = "on" if command.on else "off"
        title = f"{command.switch.value} {word} of {camera_id} was refused: {why}"
        log.warning("%s", title)
        received.reply(ok=False, code=code, message=why)
        self._bridge.switch_refused(camera_id, title, code)
