"""Boxes: the outermost ones from a byte stream, the inner ones from a complete body."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator, Sequence
from typing import Final, NamedTuple

from vigilar_common.errors import VigilarError

MAX_BOX_BYTES: Final = 16 * 1024 * 1024
MAX_MDAT_BYTES: Final = 4 * 1024**3  # passed over, never kept
MAX_DEPTH: Final = 8
MAX_CHILDREN: Final = 4096

_SHORT = struct.Struct(">I4s")
_LARGE = struct.Struct(">I4sQ")


class Fmp4Error(VigilarError):
    """Bytes that are no acceptable fragmented MP4; names the box, its offset and the reason."""


class TopBox(NamedTuple):
    """One complete outermost box. ``body`` follows the box header; empty where it was not wanted."""

    name: bytes
    offset: int
    size: int
    body: bytes


class BoxScanner:
    """Cuts a stream into outermost boxes. The bodies of ``keep`` are kept; only ``first`` may come first."""

    def __init__(self, keep: Container[bytes] = (), first: Sequence[bytes] = ()) -> None:
        self._keep = keep
        self._first = first
        self._position = 0  # bytes fed so far
        self._box_start = 0
        self._head = bytearray()  # of the box whose size is not known yet
        self._name = b""
        self._size = 0  # 0 while the header is incomplete
        self._header_bytes = 0
        self._body: bytearray | None = None

    @property
    def at_border(self) -> bool:
        """True when the bytes fed so far end with a whole box."""
        return self._size == 0 and not self._head

    @property
    def whole_bytes(self) -> int:
        """Where the last whole box ends."""
        return self._box_start

    def feed(self, data: bytes | bytearray | memoryview) -> list[TopBox]:
        """The boxes that ``data`` completes, in order. Raises Fmp4Error; no use after that."""
        done: list[TopBox] = []
        with memoryview(data) as view:
            at = 0
            while at < len(view):
                if self._size == 0:
                    at += self._take_header(view[at:])
                if self._size:
                    wanted = self._box_start + self._size - self._position
                    piece = view[at : at + wanted]
                    if self._body is not None:
                        self._body += piece
                    at += len(piece)
                    self._position += len(piece)
                    if len(piece) == wanted:
                        done.append(self._complete())
        return done

    def _take_header(self, view: memoryview) -> int:
        """Take what is missing of the box header; gives the number of bytes used."""
        used = 0
        need = 8
        while True:
            piece = view[used : used + need - len(self._head)]
            self._head += piece
            used += len(piece)
            self._position += len(piece)
            if len(self._head) < need:
                return used
            size, self._name = _SHORT.unpack_from(self._head)
            if size != 1 or need == 16:
                break
            need = 16
        if need == 16:
            size = _LARGE.unpack(self._head)[2]
        if size < need:
            what = (
                "reaches to the end of the file"
                if size == 0
                else f"is {size} bytes long, less than its header"
            )
            raise Fmp4Error(f"box {printable(self._name)} at byte {self._box_start} {what}")
        if self._box_start == 0 and self._first and self._name not in self._first:
            raise Fmp4Error(
                f"the file starts with box {printable(self._name)}, not {printable(self._first[0])}"
            )
        limit = MAX_MDAT_BYTES if self._name == b"mdat" else MAX_BOX_BYTES
        if size > limit:
            raise Fmp4Error(
                f"box {printable(self._name)} at byte {self._box_start} says {size} bytes, more than {limit}"
            )
        self._size, self._header_bytes = size, need
        self._body = bytearray() if self._name in self._keep else None
        self._head.clear()
        return used

    def _complete(self) -> TopBox:
        box = TopBox(self._name, self._box_start, self._size, bytes(self._body or b""))
        self._box_start += self._size
        self._size = 0
        self._body = None
        return box


def free_box(size_bytes: int) -> bytes:
    """A box that players skip, ``size_bytes`` (at least 8) long in all."""
    if size_bytes < _SHORT.size:
        raise ValueError(f"a box has at least {_SHORT.size} bytes, not {size_bytes}")
    return _SHORT.pack(size_bytes, b"free").ljust(size_bytes, b"\0")


def children(body: memoryview, where: str, depth: int) -> Iterator[tuple[bytes, memoryview]]:
    """The inner boxes of ``body``. Raises Fmp4Error on a box that leaves its parent."""
    if depth > MAX_DEPTH:
        raise Fmp4Error(f"{where}: boxes nested deeper than {MAX_DEPTH}")
    at = 0
    for _ in range(MAX_CHILDREN):
        if (
            len(body) - at < _SHORT.size
        ):  # fewer bytes than a box header are padding, as other readers hold it
            return
        size, name = _SHORT.unpack_from(body, at)
        header = _SHORT.size
        if size == 1 and len(body) - at >= _LARGE.size:
            size, header = _LARGE.unpack_from(body, at)[2], _LARGE.size
        elif size == 0:
            size = len(body) - at
        if size < header or size > len(body) - at:
            raise Fmp4Error(
                f"{where}: inner box {printable(name)} says {size} bytes, {len(body) - at} are left"
            )
        yield bytes(name), body[at + header : at + size]
        at += size
    raise Fmp4Error(f"{where}: more than {MAX_CHILDREN} inner boxes")


def unpack(layout: struct.Struct, body: memoryview, at: int, where: str) -> tuple[int, ...]:
    """``layout.unpack_from`` that says what was cut short. Raises Fmp4Error."""
    if len(body) < at + layout.size:
        raise Fmp4Error(f"{where}: cut short ({len(body)} bytes, {at + layout.size} needed)")
    return layout.unpack_from(body, at)


def printable(name: bytes) -> str:
    """A box type for messages: never control characters from a file."""
    return repr(name.decode("latin-1"))
