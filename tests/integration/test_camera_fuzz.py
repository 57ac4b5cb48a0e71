"""A worker and a camera that sends whatever goes wrong in the field, or is meant to harm: the worker survives, says
what is the matter, records what can be recorded, and is back with the first good picture."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import mutate
import pytest
from camera_rig import QUICK_FILM, Rig, rig, rss_bytes, wait_for
from footage import ensure_film
from odd_camera import Frame, OddCamera, Oddity, describe
from vigilar_common import topics
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.testing.broker import TestBroker
from vigilar_demo_camera.playback import load_film

ONLINE_LIMIT_S = 20.0
Units = list[bytes]


def access_units(**params: Any) -> Units:
    film = load_film(ensure_film(**{**QUICK_FILM, **params}))
    data = film.stream.read_bytes()
    return [data[at : at + size] for at, size, _ in film.frames][:60]


@pytest.fixture(scope="module", name="h264")
def _h264() -> Units:
    return access_units()


@pytest.fixture(scope="module", name="hevc")
def _hevc() -> Units:
    return access_units(codec="hevc")


@pytest.fixture(scope="module", name="small")
def _small() -> Units:
    return access_units(width=320, height=240)


def playing(units: Units, fps: float = 25.0) -> Callable[[], Iterator[Frame]]:
    return lambda: ((unit, 1 / fps) for unit in cycle(units))


class Stage:
    """One worker, one camera whose behaviour changes."""

    def __init__(self, running: Rig, camera: OddCamera, good: Oddity) -> None:
        self.rig, self.camera, self.good = running, camera, good
        assert running.process is not None
        self.pid = running.process.pid

    @property
    def state(self) -> CameraState | None:
        return self.rig.heard.state

    @property
    def online(self) -> bool:
        return self.state is not None and self.state.condition is CameraCondition.ONLINE

    def show(self, oddity: Oddity, seconds: float) -> list[CameraState]:
        """What the worker said of itself meanwhile."""
        before = len(self.rig.heard.messages(topics.CAMERA_STATE))
        self.camera.oddity = oddity
        self.camera.hang_up()
        plays = self.camera.plays
        wait_for(lambda: self.camera.plays > plays, 6, "the stream is asked for")
        self.camera.done.wait(seconds)
        assert self.alive
        return list(self.rig.heard.messages(topics.CAMERA_STATE)[before:])

    def recover(self) -> None:
        before = len(self.rig.heard.messages(topics.RECORDING_OPENED))
        self.camera.oddity = self.good
        self.camera.hang_up()
        wait_for(
            lambda: self.online and len(self.rig.heard.messages(topics.RECORDING_OPENED)) > before,
            ONLINE_LIMIT_S,
            f"online and recording again: {self.state}",
        )
        assert self.alive

    @property
    def alive(self) -> bool:
        assert self.rig.process is not None
        return self.rig.process.poll() is None and self.rig.process.pid == self.pid


@pytest.fixture(scope="module", name="stage")
def _stage(h264: Units, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("fuzz")
    broker = TestBroker(folder / "broker")
    broker.start()
    good = Oddity(sdp=describe("h264", h264[0]), frames=playing(h264))
    camera = OddCamera(good)
    try:
        with rig(folder / "rig", broker) as running:
            running.configure(camera.url, record_continuous=True)
            running.listen()
            running.start()
            made = Stage(running, camera, good)
            wait_for(lambda: made.online, ONLINE_LIMIT_S, "online")
            yield made
    finally:
        camera.stop()
        broker.stop()


def damaged(units: Units, seed: int, how: str) -> Callable[[], Iterator[Frame]]:
    rng = random.Random(seed)

    def frames() -> Iterator[Frame]:
        for unit in cycle(units):
            if how == "flipped":
                yield mutate.flip(unit, rng.choice((0.00004, 0.0004, 0.004, 0.04)), rng), 0.02
            elif how == "truncated":
                yield mutate.cut(unit, rng), 0.02
            else:
                yield mutate.splice(unit, rng.choice(units), rng), 0.02

    return frames


def lossy(seed: int) -> Callable[[bytes], list[bytes]]:
    """RTP packets lost, doubled, empty, cut, flipped, headers included."""
    rng = random.Random(seed)

    def change(packet: bytes) -> list[bytes]:
        kind = rng.randrange(40)
        changed = {
            0: [],
            1: [packet, packet],
            2: [b""],
            3: [packet[:12]],
            4: [mutate.cut(packet, rng)],
            5: [mutate.flip(packet, 0.01, rng)],
            6: [bytes(rng.randrange(256) for _ in range(rng.randrange(60)))],
            7: [packet[:12] + bytes((28, 0x80)), packet],
            8: [packet[:12] + bytes((24, 0xFF, 0xFF)) + packet[12:30]],
        }
        return changed.get(kind, [packet])

    return change


def test_damage_of_every_kind_on_one_connection_costs_nothing_but_itself(
    stage: Stage, h264: Units, hevc: Units
) -> None:
    rng = random.Random(5)
    damage: list[Callable[[bytes], bytes]] = [
        lambda unit: mutate.flip(unit, rng.choice((0.00004, 0.0004, 0.004, 0.04)), rng),
        lambda unit: mutate.cut(unit, rng),
        lambda unit: mutate.splice(unit, rng.choice(h264), rng),
        lambda unit: mutate.splice(unit, rng.choice(hevc), rng),
        lambda unit: rng.choice(hevc),
        lambda unit: rng.choice((unit, b"\0\0\0\1", b"\0\0\1\x65", b"\0\0\1\x67\0\0\1\x68")),
        lambda unit: unit,
    ]
    lose = lossy(3)
    done: list[int] = []

    phases = list(enumerate(damage))

    def frames() -> Iterator[Frame]:
        """A new connection goes on where the last one was given up."""
        while phases:
            phase, change = phases.pop(0)
            yield from ((unit, 0.02) for unit in h264[:10])
            for unit in h264[:40]:
                yield change(unit), 0.02
            done.append(phase)
        yield from ((unit, 0.04) for unit in cycle(h264))

    def packets(packet: bytes) -> list[bytes]:
        return lose(packet) if done[-1:] == [len(damage) - 2] else [packet]

    stage.show(Oddity(sdp=describe("h264", h264[0]), frames=frames, packets=packets), 1.0)
    wait_for(lambda: not phases, 40, "all kinds")
    assert stage.alive
    wait_for(lambda: stage.online, ONLINE_LIMIT_S, "online")
    states = stage.rig.heard.messages(topics.CAMERA_STATE)
    assert stage.alive
    assert states


def test_hevc_that_is_damaged_and_ends_with_garbage(stage: Stage, hevc: Units) -> None:
    noise = [b"$\0\0\0" * 20, b"$\x09\0\4abcd", b"RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n", b"\0\xff\r\n\r\n" * 9]
    film = [frame for frame, _ in zip(damaged(hevc, 9, "flipped")(), range(60), strict=False)]
    after = b"".join(piece * 50 for piece in noise)
    stage.show(Oddity(codec="hevc", sdp=describe("hevc", hevc[0]), frames=lambda: film, after=after), 2.0)
    stage.recover()


def test_another_resolution_in_mid_stream_splits_the_recording(
    stage: Stage, h264: Units, small: Units
) -> None:
    stage.recover()
    before = len(stage.rig.heard.messages(topics.RECORDING_OPENED))

    def frames() -> Iterator[Frame]:
        while True:
            yield from ((unit, 0.04) for unit in h264[:20])
            yield from ((unit, 0.04) for unit in small[:20])

    stage.show(Oddity(sdp=describe("h264", h264[0]), frames=frames), 1.0)

    def sizes() -> set[tuple[int, int]]:
        opened = stage.rig.heard.messages(topics.RECORDING_OPENED)[before:]
        return {(one.width_px, one.height_px) for one in opened}

    wait_for(lambda: sizes() >= {(640, 480), (320, 240)}, 10, "recordings of both sizes")
    stage.recover()


def test_a_description_with_wrong_parameters_does_no_harm_when_the_stream_carries_right_ones(
    stage: Stage, h264: Units, small: Units
) -> None:
    stage.show(Oddity(sdp=describe("h264", small[0]), frames=playing(h264)), 0.5)
    wait_for(
        lambda: stage.online and stage.state and stage.state.width_px == 640, 6, "the size it really has"
    )
    broken = describe("h264", h264[0], sets=b"\0\0\0\1\x67\xff\xff\xff\0\0\0\1\x68\xff")
    stage.show(Oddity(sdp=broken, frames=playing(h264)), 0.5)
    wait_for(lambda: stage.online, 6, "online")
    stage.recover()


@pytest.mark.slow
@pytest.mark.parametrize("fps", [1.0, 120.0])
def test_very_slow_and_very_fast_cameras_are_recorded(stage: Stage, h264: Units, fps: float) -> None:
    units = h264 if fps > 1 else [h264[0]]
    before = len(stage.rig.heard.messages(topics.RECORDING_OPENED))
    stage.show(Oddity(sdp=describe("h264", h264[0]), frames=playing(units, fps)), 1.5)
    wait_for(
        lambda: stage.online and len(stage.rig.heard.messages(topics.RECORDING_OPENED)) > before,
        10,
        "recorded",
    )
    stage.recover()


def test_after_all_of_it_the_process_is_as_small_as_before_and_its_log_holds_no_trace_of_a_bug(
    stage: Stage,
) -> None:
    stage.recover()
    assert stage.alive
    assert rss_bytes(stage.pid) < 250_000_000
    assert len(list(Path(f"/proc/{stage.pid}/fd").iterdir())) < 60
    assert "Traceback" not in stage.rig.log
    assert os.sched_getaffinity(0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_longer_with_many_seeds(stage: Stage, h264: Units, hevc: Units, seed: int) -> None:
    rng = random.Random(1000 + seed)
    codec, units = rng.choice((("h264", h264), ("hevc", hevc)))
    frames = damaged(units, seed, rng.choice(("flipped", "truncated", "spliced")))
    odd = Oddity(codec=codec, sdp=describe(codec, units[0]), frames=frames)
    if rng.random() < 0.5:
        odd.packets = lossy(seed)
    if rng.random() < 0.3:
        odd.after = struct.pack(">I", rng.getrandbits(32)) * 100
    stage.show(odd, 3.0)
    if seed % 5 == 4:
        stage.recover()
