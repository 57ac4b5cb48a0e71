"""What a hostile or broken camera may make FFmpeg do: nothing. No other host, no local file, no endless reading."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import camera_media as media
import mutate
import pytest
from odd_camera import Listener, OddCamera, describe, odd_camera
from vigilar_camera_worker.adapters import gate, stream
from vigilar_camera_worker.domain import rtsp
from vigilar_camera_worker.domain.packets import RawPacket
from vigilar_camera_worker.errors import (
    BrokenAnswerError,
    BusyError,
    CameraError,
    LoginRefusedError,
    NoSuchStreamError,
    RedirectedError,
    StreamLostError,
    UnreachableError,
    UnusableStreamError,
)
from vigilar_common.clock import SystemClock
from vigilar_common.config.cameras import RtspTransport

KEY = media.access_units()[0][0]
SDP = describe("h264", KEY)


def film() -> Iterator[tuple[bytes, float]]:
    for data, _ in media.access_units()[:30]:
        yield data, 0.002


def refused(camera: OddCamera, kind: type[CameraError], words: str, transport: str = "tcp") -> None:
    with pytest.raises(kind) as caught:
        stream.open_stream(camera.url, SystemClock(), transport)
    assert words in str(caught.value)


def reply(status: str, *headers: str, body: str = "") -> Callable[[str], bytes]:
    def answer(request: str) -> bytes:
        sequence = request.split("CSeq: ")[1].split("\r\n")[0]
        lines = "".join(f"{line}\r\n" for line in headers)
        return f"RTSP/1.0 {status}\r\nCSeq: {sequence}\r\n{lines}\r\n{body}".encode()

    return answer


def test_pictures_come_without_anything_between_the_camera_and_ffmpeg() -> None:
    with odd_camera(sdp=SDP, frames=film, stay=False) as camera:
        opened = stream.open_stream(camera.url.replace("//", "//u:secret@"), SystemClock())
        packets: list[RawPacket] = []
        with pytest.raises(StreamLostError):
            packets.extend(opened.packets())
        opened.close()
    assert len(packets) == 30
    assert packets[0].key
    assert opened._gate is not None
    assert opened._gate.handed_over
    assert not any("secret" in request for request in camera.requests)


def test_the_camera_is_asked_by_its_own_address() -> None:
    with odd_camera(sdp=SDP, frames=film) as camera:
        stream.open_stream(camera.url + "?channel=1", SystemClock()).close()
        asked = [request.split("\r\n")[0] for request in camera.requests]
    here = f"rtsp://127.0.0.1:{camera.port}/main"
    assert [line.split()[0] for line in asked] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert all(line.split()[1].startswith(here) for line in asked), asked


def test_a_digest_is_made_for_the_cameras_address_as_in_rfc_2617() -> None:
    given = {
        "realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "uri": "/dir/index.html",
        "qop": "auth", "nc": "00000001", "cnonce": "0a4f113b",
    }  # fmt: skip
    assert rtsp.digest(given, "GET", "Mufasa", "Circle Of Life") == "6629fae49393a05397450978507c4ef1"
    addresses = rtsp.Addresses("rtsp://127.0.0.1:9", "rtsp://cam:554", "u", "p")
    mine = rtsp.digest({"realm": "r", "nonce": "n", "uri": "rtsp://127.0.0.1:9/x"}, "DESCRIBE", "u", "p")
    theirs = rtsp.digest({"realm": "r", "nonce": "n", "uri": "rtsp://cam:554/x"}, "DESCRIBE", "u", "p")
    request = (
        'DESCRIBE rtsp://127.0.0.1:9/x RTSP/1.0\r\nAuthorization: Digest username="u", realm="r", nonce="n", '
        f'uri="rtsp://127.0.0.1:9/x", response="{mine}"\r\n\r\n'
    )
    wanted = request.replace("rtsp://127.0.0.1:9", "rtsp://cam:554").replace(mine, theirs)
    assert addresses.to_camera(request.encode()) == wanted.encode()
    foreign = b"SETUP rtsp://cam:554/x/v RTSP/1.0\r\n\r\n"
    assert addresses.to_camera(foreign) == foreign


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP"])
def test_a_redirect_to_another_host_is_not_followed(method: str) -> None:
    other = Listener()
    answers = {method: reply("302 Moved", f"Location: rtsp://127.0.0.1:{other.port}/inside?token=abc")}
    with odd_camera(sdp=SDP, answers=answers) as camera:
        refused(camera, RedirectedError, f"sends us on to 127.0.0.1:{other.port}/inside (302)")
        assert camera.connections == 1
    other.stop()
    assert other.heard == []


def test_frames_before_play_do_not_open_a_way_for_a_redirect() -> None:
    other = Listener()
    redirect = reply("301 Moved", f"Location: rtsp://127.0.0.1:{other.port}/x")
    answers = {"DESCRIBE": lambda request: b"$\0\0\4abcd" + redirect(request)}
    with odd_camera(sdp=SDP, answers=answers) as camera:
        refused(camera, RedirectedError, "sends us on")
    other.stop()
    assert other.heard == []


def test_udp_goes_to_the_camera_alone_whatever_its_answer_says() -> None:
    victim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    victim.bind(("127.0.0.2", 0))
    victim.settimeout(0.3)
    port = victim.getsockname()[1]
    transport = (
        f"Transport: RTP/AVP;unicast;client_port=5000-5001;source=127.0.0.2;server_port={port}-{port + 1}"
    )
    answers = {"SETUP": reply("200 OK", "Session: 1", transport)}
    with odd_camera(sdp=SDP, answers=answers, stay=False) as camera:
        opened = stream.open_stream(camera.url, SystemClock(), "udp")
        opened.close()
    with pytest.raises(TimeoutError):
        victim.recv(100)
    victim.close()
    assert any("RTP/AVP/UDP" in request for request in camera.requests)


def test_a_camera_that_refuses_tcp_is_asked_for_udp() -> None:
    with odd_camera(sdp=SDP, answers={"SETUP": reply("461 Unsupported transport")}) as camera:
        refused(camera, CameraError, "does not send over this transport (461)")
    setups = [request for request in camera.requests if request.startswith("SETUP")]
    assert ["TCP" in setup for setup in setups] == [True, False]


@pytest.mark.parametrize("name", ["playlist", "concat", "ffconcat", "sdp", "dash", "file in mov"])
@pytest.mark.parametrize("length", [True, False])
def test_a_page_that_names_local_files_is_refused_by_its_kind(
    name: str, length: bool, tmp_path: Path
) -> None:
    bait = tmp_path / "bait.ts"
    os.mkfifo(bait)
    opened: list[int] = []

    def watch() -> None:
        """Goes on as soon as anybody opens the file for reading."""
        writer = os.open(bait, os.O_WRONLY)
        opened.append(writer)
        os.close(writer)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    other = Listener()
    there = f"http://127.0.0.1:{other.port}/x.ts"
    body = {
        "playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{bait}\n#EXTINF:1,\n{there}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile 'file:{bait}'\nfile '{there}'\n",
        "ffconcat": f"ffconcat version 1.0\nfile 'exec:/bin/true'\nfile '{bait}'\nfile '{there}'\n",
        "sdp": SDP.replace("0.0.0.0", "127.0.0.1").replace("m=video 0", f"m=video {other.port}"),
        "dash": f'<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>{there}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "file in mov": f"rtsptextrtsp://127.0.0.1:{other.port}/x",
    }[name].encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n"
    head += f"Content-Length: {len(body)}\r\n".encode() if length else b"Connection: close\r\n"

    def serve(client: socket.socket) -> bool:
        client.recv(4096)
        client.sendall(head + b"\r\n" + body)
        return True

    with odd_camera(greeting=serve) as camera:
        for url in (f"http://127.0.0.1:{camera.port}/x.m3u8", f"http://127.0.0.1:{camera.port}/x.ts"):
            with pytest.raises(CameraError):
                stream.open_stream(url, SystemClock())
    other.stop()
    assert opened == []
    assert other.heard == []
    # The watcher does see a reader.
    os.close(os.open(bait, os.O_RDONLY | os.O_NONBLOCK))
    watcher.join(2)
    assert len(opened) == 1


def test_a_web_camera_that_redirects_is_not_followed() -> None:
    other = Listener()

    def serve(client: socket.socket) -> bool:
        client.recv(4096)
        client.sendall(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{other.port}/x\r\nContent-Length: 0\r\n\r\n".encode()
        )
        return True

    with odd_camera(greeting=serve) as camera, pytest.raises(CameraError):
        stream.open_stream(f"http://127.0.0.1:{camera.port}/x.ts", SystemClock())
    other.stop()
    assert other.heard == []


def test_a_web_camera_with_single_pictures_is_told_what_it_lacks() -> None:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuvj420p", Fraction(1, 10)
    picture = av.VideoFrame(64, 48, "yuvj420p")
    picture.pts = 0
    jpeg = bytes(encoder.encode(picture)[0])
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
    with odd_camera(greeting=pour(head, part)) as camera, pytest.raises(UnusableStreamError) as caught:
        stream.open_stream(f"http://127.0.0.1:{camera.port}/video.mjpg", SystemClock())
    assert "sends mjpeg" in str(caught.value)


def drip(text: bytes, pause_s: float) -> Callable[[socket.socket], bool]:
    def serve(client: socket.socket) -> bool:
        try:
            for byte in text:
                client.sendall(bytes((byte,)))
                time.sleep(pause_s)
        except OSError:
            pass
        return True

    return serve


def pour(head: bytes, again: bytes) -> Callable[[socket.socket], bool]:
    def serve(client: socket.socket) -> bool:
        client.recv(4096)
        try:
            client.sendall(head)
            while True:
                client.sendall(again)
        except OSError:
            return True

    return serve


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (pour(b"RTSP/1.0 200 OK\r\n", b"X-Filler: yes\r\n" * 100), "header lines"),
        (pour(b"RTSP/1.0 200 OK\r\nX: ", b"a" * 4096), "a line of more than 4096 bytes"),
        (pour(b"", b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n" * 100), "without ever playing"),
        (pour(b"", b"$\0\0\4abcd" * 1000), "without ever playing"),
        (pour(b"RTSP/1.0 200 OK\r\nContent-Length: -5\r\n\r\n", b"x"), "impossible length (-5)"),
        (pour(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x"), "99999999 bytes"),
        (pour(b"RTSP/1.0 200 OK\r\nContent-Length: 4294967295999\r\n\r\n", b"x"), "impossible length"),
        (pour(b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"x"), "two lengths"),
        (pour(b"", b"\x7fELF\0\1\2" * 500), "does not speak RTSP"),
        (pour(b"RTSP/1.0 999 Odd\r\n\r\n", b""), "does not speak RTSP"),
    ],
)  # fmt: skip
def test_answers_without_end_or_sense_are_cut_off(
    greeting: Callable[[socket.socket], bool], words: str
) -> None:
    with odd_camera(greeting=greeting) as camera:
        refused(camera, BrokenAnswerError, words)


def test_a_camera_that_answers_one_byte_at_a_time_does_not_hold_us_for_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "OPEN_TIMEOUT_S", 0.6)
    with odd_camera(greeting=drip(b"RTSP/1.0 200 OK\r\nX: " + b"a" * 500, 0.05)) as camera:
        began_s = time.monotonic()
        refused(camera, UnreachableError, "does not answer within 0.6 s")
        assert time.monotonic() - began_s < 3


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ({"DESCRIBE": reply("401 No", 'WWW-Authenticate: Digest realm="x", nonce="y"')}, LoginRefusedError, "wants a user and"),
        ({"DESCRIBE": reply("401 No", "WWW-Authenticate: Digest algorithm=SHA-256")}, LoginRefusedError, "allow digest (MD5)"),
        ({"DESCRIBE": reply("404 Not Found")}, NoSuchStreamError, "check the path"),
        ({"SETUP": reply("453 Not Enough Bandwidth")}, BusyError, "serves no further viewer (453)"),
        ({"DESCRIBE": reply("503 Service Unavailable")}, BusyError, "serves no further viewer (503)"),
        ({"PLAY": reply("500 Oops")}, CameraError, ""),
        ({"DESCRIBE": reply("200 OK", "Content-Length: 0")}, CameraError, ""),
        ({"DESCRIBE": reply("200 OK", "Content-Length: 5", body="hello")}, CameraError, ""),
    ],
)  # fmt: skip
def test_refusals_are_told_apart(answers: dict[str, bytes], kind: type[CameraError], words: str) -> None:
    with odd_camera(sdp=SDP, answers=answers) as camera:
        refused(camera, kind, words)


def test_a_camera_for_one_viewer_says_so_to_the_second() -> None:
    with odd_camera(sdp=SDP, frames=film, max_viewers=1) as camera:
        first = stream.open_stream(camera.url, SystemClock())
        refused(camera, BusyError, "end other recorders and apps")
        first.close()


def test_a_camera_that_hangs_up_at_once_is_taken_for_one_that_has_a_viewer() -> None:
    with odd_camera(greeting=lambda _client: True) as camera:
        refused(camera, BusyError, "may allow one viewer only")


def test_a_description_with_a_hundred_streams_is_refused_or_cut() -> None:
    many = SDP + "".join(
        f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t{n}\r\n" for n in range(100)
    )
    with odd_camera(sdp=many, frames=film, stay=False) as camera:
        with contextlib.suppress(CameraError):
            stream.open_stream(camera.url, SystemClock()).close()
        assert sum(request.startswith("SETUP") for request in camera.requests) <= 8


def test_a_read_that_waits_for_a_silent_camera_is_ended_at_once() -> None:
    with odd_camera(sdp=SDP, frames=film) as camera:
        opened = stream.open_stream(camera.url, SystemClock())
        threading.Timer(0.3, opened.abort).start()
        began_s = time.monotonic()
        with pytest.raises(StreamLostError):
            list(opened.packets())
        assert time.monotonic() - began_s < 1.5
        opened.close()


def test_no_thread_and_no_descriptor_is_left_behind() -> None:
    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    redirect = {"DESCRIBE": reply("302 Moved", "Location: rtsp://127.0.0.1:9/x")}
    with odd_camera(sdp=SDP, frames=film, stay=False) as good, odd_camera(sdp=SDP, answers=redirect) as bad:
        for warm_up in (True, False):
            for _ in range(3 if warm_up else 12):
                opened = stream.open_stream(good.url, SystemClock())
                with pytest.raises(StreamLostError):
                    list(opened.packets())
                opened.close()
                refused(bad, RedirectedError, "sends us on")
            deadline_s = time.monotonic() + 5
            if warm_up:
                time.sleep(0.5)
                before = count()
            while count() > before and time.monotonic() < deadline_s:
                time.sleep(0.05)
        after = count()
    # The servers of this test keep a descriptor per connection that they served.
    assert after[0] <= before[0] + 1
    assert after[1] <= before[1] + 24 + 2


def test_only_this_process_may_use_the_gate() -> None:
    assert gate._own_fd(("127.0.0.1", 1)) is None


def test_interleaved_frames_and_answers_are_told_apart_wherever_they_are_cut() -> None:
    text = b"\r\n$\0\0\3abcRTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: RealServer\r\nContent-Length: 4\r\n\r\nbody"
    for size in (1, 2, 3, 7, 200):
        answers = rtsp.Answers()
        found = [item for at in range(0, len(text), size) for item in answers.feed(text[at : at + size])]
        frame, answer = found
        assert frame == b"$\0\0\3abc"
        assert isinstance(answer, rtsp.Answer)
        assert answer.wire() == b"RTSP/1.0 200 -\r\nCseq: 1\r\nContent-Length: 4\r\n\r\nbody"


def test_the_way_of_udp_packets_is_written_anew() -> None:
    (answer,) = rtsp.Answers().feed(
        b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;source=10.0.0.9;ssrc=1\r\n\r\n"
    )
    assert isinstance(answer, rtsp.Answer)
    assert b"Transport: RTP/AVP;unicast;ssrc=1;source=10.0.0.1\r\n" in answer.wire("10.0.0.1")


def test_unusable_transports_of_the_configuration_never_reach_ffmpeg() -> None:
    with odd_camera(sdp=SDP) as camera, pytest.raises((UnusableStreamError, KeyError)):
        stream.open_stream(camera.url, SystemClock(), "file")


def test_the_transport_of_the_configuration_is_taken_as_it_is() -> None:
    with odd_camera(sdp=SDP, frames=film) as camera:
        stream.open_stream(camera.url, SystemClock(), RtspTransport.TCP).close()


@pytest.mark.parametrize("seed", range(3))
def test_descriptions_and_answers_damaged_by_the_dozen(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever FFmpeg makes of them: an error of ours or a stream, never a crash and never a long wait."""
    monkeypatch.setattr(stream, "OPEN_TIMEOUT_S", 0.5)
    rng = random.Random(seed)
    hevc = describe("hevc", media.access_units("hevc", 20, 10)[0][0])
    sound = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=fmtp:97 config=1408;mode=AAC-hbr\r\na=control:a\r\n"

    def answer(request: str) -> bytes:
        sequence = request.split("CSeq: ")[1].split("\r\n")[0]
        body = mutate.words(mutate.words((rng.choice((SDP, hevc)) + sound).encode(), rng), rng)
        head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nContent-Base: rtsp://x/\r\nContent-Type: application/sdp\r\n"
        length = len(body) + rng.choice((0, 0, 0, -20))
        whole = f"{head}Content-Length: {length}\r\n\r\n".encode() + body
        return whole if rng.random() < 0.7 else mutate.words(whole, rng)

    outcomes = []
    with odd_camera(sdp=SDP, answers={"DESCRIBE": answer}, frames=film, stay=False) as camera:
        for _ in range(20):
            try:
                stream.open_stream(camera.url, SystemClock()).close()
                outcomes.append("opened")
            except CameraError as error:
                outcomes.append(type(error).__name__)
    assert len(set(outcomes)) >= 2, outcomes
