"""Sixteen cameras that come and go: each is back within three seconds, and nothing grows."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import camera_media as media
import pytest
from camera_rig import rss_bytes, wait_for
from odd_camera import Frame, OddCamera, Oddity, describe
from vigilar_camera_worker.camera import CameraReader
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.report import Report
from vigilar_common.clock import SystemClock
from vigilar_common.config import Camera
from vigilar_common.testing import FakeBus, FakeFacts

CAMERAS = 16
BACK_LIMIT_S = 3.0


class Taker:
    """Takes what a recorder, the live parts and the analyser would; notes when the first packet came."""

    sub_analysed = False
    watching = True

    def __init__(self) -> None:
        self.good_s = float("inf")
        self.first_s = 0.0

    def feed(self, _packet: Any) -> None:
        self.first_s = self.first_s or time.monotonic()

    put = feed

    def stream_started(self, _wanted: Any) -> None: ...
    def interrupted(self, *_what: Any, **_more: Any) -> None: ...
    def order(self, *_what: Any) -> None: ...
    def measured(self, _clocks: Any) -> None: ...
    def tick(self) -> None: ...


class Yard:
    def __init__(self) -> None:
        self.units = [data for data, _ in media.access_units()]
        self.clock = SystemClock()
        self.cameras = [OddCamera(self._oddity()) for _ in range(CAMERAS)]
        self.takers = [Taker() for _ in self.cameras]
        pairs = zip(self.cameras, self.takers, strict=True)
        self.readers = [self._reader(camera.url, taker) for camera, taker in pairs]

    def _oddity(self) -> Oddity:
        def frames() -> Iterator[Frame]:
            return ((unit, 0.1) for unit in cycle(self.units))

        return Oddity(sdp=describe("h264", self.units[0]), frames=frames)

    def _reader(self, url: str, taker: Any) -> CameraReader:
        camera = Camera(id="front", display_name="x", rtsp_url=url, resolution_capture=(320, 240))
        report = Report(FakeBus(self.clock), FakeFacts(self.clock), "front", self.clock)  # type: ignore[arg-type]
        return CameraReader(camera, self.clock, report, PacketRing(5), taker, taker, taker)

    def flap(self, away_s: float) -> list[float]:
        """All of them off, and on again; the seconds each took to be back."""
        for camera in self.cameras:
            camera.stop()
        threading.Event().wait(away_s)
        for taker in self.takers:
            taker.first_s = 0.0
        back_s = time.monotonic()
        self.cameras = [OddCamera(self._oddity(), camera.port) for camera in self.cameras]
        wait_for(lambda: all(taker.first_s for taker in self.takers), 20, "all of them are back")
        return sorted(taker.first_s - back_s for taker in self.takers)

    def close(self) -> None:
        for reader in self.readers:
            reader.stop(3)
        for camera in self.cameras:
            camera.stop()


@pytest.fixture(name="yard")
def _yard() -> Iterator[Yard]:
    yard = Yard()
    for reader in yard.readers:
        reader.start()
    wait_for(lambda: all(taker.first_s for taker in yard.takers), 30, "all of them send")
    yield yard
    yard.close()


def flaps(yard: Yard, rounds: int, away_s: float) -> None:
    took_s = yard.flap(away_s)  # the first loads what is needed once
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    rss = rss_bytes(os.getpid())
    for number in range(rounds):
        took_s += yard.flap(away_s + number % 3 / 2)
    took_s.sort()
    assert took_s[int(len(took_s) * 0.95)] <= BACK_LIMIT_S
    wait_for(lambda: threading.active_count() <= threads + 2, 10, "no more threads than before")
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + CAMERAS
    assert rss_bytes(os.getpid()) - rss < 20_000_000
    counters = yard.readers[0].attempts.counters
    assert counters["reconnects"] >= rounds


@pytest.mark.slow  # test_flapping has the short form, with whole processes
def test_cameras_that_come_and_go_are_back_within_three_seconds_and_leave_nothing_behind(yard: Yard) -> None:
    flaps(yard, rounds=2, away_s=2.0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_for_minutes(yard: Yard) -> None:
    flaps(yard, rounds=40, away_s=3.0)
