"""Live parts: only while leased, playable from the first byte, without a hole."""

from __future__ import annotations

import io

import av
import camera_media as media
from vigilar_camera_worker.domain.nal import ParameterSets, parameter_sets
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.live import Live
from vigilar_common.testing import FakeBus, FakeClock, Published
from vigilar_common.topics import LIVE


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus(self.clock)
        self.ring = PacketRing(5)
        self.live = Live(self.bus, "front", self.ring, self.clock)
        self.live.stream_started(media.stream_format())

    def feed(self, first: int, count: int) -> None:
        for packet in media.video(first, count):
            self.ring.push(packet)
            self.live.feed(packet)

    @property
    def parts(self) -> list[Published]:
        return [item for item in self.bus.published if item.topic is LIVE]


def decoded(parts: list[Published]) -> int:
    with av.open(io.BytesIO(b"".join(part.payload for part in parts)), mode="r") as container:
        return len(list(container.decode(video=0)))


def test_without_a_lease_nothing_is_sent() -> None:
    bench = Bench()
    bench.feed(0, 30)
    assert bench.parts == []


def test_the_first_lease_brings_init_and_the_gop_at_once_and_then_every_frame() -> None:
    bench = Bench()
    bench.feed(0, 26)
    bench.live.lease(6, fresh=False)
    init, gop = bench.parts
    assert init.properties == {
        "kind": "init",
        "seq": "0",
        "key": "0",
        "codec": 'video/mp4; codecs="avc1.42c00b"',
    }
    assert (gop.properties["kind"], gop.properties["key"]) == ("part", "1")
    assert decoded([init, gop]) == 5, "frames 20 to 24; a frame comes out with the next one"
    bench.feed(26, 14)
    assert decoded(bench.parts) == 19
    assert [part.properties["key"] for part in bench.parts[2:]] == [
        "1" if n == 30 else "0" for n in range(25, 39)
    ]
    assert [int(part.properties["seq"]) for part in bench.parts] == list(range(len(bench.parts)))


def test_a_lease_that_is_not_renewed_ends_and_the_next_one_starts_with_init() -> None:
    bench = Bench()
    bench.feed(0, 15)
    bench.live.lease(2, fresh=False)
    bench.clock.advance(3)
    before = len(bench.parts)
    bench.feed(15, 10)
    assert len(bench.parts) == before
    bench.live.lease(2, fresh=False)
    assert bench.parts[before].properties["kind"] == "init"
    assert decoded(bench.parts[before:]) >= 4


def test_a_fresh_viewer_gets_init_and_gop_again_and_seq_goes_on() -> None:
    bench = Bench()
    bench.feed(0, 15)
    bench.live.lease(6, fresh=False)
    bench.live.lease(6, fresh=False)
    assert [part.properties["kind"] for part in bench.parts] == ["init", "part"]
    bench.live.lease(6, fresh=True)
    assert [part.properties["kind"] for part in bench.parts] == ["init", "part", "init", "part"]
    assert [part.properties["seq"] for part in bench.parts] == ["0", "1", "2", "3"]
    assert decoded(bench.parts[2:]) == 4


def test_a_lease_before_any_picture_starts_with_the_first_keyframe() -> None:
    bench = Bench()
    bench.live.lease(6, fresh=True)
    assert bench.parts == []
    bench.feed(0, 10)
    assert bench.parts[0].properties["kind"] == "init"
    assert decoded(bench.parts) == 9


def test_other_parameters_bring_a_new_init() -> None:
    bench = Bench()
    bench.feed(0, 15)
    bench.live.lease(6, fresh=False)
    bench.ring.clear()
    bench.live.stream_started(media.stream_format("hevc"))
    for packet in media.video(20, 12, "hevc"):
        bench.ring.push(packet)
        bench.live.feed(packet)
    second = [part for part in bench.parts if part.properties["kind"] == "init"][1]
    assert "hvc1." in second.properties["codec"]


def test_parameter_sets_that_are_repeated_before_every_slice_are_no_other_format() -> None:
    keyframe = media.access_units()[0][0]
    known = ParameterSets("h264", parameter_sets(keyframe, "h264"))
    assert known.take(parameter_sets(keyframe, "h264") + keyframe)[1] is False
    assert known.take(keyframe)[1] is False
