"""One file against its ledger entry: by SHA-256 alone, or chunk by chunk where a key opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import VerdictState, VgeReader, verify
from vigilar_common.errors import FileDamagedError, WrongKeyError

PIECE_BYTES = 1024 * 1024
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Seen:
    """`state` is intact, altered, incomplete or unknown-key; times are UTC ms of what is affected."""

    state: str
    detail: str = ""
    chunk: int | None = None
    byte_offset: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None


def check_file(
    path: Path, file_id: str, file_format: str, kind: str, body: dict[str, Any], ring: KeyRing | None,
    quick: bool, progress: Progress,
) -> Seen:  # fmt: skip
    """Never raises for what a file holds. A file that cannot be read is altered: it is no longer evidence."""
    try:
        if ring is not None and not quick and file_format == "vge2" and kind != "damaged":
            return _by_chunk(path, file_id, body, ring, progress)
        wrong = _by_hash(path, body, progress)
        if not wrong:
            return _as_registered(kind, body)
        if ring is not None and file_format == "vge2" and kind != "damaged":
            located = _by_chunk(path, file_id, body, ring, lambda _: None)
            if located.state != "unknown-key":
                return located
        return Seen("altered", wrong)
    except OSError as error:
        return Seen("altered", f"it cannot be read: {error.strerror}")


def _as_registered(kind: str, body: dict[str, Any]) -> Seen:
    if kind == "damaged":
        return Seen("incomplete", f"it arrived damaged ({body.get('damage', '')}), and is unchanged since")
    return Seen("intact")


def _by_hash(path: Path, body: dict[str, Any], progress: Progress) -> str:
    """What differs from the entry, "" when nothing does."""
    size_bytes = path.stat().st_size
    covers_bytes = body.get("covers_bytes", size_bytes)
    main, rest = hashlib.sha256(), hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while piece := file.read(
            PIECE_BYTES if done >= covers_bytes else min(PIECE_BYTES, covers_bytes - done)
        ):
            (main if done < covers_bytes else rest).update(piece)
            done += len(piece)
            progress(len(piece))
    if main.hexdigest() != body.get("sha256"):
        if done < body.get("size_bytes", 0):
            return f"it was cut: {done} of {body['size_bytes']} bytes are there"
        return "its SHA-256 is not the one in the ledger"
    if done != body.get("size_bytes", done):
        return f"it has {done} bytes, the ledger says {body['size_bytes']}"
    if body.get("footer_sha256") and rest.hexdigest() != body["footer_sha256"]:
        return "its footer is not the one in the ledger"
    return ""


def _by_chunk(path: Path, file_id: str, body: dict[str, Any], ring: KeyRing, progress: Progress) -> Seen:
    try:
        reader = VgeReader(path, ring, expect_file_uuid=UUID(file_id))
    except WrongKeyError as error:
        wrong = _by_hash(path, body, progress)
        if wrong:
            return Seen("altered", wrong)
        return Seen("unknown-key", f"{error}; its bytes are those that the ledger knows")
    except FileDamagedError as error:
        return Seen("altered", str(error), byte_offset=0)
    before = 0

    def advance(done: int, _whole: int) -> None:
        nonlocal before
        progress(done - before)
        before = done

    with reader:
        found = verify(reader, advance)
        created_ms, size_bytes = reader.header.created_ms, reader.size_bytes()
    if found.state is VerdictState.INTACT:
        if found.sha256 != body.get("sha256"):
            return Seen("altered", "its key made it, but it is not the file that was registered (SHA-256)")
        if size_bytes != body.get("size_bytes", size_bytes):
            return Seen("altered", f"it has {size_bytes} bytes, the ledger says {body['size_bytes']}")
        return Seen("intact")
    times = found.time_range_ms
    return Seen(
        "altered",
        found.detail,
        found.first_bad_chunk,
        found.byte_offset,
        created_ms + times[0] if times else None,
        created_ms + times[1] if times else None,
    )
