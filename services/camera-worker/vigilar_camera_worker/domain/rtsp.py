"""What a camera says in RTSP before it plays: cut into whole messages, bounded, and written anew.

FFmpeg reads replies without a bound and follows every redirect; so it is only given what passes here. Nothing odd
gets through, because a message is not passed on but made again from its known parts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vigilar_camera_worker.errors import BrokenAnswerError

MAX_LINE_BYTES: Final = 4_096
MAX_HEADERS: Final = 64
MAX_BODY_BYTES: Final = 65_536
"""Of a stream's description; real ones have one or two kilobytes."""
MAX_MESSAGES: Final = 64
"""Replies before PLAY: a camera with video and sound and a login needs about eight."""
PASSED_HEADERS: Final = (
    "cseq", "content-base", "content-length", "content-location", "content-type", "cache-control", "pragma",
    "connection", "public", "range", "rtp-info", "session", "transport", "www-authenticate",
)  # fmt: skip
"""All others are dropped: they only switch FFmpeg to dialects of players of old (`Server`, `RealChallenge1`)."""
_STATUS: Final = re.compile(r"(RTSP|HTTP)/1\.[01] ([1-5][0-9]{2})(?: |$)")
_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,39})[ \t]*:[ \t]*(.*)")


@dataclass(frozen=True)
class Answer:
    """One reply. ``headers`` in order, names in lower case."""

    protocol: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """The first value of this header, or ""."""
        return next((value for known, value in self.headers if known == name), "")

    def logins(self) -> list[str]:
        """Ways to log in that it offers."""
        return [value for name, value in self.headers if name == "www-authenticate"]

    def wire(self, source: str = "") -> bytes:
        """As FFmpeg gets it. ``source`` replaces the address that UDP packets are said to come from."""
        lines = [f"{self.protocol}/1.0 {self.status} -"]
        for name, value in self.headers:
            if name not in PASSED_HEADERS:
                continue
            if name == "transport" and source:
                parts = [part for part in value.split(";") if not part.strip().lower().startswith("source=")]
                value = ";".join((*parts, f"source={source}"))
            lines.append(f"{name.title()}: {value}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


class Answers:
    """Feed bytes, take Answers and interleaved frames (bytes). Raises BrokenAnswerError."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._line_from = 0
        self._lines: list[str] = []
        self._count = 0

    def feed(self, data: bytes) -> list[Answer | bytes]:
        self._data += data
        found: list[Answer | bytes] = []
        while (item := self._next()) is not None:
            self._count += 1
            if self._count > MAX_MESSAGES:
                raise BrokenAnswerError(f"goes on answering ({MAX_MESSAGES} messages) without ever playing")
            found.append(item)
        return found

    def _next(self) -> Answer | bytes | None:
        if not self._lines and self._line_from == 0:
            self._data = self._data.lstrip(b"\r\n")
            if self._data[:1] == b"$":
                size = 4 + int.from_bytes(self._data[2:4], "big")
                return self._cut(size) if len(self._data) >= max(size, 4) else None
            if not any(word.startswith(self._data[:5]) for word in (b"RTSP/", b"HTTP/")):
                raise BrokenAnswerError("does not speak RTSP")
        end = self._head()
        if end is None:
            return None
        answer = _parse(self._lines)
        size = _body_bytes(answer)
        if len(self._data) < end + size:
            return None
        body = self._cut(end + size)[end:]
        self._lines, self._line_from = [], 0
        return Answer(answer.protocol, answer.status, answer.headers, body)

    def _cut(self, size: int) -> bytes:
        piece = bytes(self._data[:size])
        del self._data[:size]
        return piece

    def _head(self) -> int | None:
        """Where the head ends, once its empty line is there; reads each line once."""
        while not self._lines or self._lines[-1]:
            end = self._data.find(b"\n", self._line_from)
            if (end if end >= 0 else len(self._data)) - self._line_from > MAX_LINE_BYTES:
                raise BrokenAnswerError(f"sends a line of more than {MAX_LINE_BYTES} bytes")
            if end < 0:
                return None
            self._lines.append(self._data[self._line_from : end].rstrip(b"\r").decode("latin-1"))
            self._line_from = end + 1
            if len(self._lines) > MAX_HEADERS:
                raise BrokenAnswerError(f"sends more than {MAX_HEADERS} header lines")
        return self._line_from


def _parse(lines: list[str]) -> Answer:
    status = _STATUS.match(lines[0])
    if status is None:
        raise BrokenAnswerError("does not speak RTSP")
    headers = []
    for line in lines[1:-1]:
        found = _HEADER.fullmatch(line)
        if found is None or not found[2].isprintable():
            continue  # FFmpeg would pass it over as well
        headers.append((found[1].lower(), found[2].strip()))
    return Answer(status[1], int(status[2]), tuple(headers))


def _body_bytes(answer: Answer) -> int:
    sizes = {value for name, value in answer.headers if name == "content-length"}
    if not sizes or answer.protocol == "HTTP":
        return 0  # what follows the head of a tunnel is RTSP
    if len(sizes) > 1:
        raise BrokenAnswerError("gives two lengths for one answer")
    text = sizes.pop()
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BrokenAnswerError(f"gives an impossible length ({text[:20]}) for its answer")
    if int(text) > MAX_BODY_BYTES:
        raise BrokenAnswerError(
            f"describes its stream in {text} bytes; more than {MAX_BODY_BYTES} are not taken"
        )
    return int(text)


class Requests:
    """What FFmpeg asks, cut into whole requests; it sends none with a body."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._data += data
        *whole, rest = bytes(self._data).split(b"\r\n\r\n")
        self._data = bytearray(rest)
        return [request + b"\r\n\r\n" for request in whole]

    @property
    def rest(self) -> bytes:
        return bytes(self._data)


def method(request: bytes) -> str:
    return request.split(b" ", 1)[0].decode("latin-1")


def untunnelled(data: bytes) -> bytes:
    """A request in base64, as HTTP tunnels carry them; b"" when it is none."""
    try:
        request = base64.b64decode(data, validate=True)
    except binascii.Error:
        return b""
    return request if request.endswith(b"\r\n\r\n") else b""


@dataclass(frozen=True)
class Addresses:
    """FFmpeg knows the gate's address, the camera must see its own: some serve a stream by the address that is asked
    for. Both without a path, as `rtsp://host:port`."""

    gate: str
    camera: str
    user: str = ""
    password: str = field(default="", repr=False)

    def to_camera(self, request: bytes) -> bytes:
        """The request with the camera's address, its digest calculated anew for it."""
        verb, _, rest = request.decode("latin-1").partition(" ")
        if not rest.startswith(self.gate):
            return request
        lines = f"{verb} {self.camera}{rest[len(self.gate) :]}".split("\r\n")
        return "\r\n".join(self._signed(verb, line) for line in lines).encode("latin-1")

    def _signed(self, verb: str, line: str) -> str:
        if not line.startswith("Authorization: Digest "):
            return line
        given = dict(_PARAMETER.findall(line))
        uri = given.get("uri", "")
        if not uri.startswith(self.gate):
            return line
        address = self.camera + uri[len(self.gate) :]
        response = digest({**given, "uri": address}, verb, self.user, self.password)
        return line.replace(f'uri="{uri}"', f'uri="{address}"').replace(given["response"], response)

    def described(self, answer: Answer, path: str) -> Answer:
        """With the address that all further requests go to; FFmpeg takes it from the description."""
        if answer.header("content-base") or not answer.body:
            return answer
        headers = (*answer.headers, ("content-base", self.camera + path))
        return Answer(answer.protocol, answer.status, headers, answer.body)


_PARAMETER: Final = re.compile(r'([a-z]+)="?([^",]*)"?')


def digest(given: Mapping[str, str], verb: str, user: str, password: str) -> str:
    """RFC 2617: the response to what the camera gave (realm, nonce, …), for the address ``given["uri"]``."""

    def hashed(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(user, given.get("realm", ""), password)
    if given.get("algorithm", "").lower() == "md5-sess":
        secret = hashed(secret, given["nonce"], given["cnonce"])
    asked = hashed(verb, given["uri"])
    if given.get("qop"):
        return hashed(secret, given["nonce"], given["nc"], given["cnonce"], given["qop"], asked)
    return hashed(secret, given.get("nonce", ""), asked)
