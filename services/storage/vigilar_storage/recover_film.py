"""Films out of what arrived: every fragment whose bytes are all there and authenticate, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from vigilar_common.crypto.vge import ChunkDamagedError, VgeReader
from vigilar_common.crypto.vge.header import SEALED_CHUNK_BYTES, TAG_BYTES
from vigilar_common.crypto.vge.reader import BATCH_CHUNKS, chunk_offset
from vigilar_common.crypto.vge.verify import find_final
from vigilar_common.fmp4 import Fmp4Error, FragmentIndex

if TYPE_CHECKING:
    from vigilar_common.fmp4 import Fragment

JOIN_MS = 250
"""Fragments less far apart than this are one span of seconds."""
MAX_FRAGMENT_BYTES = 8 * 1024 * 1024
MAX_NAMED = 50
MAX_FINAL_TRIES = 8


@dataclass
class Film:
    """What became of one recording. Times are UTC ms."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    fragments: int = 0
    finished: bool = False
    """An authentic footer says that this is the end, and all before it is there."""
    bad_chunks: list[int] = field(default_factory=list)
    bad_count: int = 0
    left_bytes: int = 0
    """At the end, less than a chunk: the last thing that was being sent."""
    footer_error: str = ""
    init_missing: bool = False
    sha256: str = ""
    """Of header and chunks as they arrived, when all of them are whole; what the ledger registers."""


def extract(reader: VgeReader, sink: IO[bytes]) -> Film:
    """Decrypt, write a playable MP4, and say what is in it. Raises OSError."""
    film = Film()
    picker = _Picker(sink, reader.header.created_ms, film)
    digest = hashlib.sha256(reader.raw_header)
    film.footer_error = str(reader.footer_error or "")
    footer = None if film.footer_error else reader.footer
    count = footer.chunk_count if footer is not None else reader.whole_chunks()
    ends_at, final, bad_before, tries = count, None, False, MAX_FINAL_TRIES
    for index, raw, plain in _chunks(reader, count):
        if plain is None and footer is None and not bad_before and tries:
            # Perhaps this is the last chunk, shorter than others, and what follows is part of a footer.
            tries -= 1
            final = find_final(reader, index)
            if final is not None:
                ends_at = index
                break
        digest.update(raw)
        bad_before = plain is None
        if plain is None:
            film.bad_count += 1
            film.bad_chunks = [*film.bad_chunks, index][:MAX_NAMED]
            picker.lost()
        else:
            picker.feed(plain)
    if footer is None:
        final = find_final(reader, count) if final is None else final
        end = chunk_offset(ends_at)
        if final is not None:
            raw = reader.read_sealed(ends_at, ends_at + 1)[: len(final) + TAG_BYTES]
            digest.update(raw)
            picker.feed(final)
            end += len(raw)
        film.left_bytes = reader.size_bytes() - end
    film.finished = footer is not None and not film.bad_count
    film.sha256 = "" if film.bad_count else digest.hexdigest()
    picker.close()
    return film


def _chunks(reader: VgeReader, count: int) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Number, bytes as they arrived, plaintext (None: it does not authenticate)."""
    for start in range(0, count, BATCH_CHUNKS):
        end = min(count, start + BATCH_CHUNKS)
        raw = reader.read_sealed(start, end)
        for index in range(start, end):
            at = (index - start) * SEALED_CHUNK_BYTES
            piece = raw[at : at + reader.chunk_shape(index)[1]]
            try:
                yield index, piece, reader.open_chunks(index, index + 1, piece)[0]
            except ChunkDamagedError:
                yield index, piece, None


class _Picker:
    """Writes the init segment and every whole fragment; finds the next one after a hole."""

    def __init__(self, sink: IO[bytes], created_ms: int, film: Film) -> None:
        self._sink, self._created_ms, self._film = sink, created_ms, film
        self._index: FragmentIndex | None = FragmentIndex()
        """None: searching."""
        self._held = bytearray()
        self._at = 0
        """The byte of the index that `_held` begins with."""
        self._taken = 0
        self._init = b""

    def feed(self, data: bytes) -> None:
        self._held += data
        if self._index is None:
            self._search()
            return
        try:
            self._index.feed(data)
        except Fmp4Error:
            self._take()
            self._index = None
            del self._held[:8]
            self._search()
            return
        self._take()

    def lost(self) -> None:
        """Bytes are missing here: what is half there is of no use."""
        self._index = None
        self._held.clear()

    def close(self) -> None:
        self._film.init_missing = not self._init
        self._sink.flush()

    def _take(self) -> None:
        """Write what is whole and forget it."""
        index = self._index
        assert index is not None
        if not self._init:
            if not index.init_length:
                return
            self._init = bytes(self._held[: index.init_length])
            self._sink.write(self._init)
        end = max(index.init_length, self._at)
        for fragment in index.fragments[self._taken :]:
            start = fragment.offset - self._at
            self._sink.write(self._held[start : start + fragment.size])
            self._note(fragment)
            end = fragment.offset + fragment.size
        self._taken = len(index.fragments)
        del self._held[: end - self._at]
        self._at = end
        if len(self._held) > MAX_FRAGMENT_BYTES:
            self.lost()

    def _note(self, fragment: Fragment) -> None:
        start = self._created_ms + fragment.time_ms
        end = start + fragment.duration_ms
        spans = self._film.spans
        if spans and abs(start - spans[-1][1]) <= JOIN_MS:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
        self._film.fragments += 1

    def _search(self) -> None:
        """After a hole: the next place where a whole fragment begins."""
        while self._init:
            at = self._held.find(b"moof", 4)
            if at < 0:
                del self._held[:-7]  # a size and half of the word may be there
                return
            index = FragmentIndex()
            try:
                index.feed(self._init)
                index.feed(self._held[at - 4 :])
                waits = not index.fragments and len(self._held) - at <= MAX_FRAGMENT_BYTES
            except Fmp4Error:
                waits = False
            if waits:
                return  # its mdat may still be to come
            if not index.fragments:
                del self._held[:at]
                continue
            del self._held[: at - 4]
            self._index, self._taken, self._at = index, 0, len(self._init)
            self._take()
            return
