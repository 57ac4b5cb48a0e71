"""Record now, over a real broker, with a camera that hangs while the worker is told to stop."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from camera_rig import QUICK_FILM, frame_times_s, rig, wait_for
from footage import ensure_film, running_camera
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.messages.camera import CameraCondition, RecordAction, RecordCommand
from vigilar_common.testing.broker import TestBroker


def test_an_order_is_answered_and_recorded_with_pre_roll_and_a_hung_camera_delays_no_stop(
    broker: TestBroker, tmp_path: Path
) -> None:
    film = ensure_film(**QUICK_FILM)
    with running_camera({"demo": film}, tmp_path / "camera") as camera, rig(tmp_path / "rig", broker) as made:
        made.configure(camera.urls["demo"], record_on_motion=False, pre_motion_buffer_s=1, encrypt=False)
        heard = made.listen()
        made.start()
        wait_for(lambda: heard.state and heard.state.condition is CameraCondition.ONLINE, 20, "online")
        time.sleep(2.5)  # the ring fills
        assert not heard.of(topics.RECORDING_OPENED)
        assert made.bus is not None
        ordered_ms = time.time() * 1000
        start = RecordCommand(action=RecordAction.START, duration_s=30, user="admin")
        reply = made.bus.request(topics.CMD_RECORD, start, camera_id="front")
        assert reply.ok, reply.message
        wait_for(lambda: heard.of(topics.RECORDING_OPENED), 5, "recording")
        (opened,) = heard.messages(topics.RECORDING_OPENED)
        assert (opened.trigger, opened.recording_id) == ("manual", reply.data["recording_id"])
        assert ordered_ms - opened.ts_ms >= 900, "the pre-roll"
        wait_for(lambda: heard.state and heard.state.ordered_until_ms, 5, "the state tells of it")
        assert heard.state is not None
        assert heard.state.ordered_until_ms == pytest.approx(ordered_ms + 30_000, abs=2000)
        time.sleep(1)
        camera.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(1)
            assert made.stop() < 2
        finally:
            camera.process.send_signal(signal.SIGCONT)
        wait_for(lambda: heard.of(topics.RECORDING_FINISHED), 5, "the end is told")
        with pytest.raises(BusUnavailableError):
            made.bus.request(topics.CMD_RECORD, start, timeout_s=0.5, camera_id="front")
    (finished,) = heard.messages(topics.RECORDING_FINISHED)
    assert finished.reason == "stopping"
    assert len(frame_times_s((made.incoming / f"{finished.recording_id}.mp4").read_bytes())) >= 20
