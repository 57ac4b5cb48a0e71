"""An RTSP camera in Python that does exactly what a test tells it: wrong, late, too much, or nothing at all.

It speaks enough RTSP (video over TCP, interleaved) to be watched; every step can be replaced by bytes.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigilar_camera_worker.domain.nal import nal_type, parameter_sets

MTU = 1400
CLOCK_HZ = 90_000
Frame = tuple[bytes, float]
"""An access unit in Annex B, and seconds after the frame before it."""


def units(data: bytes) -> list[bytes]:
    """NAL units without start codes."""
    pieces = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [piece for piece in pieces[1:] if piece]


def describe(codec: str, keyframe: bytes, *, sets: bytes | None = None, extra: str = "") -> str:
    """The SDP of a stream that begins with this keyframe; ``sets`` replaces its parameter sets."""
    known = units(parameter_sets(keyframe, codec) if sets is None else sets)
    packed = [base64.b64encode(unit).decode() for unit in known]
    if codec == "h264":
        formats = f"packetization-mode=1;sprop-parameter-sets={','.join(packed)}"
        name = "H264"
    else:
        keys = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
        formats = ";".join(f"{keys[nal_type(codec, u[0])]}={p}" for u, p in zip(known, packed, strict=True))
        name = "H265"
    return (
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=control:*\r\n"
        f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=fmtp:96 {formats}\r\na=control:v\r\n{extra}"
    )


def rtp(codec: str, frame: bytes, sequence: int, ticks: int) -> list[bytes]:
    """One access unit as RTP packets, large units in fragments (RFC 6184, RFC 7798)."""
    payloads: list[bytes] = []
    for unit in units(frame):
        if len(unit) <= MTU:
            payloads.append(unit)
            continue
        head, rest = (unit[:1], unit[1:]) if codec == "h264" else (unit[:2], unit[2:])
        pieces = [rest[at : at + MTU] for at in range(0, len(rest), MTU)]
        for index, piece in enumerate(pieces):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
            if codec == "h264":
                payloads.append(bytes((head[0] & 0x60 | 28, flags | head[0] & 0x1F)) + piece)
            else:
                kind = head[0] >> 1 & 0x3F
                payloads.append(bytes((head[0] & 0x81 | 49 << 1, head[1], flags | kind)) + piece)
    last = len(payloads) - 1
    return [
        struct.pack(
            ">BBHII", 0x80, 96 | (0x80 if index == last else 0), sequence + index & 0xFFFF, ticks & 0xFFFFFFFF, 7
        )
        + payload
        for index, payload in enumerate(payloads)
    ]  # fmt: skip


@dataclass
class Oddity:
    """What this camera does. ``answers``: method → raw bytes instead of its answer (a callable is given the request).
    ``packets``: changes each RTP packet (none: it is lost). ``after``: raw bytes at the end of the film."""

    codec: str = "h264"
    sdp: str = ""
    frames: Callable[[], Iterable[Frame]] = lambda: ()
    answers: Mapping[str, bytes | Callable[[str], bytes]] = field(default_factory=dict)
    packets: Callable[[bytes], list[bytes]] = lambda packet: [packet]
    greeting: Callable[[socket.socket], bool] = lambda _client: False
    """True: nothing else is said on this connection."""
    max_viewers: int = 100
    after: bytes = b""
    stay: bool = True
    """Keep the connection open after the film."""


class OddCamera:
    """Listens on a loopback port until ``stop``; remembers the requests and the connections it saw."""

    def __init__(self, oddity: Oddity, port: int = 0) -> None:
        self.oddity = oddity
        self._server = socket.create_server(("127.0.0.1", port), backlog=64, reuse_port=False)
        self.port: int = self._server.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/main"
        self.requests: list[str] = []
        self.connections = self.plays = 0
        self.viewers = 0
        self.done = threading.Event()
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.done.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    def hang_up(self) -> None:
        """End every connection, go on listening."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.done.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        counted = False
        with contextlib.suppress(OSError), client:
            if self.oddity.greeting(client):
                return
            for request in _requests(client):
                self.requests.append(request)
                method = request.split(" ", 1)[0]
                if method == "DESCRIBE" and not counted:
                    self.viewers += 1
                    counted = True
                client.sendall(self._answer(method, request))
                if method == "PLAY":
                    self.plays += 1
                    self._play(client)
                    break
        if counted:
            self.viewers -= 1

    def _answer(self, method: str, request: str) -> bytes:
        odd = self.oddity.answers.get(method)
        if odd is not None:
            return odd if isinstance(odd, bytes) else odd(request)
        sequence = next((line[5:].strip() for line in request.split("\r\n") if line.startswith("CSeq")), "0")
        if self.viewers > self.oddity.max_viewers:
            return f"RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: {sequence}\r\n\r\n".encode()
        headers, body = "", ""
        if method == "OPTIONS":
            headers = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        if method == "DESCRIBE":
            body = self.oddity.sdp
            headers = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        if method == "SETUP":
            headers = "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        if method == "PLAY":
            headers = "Session: 1\r\n"
        return f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{headers}\r\n{body}".encode()

    def _play(self, client: socket.socket) -> None:
        sequence, ticks = 1000, 0.0
        for frame, wait_s in self.oddity.frames():
            if self.done.wait(wait_s):
                return
            ticks += max(wait_s, 1 / 1000) * CLOCK_HZ
            for packet in rtp(self.oddity.codec, frame, sequence, int(ticks)):
                sequence += 1
                for sent in self.oddity.packets(packet):
                    client.sendall(b"$\0" + struct.pack(">H", len(sent)) + sent)
        if self.oddity.after:
            client.sendall(self.oddity.after)
        if self.oddity.stay:
            self.done.wait(60)


def _requests(client: socket.socket) -> Iterator[str]:
    data = b""
    while chunk := client.recv(65536):
        data += chunk
        while b"\r\n\r\n" in data:
            head, data = data.split(b"\r\n\r\n", 1)
            yield head.decode("latin-1")


class Listener:
    """A port that must not be contacted: counts who comes."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.heard: list[bytes] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            client.settimeout(1)
            with client, contextlib.suppress(OSError):
                self.heard.append(client.recv(4096))

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@contextlib.contextmanager
def odd_camera(port: int = 0, **oddity: Any) -> Iterator[OddCamera]:
    camera = OddCamera(Oddity(**oddity), port)
    try:
        yield camera
    finally:
        camera.stop()
