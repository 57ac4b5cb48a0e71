"""The sub stream beside the main stream: when it is opened, what it takes over, and that it never costs the main one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import camera_media as media
import pytest
from vigilar_camera_worker import choice as choices
from vigilar_camera_worker.adapters.lull import Newest
from vigilar_camera_worker.choice import MainView, StreamChoice
from vigilar_camera_worker.domain import arrivals
from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.domain.packets import RawPacket
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.errors import BusyError, StreamLostError
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.substream import ONE_CLIENT_PAUSE_S, SubStream
from vigilar_common.config import Camera
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts

CAMERA = Camera(
    id="front", display_name="Front", rtsp_url="rtsp://host/x", detect_url="rtsp://u:secret@host/sub"
)


@pytest.fixture(autouse=True)
def packets_are_handed_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "HOLD_S", 0.0)


class Script:
    """A CameraStream that plays a list: packets, errors to raise, callables to run."""

    def __init__(self, items: list[Any]) -> None:
        self.items, self.codec, self.described, self.audio = items, "h264", b"", None
        self.closed = self.aborted = False

    def needless(self, needless_s: Callable[[], float], newest: Newest) -> None: ...

    def packets(self) -> Iterator[RawPacket]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class AnalyserDouble:
    """Remembers which stream it was given; ``begun`` holds (stream, with main stream)."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, bool]] = []
        self.interruptions = self.packets = 0
        self.checks: list[Any] = []
        self.good_s = self.checked_s = 0.0

    def stream_started(self, wanted: Any, main: Any = None) -> None:
        self.begun.append((wanted.width_px, main is not None))

    def interrupted(self) -> None:
        self.interruptions += 1

    def put(self, packet: Any) -> None:
        self.packets += 1

    def check(self, key: Any, wanted: Any) -> None:
        self.checks.append(key)


class LiveDouble:
    watching = False

    def __init__(self) -> None:
        self.calls: list[str] = []

    def stream_started(self, wanted: Any) -> None:
        self.calls.append("started")

    def feed(self, packet: Any) -> None:
        self.calls.append("packet")

    def interrupted(self) -> None:
        self.calls.append("interrupted")


class House:
    def __init__(self, attempts: list[Any]) -> None:
        self.clock = FakeClock()
        bus, facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.report = Report(bus, facts, "front", self.clock)  # type: ignore[arg-type]
        self.analyser, self.live, self.ring = AnalyserDouble(), LiveDouble(), PacketRing(5)
        self.choice = StreamChoice(self.analyser, MainView(self.ring), self.report, self.clock)  # type: ignore[arg-type]
        self.attempts = attempts
        self.opened_at: list[float] = []
        self.sub = SubStream(
            CAMERA,
            self.clock,
            self.choice,
            self.live,
            opener=self._open,
            back_off=BackOff(random=random.Random(1)),
        )
        self.choice.on_main = self.sub.main_is

    def _open(self, url: str, clock: Any) -> Any:
        assert url == CAMERA.detect_url
        self.opened_at.append(self.clock.monotonic_s())
        if not self.attempts:
            self.sub._stopping.set()
            raise StreamLostError("the test is over")
        attempt = self.attempts.pop(0)
        if isinstance(attempt, Exception):
            raise attempt
        return attempt

    def run(self) -> None:
        self.sub._run()

    def findings(self) -> str:
        return " ".join(self.report.state.findings)


def raw(first: int = 0, count: int = 20) -> list[RawPacket]:
    return [RawPacket(True, p.key, p.pts, p.dts, p.duration, p.data) for p in media.video(first, count)]


def test_it_is_not_opened_before_the_main_stream_sends() -> None:
    house = House([])
    waits: list[int] = []

    def wait(event: Any, timeout_s: float) -> bool:
        waits.append(len(house.opened_at))
        if len(waits) == 5:
            house.sub._stopping.set()
        return False

    house.clock.wait = wait  # type: ignore[method-assign,assignment]
    house.run()
    assert house.opened_at == []
    assert len(waits) == 5


def test_while_it_sends_it_is_searched_instead_of_the_main_stream() -> None:
    seen: list[tuple[bool, float]] = []
    house = House([])
    script = Script(
        [*raw(), lambda: seen.append((house.choice.sub_analysed, house.choice.good_s)), StreamLostError("x")]
    )
    house.attempts = [script]
    house.choice.stream_started(media.stream_format())
    house.run()
    assert seen == [(True, seen[0][1])]
    assert seen[0][1] > 0, "the main stream is not what is decoded: nothing is wrong with it"
    assert house.analyser.begun == [(320, False), (320, True), (320, False)], "main, sub, main again"
    assert house.analyser.packets == 20
    assert house.live.calls == ["started", *["packet"] * 20, "interrupted"]
    assert script.closed


def test_when_it_cannot_be_opened_the_main_stream_serves_and_a_finding_says_why() -> None:
    house = House([BusyError("host:554/sub serves nobody else")])
    house.choice.stream_started(media.stream_format())
    house.run()
    assert house.analyser.begun == [(320, False)]
    assert "motion is searched in the main stream" in house.findings()
    assert "secret" not in house.findings()


def test_a_camera_that_drops_its_main_stream_for_it_is_left_alone_for_an_hour() -> None:
    house = House([])

    def main_is_lost() -> None:
        house.choice.interrupted()
        house.choice.stream_started(media.stream_format())

    for _ in range(2):
        house.attempts.append(Script([*raw(0, 5), main_is_lost, *raw(5, 5)]))
    first, second = house.attempts
    house.choice.stream_started(media.stream_format())
    house.run()
    assert first.aborted
    assert second.aborted
    assert first.closed
    waits = [later - earlier for earlier, later in zip(house.opened_at, house.opened_at[1:], strict=False)]
    assert waits[0] < 60
    assert waits[1] >= ONE_CLIENT_PAUSE_S
    assert "allow one viewer only" in house.findings()


def test_a_main_stream_lost_long_after_is_no_reason_to_give_it_up() -> None:
    house = House([])
    script = Script(
        [*raw(0, 5), lambda: house.clock.advance(60), lambda: house.choice.interrupted(), *raw(5, 5)]
    )
    house.attempts = [script]
    house.choice.stream_started(media.stream_format())
    house.run()
    assert not script.aborted
    assert house.sub.counters["sub_packets"] == 10


def test_the_main_stream_is_proved_by_one_keyframe_a_minute_and_told_when_it_fails() -> None:
    house = House([])
    house.choice.stream_started(media.stream_format())
    house.choice.sub_started(media.stream_format())
    key, other = media.video(0, 2)
    for packet in (key, other, key):
        house.choice.put(packet)
    assert house.analyser.checks == [key, key], "until one was decoded"
    house.analyser.checked_s = house.clock.monotonic_s() + 0.1
    house.clock.advance(1)
    house.choice.put(key)
    assert len(house.analyser.checks) == 2
    assert house.choice.good_s == house.clock.monotonic_s()
    house.clock.advance(choices.CHECK_S)
    house.choice.put(key)
    began_s = house.clock.monotonic_s()
    house.clock.advance(30)
    assert house.choice.good_s == began_s, "nothing proves it since"


def test_a_picture_that_a_motion_took_from_the_main_stream_is_proof_enough() -> None:
    house = House([])
    house.choice.stream_started(media.stream_format())
    house.choice.sub_started(media.stream_format())
    packets = media.video(0, 12)
    for packet in packets:
        house.ring.push(packet)
    house.choice.put(packets[0])
    assert len(house.analyser.checks) == 1
    assert house.choice._view.picture(media.START_MS) is not None
    house.clock.advance(1)
    house.choice.put(packets[10])
    house.clock.advance(choices.CHECK_S - 1)
    house.choice.put(packets[10])
    assert len(house.analyser.checks) == 1
    assert house.choice.good_s == house.clock.monotonic_s()
    house.clock.advance(1)
    house.choice.put(packets[10])
    assert len(house.analyser.checks) == 2, "after a minute without one"


def test_times_and_pictures_are_those_of_the_main_stream() -> None:
    ring = PacketRing(30)
    view = MainView(ring)
    assert view.time_s(media.START_MS) is None
    assert view.picture(media.START_MS) is None
    view.wanted = media.stream_format()
    for packet in media.video(count=60):
        ring.push(packet)
    assert view.time_s(media.START_MS + 2_340) == 2.34
    picture = view.picture(media.START_MS + 2_340)
    assert picture is not None
    assert picture.time_s == 2.3


def test_a_bug_costs_the_sub_stream_and_not_the_main_one() -> None:
    house = House([Script([ZeroDivisionError("x")])])
    house.choice.stream_started(media.stream_format())
    house.run()
    assert house.analyser.begun == [(320, False)]
    assert len(house.opened_at) == 2
