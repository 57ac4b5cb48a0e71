"""Privacy of a real worker: the process without a connection, over restarts, and its way back."""

from __future__ import annotations

import socket
from pathlib import Path

from camera_rig import Rig, rig, wait_for
from vigilar_common import topics
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName, TakeSnapshot
from vigilar_common.supervision import RESTART_ME_EXIT_CODE
from vigilar_common.testing.broker import TestBroker


def switch(made: Rig, on: bool) -> Reply:
    assert made.bus is not None
    assert made.process is not None
    command = CameraSwitch(switch=CameraSwitchName.PRIVACY, on=on, user="admin")
    reply = made.bus.request(topics.CMD_SWITCH, command, timeout_s=10, camera_id="front")
    assert made.process.wait(30) == RESTART_ME_EXIT_CODE
    return reply


def test_in_privacy_nobody_connects_to_the_camera_until_it_is_switched_off_again(
    broker: TestBroker, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as camera, rig(tmp_path, broker) as made:
        camera.settimeout(30)
        made.configure(f"rtsp://127.0.0.1:{camera.getsockname()[1]}/")
        heard = made.listen()
        made.start()
        camera.accept()[0].close()
        assert switch(made, True).ok
        camera.setblocking(False)
        try:
            while True:
                camera.accept()[0].close()
        except BlockingIOError:
            pass  # nothing more that waits

        heard.received.clear()
        made.start()
        # What the first process said in the end may be heard after the clearing.
        wait_for(lambda: "privacy is switched on" in made.log, 30, "privacy over the restart")
        wait_for(lambda: heard.state and heard.state.privacy, 30, "the state in privacy")
        assert made.bus is not None
        assert made.bus.request(topics.CMD_SNAPSHOT, TakeSnapshot(), 10, camera_id="front").code == "privacy"
        assert heard.state is not None
        assert heard.state.reason == "privacy is switched on"
        assert not heard.of(topics.CAMERA_OFFLINE), "no camera is missed"
        try:
            camera.accept()
            raise AssertionError("the worker connected in privacy")
        except BlockingIOError:
            pass

        assert switch(made, False).ok
        camera.settimeout(30)
        made.start()
        camera.accept()[0].close()
        wait_for(lambda: heard.state and not heard.state.privacy, 30, "the state without privacy")
