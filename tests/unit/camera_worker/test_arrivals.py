"""When a connection's first packets came, although they are read late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from vigilar_camera_worker.domain.arrivals import HOLD_PACKETS, HOLD_S, MAX_AGE_S, arrivals
from vigilar_camera_worker.domain.packets import TICKS_PER_S, RawPacket
from vigilar_common.testing import FakeClock

FPS = 15
STEP = TICKS_PER_S // FPS


def raw(number: int, *, stamped: bool = True, video: bool = True) -> RawPacket:
    dts = number * STEP if stamped and number else None
    return RawPacket(video=video, key=number % 30 == 0, pts=dts, dts=dts, duration=STEP, data=b"x")


class Camera:
    """Sends a picture every 1/15 s from ``sent_from_s`` on; whoever reads late finds them waiting."""

    def __init__(self, clock: FakeClock, sent_from_s: float, *, stamped: bool = True) -> None:
        self.clock, self.sent_from_s, self.stamped = clock, sent_from_s, stamped

    def packets(self, count: int) -> Iterator[RawPacket]:
        for number in range(count):
            wait_s = self.sent_from_s + number / FPS - self.clock.monotonic_s()
            self.clock.advance(max(wait_s, 0.0001))
            yield raw(number, stamped=self.stamped)


def test_packets_that_waited_in_the_buffer_are_dated_back_to_when_they_were_sent() -> None:
    clock = FakeClock()
    began_s, began_ms = clock.monotonic_s(), clock.now_ms()
    clock.advance(1.4)  # the connection is opened slowly
    for number, (_, at_s, at_ms) in enumerate(arrivals(Camera(clock, began_s).packets(60), clock)):
        assert at_s == pytest.approx(began_s + number / FPS, abs=0.02)
        assert at_ms == pytest.approx(began_ms + number * 1000 / FPS, abs=20)


def test_packets_that_are_read_as_they_come_keep_the_time_they_were_read_at() -> None:
    clock = FakeClock()
    began_s = clock.monotonic_s()
    held = 0
    for number, (_, at_s, _) in enumerate(arrivals(Camera(clock, began_s).packets(60), clock)):
        held = held or round((clock.monotonic_s() - at_s) * FPS)
        assert at_s == pytest.approx(began_s + number / FPS, abs=0.01)
    assert held <= 2


def test_what_was_held_is_handed_on_when_the_stream_is_lost_first() -> None:
    seen: list[RawPacket] = []

    def lost() -> Iterator[RawPacket]:
        yield from (raw(number) for number in range(3))
        raise ConnectionError("lost")

    with pytest.raises(ConnectionError, match="lost"):
        seen.extend(item for item, _, _ in arrivals(lost(), FakeClock()))
    assert seen == [raw(0), raw(1), raw(2)]


def test_what_was_held_is_handed_on_when_the_stream_ends_first() -> None:
    assert len(list(arrivals(iter([raw(0), raw(1)]), FakeClock()))) == 2


def test_a_stream_without_timestamps_is_not_held() -> None:
    clock = FakeClock()
    camera = Camera(clock, clock.monotonic_s() - 3, stamped=False)
    stream = camera.packets(100)
    next(arrivals(stream, clock))
    assert len(list(stream)) == 98


def test_the_wait_is_bounded_in_packets_and_in_time() -> None:
    clock = FakeClock()
    stream = iter([raw(number) for number in range(HOLD_PACKETS + 5)])
    next(arrivals(stream, clock))
    assert len(list(stream)) == 5

    def slow() -> Iterator[RawPacket]:
        for number in range(1000):
            clock.advance(0.02)
            yield raw(number)

    rest = slow()
    next(arrivals(rest, clock))
    assert len(list(rest)) >= 1000 - HOLD_S / 0.02 - 1


def test_timestamps_that_make_no_sense_date_nothing_back_by_more_than_the_bound() -> None:
    clock = FakeClock()
    began_s = clock.monotonic_s()
    far = RawPacket(video=True, key=True, pts=1 << 33, dts=1 << 33, duration=STEP, data=b"x")
    for _, at_s, _ in arrivals(iter([raw(1), far, raw(2), raw(3)]), clock):
        assert began_s - MAX_AGE_S <= at_s <= clock.monotonic_s()
