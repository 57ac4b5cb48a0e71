"""The demo camera as a recorder sees it: a real RTSP server, read by PyAV."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import pytest
from footage import RunningCamera, cpu_s, ensure_film, running_camera
from vigilar_demo_camera.playback import load_film

SHORT_FILM: dict[str, Any] = {
    "width": 384,
    "height": 288,
    "lead_s": 1.5,
    "idle_s": 1.0,
    "busy_s": 1.0,
    "cycles": 1,
    "gop_s": 0.5,
}
FRAME_MS = 100


@dataclass(frozen=True)
class Seen:
    wall_ms: int
    pts_ms: float
    is_key: bool
    size_bytes: int
    luma: np.ndarray[Any, np.dtype[np.uint8]] | None


def connect(url: str, **options: str) -> Any:
    wanted = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32", **options}
    return av.open(url, options=wanted, timeout=5)


def watch(url: str, seconds: float, decode: bool = True, packets: int = 1) -> list[Seen]:
    """Everything that arrives in ``seconds``, ``packets`` at least; a decoder that meets an error raises."""
    seen: list[Seen] = []
    end = time.monotonic() + seconds
    with connect(url) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        for packet in container.demux(stream):
            if packet.size == 0:
                break
            luma = None
            if decode:
                for frame in packet.decode():
                    assert not frame.is_corrupt
                    luma = frame.to_ndarray(format="gray")
            pts_ms = float((packet.pts or 0) * packet.time_base * 1000)
            seen.append(Seen(time.time_ns() // 1_000_000, pts_ms, packet.is_keyframe, packet.size, luma))
            if time.monotonic() > end and len(seen) >= packets:
                break
    return seen


@pytest.fixture(scope="module", name="film")
def _film() -> Path:
    return ensure_film(**SHORT_FILM)


@pytest.fixture(name="camera")
def _camera(film: Path, tmp_path: Path) -> Iterator[RunningCamera]:
    with running_camera({"demo": film}, tmp_path) as running:
        yield running


def test_the_film_loops_without_a_seam_and_its_truth_is_what_is_seen(
    camera: RunningCamera, film: Path
) -> None:
    facts = load_film(film)
    seen = watch(camera.urls["demo"], 0, packets=2 * len(facts.frames) + 5)

    assert seen[0].is_key
    steps_ms = np.diff([packet.pts_ms for packet in seen])
    assert steps_ms.min() == pytest.approx(FRAME_MS, abs=1)
    assert steps_ms.max() == pytest.approx(FRAME_MS, abs=1)
    # In real time: no drift, no bursts (single packets may be read late on a busy machine).
    lateness_ms = np.array([packet.wall_ms - packet.pts_ms for packet in seen])
    assert abs(np.median(lateness_ms[:20]) - np.median(lateness_ms[-20:])) < FRAME_MS
    assert np.ptp(np.percentile(lateness_ms, [10, 80])) < 2 * FRAME_MS
    sizes = [size for _, size, _ in facts.frames]
    second_loop = [packet.size_bytes for packet in seen][len(sizes) : 2 * len(sizes)]
    assert [packet.size_bytes for packet in seen][: len(sizes)] == second_loop

    # What differs from the still scene begins and ends when the truth file says so, in both loops.
    pictures = [packet.luma for packet in seen]
    assert all(picture is not None for picture in pictures)
    lumas = np.stack([picture for picture in pictures if picture is not None]).astype(np.int16)
    still = np.median(lumas[: facts.onsets[0]], axis=0)
    changed_px = (np.abs(lumas - still) > 25).sum(axis=(1, 2))
    moving = changed_px > 100
    begins = [i for i in range(1, len(seen)) if moving[i] and not moving[i - 1]]
    stops = [i for i in range(1, len(seen)) if moving[i - 1] and not moving[i]]
    length = len(sizes)
    assert begins == pytest.approx([facts.onsets[0], facts.onsets[0] + length], abs=1)
    assert stops == pytest.approx([facts.ends[0], facts.ends[0] + length], abs=1)
    for event, numbers in (("onset", begins), ("end", stops)):
        seen_at_ms = [float(np.median(lateness_ms)) + seen[i].pts_ms for i in numbers]
        true_ms = [row["wall_ms"] for row in camera.truth(event) if row["watched"]]
        assert true_ms == pytest.approx(seen_at_ms, abs=4 * FRAME_MS)


def test_several_viewers_see_the_same_and_each_starts_with_a_keyframe_within_one_gop(
    camera: RunningCamera,
) -> None:
    seen: list[Seen] = []
    first = threading.Thread(target=lambda: seen.extend(watch(camera.urls["demo"], 6.0)))
    first.start()
    time.sleep(1.0)
    started = time.monotonic()
    with connect(camera.urls["demo"]) as container:
        for packet in container.demux(video=0):
            if packet.is_keyframe:
                break
        to_keyframe_s = time.monotonic() - started
        assert len(packet.decode()) + len(container.streams.video[0].decode(None)) == 1
        second = [packet.size] + [p.size for p, _ in zip(container.demux(video=0), range(5), strict=False)]
    first.join()
    assert to_keyframe_s < 1.0
    sizes = [packet.size_bytes for packet in seen]
    assert any(sizes[i : i + len(second)] == second for i in range(len(sizes)))


def test_whoever_returns_at_once_is_never_turned_away(camera: RunningCamera) -> None:
    for _ in range(12):
        with connect(camera.urls["demo"]) as container:
            assert next(container.demux(video=0)).size > 0


def test_what_happens_while_nobody_watches_is_marked_so(camera: RunningCamera) -> None:
    watch(camera.urls["demo"], 0.5)
    deadline = time.monotonic() + 5
    while not camera.truth("onset") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [row["watched"] for row in camera.truth("loop")] == [True]
    assert [row["watched"] for row in camera.truth("onset")] == [False]


def test_a_login_is_asked_for_and_only_the_right_password_opens(film: Path, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path, user="viewer", password="right one") as running:
        url = running.urls["demo"]
        with pytest.raises(av.error.HTTPUnauthorizedError):
            connect(url)
        with pytest.raises(av.error.HTTPUnauthorizedError):
            connect(url.replace("rtsp://", "rtsp://viewer:wrong@"))
        with connect(url.replace("rtsp://", "rtsp://viewer:right%20one@")) as container:
            assert next(container.demux(video=0)).size > 0
        assert "right one" not in Path(f"/proc/{running.process.pid}/cmdline").read_text()


def test_an_unknown_address_is_not_found(camera: RunningCamera) -> None:
    with pytest.raises(av.error.HTTPNotFoundError):
        connect(camera.urls["demo"].replace("/demo", "/other"))


def test_sigterm_ends_it_at_once_while_somebody_watches(film: Path, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path) as running:
        ready_file = tmp_path / "ready.json"
        assert ready_file.exists()
        with connect(running.urls["demo"]) as container:
            next(container.demux(video=0))
            started = time.monotonic()
            running.process.terminate()
            assert running.process.wait(5) == 0
            assert time.monotonic() - started < 1.0
        assert not ready_file.exists()


def test_a_stalled_camera_sends_nothing_and_then_goes_on(film: Path, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path, faults=["demo=stall@0.5+1"]) as running:
        seen = watch(running.urls["demo"], 2.3)
    gaps_ms = np.diff([packet.pts_ms for packet in seen])
    assert gaps_ms.max() == pytest.approx(1100, abs=150)
    assert np.count_nonzero(gaps_ms > 2 * FRAME_MS) == 1


def test_garbage_arrives_as_packets_that_no_decoder_takes(film: Path, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path, faults=["demo=garbage@1"]) as running:
        clean = watch(running.urls["demo"], 0.3)
        assert clean
        assert len(watch(running.urls["demo"], 1.5, decode=False)) > 5
        with pytest.raises(av.error.InvalidDataError):
            watch(running.urls["demo"], 2.0)


def test_a_camera_that_closes_ends_the_connection_and_comes_back(film: Path, tmp_path: Path) -> None:
    with running_camera({"demo": film}, tmp_path, faults=["demo=close@1+0.8"]) as running:
        started = time.monotonic()
        with contextlib.suppress(av.error.FFmpegError):
            watch(running.urls["demo"], 5)
        assert time.monotonic() - started < 3
        with pytest.raises(av.error.HTTPNotFoundError):
            connect(running.urls["demo"])
        time.sleep(1.0)
        assert watch(running.urls["demo"], 0.3)


@pytest.mark.slow
def test_h265_at_another_size_and_rate_plays(tmp_path: Path) -> None:
    film = ensure_film(**{**SHORT_FILM, "codec": "hevc", "width": 640, "height": 480, "fps": 15})
    with running_camera({"main": film}, tmp_path) as running:
        seen = watch(running.urls["main"], 1.5)
    steps_ms = np.diff([packet.pts_ms for packet in seen])
    assert steps_ms.mean() == pytest.approx(1000 / 15, abs=1)
    pictures = [packet.luma for packet in seen if packet.luma is not None]
    assert len(pictures) > 10
    assert pictures[0].shape == (480, 640)


@pytest.mark.slow
def test_sixteen_cameras_come_from_one_process_cheaply(film: Path, tmp_path: Path) -> None:
    names = [f"camera{number}" for number in range(16)]
    with running_camera(dict.fromkeys(names, film), tmp_path) as running:
        containers = [connect(running.urls[name]) for name in names]
        try:
            before_s = cpu_s(running.process.pid)
            counts = dict.fromkeys(names, 0)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                for name, container in zip(names, containers, strict=True):
                    counts[name] += next(container.demux(video=0)).size > 0
            used_s = cpu_s(running.process.pid) - before_s
        finally:
            for container in containers:
                container.close()
    assert min(counts.values()) > 20
    per_stream_minute_s = used_s / 16 * 60 / 3
    assert per_stream_minute_s < 1.0
    print(f"{per_stream_minute_s:.2f} CPU s per stream and minute")


def test_a_port_in_use_is_named(camera: RunningCamera, film: Path, tmp_path: Path) -> None:
    second = running_camera({"demo": film}, tmp_path / "second", port=camera.port)
    with pytest.raises(RuntimeError, match=f"cannot listen on 127.0.0.1 port {camera.port}"), second:
        pytest.fail("two servers share a port")
