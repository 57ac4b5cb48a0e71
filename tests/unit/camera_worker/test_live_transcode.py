"""Profiles made on demand: their size, rate and bit rate, one thread for all viewers, nothing when nobody watches."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import camera_media as media
import numpy as np
import pytest
from patience import wait_until
from vigilar_camera_worker.adapters.fmp4 import StreamFormat, read_format
from vigilar_camera_worker.adapters.transcode import Encoded, Profile, TranscodeError, Transcoder
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.live_source import LiveSource
from vigilar_camera_worker.live_streams import LiveStreams
from vigilar_camera_worker.live_transcode import MAX_BEHIND_S, Inbox
from vigilar_camera_worker.report import Report
from vigilar_common.config.web import Remote
from vigilar_common.messages.camera import LiveLease, LiveStream
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts, Published
from vigilar_common.topics import CAMERA_STATE, CMD_SNAPSHOT, LIVE, PICTURE

SMALL = Profile(160, 160, 5, 100)


def wait_for(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, 10, what, 0.005)


def all_of(transcoder: Transcoder, packets: list[Packet], **options: Any) -> list[Encoded]:
    return list(itertools.chain.from_iterable(transcoder.feed(packet, **options) for packet in packets))


# -- the transcoder itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ((1920, 1080), (426, 240)),
        ((2560, 1440), (426, 240)),
        ((640, 480), (320, 240)),
        ((320, 180), (320, 180)),
        ((480, 854), (134, 240)),
        ((9, 7), (8, 6)),
        ((16000, 2), (426, 2)),
    ],
)
def test_a_picture_keeps_its_shape_is_never_enlarged_and_has_even_sides(
    source: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert Profile(426, 240, 10, 500).size_for(*source) == wanted


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_pictures_come_out_smaller_rarer_and_as_h264(codec: str) -> None:
    transcoder = Transcoder(media.stream_format(codec), SMALL)
    made = all_of(transcoder, media.video(0, 40, codec))
    assert len(made) == pytest.approx(20, abs=1), "five of ten a second"
    assert made[0].key
    stamps = [picture.pts for picture in made]
    assert stamps == sorted(set(stamps))
    with av.open(io.BytesIO(b"".join(picture.data for picture in made)), "r", format="h264") as container:
        sizes = {(frame.width, frame.height) for frame in container.decode(video=0)}
    assert sizes == {(160, 120)}
    assert transcoder.errors == 0


def test_a_slow_viewer_finds_a_keyframe_every_two_seconds() -> None:
    made = all_of(Transcoder(media.stream_format(), SMALL), media.video(0, 100))
    keys = [picture.pts / TICKS_PER_S for picture in made if picture.key]
    assert len(keys) >= 5
    assert max(later - earlier for earlier, later in itertools.pairwise(keys)) <= 2.2


def noise() -> tuple[StreamFormat, list[Packet]]:
    """Six seconds of the worst: every picture is other noise."""
    random = np.random.default_rng(1)
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10", "crf": "30"}
    units = []
    for index in range(60):
        frame = av.VideoFrame.from_ndarray(random.integers(16, 235, (360, 320), np.uint8), "yuv420p")
        frame.pts = index
        units += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    wanted = read_format(media.STREAM_ID, "h264", units[0][0], parameter_sets(units[0][0], "h264"), None)
    packets = [
        Packet(n, True, key, n * media.STEP, n * media.STEP, media.STEP, 0, data)
        for n, (data, key) in enumerate(units)
    ]
    return wanted, packets


def test_the_bit_rate_is_kept_whatever_the_camera_shows() -> None:
    wanted, packets = noise()
    made = all_of(Transcoder(wanted, Profile(320, 240, 10, 200)), packets)
    kbps = sum(len(picture.data) for picture in made) * 8 / 6 / 1000
    assert kbps <= 200 * 1.25, "one second of buffer over six seconds"
    for start in range(0, 40, 10):
        window = sum(len(picture.data) for picture in made[start : start + 20]) * 8 / 2 / 1000
        assert window <= 200 * 1.6


def test_a_jpeg_profile_gives_pictures_one_by_one() -> None:
    made = all_of(Transcoder(media.stream_format(), Profile(160, 160, 2)), media.video(0, 20))
    assert 4 <= len(made) <= 5
    assert all(picture.data.startswith(b"\xff\xd8\xff") and picture.key for picture in made)


def test_damage_costs_the_rest_of_the_gop_and_is_counted() -> None:
    transcoder = Transcoder(media.stream_format(), SMALL)
    packets = media.video(0, 30)
    torn = Packet(
        3, True, False, 3 * media.STEP, 3 * media.STEP, media.STEP, 0, b"\0\0\0\1\x41" + b"\xff" * 40
    )
    made = all_of(transcoder, [*packets[:3], torn, *packets[4:]])
    assert transcoder.errors
    assert made[-1].pts >= 25 * media.STEP, "it went on"


def test_while_newer_packets_wait_pictures_are_decoded_but_not_encoded() -> None:
    transcoder = Transcoder(media.stream_format(), SMALL)
    assert all_of(transcoder, media.video(0, 9), show=False) == []
    assert len(all_of(transcoder, media.video(9, 1))) == 1, "it needs the nine before it"


# -- what waits for it ------------------------------------------------------------------------------


def test_who_is_two_seconds_behind_goes_on_with_the_next_keyframe() -> None:
    clock = FakeClock()
    inbox = Inbox(clock)
    inbox.stream_started(media.stream_format())
    for packet in media.video(0, 5):
        inbox.feed(packet)
    clock.advance(MAX_BEHIND_S + 0.1)
    for packet in media.video(5, 8):
        inbox.feed(packet)
    assert isinstance(inbox.take(0), StreamFormat)
    first = inbox.take(0)
    assert isinstance(first, Packet)
    assert (first.number, first.key) == (10, True)
    assert inbox.skips == 1


def test_a_packet_that_came_with_the_gop_is_not_taken_twice() -> None:
    inbox = Inbox(FakeClock())
    inbox.stream_started(media.stream_format())
    (packet,) = media.video(0, 1)
    inbox.feed(packet)
    inbox.feed(packet)
    assert inbox.waiting == 2, "the format and one packet"


def test_the_end_of_the_stream_is_told_after_what_came_before_it() -> None:
    inbox = Inbox(FakeClock())
    inbox.stream_started(media.stream_format())
    inbox.interrupted()
    assert isinstance(inbox.take(0), StreamFormat)
    with pytest.raises(EOFError):
        inbox.take(0)


# -- all that can be watched ------------------------------------------------------------------------


class House:
    """A camera that is fed packet by packet."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus(self.clock)
        self.ring = PacketRing(5)
        self.report = Report(self.bus, FakeFacts(self.clock), "front", self.clock)  # type: ignore[arg-type]
        self.remote = Remote(enabled=True, remote_hls_resolution=(160, 120), remote_hls_fps=5)
        self.streams = LiveStreams(self.bus, "front", self.ring, self.remote, self.report, self.clock)

    def main(self, first: int, count: int) -> None:
        for packet in media.video(first, count):
            self.ring.push(packet)
            self.streams.main.feed(packet)

    def lease(self, stream: LiveStream, fresh: bool = True) -> None:
        self.streams.lease(LiveLease(stream=stream, fresh=fresh))

    def parts(self, stream: str) -> list[Published]:
        return [p for p in list(self.bus.published) if p.topic is LIVE and p.ids["stream"] == stream]

    def count(self, name: str) -> int:
        return next(counters[name] for counters in self.streams.counters if name in counters)


@pytest.fixture(name="house")
def _house() -> Iterator[House]:
    made = House()
    made.streams.main.stream_started(media.stream_format())
    yield made
    made.streams.stop(5)


@pytest.mark.parametrize("stream", list(LiveStream))
def test_nothing_is_sent_of_a_stream_that_nobody_watches(house: House, stream: LiveStream) -> None:
    house.main(0, 20)
    house.streams.sub.stream_started(media.stream_format())
    for packet in media.video(0, 20):
        house.streams.sub.feed(packet)
    assert house.bus.published == []
    assert house.streams.transcodes == 0
    house.lease(stream)
    wait_for(lambda: house.parts(stream.value), "it is watched")
    house.clock.advance(30)
    wait_for(lambda: house.streams.transcodes == 0, "the thread is over")
    sent = len(house.bus.published)
    house.main(20, 20)
    for packet in media.video(20, 20):
        house.streams.sub.feed(packet)
    assert len(house.bus.published) == sent


def test_the_sub_stream_is_a_copy_of_the_packets_that_its_reader_feeds(house: House) -> None:
    house.streams.sub.stream_started(media.stream_format())
    house.lease(LiveStream.SUB)
    for packet in media.video(0, 12):
        house.streams.sub.feed(packet)
    parts = house.parts("sub")
    assert [part.properties["kind"] for part in parts[:2]] == ["init", "part"]
    with av.open(io.BytesIO(b"".join(part.payload for part in parts)), mode="r") as container:
        assert len(list(container.decode(video=0))) == 11
    assert house.parts("main") == []


def test_the_state_says_whether_the_sub_stream_can_be_watched(house: House) -> None:
    def state() -> Any:
        told: Any = house.bus.states[CAMERA_STATE.path(camera_id="front")]
        return told.sub_online

    house.streams.sub.stream_started(media.stream_format())
    assert state() is True
    house.streams.sub.interrupted()
    assert state() is False


def test_two_viewers_share_one_transcode_and_the_second_starts_at_once(house: House) -> None:
    house.main(0, 5)
    house.lease(LiveStream.REMOTE)
    wait_for(lambda: house.parts("remote"), "the first picture")
    house.main(5, 20)
    wait_for(lambda: len(house.parts("remote")) >= 4, "some more")
    house.lease(LiveStream.REMOTE, fresh=True)
    kinds = [part.properties["kind"] for part in house.parts("remote")]
    assert kinds.count("init") == 2
    assert house.streams.transcodes == 1
    assert house.count("transcode_remote_starts") == 1
    house.main(25, 10)
    wait_for(lambda: house.count("transcode_remote_frames") >= 4, "pictures are counted")
    seqs = [int(part.properties["seq"]) for part in house.parts("remote")]
    assert seqs == list(range(len(seqs)))
    codec = house.parts("remote")[0].properties["codec"]
    assert codec.startswith('video/mp4; codecs="avc1.4d')


def test_an_h265_camera_is_given_as_h264(house: House) -> None:
    house.streams.main.interrupted()
    house.ring.clear()
    house.streams.main.stream_started(media.stream_format("hevc"))
    house.lease(LiveStream.H264)
    for packet in media.video(0, 20, "hevc"):
        house.ring.push(packet)
        house.streams.main.feed(packet)
    wait_for(lambda: len(house.parts("h264")) >= 3, "parts")
    assert "avc1." in house.parts("h264")[0].properties["codec"]


def test_a_stream_that_breaks_and_returns_brings_a_new_init_to_its_viewers(house: House) -> None:
    house.main(0, 10)
    house.lease(LiveStream.REMOTE)
    wait_for(lambda: house.parts("remote"), "the first picture")
    house.streams.main.interrupted()
    house.ring.clear()
    house.streams.main.stream_started(media.stream_format())
    house.main(30, 20)
    wait_for(lambda: [p.properties["kind"] for p in house.parts("remote")].count("init") == 2, "a new init")


def test_single_pictures_come_at_most_five_a_second(house: House) -> None:
    house.main(0, 1)
    house.lease(LiveStream.JPEG)
    wait_for(lambda: len(house.parts("jpeg")) == 2, "the marker and the first picture")
    marker, first = house.parts("jpeg")
    assert (marker.properties["kind"], marker.properties["codec"]) == ("init", "image/jpeg")
    assert first.payload.startswith(b"\xff\xd8\xff")
    house.lease(LiveStream.JPEG, fresh=True)
    assert [p.properties["kind"] for p in house.parts("jpeg")[2:]] == ["init", "part"], "the newest, at once"


def test_a_picture_that_is_too_large_is_not_decoded() -> None:
    with pytest.raises(TranscodeError, match="7680×4320 pixels are too large"):
        Transcoder(replace(media.stream_format(), width_px=7680, height_px=4320), SMALL)


def test_after_crashes_of_the_decoder_there_are_copies_only() -> None:
    house = House()
    streams = LiveStreams(
        house.bus, "front", house.ring, house.remote, house.report, house.clock, unseen="it crashed too often"
    )
    house.streams = streams
    streams.main.stream_started(media.stream_format())
    house.main(0, 5)
    for stream in LiveStream:
        house.lease(stream)
    assert {part.ids["stream"] for part in house.bus.published} == {"main"}
    assert streams.transcodes == 0
    assert ask(house)[0]["message"] == "it crashed too often"


# -- snapshots --------------------------------------------------------------------------------------


def ask(house: House, **options: Any) -> list[dict[str, Any]]:
    from vigilar_common.incoming import Received
    from vigilar_common.messages import Reply
    from vigilar_common.messages.camera import TakeSnapshot

    replies: list[Reply] = []
    message = TakeSnapshot(**options)
    house.streams.snapshots.asked(
        Received(CMD_SNAPSHOT, {"camera_id": "front"}, message, b"", {}, False, replies.append)
    )
    wait_for(lambda: replies, "an answer")
    return [reply.model_dump() for reply in replies]


def test_a_snapshot_shows_the_newest_frame_and_not_the_keyframe(house: House) -> None:
    house.main(0, 18)
    (reply,) = ask(house, max_width_px=160)
    (picture,) = [p for p in house.bus.published if p.topic is PICTURE]
    assert reply["ok"] is True
    assert picture.properties["picture_id"] == reply["data"]["picture_id"]
    assert picture.properties["width_px"] == "160"
    assert int(picture.properties["ts_ms"]) == media.video(17, 1)[0].wall_ms == reply["data"]["taken_ms"]
    assert picture.payload.startswith(b"\xff\xd8\xff")


def test_at_most_one_snapshot_a_second_is_made_whoever_asks(house: House) -> None:
    house.main(0, 5)
    first = ask(house)[0]["data"]
    assert ask(house)[0]["data"] == first
    assert house.count("snapshots_made") == 1
    house.clock.advance(1.1)
    assert ask(house)[0]["data"] != first


def test_a_camera_without_a_picture_says_so(house: House) -> None:
    (reply,) = ask(house)
    assert (reply["ok"], reply["code"]) == (False, "no_picture")
    assert "sends no picture" in reply["message"]


def test_a_source_keeps_the_current_gop_of_a_reader_without_a_ring() -> None:
    source = LiveSource()
    source.stream_started(media.stream_format())
    for packet in media.video(0, 25):
        source.feed(packet)
    assert [packet.number for packet in source.ring.current_gop()] == [20, 21, 22, 23, 24]
    assert len(source.ring) == 5
