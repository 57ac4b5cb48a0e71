"""Lulls: a reader sleeps while nobody needs what comes, and the camera does not notice."""

from __future__ import annotations

import threading

import pytest
from vigilar_camera_worker.adapters.lull import (
    AGAIN_S,
    EARLY_S,
    LONGEST_S,
    SHORTEST_S,
    WAITED_S,
    Lull,
    Newest,
)
from vigilar_common.testing.fakes import FakeClock

BUFFER_BYTES = 1_000_000


class Socket:
    def __init__(self) -> None:
        self.bytes = 0
        self.open = True

    def gathered(self) -> tuple[int, int] | None:
        return (self.bytes, BUFFER_BYTES) if self.open else None


class _Clock(FakeClock):
    """Notes the lulls, and lets time pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return super().wait(event, seconds)


def _lull(needless_s: float) -> tuple[Lull, Socket, _Clock]:
    socket, clock = Socket(), _Clock()
    lull = Lull(socket, clock)
    lull.needless_s = lambda: needless_s
    return lull, socket, clock


def _packet(lull: Lull, clock: _Clock, after_s: float = 1 / 15) -> None:
    clock.advance(after_s)
    lull.maybe()


def test_it_sleeps_as_long_as_nothing_is_needed_and_never_longer_than_the_bound() -> None:
    for needless_s, expected in ((0.3, [0.3]), (5.0, [LONGEST_S]), (SHORTEST_S / 2, []), (0.0, [])):
        lull, _, clock = _lull(needless_s)
        _packet(lull, clock)
        assert clock.waits == expected


def test_what_has_gathered_is_read_before_it_sleeps_again() -> None:
    lull, _, clock = _lull(1.0)
    _packet(lull, clock)
    for _ in range(5):
        _packet(lull, clock, WAITED_S / 10)
    assert len(clock.waits) == 1
    _packet(lull, clock)
    assert len(clock.waits) == 2


def test_a_lull_ends_just_before_the_packet_that_is_needed_can_be_there() -> None:
    step_s, age_s = 1 / 15, 0.01
    for needless_s, packets in ((0.5, 8), (step_s * 3, 3), (step_s * 3 + 0.01, 4), (float("inf"), 13)):
        lull, _, clock = _lull(needless_s)
        lull.newest = Newest(0.0, clock.monotonic_s() + 0.06 - age_s, step_s)
        _packet(lull, clock, 0.06)
        assert clock.waits == [pytest.approx(packets * step_s - age_s - EARLY_S)]


def test_the_newest_packet_needs_no_waiting_for_to_be_known_as_such() -> None:
    lull, _, clock = _lull(1.0)
    _packet(lull, clock)
    now_s = clock.monotonic_s()
    lull.newest = Newest(0.0, now_s - 0.4, 0.1)
    _packet(lull, clock, WAITED_S / 10)
    assert len(clock.waits) == 1, "it is old: more have gathered"
    lull.newest = Newest(0.4, now_s, 0.1)
    _packet(lull, clock, WAITED_S / 10)
    assert len(clock.waits) == 2


def test_lulls_shrink_where_the_buffer_fills_up_and_end_where_even_short_ones_do_that() -> None:
    lull, socket, clock = _lull(1.0)
    socket.bytes = BUFFER_BYTES // 2
    for _ in range(10):
        _packet(lull, clock)
    halved = [LONGEST_S / 2**times for times in range(10)]
    tried = [waited_s for waited_s in halved if waited_s >= SHORTEST_S]
    assert clock.waits == tried
    socket.bytes = 0
    _packet(lull, clock, AGAIN_S)
    _packet(lull, clock)
    assert len(clock.waits) == len(tried) + 2
    assert SHORTEST_S <= clock.waits[-2] < clock.waits[-1]


def test_without_a_socket_of_its_own_it_never_sleeps() -> None:
    lull, socket, clock = _lull(1.0)
    socket.open = False
    _packet(lull, clock)
    assert clock.waits == []


def test_what_is_needed_now_ends_a_lull_at_once() -> None:
    from vigilar_common.clock import SystemClock

    lull = Lull(Socket(), SystemClock())
    lull.needless_s = lambda: (lull.end(), 1.0)[1]  # type: ignore[func-returns-value]
    lull._most_s = 600.0
    reader = threading.Thread(target=lull.maybe, daemon=True)
    reader.start()
    reader.join(20)
    assert not reader.is_alive()
