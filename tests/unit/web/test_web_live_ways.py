"""Which stream somebody gets, who is refused and why, pictures of now, and single pictures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.requests import Request
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError
from vigilar_common.clock import uuid7
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.testing import FakeClock
from vigilar_web.errors import ApiError
from vigilar_web.live import hub
from vigilar_web.live.mjpeg import LatestPicture, framed
from vigilar_web.live.remote import HOLD_S, RemoteGate
from vigilar_web.routes.mjpeg import mjpeg
from vigilar_web.settings import RemoteSettings

JPEG = b"\xff\xd8\xff" + b"x" * 1_000
AT_HOME, OUTSIDE = "192.0.2.7", "10.99.0.9"
REMOTE = RemoteSettings(
    enabled=True,
    upload_bandwidth_mbps=2.0,
    width_px=426,
    height_px=240,
    fps=10,
    bitrate_kbps=500,
    max_viewers=2,
    tunnel_ip="10.99.0.2",
    networks=(ip_network("10.99.0.0/24"), ip_network("fd00::/64")),
)


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


def gate(clock: FakeClock, **changes: Any) -> RemoteGate:
    settings = replace(REMOTE, **changes)
    return RemoteGate(lambda: settings, clock)


def sub_stream(web: Any, online: bool) -> None:
    state = CameraState(camera_id="front", condition=CameraCondition.ONLINE, sub_online=online)
    web.bus.deliver(topics.CAMERA_STATE, state, camera_id="front")
    web.settle()


# -- through the tunnel -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        (OUTSIDE, True),
        ("::ffff:10.99.0.9", True),
        ("fd00::1", True),
        ("10.99.1.9", False),
        (AT_HOME, False),
        ("", False),
        ("testclient", False),
    ],
)
def test_the_network_of_the_client_decides(clock: FakeClock, address: str, remote: bool) -> None:
    assert gate(clock).is_remote(address) is remote
    assert gate(clock, enabled=False).is_remote(address) is False


def test_people_are_counted_and_not_their_pictures(clock: FakeClock) -> None:
    remote = gate(clock)
    mine = [remote.enter(OUTSIDE, "me") for _ in range(2)]
    yours = remote.enter(OUTSIDE, "you")
    assert (remote.people, remote.pictures) == (2, 3)
    with pytest.raises(ApiError, match="2 of at most 2 people are watching from outside already") as error:
        remote.enter(OUTSIDE, "she")
    assert error.value.code == "too_many_remote_viewers"
    assert remote.enter(AT_HOME, "she") is None, "at home nothing is limited"
    for ticket in mine:
        assert ticket is not None
        ticket.leave()
    assert remote.enter(OUTSIDE, "she") is not None
    assert yours is not None
    assert remote.refused == 1


def test_no_more_pictures_than_the_uplink_carries(clock: FakeClock) -> None:
    remote = gate(clock, max_viewers=0)
    for number in range(4):
        assert remote.enter(OUTSIDE, str(number)) is not None
    with pytest.raises(ApiError, match="uplink of 2 Mbit/s is used up by 4 remote pictures") as error:
        remote.enter(OUTSIDE, "one more")
    assert error.value.code == "remote_bandwidth"


def test_what_is_sent_waits_until_the_uplink_has_room(clock: FakeClock) -> None:
    remote = gate(clock)
    a_second = 2_000_000 // 8
    assert remote.spend(a_second) == 0, "a burst of a second is let through"
    assert remote.spend(a_second) == pytest.approx(1.0)
    clock.advance(5)
    assert remote.spend(a_second) == 0
    clock.advance(5)
    remote.spend(a_second)
    assert remote.item(OUTSIDE)["used_mbps"] == pytest.approx(a_second * 8 / 5 / 1e6, rel=0.5)
    assert remote.sent_bytes == 4 * a_second


def test_a_player_of_hls_keeps_its_place_while_it_asks_and_loses_it_after(clock: FakeClock) -> None:
    remote = gate(clock, max_viewers=1)
    first = remote.hold(OUTSIDE, "me", "front")
    clock.advance(HOLD_S - 1)
    assert remote.hold(OUTSIDE, "me", "front") is first
    clock.advance(HOLD_S - 1)
    remote.expire()
    with pytest.raises(ApiError, match="1 of at most 1 people"):
        remote.hold(OUTSIDE, "you", "front")
    clock.advance(2)
    remote.expire()
    assert remote.people == 0
    assert remote.hold(OUTSIDE, "you", "front") is not None


def test_the_page_is_told_what_a_remote_client_gets(home: Any) -> None:
    item = home.get("/api/v1/remote").json()
    assert item["you_are_remote"] is False
    assert item["enabled"] is False
    assert item["tunnel_ip"] == "10.99.0.2"
    assert item["tunnel_networks"] == ["10.99.0.0/24"]
    assert item["profile"] == {"width_px": 426, "height_px": 240, "fps": 10, "bitrate_kbps": 500}
    assert item["max_viewers"] == 4


def test_plain_hls_through_the_tunnel_is_the_remote_profile(home: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilar_web.live.hls.FIRST_SEGMENT_S", 0.05)
    home.change(remote=replace(REMOTE, networks=(ip_network("192.0.2.0/24"),)))
    assert home.get("/hls/front/index.m3u8").status_code == 503, "no camera is there"
    assert home.parts.live.watched == ["front/remote"]
    assert home.parts.hls.running == ["front/remote"]
    assert home.parts.remote.people == 1


# -- which stream -----------------------------------------------------------------------------------


def test_a_tile_gets_the_sub_stream_only_while_it_sends_pictures(web: Any) -> None:
    viewer = web.parts.live.join("front", "sub")
    assert viewer.key == ("front", "main")
    sub_stream(web, online=True)
    assert viewer.key == ("front", "sub")
    assert web.parts.live.watched == ["front/sub"]
    page = web.parts.live.join("front", "main")
    assert page.key == ("front", "main"), "a large view is never given the small picture"
    sub_stream(web, online=False)
    assert viewer.key == ("front", "main")
    assert web.parts.live.watched == ["front/main"]
    web.parts.live.leave(viewer)
    web.parts.live.leave(page)
    assert web.parts.live.watched == []


def test_a_dead_worker_has_no_sub_stream(web: Any) -> None:
    sub_stream(web, online=True)
    web.bus.deliver(topics.CAMERA_AVAILABLE, payload=b"offline", camera_id="front")
    web.settle()
    assert web.parts.live.join("front", "sub").key == ("front", "main")


def test_conversions_are_bounded_and_shared(web: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(hub.MAX_TRANSCODED, "h264", 1)
    web.parts.live.join("front", "h264")
    web.parts.live.join("front", "h264")
    with pytest.raises(ApiError, match="cameras are being converted already") as error:
        web.parts.live.join("yard", "h264")
    assert error.value.code == "too_many_transcodes"
    assert web.parts.live.counters.refused == 1


# -- pictures of now --------------------------------------------------------------------------------


class Worker:
    """Answers a snapshot command as a worker does: the picture first or last, or not at all."""

    def __init__(self, web: Any) -> None:
        self.web = web
        self.asked = 0
        self.refusal = ""
        web.bus.answers = self.answer

    def answer(self, topic: Any, message: Any, ids: Any) -> Reply:
        assert topic is topics.CMD_SNAPSHOT
        self.asked += 1
        if self.refusal:
            return Reply(ok=False, code="no_picture", message=self.refusal)
        picture_id, now_ms = uuid7(self.web.clock), self.web.clock.now_ms()
        properties = {"kind": "snapshot", "picture_id": picture_id, "ts_ms": str(now_ms)}
        self.web.bus.deliver(
            topics.PICTURE,
            payload=JPEG + bytes([self.asked]),
            properties=properties,
            camera_id=ids["camera_id"],
        )
        return Reply(ok=True, data={"picture_id": picture_id, "taken_ms": now_ms})


def test_a_snapshot_is_of_now_and_one_question_serves_all_who_ask(home: Any) -> None:
    worker = Worker(home)

    async def both() -> list[Any]:
        ask = home.client.get("/api/v1/cameras/front/snapshot.jpg")
        return list(await asyncio.gather(ask, home.client.get("/api/v1/cameras/front/snapshot.jpg")))

    first, second = home.run(both())
    assert first.content == second.content == JPEG + b"\x01"
    assert worker.asked == 1
    assert first.headers["last-modified"].endswith("GMT")
    assert home.get("/api/v1/cameras/front/snapshot.jpg").content == JPEG + b"\x01", "under a second old"
    home.clock.advance(1.5)
    assert home.get("/api/v1/cameras/front/snapshot.jpg?max_age_s=60").content == JPEG + b"\x01"
    assert home.get("/api/v1/cameras/front/snapshot.jpg").content == JPEG + b"\x02"


def test_a_camera_that_can_give_none_shows_its_last_picture_with_its_time(home: Any) -> None:
    worker = Worker(home)
    before = home.get("/api/v1/cameras/front/snapshot.jpg").headers["last-modified"]
    home.clock.advance(60)
    worker.refusal = "the camera sends no picture at the moment"
    again = home.get("/api/v1/cameras/front/snapshot.jpg")
    assert again.content == JPEG + b"\x01"
    assert again.headers["last-modified"] == before
    home.bus.connected = False
    assert home.get("/api/v1/cameras/front/snapshot.jpg").content == JPEG + b"\x01"
    assert home.parts.snapshots.failed == 2


@pytest.mark.parametrize("path", ["snapshot.jpg", "live.mjpeg"])
def test_pictures_need_a_session_and_a_camera_that_exists(web: Any, home: Any, path: str) -> None:
    stranger = home.browser()
    assert home.ask("GET", f"/api/v1/cameras/front/{path}", stranger).status_code == 401
    assert home.get(f"/api/v1/cameras/attic/{path}").status_code == 404


def test_an_unreasonable_age_is_refused(home: Any) -> None:
    for age in ("-1", "1e9", "nan", "x"):
        assert home.get(f"/api/v1/cameras/front/snapshot.jpg?max_age_s={age}").status_code == 422, age


# -- single pictures, one after the other -----------------------------------------------------------


def send_jpeg(web: Any, seq: int, payload: bytes) -> None:
    kind = "part" if payload else "init"
    properties = {"kind": kind, "seq": str(seq), "key": str(int(bool(payload))), "codec": "image/jpeg"}
    web.bus.deliver(topics.LIVE, payload=payload, properties=properties, camera_id="front", stream="jpeg")
    web.settle()


def watch_jpeg(web: Any, address: str = AT_HOME) -> Any:
    """The response object of the route; its body is read by the caller."""
    request = Request({"type": "http", "client": (address, 1), "headers": [], "method": "GET", "path": "/"})
    session = web.parts.sessions.find(web.parts.sessions.open("owner"))
    return web.run(mjpeg("front", request, web.parts, session))


def test_a_viewer_of_single_pictures_gets_the_newest_and_frees_its_place_when_it_leaves(web: Any) -> None:
    response = watch_jpeg(web)
    assert len(web.parts.mjpeg) == 1
    assert web.parts.live.watched == ["front/jpeg"]
    assert response.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
    for seq, payload in enumerate((b"", JPEG + b"1", JPEG + b"2")):
        send_jpeg(web, seq, payload)

    async def read() -> list[bytes]:
        chunks = response.body_iterator
        return [await anext(chunks), await anext(chunks)]

    start, picture = web.run(read())
    assert start.startswith(b"--")
    assert picture == framed(JPEG + b"2"), "the first one is old already"

    async def gone() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise OSError("the browser has gone")

        with pytest.raises(BaseException):  # noqa: B017 Starlette wraps it in its own way
            await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)

    web.run(gone())
    assert len(web.parts.mjpeg) == 0
    assert web.parts.live.watched == []


def test_viewers_of_single_pictures_are_bounded(web: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vigilar_web.live.mjpeg.MAX_VIEWERS", 1)
    web.change(remote=replace(REMOTE, networks=(ip_network("192.0.2.0/24"),)))
    watch_jpeg(web)
    assert web.parts.remote.pictures == 1
    with pytest.raises(ApiError, match="shown as stills already"):
        watch_jpeg(web)
    assert web.parts.remote.pictures == 1, "who is refused holds no place in the tunnel"


def test_the_newest_picture_is_taken_once(web: Any) -> None:
    async def scene() -> None:
        latest = LatestPicture()
        latest.push(b"1", True)
        latest.push(b"2", True)
        assert await latest.next(1) == b"2"
        assert await latest.next(0.01) is None

    web.run(scene())


def test_a_broker_that_is_away_is_no_error_of_the_page(web: Any) -> None:
    def away(*_: Any) -> Reply:
        raise BusUnavailableError("away")

    web.bus.answers = away
    assert web.run(web.parts.snapshots.newest("front", 1)) is None
