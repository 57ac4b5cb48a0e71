"""The gate with a server that is not ours: GStreamer's, with a digest login, over every transport, for several viewers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from camera_rig import QUICK_FILM
from footage import RunningCamera, ensure_film, running_camera
from vigilar_camera_worker.adapters.stream import CameraStream, open_stream
from vigilar_common.clock import SystemClock


@pytest.fixture(scope="module", name="camera")
def _camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCamera]:
    film = ensure_film(**QUICK_FILM)
    folder = tmp_path_factory.mktemp("camera")
    with running_camera({"demo": film}, folder, user="viewer", password="p@ss:word/1") as camera:
        yield camera


def watch(camera: RunningCamera, transport: str, frames: int) -> tuple[int, bool]:
    """(video packets that came, whether nothing stands between FFmpeg and the camera). Raises CameraError."""
    url = f"rtsp://viewer:p%40ss%3Aword%2F1@127.0.0.1:{camera.port}/demo"
    stream: CameraStream = open_stream(url, SystemClock(), transport)
    count = 0
    try:
        for packet in stream.packets():
            count += packet.video
            if count >= frames:
                break
    finally:
        stream.close()
    assert stream._gate is not None
    return count, stream._gate.handed_over


@pytest.mark.parametrize(("transport", "direct"), [("tcp", True), ("udp", True), ("http", False)])
def test_every_transport_works_with_a_digest_login(
    camera: RunningCamera, transport: str, direct: bool
) -> None:
    assert watch(camera, transport, 15) == (15, direct)


def test_several_viewers_see_the_same_stream_at_the_same_time(camera: RunningCamera) -> None:
    """The server shares a stream among those who ask for it by the same address."""
    with ThreadPoolExecutor(4) as pool:
        assert [count for count, _ in pool.map(lambda _: watch(camera, "tcp", 30), range(4))] == [30] * 4
