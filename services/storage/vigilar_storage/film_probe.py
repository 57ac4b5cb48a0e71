"""What an older film says of itself: form, length, when it was made. Reads boxes, decodes nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from vigilar_common.fmp4 import Fmp4Error, FragmentIndex
from vigilar_common.fmp4.boxes import children

from vigilar_storage.files import Reader

MAX_MOOV_BYTES = 64 * 1024 * 1024
MAX_BOXES = 100_000
MAX_TIME_MS = (1 << 48) - 1
MAX_DURATION_MS = 30 * 86_400_000
_EPOCH_1904_S = 2_082_844_800
"""Seconds from 1904, where MP4 counts from, to 1970."""
JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Probe:
    """`kind` is film, picture or unknown (another key, damage, or no MP4); times are 0 where the file tells none."""

    kind: str
    duration_ms: int = 0
    created_ms: int = 0


def probe(reader: Reader) -> Probe:
    """Never raises for what a file holds. Raises OSError."""
    length = reader.plaintext_length
    start = reader.read(0, min(length, 16))
    if start.startswith(JPEG_START):
        return Probe("picture")
    if start[4:8] not in (b"ftyp", b"moov", b"styp"):
        return Probe("unknown")
    try:
        return _film(reader, length)
    except (Fmp4Error, struct.error, ValueError):
        return Probe("film")


def is_fragmented(reader: Reader) -> bool:
    """Whether a film was written in fragments, as playlists need it. A few small reads. Raises FileDamagedError, OSError."""
    return any(name == b"moof" for name, _, _ in _boxes(reader, reader.plaintext_length))


def _boxes(reader: Reader, length: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of the body, end) of the outermost boxes."""
    at = 0
    for _ in range(MAX_BOXES):
        if at + 8 > length:
            return
        head = reader.read(at, min(length, at + 16))
        size, name = struct.unpack_from(">I4s", head)
        body = 8
        if size == 1 and len(head) == 16:
            size, body = struct.unpack_from(">Q", head, 8)[0], 16
        size = size or length - at
        if size < body:
            return
        yield name, at + body, at + size
        at += size


def _film(reader: Reader, length: int) -> Probe:
    created_ms = duration_ms = 0
    for name, start, end in _boxes(reader, length):
        if name != b"moov" or end - start > MAX_MOOV_BYTES:
            continue
        for inner, data in children(memoryview(reader.read(start, min(length, end))), "moov", 1):
            if inner == b"mvhd":
                created_ms, duration_ms = _mvhd(bytes(data))
    return Probe("film", duration_ms or _of_fragments(reader, length), created_ms)


def _of_fragments(reader: Reader, length: int) -> int:
    """The length of a film that was written in fragments: its head tells none. Reads all of it."""
    index = FragmentIndex()
    for piece in reader.iter_read(0, length):
        index.feed(piece)
    if not index.fragments:
        return 0
    last = index.fragments[-1]
    return last.time_ms + last.duration_ms - index.fragments[0].time_ms


def _mvhd(data: bytes) -> tuple[int, int]:
    """(UTC ms of creation or 0, duration in ms or 0); what no camera can have meant counts as not told."""
    if data[:1] == b"\x01":
        created_s, _, timescale, duration = struct.unpack_from(">QQIQ", data, 4)
    else:
        created_s, _, timescale, duration = struct.unpack_from(">IIII", data, 4)
    duration_ms = duration * 1000 // timescale if timescale else 0
    created_ms = max(0, created_s - _EPOCH_1904_S) * 1000
    return (
        created_ms if created_ms <= MAX_TIME_MS else 0,
        duration_ms if duration_ms <= MAX_DURATION_MS else 0,
    )
