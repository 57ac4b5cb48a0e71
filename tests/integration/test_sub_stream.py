"""A camera with a sub stream: motion is searched there, recorded from the main stream, and survives its loss."""

from __future__ import annotations

import io
import urllib.request
from pathlib import Path

import av
from camera_rig import QUICK_FILM, rig, wait_for
from footage import ensure_film, running_camera
from stand_in_detector import StandInDetector
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.messages.camera import Analysis
from vigilar_common.messages.detection import ObjectDetected, TrackLease
from vigilar_common.testing.broker import TestBroker

SUB_FILM = {**QUICK_FILM, "width": 320, "height": 240}


def test_motion_in_the_sub_stream_records_the_main_stream_and_its_loss_falls_back(
    broker: TestBroker, tmp_path: Path
) -> None:
    films = {"main": ensure_film(**QUICK_FILM), "sub": ensure_film(**SUB_FILM)}
    with (
        running_camera(films, tmp_path / "camera", faults=["sub=close@16"]) as camera,
        rig(tmp_path / "rig", broker) as running,
    ):
        running.configure(
            camera.urls["main"],
            system="[detection]\nperson_detection = true\n",
            detect_url=camera.urls["sub"],
        )
        heard = running.listen()
        detector, visitors, crops = StandInDetector(broker), broker.bus("visitors"), list[Received]()
        visitors.subscribe(topics.TRACK_CROP, crops.append)
        running.start()
        wait_for(
            lambda: heard.state and heard.state.analysis_stream == "sub", 20, "the sub stream is searched"
        )
        assert heard.state is not None
        assert heard.state.sub_online
        wait_for(lambda: heard.state and heard.state.analysis is Analysis.SPARSE, 20, "sparse decoding")
        wait_for(lambda: heard.of(topics.MOTION_STARTED), 30, "motion")
        visitors.publish(topics.VISITORS_LEASE, TrackLease(lease_s=30, kinds=["person"]))
        url = f"http://127.0.0.1:{running.health_port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            metrics = response.read().decode()
        assert "vigilar_camera_analysis_sub 1.0" in metrics
        wait_for(
            lambda: [i for i in heard.of(topics.PICTURE) if i.properties["kind"] == "thumbnail"],
            10,
            "a picture",
        )
        (picture,) = [i for i in heard.of(topics.PICTURE) if i.properties["kind"] == "thumbnail"][:1]
        with av.open(io.BytesIO(picture.payload)) as shown:
            assert shown.streams.video[0].codec_context.width > 320, "it is cut from the main stream"
        (opened,) = heard.messages(topics.RECORDING_OPENED)[:1]
        assert (opened.width_px, opened.height_px) == (640, 480)

        wait_for(lambda: crops, 15, "a picture of the person for who identifies it")
        told = [item.message for item in heard.received if isinstance(item.message, ObjectDetected)]
        detector.stop()
        visitors.stop()
        crop = crops[0]
        assert crop.properties["track_id"] in {one.track_id for one in told}
        assert (crop.properties["kind"], crop.properties["class"]) == ("person", "person")
        area = [float(part) for part in crop.properties["area"].split(",")]
        with av.open(io.BytesIO(crop.payload)) as shown:
            context = shown.streams.video[0].codec_context
            assert abs(context.width - area[2] * 640) <= 2, "it is cut from the main stream too"
            assert abs(context.height - area[3] * 480) <= 2

        def fell_back() -> bool:
            states = heard.messages(topics.CAMERA_STATE)
            streams = [state.analysis_stream for state in states]
            told = any("motion is searched in the main stream" in " ".join(s.findings) for s in states)
            return told and "main" in streams[streams.index("sub") :]

        wait_for(fell_back, 40, "its loss is told and the main stream searched")
