"""Live pictures: the GOP in memory, holes, slow viewers, leases, HLS."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import pytest
from vigilar_common import topics
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.testing import FakeClock
from vigilar_web.live import relay as relay_module
from vigilar_web.live.hls import IDLE_S, KEPT_SEGMENTS
from vigilar_web.live.relay import Relay
from vigilar_web.live.viewer import MAX_BEHIND_S, Viewer

CODEC = 'video/mp4; codecs="avc1.64001f"'
HEAD = {"codec": CODEC, "stream": "main"}
KEY = ("front", "main")
LOOP = asyncio.new_event_loop()
"""A viewer belongs to one loop for its whole life."""


def box(name: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), name) + body


def init_segment(timescale: int = 1000) -> bytes:
    tkhd = box(b"tkhd", bytes(12) + struct.pack(">I", 1) + bytes(68))
    mdhd = box(b"mdhd", bytes(12) + struct.pack(">I", timescale) + bytes(8))
    hdlr = box(b"hdlr", bytes(8) + b"vide" + bytes(13))
    avc1 = box(b"avc1", bytes(78), box(b"avcC", b"\x01\x64\x00\x1f"))
    stsd = box(b"stsd", bytes(4) + struct.pack(">I", 1), avc1)
    trak = box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", box(b"stbl", stsd))))
    trex = box(b"trex", bytes(4) + struct.pack(">IIIII", 1, 1, 0, 0, 0))
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", trak, box(b"mvex", trex))


def part(time_ms: int, duration_ms: int, key: bool, payload: bytes = b"x" * 50) -> bytes:
    tfhd = box(b"tfhd", struct.pack(">II", 0x020000, 1))
    tfdt = box(b"tfdt", struct.pack(">IQ", 0x01000000, time_ms))
    flags = 0x02000000 if key else 0x01010000
    trun = box(
        b"trun", struct.pack(">IIIII", 0x000701, 1, 0, duration_ms, len(payload)) + struct.pack(">I", flags)
    )
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, tfdt, trun)) + box(b"mdat", payload)


def drain(viewer: Viewer) -> list[Any]:
    """Everything that waits; texts as objects."""

    async def collect() -> list[Any]:
        got = []
        while (item := await viewer.next(0.001)) is not None:
            got.append(json.loads(item) if isinstance(item, str) else item)
        return got

    return LOOP.run_until_complete(collect())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def relay() -> Relay:
    relay = Relay("front/main")
    relay.take_init(0, CODEC, b"init")
    relay.take_part(1, True, b"k1")
    relay.take_part(2, False, b"p2")
    return relay


def test_a_new_viewer_gets_codec_init_and_the_current_gop_at_once(relay: Relay, clock: FakeClock) -> None:
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    assert drain(viewer) == [HEAD, b"init", b"k1", b"p2"]
    relay.take_part(3, False, b"p3")
    relay.take_part(4, True, b"k4")
    assert drain(viewer) == [b"p3", b"k4"]
    late = Viewer(clock, KEY)
    relay.join(late)
    assert drain(late) == [HEAD, b"init", b"k4"], "only the current GOP is kept"


def test_bare_codec_names_become_a_mime_type(clock: FakeClock) -> None:
    relay = Relay("r")
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    relay.take_init(0, "avc1.64001f", b"init")
    relay.take_part(1, True, b"k")
    assert drain(viewer)[0] == HEAD


def test_a_hole_is_never_shown_the_viewer_skips_to_the_next_keyframe(relay: Relay, clock: FakeClock) -> None:
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    drain(viewer)
    relay.take_part(4, False, b"after the hole")
    relay.take_part(5, False, b"p5")
    assert drain(viewer) == []
    late = Viewer(clock, KEY)
    relay.join(late)
    assert drain(late) == [], "a GOP with a hole is given to nobody"
    relay.take_part(6, True, b"k6")
    assert drain(viewer) == [{"skip": True}, b"init", b"k6"]
    assert drain(late) == [HEAD, b"init", b"k6"]
    assert relay.holes == 1


def test_a_hole_right_before_a_keyframe_is_a_skip_too(relay: Relay, clock: FakeClock) -> None:
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    drain(viewer)
    relay.take_part(9, True, b"k9")
    assert drain(viewer) == [{"skip": True}, b"init", b"k9"]


def test_a_restarted_stream_brings_its_new_init_and_codec(relay: Relay, clock: FakeClock) -> None:
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    drain(viewer)
    hevc = 'video/mp4; codecs="hvc1.1.6.L93.B0"'
    relay.take_init(0, hevc, b"init2")
    relay.take_part(1, True, b"k1")
    assert drain(viewer) == [{"skip": True}, {"codec": hevc, "stream": "main"}, b"init2", b"k1"]
    relay.take_init(2, hevc, b"init2")
    relay.take_part(3, True, b"k3")
    assert drain(viewer) == [{"skip": True}, b"init2", b"k3"], "the same init again still is a new timeline"


def test_parts_before_any_init_or_keyframe_are_not_shown(clock: FakeClock) -> None:
    relay = Relay("r")
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    relay.take_part(7, True, b"k")
    relay.take_init(8, CODEC, b"init")
    relay.take_part(9, False, b"p")
    assert drain(viewer) == []
    assert relay.dropped == 2


def test_a_viewer_two_seconds_behind_skips_to_the_next_keyframe(relay: Relay, clock: FakeClock) -> None:
    slow, quick = Viewer(clock, KEY), Viewer(clock, KEY)
    relay.join(slow)
    relay.join(quick)
    drain(quick)
    clock.advance(MAX_BEHIND_S + 0.1)
    relay.take_part(3, False, b"p3")
    relay.take_part(4, False, b"p4")
    assert drain(quick) == [b"p3", b"p4"], "one slow viewer costs the others nothing"
    assert drain(slow) == []
    relay.take_part(5, True, b"k5")
    # Its first text never left the queue, so it comes now.
    assert drain(slow) == [{"skip": True}, HEAD, b"init", b"k5"]
    assert slow.skips == 1


def test_a_very_long_gop_is_relayed_but_not_kept(relay: Relay, clock: FakeClock, monkeypatch: Any) -> None:
    monkeypatch.setattr(relay_module, "MAX_GOP_BYTES", 10)
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    drain(viewer)
    relay.take_part(3, True, b"k" * 8)
    relay.take_part(4, False, b"p" * 8)
    relay.take_part(5, False, b"q" * 8)
    assert drain(viewer) == [b"k" * 8, b"p" * 8, b"q" * 8]
    assert relay.gop == []
    relay.take_part(6, True, b"k6")
    assert relay.gop == [b"k6"]


def test_the_state_of_the_camera_overtakes_the_pictures(relay: Relay, clock: FakeClock) -> None:
    viewer = Viewer(clock, KEY)
    relay.join(viewer)
    relay.tell('{"state": "one"}')
    relay.tell('{"state": "two"}')
    assert drain(viewer)[0] == {"state": "two"}


# -- the hub --------------------------------------------------------------------------------------------


def leases(web: Any) -> list[tuple[str, bool]]:
    return [
        (f"{p.ids['camera_id']}/{p.message.stream}", p.message.fresh)
        for p in web.bus.published
        if p.topic is topics.CMD_LIVE
    ]


def send_part(web: Any, kind: str, seq: int, payload: bytes, key: bool = False, stream: str = "main") -> None:
    properties = {"kind": kind, "seq": str(seq), "key": str(int(key)), "codec": CODEC}
    web.bus.deliver(topics.LIVE, payload=payload, properties=properties, camera_id="front", stream=stream)
    web.settle()


def test_one_lease_per_camera_while_anybody_watches_and_none_after(web: Any) -> None:
    async def scene() -> None:
        keeper = asyncio.create_task(web.parts.live.keep_leases())
        await asyncio.sleep(0.05)
        assert leases(web) == [], "nobody watches: nothing is asked for"
        first = web.parts.live.join("front", "main")
        second = web.parts.live.join("front", "main")
        await asyncio.sleep(0.1)
        assert leases(web) == [("front/main", True)]
        assert web.bus.published[0].message.lease_s == 6
        assert web.bus.published[0].ids["sender"] == "web"
        web.parts.live.leave(first)
        assert web.parts.live.watched == ["front/main"]
        web.parts.live.leave(second)
        assert web.parts.live.watched == []
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)

    web.run(scene())


def test_what_nobody_watches_is_not_kept_and_nonsense_is_counted(web: Any) -> None:
    send_part(web, "init", 0, b"init")
    assert web.parts.live.counters.unwatched == 1
    viewer = web.parts.live.join("front", "main")
    for properties in ({}, {"kind": "part"}, {"kind": "part", "seq": "-1"}, {"kind": "x", "seq": "1"}):
        web.bus.deliver(topics.LIVE, payload=b"z", properties=properties, camera_id="front", stream="main")
    assert web.parts.live.counters.malformed == 4
    send_part(web, "init", 0, b"init")
    send_part(web, "part", 1, b"k", key=True)
    web.parts.live.leave(viewer)
    again = web.parts.live.join("front", "main")
    assert drain(again) == [], "memory is freed with the last viewer"


def test_viewers_of_a_sub_stream_that_never_comes_get_the_main_one(web: Any) -> None:
    async def scene() -> None:
        keeper = asyncio.create_task(web.parts.live.keep_leases())
        viewer = web.parts.live.join("front", "sub")
        await asyncio.sleep(0.05)
        web.clock.advance(4)
        other = web.parts.live.join("yard", "main")  # wakes the keeper before its two seconds are over
        await asyncio.sleep(0.1)
        assert viewer.key == ("front", "main")
        assert "front/sub" not in web.parts.live.watched
        assert ("front/main", True) in leases(web)
        web.parts.live.leave(viewer)
        web.parts.live.leave(other)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)

    web.run(scene())


def test_the_number_of_viewers_is_bounded(web: Any, monkeypatch: Any) -> None:
    from vigilar_web.errors import ApiError

    monkeypatch.setattr("vigilar_web.live.hub.MAX_VIEWERS", 1)
    web.parts.live.join("front", "main")
    with pytest.raises(ApiError, match="live pictures are open"):
        web.parts.live.join("yard", "main")


def test_viewers_hear_when_the_camera_goes_and_not_every_score(web: Any) -> None:
    viewer = web.parts.live.join("front", "main")
    heard = []
    for condition, score in (
        ("online", 0.1),
        ("online", 0.2),
        ("offline", 0.0),
        ("online", 0.3),
        ("online", 0.4),
    ):
        state = CameraState(camera_id="front", condition=CameraCondition(condition), motion_score=score)
        web.bus.deliver(topics.CAMERA_STATE, state, camera_id="front")
        web.settle()
        heard += [text["state"]["condition"] for text in drain(viewer)]
    assert heard == ["online", "offline", "online"]


# -- HLS ------------------------------------------------------------------------------------------------


def feed(web: Any, first_seq: int, gops: int, start_ms: int = 0, init: bytes = b"") -> int:
    """A stream with a keyframe a second and four parts in it; returns the next sequence number."""
    seq = first_seq
    if init:
        send_part(web, "init", seq, init)
        seq += 1
    for number in range(gops * 4):
        time_ms = start_ms + number * 250
        send_part(web, "part", seq, part(time_ms, 250, number % 4 == 0), key=number % 4 == 0)
        seq += 1
    return seq


def playlist(web: Any) -> Any:
    return web.get("/hls/front/index.m3u8")


def start_hls(web: Any, gops: int = 3) -> int:
    """Ask for the playlist and let the camera send while the request waits."""
    seq = 0

    async def scene() -> None:
        nonlocal seq
        asked = asyncio.create_task(web.client.get("/hls/front/index.m3u8"))
        await web.until(lambda: web.parts.live.watched)
        for number, payload in enumerate(
            [init_segment()] + [part(n * 250, 250, n % 4 == 0) for n in range(gops * 4)]
        ):
            kind, key = ("init", "0") if number == 0 else ("part", "1" if number % 4 == 1 else "0")
            properties = {"kind": kind, "seq": str(number), "key": key, "codec": CODEC}
            web.bus.deliver(
                topics.LIVE, payload=payload, properties=properties, camera_id="front", stream="main"
            )
            seq = number + 1
        response = await asyncio.wait_for(asked, 5)
        assert response.status_code == 200

    web.run(scene())
    return seq


def wait_for_files(web: Any) -> None:
    web.parts.hls._thread.submit(lambda: None).result(5)
    web.settle()


def test_asking_for_hls_starts_it_and_its_segments_are_exact_and_whole(home: Any) -> None:
    start_hls(home, gops=3)
    wait_for_files(home)
    response = playlist(home)
    assert response.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    assert response.headers["cache-control"] == "no-store"
    lines = response.text.splitlines()
    names = [line for line in lines if line.endswith(".m4s")]
    assert len(names) == 2, "the third GOP still grows"
    assert lines.count("#EXTINF:1.000,") == 2
    assert "#EXT-X-DISCONTINUITY" not in lines
    map_name = next(line for line in lines if line.startswith("#EXT-X-MAP")).split('"')[1]
    assert home.get(f"/hls/front/{map_name}").content == init_segment()
    segment = home.get(f"/hls/front/{names[0]}")
    assert segment.content == b"".join(part(n * 250, 250, n == 0) for n in range(4))
    assert segment.headers["content-type"] == "video/iso.segment"


def test_hls_keeps_few_files_and_numbers_go_up(home: Any) -> None:
    seq = start_hls(home)
    feed(home, seq, 20, start_ms=3_000)
    wait_for_files(home)
    text = playlist(home).text
    shown = [line for line in text.splitlines() if line.endswith(".m4s")]
    assert len(shown) == KEPT_SEGMENTS
    assert f"#EXT-X-MEDIA-SEQUENCE:{shown[0].split('-')[1].split('.')[0]}" in text
    wait_for_files(home)
    files = list((home.folder / "hls" / "front").iterdir())
    assert len(files) <= KEPT_SEGMENTS + 5
    assert not [file for file in files if file.suffix == ".tmp"]


def test_hls_marks_a_hole_as_a_discontinuity(home: Any) -> None:
    seq = start_hls(home)
    feed(home, seq + 5, 3, start_ms=9_000)
    wait_for_files(home)
    assert playlist(home).text.count("#EXT-X-DISCONTINUITY\n") == 1


def test_hls_stops_after_thirty_idle_seconds_and_leaves_nothing(home: Any) -> None:
    start_hls(home)
    foreign = home.folder / "hls" / "front" / "somebody-elses.txt"
    foreign.write_text("keep")
    home.clock.advance(IDLE_S - 1)
    home.parts.hls.stop_idle()
    assert home.parts.hls.running == ["front"]
    home.clock.advance(2)
    home.parts.hls.stop_idle()
    assert home.parts.hls.running == []
    assert home.parts.live.watched == []
    wait_for_files(home)
    assert list((home.folder / "hls" / "front").iterdir()) == [foreign]


def test_hls_of_a_silent_camera_says_so(home: Any, error: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilar_web.live.hls.FIRST_SEGMENT_S", 0.05)
    response = playlist(home)
    assert response.status_code == 503
    assert error(response) == "camera_silent"


def test_hls_that_cannot_be_written_says_so(home: Any, error: Any) -> None:
    (home.folder / "hls").write_text("a file where the folder should be")

    async def scene() -> Any:
        asked = asyncio.create_task(home.client.get("/hls/front/index.m3u8"))
        await home.until(lambda: home.parts.live.watched)
        for number in range(3):
            kind = "init" if number == 0 else "part"
            payload = init_segment() if number == 0 else part(number * 1000, 1000, True)
            properties = {"kind": kind, "seq": str(number), "key": "1", "codec": CODEC}
            home.bus.deliver(
                topics.LIVE, payload=payload, properties=properties, camera_id="front", stream="main"
            )
        return await asyncio.wait_for(asked, 5)

    response = home.run(scene())
    assert response.status_code == 503
    assert error(response) == "hls_failed"


def test_parts_that_are_no_mp4_do_not_break_hls_for_good(home: Any) -> None:
    seq = start_hls(home)
    send_part(home, "part", seq, b"\x00\x00\x00\x02rubbish", key=True)
    feed(home, seq + 1, 3, start_ms=9_000)
    wait_for_files(home)
    assert playlist(home).text.count(".m4s") >= 4
