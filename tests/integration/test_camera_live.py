"""What a real worker sends over a real broker while somebody watches, and that it sends nothing when nobody does."""

from __future__ import annotations

import io
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import av
import pytest
from camera_rig import Rig, rig, wait_for
from footage import running_camera
from live_rig import numbered_film
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.messages.camera import CameraCondition, LiveLease, LiveStream, TakeSnapshot
from vigilar_common.testing.broker import TestBroker

LEASE_S = 4.0
QUIET_S = 1.5


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Online, with main and sub stream, and every stream leased once and run out."""
    folder = tmp_path_factory.mktemp("live")
    film = numbered_film(folder / "films")
    broker = TestBroker(folder / "broker")
    broker.start()
    try:
        with (
            running_camera({"main": film, "small": film}, folder / "camera") as camera,
            rig(folder / "rig", broker) as made,
        ):
            made.configure(
                camera.urls["main"],
                detect_url=camera.urls["small"],
                record_on_motion=False,
                resolution_capture=[640, 360],
            )
            made.listen()
            made.start()
            wait_for(lambda: online(made), 20, "main and sub stream")
            assert made.heard.of(topics.LIVE) == [], "nobody has asked for anything"
            assert made.bus is not None
            for stream in LiveStream:
                lease = LiveLease(stream=stream, lease_s=LEASE_S, fresh=True)
                assert made.bus.send_command(topics.CMD_LIVE, lease, camera_id="front")
            wait_for(
                lambda: {part.ids["stream"] for part in made.heard.of(topics.LIVE)} == set(LiveStream),
                10,
                "all",
            )
            wait_for(lambda: quiet(made), 20, "nothing more is sent")
            yield made
    finally:
        broker.stop()


def online(made: Rig) -> bool:
    state = made.heard.state
    return state is not None and state.condition is CameraCondition.ONLINE and state.sub_online


def quiet(made: Rig) -> bool:
    """Nothing came for QUIET_S."""
    before = len(made.heard.of(topics.LIVE))
    threading.Event().wait(QUIET_S)
    return len(made.heard.of(topics.LIVE)) == before


def parts(made: Rig, stream: LiveStream) -> list[Received]:
    return [part for part in made.heard.of(topics.LIVE) if part.ids["stream"] == stream.value]


def metrics(made: Rig) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{made.health_port}/metrics", timeout=5) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (LiveStream.MAIN, (640, 360)),
        (LiveStream.SUB, (640, 360)),
        (LiveStream.H264, (640, 360)),
        (LiveStream.REMOTE, (426, 240)),
    ],
)
def test_every_stream_plays_from_its_first_byte_and_has_no_hole(
    worker: Rig, stream: LiveStream, size: tuple[int, int]
) -> None:
    found = parts(worker, stream)
    assert [part.properties["kind"] for part in found[:2]] == ["init", "part"]
    seqs = [int(part.properties["seq"]) for part in found]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert found[0].properties["codec"].startswith('video/mp4; codecs="avc1.')
    with av.open(io.BytesIO(b"".join(part.payload for part in found)), "r") as container:
        frames = list(container.decode(video=0))
    assert {(frame.width, frame.height) for frame in frames} == {size}
    assert len(frames) >= (LEASE_S - 1.5) * (10 if stream is LiveStream.REMOTE else 15)


def test_single_pictures_come_at_their_rate(worker: Rig) -> None:
    found = parts(worker, LiveStream.JPEG)
    pictures = [part.payload for part in found if part.properties["kind"] == "part"]
    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures)
    assert 8 <= len(pictures) <= LEASE_S * 5 + 5


def test_not_a_byte_comes_over_the_broker_when_no_lease_is_left(worker: Rig) -> None:
    assert quiet(worker)
    told = metrics(worker)
    assert told["vigilar_camera_transcodes"] == 0
    for stream in (LiveStream.H264, LiveStream.REMOTE, LiveStream.JPEG):
        assert told[f"vigilar_camera_transcode_{stream.value}_starts_total"] == 1
        assert told[f"vigilar_camera_transcode_{stream.value}_cpu_ms_total"] > 0, "its cost is told"
    sent = sum(
        value
        for name, value in told.items()
        if name.startswith("vigilar_camera_live_") and name.endswith("_bytes_total")
    )
    assert sent == sum(len(part.payload) for part in worker.heard.of(topics.LIVE)), (
        "what was sent is what came"
    )


def test_a_snapshot_is_answered_with_a_picture_of_now(worker: Rig) -> None:
    assert worker.bus is not None
    reply: Any = worker.bus.request(topics.CMD_SNAPSHOT, TakeSnapshot(max_width_px=320), 5, camera_id="front")
    assert reply.ok, reply
    wait_for(
        lambda: any(
            picture.properties["picture_id"] == reply.data["picture_id"]
            for picture in worker.heard.of(topics.PICTURE)
        ),
        5,
        "the picture",
    )
    picture = next(
        p for p in worker.heard.of(topics.PICTURE) if p.properties["picture_id"] == reply.data["picture_id"]
    )
    assert picture.payload.startswith(b"\xff\xd8\xff")
    assert picture.properties["width_px"] == "320"
    assert 0 <= reply.ts_ms - reply.data["taken_ms"] < 2_000


def test_a_worker_stops_promptly_while_everything_is_watched(worker: Rig) -> None:
    assert worker.bus is not None
    for stream in LiveStream:
        worker.bus.send_command(topics.CMD_LIVE, LiveLease(stream=stream, lease_s=20), camera_id="front")
    wait_for(lambda: metrics(worker)["vigilar_camera_transcodes"] == 3, 10, "three conversions")
    assert worker.stop() <= 2.5
