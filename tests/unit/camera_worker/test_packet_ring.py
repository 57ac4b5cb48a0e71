"""The ring of encoded packets: what a clip begins with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.ring import PacketRing


def packet(number: int, key: bool = False, size: int = 100, fps: int = 10, video: bool = True) -> Packet:
    dts = number * TICKS_PER_S // fps
    return Packet(number, video, key, dts, dts, TICKS_PER_S // fps, 0, bytes(size))


def filled(count: int, gop: int, keep_s: float) -> PacketRing:
    ring = PacketRing(keep_s)
    for number in range(1, count + 1):
        ring.push(packet(number, key=(number - 1) % gop == 0))
    return ring


def test_nothing_is_kept_before_the_first_keyframe() -> None:
    ring = PacketRing(5)
    assert not ring.push(packet(1))
    assert ring.push(packet(2, key=True))
    assert [p.number for p in ring.since(0)] == [2]


def test_it_reaches_back_to_a_keyframe_at_least_keep_s_ago() -> None:
    ring = filled(500, gop=20, keep_s=5)
    first, *_, last = ring.since(0)
    assert first.key
    assert 5 <= last.time_s - first.time_s < 5 + 2


def test_since_begins_with_the_last_keyframe_before_the_wanted_time() -> None:
    ring = filled(200, gop=10, keep_s=10)
    got = ring.since(15.55)
    assert got[0].key
    assert 14.55 < got[0].time_s <= 15.55
    assert [p.number for p in got] == list(range(got[0].number, 201))


def test_a_gop_longer_than_the_ring_is_kept_whole() -> None:
    ring = filled(300, gop=1000, keep_s=5)
    assert len(ring) == 300
    assert ring.current_gop()[0].number == 1


def test_above_its_bytes_the_oldest_gop_goes_and_is_counted() -> None:
    ring = PacketRing(1000, max_bytes=3000)
    for number in range(1, 101):
        ring.push(packet(number, key=(number - 1) % 10 == 0))
    assert ring.bytes <= 3000
    assert ring.short > 0
    assert ring.since(0)[0].key


def test_one_gop_larger_than_the_ring_goes_whole_and_the_next_keyframe_starts_anew() -> None:
    ring = PacketRing(5, max_bytes=1000)
    ring.push(packet(1, key=True))
    for number in range(2, 20):
        ring.push(packet(number))
    assert ring.overflows == 1
    assert ring.since(0) == []
    assert ring.push(packet(20, key=True))


def test_the_current_gop_is_what_a_new_viewer_needs() -> None:
    ring = filled(25, gop=10, keep_s=5)
    assert [p.number for p in ring.current_gop()] == [21, 22, 23, 24, 25]


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 400)), max_size=200),
    st.floats(0, 10),
    st.integers(200, 5000),
)
def test_whatever_comes_it_starts_with_a_keyframe_has_no_hole_and_keeps_its_bound(
    packets: list[tuple[bool, bool, int]], keep_s: float, max_bytes: int
) -> None:
    ring = PacketRing(keep_s, max_bytes)
    for number, (key, video, size) in enumerate(packets, 1):
        ring.push(packet(number, key and video, size, video=video))
        held = ring.since(-1)
        assert ring.bytes == sum(len(p.data) for p in held) <= max_bytes
        if held:
            assert held[0].key
            assert [p.number for p in held] == list(range(held[0].number, number + 1))
