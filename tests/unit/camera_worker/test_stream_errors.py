"""What can be wrong with a camera's address, in words, and never with the password."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import camera_media as media
import pytest
from vigilar_camera_worker.adapters import stream
from vigilar_camera_worker.adapters.decoder import MAX_PICTURE_PX, Decoder
from vigilar_camera_worker.adapters.fmp4 import read_format
from vigilar_camera_worker.adapters.pictures import MAX_BYTES, thumbnail
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import Packet
from vigilar_camera_worker.errors import (
    CameraError,
    LoginRefusedError,
    NoSuchStreamError,
    UnreachableError,
    UnusableStreamError,
    address,
)
from vigilar_common.clock import SystemClock

SECRET = "s3cret-word"
Serve = Callable[[bytes | None], int]


@pytest.fixture(name="serve")
def _serve() -> Iterator[Serve]:
    """A port that answers the first request with these bytes, or never (None)."""
    servers: list[socket.socket] = []
    done = threading.Event()

    def serve(answer: bytes | None) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            while not done.is_set():
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(4096)
                    if answer is None:
                        done.wait(10)
                    else:
                        client.sendall(answer)

        threading.Thread(target=run, daemon=True).start()
        port: int = server.getsockname()[1]
        return port

    yield serve
    done.set()
    for server in servers:
        server.close()


def reason(port: int, path: str = "/main") -> CameraError:
    url = f"rtsp://admin:{SECRET}@127.0.0.1:{port}{path}?token={SECRET}"
    with pytest.raises(CameraError) as caught:
        stream.open_stream(url, SystemClock())
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert f"127.0.0.1:{port}{path}" in str(caught.value)
    return caught.value


def rtsp(status: str) -> bytes:
    return f"RTSP/1.0 {status}\r\nCSeq: 1\r\n\r\n".encode()


def test_nothing_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = reason(port)
    assert isinstance(error, UnreachableError)
    assert "connection refused" in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (rtsp("401 Unauthorized"), LoginRefusedError, "user or password"),
        (rtsp("403 Forbidden"), LoginRefusedError, "user or password"),
        (rtsp("404 Not Found"), NoSuchStreamError, "no such stream"),
        (rtsp("503 Service Unavailable"), CameraError, "refuses the stream"),
        (b"\x00\xff\x17" * 1000, UnusableStreamError, "does not speak RTSP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", UnusableStreamError, "does not speak RTSP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CameraError, ""),
    ],
)
def test_what_answers_is_no_usable_camera(
    serve: Serve, answer: bytes, kind: type[CameraError], words: str
) -> None:
    error = reason(serve(answer))
    assert isinstance(error, kind)
    assert words in str(error)


def test_a_camera_that_never_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "OPEN_TIMEOUT_S", 0.5)
    error = reason(serve(None))
    assert isinstance(error, UnreachableError)
    assert "does not answer within 0.5 s" in str(error)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(UnreachableError, match=r"the name nowhere\.invalid cannot be resolved"):
        stream.open_stream(f"rtsp://u:{SECRET}@nowhere.invalid/x", SystemClock())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "concat:/etc/passwd", "rtmp://host/x", "udp://host:1"])
def test_other_ways_to_fetch_are_not_even_tried(url: str) -> None:
    with pytest.raises(UnusableStreamError, match="not allowed"):
        stream.open_stream(url, SystemClock())


def test_a_playlist_served_as_a_camera_is_not_followed(serve: Serve) -> None:
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/x-mpegURL\r\nContent-Length: {len(playlist)}\r\n\r\n"
    )
    port = serve(head.encode() + playlist)
    with pytest.raises(CameraError):
        stream.open_stream(f"http://127.0.0.1:{port}/x.m3u8", SystemClock())


def test_addresses_are_shown_without_user_password_and_query() -> None:
    assert address("rtsp://u:p@host/a/b?pw=1") == "host:554/a/b"
    assert address("rtsps://u:p@[fe80::1]:7000/x") == "[fe80::1]:7000/x"
    assert address("http://host") == "host:80"


def test_a_decoder_survives_garbage_and_goes_on_at_the_next_keyframe() -> None:
    decoder = Decoder(media.stream_format())
    packets = media.video(0, 40)
    for index in range(5, 20):
        head = packets[index].data[:12]
        packets[index] = Packet(index, True, packets[index].key, 0, 0, 0, 0, head + b"\x55" * 300)
    pictures = [picture for packet in packets for picture in decoder.feed(packet)]
    assert decoder.errors > 0
    assert decoder.decoded == len(pictures) >= 25
    assert pictures[-1].time_s == pytest.approx(3.9)
    assert pictures[-1].luma().shape == (240, 320)


def test_a_keyframe_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnusableStreamError):
        read_format("x", "h264", b"\0\0\0\1" + b"\x65" + b"\x00\x11" * 50, b"", None)


def test_a_thumbnail_is_a_small_jpeg() -> None:
    (picture,) = Decoder(media.stream_format()).feed(media.video(0, 1)[0])
    jpeg = thumbnail(picture, 160)
    assert jpeg.data[:2] == b"\xff\xd8"
    assert (jpeg.width_px, jpeg.height_px) == (160, 120)
    assert len(jpeg.data) <= MAX_BYTES


def test_an_8k_keyframe_is_read_and_lies_beyond_what_is_decoded() -> None:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 7680, 4320, "yuv420p", Fraction(1, 15)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    picture = av.VideoFrame(7680, 4320, "yuv420p")
    picture.pts = 0
    keyframe = bytes(encoder.encode(picture)[0])
    wanted = read_format("x", "h264", keyframe, parameter_sets(keyframe, "h264"), None)
    assert (wanted.width_px, wanted.height_px) == (7680, 4320)
    assert wanted.width_px * wanted.height_px > MAX_PICTURE_PX
    decoder = Decoder(wanted)
    assert decoder.feed(Packet(1, True, True, 0, 0, 6000, 0, keyframe)) == []
    assert decoder.errors == 1
