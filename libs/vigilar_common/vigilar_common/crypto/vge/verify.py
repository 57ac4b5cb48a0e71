"""Checking a whole file: intact, or where it is not."""

from __future__ import annotations

import fcntl
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag

from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge.errors import ChunkDamagedError, FooterDamagedError
from vigilar_common.crypto.vge.footer import FooterState
from vigilar_common.crypto.vge.header import CHUNK_BYTES, FINAL, SEALED_CHUNK_BYTES, TAG_BYTES
from vigilar_common.crypto.vge.reader import BATCH_CHUNKS, Progress, VgeReader, chunk_offset
from vigilar_common.errors import FileDamagedError


class VerdictState(StrEnum):
    INTACT = "intact"  # every byte is as its writer (or a recovery) closed it
    ALTERED = "altered"  # bytes were changed, moved, added, or removed within
    TRUNCATED = (
        "truncated"  # all there is verifies, but no footer says that this is the end, and no writer lives
    )
    INCOMPLETE = "incomplete"  # as truncated, but its writer lives: it is growing


@dataclass(frozen=True)
class Verdict:
    """``time_range_ms`` is media time touched by the first bad chunk; ``byte_offset`` where the damage starts.

    ``verified_length`` counts plaintext bytes before the first bad chunk. ``sha256`` (hex, header and chunks) is
    set for an intact file.
    """

    state: VerdictState
    detail: str
    verified_length: int = 0
    first_bad_chunk: int | None = None
    bad_chunks: int = 0
    byte_offset: int | None = None
    time_range_ms: tuple[int, int] | None = None
    recovered: bool = False
    sha256: str | None = None


_MIN_FINAL_BYTES: Final = 1 + TAG_BYTES


def verify_file(path: Path, key_ring: KeyRing, progress: Progress | None = None) -> Verdict:
    """As :func:`verify`, a damaged header included. Raises OSError, and WrongKeyError: nothing can be said."""
    try:
        reader = VgeReader(path, key_ring)
    except FileDamagedError as error:
        return Verdict(VerdictState.ALTERED, str(error), byte_offset=0)
    with reader:
        return verify(reader, progress)


def verify(reader: VgeReader, progress: Progress | None = None) -> Verdict:
    """Go through every byte. Raises OSError."""
    error = reader.footer_error
    if error is not None:
        return _without_footer(reader, progress, error)
    footer = reader.footer
    if footer is None:
        return _without_footer(reader, progress, None)
    count = footer.chunk_count
    digest, first_bad, bad = _check_chunks(reader, count, progress)
    recovered = footer.state is FooterState.RECOVERED
    if first_bad is not None:
        return _bad_chunk(reader, first_bad, bad, recovered)
    if reader.footer_start != footer.chunks_end:
        extra = reader.footer_start - footer.chunks_end
        detail = f"{reader.name}: {extra} foreign bytes at byte {footer.chunks_end}, before the footer"
        return Verdict(
            VerdictState.ALTERED,
            detail,
            footer.plaintext_length,
            byte_offset=footer.chunks_end,
            recovered=recovered,
        )
    if digest != footer.sha256:
        detail = f"{reader.name}: every chunk authenticates but the footer's SHA-256 is of other bytes"
        return Verdict(VerdictState.ALTERED, detail, footer.plaintext_length, recovered=recovered)
    detail = f"{reader.name}: intact, {footer.plaintext_length} bytes in {count} chunks"
    return Verdict(
        VerdictState.INTACT, detail, footer.plaintext_length, recovered=recovered, sha256=digest.hex()
    )


def find_final(reader: VgeReader, index: int) -> bytes | None:
    """Plaintext of the FINAL chunk at place ``index`` of a file without a usable footer, or None.

    Its length is not known, as the start of a torn footer may follow: every length is tried (at most 16,384,
    under 0.2 s); only the true one authenticates.
    """
    raw = reader.read_sealed(index, index + 1)[:SEALED_CHUNK_BYTES]
    sizes = range(len(raw), _MIN_FINAL_BYTES - 1, -1)
    likely = reader.footer_start - chunk_offset(index)
    with memoryview(raw) as view:
        for size in chain([likely] if likely in sizes else [], sizes):
            try:
                return reader.keys.open_chunk(FINAL, index, view[:size])
            except InvalidTag:
                continue
    return None


def _check_chunks(reader: VgeReader, count: int, progress: Progress | None) -> tuple[bytes, int | None, int]:
    """SHA-256 of header and chunks, the first bad chunk, and how many are bad."""
    sha256 = hashlib.sha256(reader.raw_header)
    first_bad: int | None = None
    bad = 0
    for start in range(0, count, BATCH_CHUNKS):
        end = min(count, start + BATCH_CHUNKS)
        raw = reader.read_sealed(start, end)
        sha256.update(raw)
        at = start
        while at < end:
            try:
                with memoryview(raw) as view:
                    reader.open_chunks(at, end, view[(at - start) * SEALED_CHUNK_BYTES :])
                break
            except ChunkDamagedError as error:
                first_bad = error.chunk if first_bad is None else first_bad
                bad += 1
                at = error.chunk + 1
        if progress:
            progress(chunk_offset(end), chunk_offset(count))
    return sha256.digest(), first_bad, bad


def _bad_chunk(reader: VgeReader, first_bad: int, bad: int, recovered: bool = False) -> Verdict:
    error = reader.damaged(first_bad, f"was altered ({bad} bad in all)")
    return Verdict(
        VerdictState.ALTERED,
        str(error),
        verified_length=first_bad * CHUNK_BYTES,
        first_bad_chunk=first_bad,
        bad_chunks=bad,
        byte_offset=error.offset,
        time_range_ms=error.time_range_ms,
        recovered=recovered,
    )


def _without_footer(
    reader: VgeReader, progress: Progress | None, error: FooterDamagedError | None
) -> Verdict:
    whole = reader.whole_chunks()
    growing = writer_lives(reader)
    _, first_bad, bad = _check_chunks(reader, whole, progress)
    good = whole if first_bad is None else first_bad
    if first_bad is not None and bad < whole - first_bad:
        return _bad_chunk(reader, first_bad, bad)  # good chunks follow it, so it is no torn end
    final = find_final(reader, good)
    length = good * CHUNK_BYTES + len(final or b"")
    end = chunk_offset(good) + (len(final) + TAG_BYTES if final else 0)
    left = reader.size_bytes() - end
    if error is not None:
        if final is None and end != reader.footer_start:
            # Neither the last chunk nor the footer authenticates; the chunk comes first in the file.
            return _bad_chunk(reader, good, 1)
        return Verdict(VerdictState.ALTERED, str(error), length, byte_offset=end)
    state = VerdictState.INCOMPLETE if growing else VerdictState.TRUNCATED
    why = "its writer is at work" if growing else "cut, or left by a writer that died"
    detail = f"{reader.name}: no footer ({why}): {length} bytes verify, {left} after byte {end} do not"
    return Verdict(state, detail, length, byte_offset=end)


def writer_lives(reader: VgeReader) -> bool:
    """True while a writer (or a recovery) holds the file's lock."""
    try:
        fcntl.flock(reader.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(reader.fileno(), fcntl.LOCK_UN)
    return False
