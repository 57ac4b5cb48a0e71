"""MQTT by hand: thousands of packets in one write, wills by the hundred, and packets that no library would send.

The format is that of OASIS MQTT 5.0 and 3.1.1, chapters 2 and 3.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9
NOT_AUTHORIZED = 0x87
READ_LIMIT_S = 20.0
ALIASES = 10
"""As many as Mosquitto takes from a client by default."""


def _length(size: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(raw)) + raw


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + _length(len(body)) + body


def connect(
    client_id: str, user: str, password: str, will: tuple[str, bytes, bool] | None = None, version: int = 5
) -> bytes:
    """`will` is (topic, payload, retained), QoS 1."""
    flags = 0xC2 | ((0x04 | 0x08 | (0x20 if will[2] else 0)) if will else 0)
    none = b"\x00" if version == 5 else b""
    body = _text("MQTT") + bytes([version, flags]) + struct.pack("!H", 60) + none + _text(client_id)
    if will:
        body += none + _text(will[0]) + _text(will[1])
    return packet(0x10, body + _text(user) + _text(password))


def publish(
    topic: str | bytes,
    payload: bytes,
    *,
    qos: int = 0,
    packet_id: int = 1,
    retain: bool = False,
    alias: int = 0,
    version: int = 5,
    properties: bytes = b"",
) -> bytes:
    properties += b"\x23" + struct.pack("!H", alias) if alias else b""
    body = _text(topic) + (struct.pack("!H", packet_id) if qos else b"")
    if version == 5:
        body += _length(len(properties)) + properties
    return packet(0x30 | qos << 1 | int(retain), body + payload)


def subscribe(filters: list[str], packet_id: int = 1, version: int = 5) -> bytes:
    """With QoS 0: the broker sends at once, and nothing waits for an acknowledgement."""
    body = struct.pack("!H", packet_id) + (b"\x00" if version == 5 else b"")
    return packet(0x82, body + b"".join(_text(one) + b"\x00" for one in filters))


def user_properties(pairs: list[tuple[str, str]]) -> bytes:
    return b"".join(b"\x26" + _text(name) + _text(value) for name, value in pairs)


def expiry(seconds: int) -> bytes:
    return b"\x02" + struct.pack("!I", seconds)


def response(topic: str, correlation: bytes = b"") -> bytes:
    return b"\x08" + _text(topic) + b"\x09" + _text(correlation)


@dataclass
class Packet:
    kind: int
    retained: bool
    topic: str
    payload: bytes
    packet_id: int
    reason: int


@dataclass
class Wire:
    """One connection; blocking."""

    host: str
    port: int
    user: str
    password: str
    client_id: str = ""
    version: int = 5
    will: tuple[str, bytes, bool] | None = None
    _buffer: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> Wire:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Raises ConnectionError when the broker does not let it in."""
        self.socket = socket.create_connection((self.host, self.port), READ_LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(connect(self.client_id, self.user, self.password, self.will, self.version))
        answer = next(self.packets())
        if answer.kind != CONNACK or answer.reason:
            self.close()
            raise ConnectionError(f"{self.user}: refused with {answer.reason:#x}")

    def close(self) -> None:
        """Gone without a goodbye: the will is due."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def subscribe(self, filters: list[str]) -> list[Packet]:
        """What was retained comes after the acknowledgement; returns what came before it."""
        self.send(subscribe(filters, 1, self.version))
        return self.until(lambda got: got.kind == SUBACK)

    def until(self, last: object) -> list[Packet]:
        """Everything up to and without the packet that `last` is true for. Raises AssertionError after a while."""
        assert callable(last)
        got: list[Packet] = []
        for one in self.packets():
            if last(one):
                return got
            got.append(one)
        raise AssertionError(f"{self.user}: the broker hung up")

    def packets(self) -> Iterator[Packet]:
        """Ends when the broker closes the connection."""
        while True:
            while (size := self._whole()) is None:
                try:
                    more = self.socket.recv(262_144)
                except TimeoutError as error:
                    raise AssertionError(f"{self.user}: nothing came for {READ_LIMIT_S:g} s") from error
                if not more:
                    return
                self._buffer += more
            head, end = size
            first, body = self._buffer[0], bytes(self._buffer[head:end])
            del self._buffer[:end]
            yield self._parsed(first, body)

    def _whole(self) -> tuple[int, int] | None:
        """(where the body begins, where it ends) of the first packet, when all of it is here."""
        size, shift = 0, 0
        for at in range(1, 5):
            if at >= len(self._buffer):
                return None
            size |= (self._buffer[at] & 0x7F) << shift
            shift += 7
            if not self._buffer[at] & 0x80:
                end = at + 1 + size
                return (at + 1, end) if len(self._buffer) >= end else None
        raise AssertionError("the broker sent a length that is none")

    def _parsed(self, first: int, body: bytes) -> Packet:
        kind = first >> 4
        if kind == PUBLISH:
            end = 2 + struct.unpack_from("!H", body)[0]
            at = end + (2 if first & 0x06 else 0)
            if self.version == 5:
                size = shift = 0
                while body[at] & 0x80:
                    size |= (body[at] & 0x7F) << shift
                    at, shift = at + 1, shift + 7
                at += 1 + (size | body[at] << shift)
            return Packet(kind, bool(first & 1), body[2:end].decode(), body[at:], 0, 0)
        if kind == CONNACK:
            return Packet(kind, False, "", b"", 0, body[1])
        packet_id = struct.unpack_from("!H", body)[0] if len(body) > 1 else 0
        reason = body[2] if kind == PUBACK and len(body) > 2 else 0
        return Packet(kind, False, "", b"", packet_id, reason)
