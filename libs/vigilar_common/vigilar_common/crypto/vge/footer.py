"""The footer: what the file holds, authenticated as one, written once at the end.

Only a footer proves that a file is complete. A file without one is growing, torn or cut.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vigilar_common.crypto.keys import KEY_BYTES
from vigilar_common.crypto.vge.errors import FooterDamagedError
from vigilar_common.crypto.vge.header import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, expand
from vigilar_common.fmp4 import Fragment

FOOTER_MAGIC: Final = b"VGE2FOOT"
MAX_FOOTER_BYTES: Final = 64 * 1024 * 1024
MAX_METADATA_BYTES: Final = 64 * 1024
SALT_BYTES: Final = 24
END_FINAL: Final = 0  # the last chunk is a FINAL one (or there is no chunk at all)
END_TORN: Final = 1  # the last chunk is a DATA one: a recovered file whose writer died
_PURPOSE: Final = b"footer"
_NONCE: Final = bytes(12)

_TAIL = struct.Struct(">I8s")
TAIL_BYTES: Final = _TAIL.size
_BODY = struct.Struct(">QQ32sBBHIQQQQ16s")
_ENTRY = struct.Struct(">QQII")
_LENGTH = struct.Struct(">I")


class FooterState(IntEnum):
    OK = 0
    RECOVERED = 1


@dataclass(frozen=True)
class Footer:
    """``sha256`` covers header and chunks as they are on disk. Times: ``*_ms``; monotonic 0 and boot id zero
    when not known (recovered files). ``fragments`` are in file order.
    """

    plaintext_length: int
    chunk_count: int
    sha256: bytes
    state: FooterState
    torn: bool
    wall_start_ms: int
    wall_end_ms: int
    monotonic_start_ms: int
    monotonic_end_ms: int
    boot_id: UUID
    fragments: tuple[Fragment, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def chunks_end(self) -> int:
        """The byte in the file where the chunks end and the footer starts."""
        return HEADER_BYTES + self.plaintext_length + self.chunk_count * TAG_BYTES


def seal_footer(footer: Footer, aux_key: bytes) -> bytes:
    """All bytes after the last chunk. Raises ValueError when metadata or index exceed their limits."""
    body = _pack_body(footer)
    salt = os.urandom(SALT_BYTES)
    box = AESGCM(expand(aux_key, _PURPOSE + salt, KEY_BYTES)).encrypt(_NONCE, body, None)
    if len(box) > MAX_FOOTER_BYTES:
        raise ValueError(f"a footer has at most {MAX_FOOTER_BYTES} bytes, not {len(box)}")
    return salt + box + _TAIL.pack(len(box), FOOTER_MAGIC)


def footer_box_bytes(tail: bytes) -> int | None:
    """Length of the sealed footer as the file's last 12 bytes tell it, or None when they end no footer."""
    if len(tail) != TAIL_BYTES:
        return None
    length, magic = _TAIL.unpack(tail)
    return int(length) if magic == FOOTER_MAGIC else None


def open_footer(sealed: bytes, aux_key: bytes, name: str, offset: int) -> Footer:
    """Read ``salt ‖ box`` found at byte ``offset`` of the file. Raises FooterDamagedError."""
    salt, box = sealed[:SALT_BYTES], sealed[SALT_BYTES:]
    try:
        body = AESGCM(expand(aux_key, _PURPOSE + salt, KEY_BYTES)).decrypt(_NONCE, box, None)
    except (InvalidTag, ValueError) as error:
        raise FooterDamagedError(f"{name}: footer at byte {offset} was altered") from error
    try:
        return _unpack_body(body)
    except (ValueError, struct.error, IndexError, OverflowError) as error:
        raise FooterDamagedError(f"{name}: footer at byte {offset} contradicts itself: {error}") from error


def _pack_body(footer: Footer) -> bytes:
    metadata = json.dumps(
        footer.metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
    if len(metadata) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata have at most {MAX_METADATA_BYTES} bytes, not {len(metadata)}")
    fixed = _BODY.pack(
        footer.plaintext_length,
        footer.chunk_count,
        footer.sha256,
        footer.state,
        END_TORN if footer.torn else END_FINAL,
        0,
        len(footer.fragments),
        footer.wall_start_ms,
        footer.wall_end_ms,
        footer.monotonic_start_ms,
        footer.monotonic_end_ms,
        footer.boot_id.bytes,
    )
    entries = b"".join(
        _ENTRY.pack(item.time_ms, item.offset, item.duration_ms, int(item.keyframe))
        for item in footer.fragments
    )
    return fixed + entries + _LENGTH.pack(len(metadata)) + metadata


def _unpack_body(body: bytes) -> Footer:
    (length, count, sha256, state, end, _, entries, wall_start, wall_end, mono_start, mono_end, boot_id) = (
        _BODY.unpack_from(body)
    )
    index_end = _BODY.size + entries * _ENTRY.size
    (metadata_bytes,) = _LENGTH.unpack_from(body, index_end)
    if index_end + _LENGTH.size + metadata_bytes != len(body):
        raise ValueError("lengths do not add up")
    metadata = json.loads(body[index_end + _LENGTH.size :])
    if not isinstance(metadata, dict):
        raise ValueError("metadata are no object")  # noqa: TRY004
    if end not in (END_FINAL, END_TORN):
        raise ValueError(f"end {end} is not known")
    footer = Footer(
        plaintext_length=length,
        chunk_count=count,
        sha256=sha256,
        state=FooterState(state),
        torn=end == END_TORN,
        wall_start_ms=wall_start,
        wall_end_ms=wall_end,
        monotonic_start_ms=mono_start,
        monotonic_end_ms=mono_end,
        boot_id=UUID(bytes=boot_id),
        fragments=_unpack_index(memoryview(body)[_BODY.size : index_end], length),
        metadata=metadata,
    )
    _check_lengths(footer)
    return footer


def _unpack_index(raw: memoryview, plaintext_length: int) -> tuple[Fragment, ...]:
    rows = list(_ENTRY.iter_unpack(raw))
    ends = [row[1] for row in rows[1:]] + [plaintext_length] * bool(rows)
    fragments = tuple(
        Fragment(time_ms, duration_ms, offset, end - offset, bool(flags & 1))
        for (time_ms, offset, duration_ms, flags), end in zip(rows, ends, strict=True)
    )
    if any(item.size <= 0 for item in fragments):
        raise ValueError("fragments overlap or leave the file")
    return fragments


def _check_lengths(footer: Footer) -> None:
    """Only these shapes exist; a torn end is believed of a recovered file alone."""
    whole = footer.chunk_count * CHUNK_BYTES
    if footer.torn:
        if footer.state is not FooterState.RECOVERED:
            raise ValueError("a torn end without the state recovered")
        if footer.plaintext_length != whole or not whole:
            raise ValueError("a torn end inside a chunk")
    elif not (
        whole - CHUNK_BYTES < footer.plaintext_length <= whole or footer.plaintext_length == whole == 0
    ):
        raise ValueError("length and number of chunks contradict each other")
