"""The 512-byte header of a `.vge` version 2 file, and the keys that follow from it.

The layout is described byte by byte in docs/reference/vge.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from vigilar_common.crypto.keys import (
    KEY_BYTES,
    SLOT_BYTES,
    KeyRing,
    KeyState,
    RevokedKeyError,
    UnknownKeyError,
    master_key_id,
    open_file_key,
)
from vigilar_common.crypto.vge.errors import HeaderDamagedError

MAGIC: Final = b"\x89VGE\r\n\x1a\n"
VERSION: Final = 2
HEADER_BYTES: Final = 512
CHUNK_BYTES: Final = 16_384
TAG_BYTES: Final = 16
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
SLOTS: Final = 4
DATA: Final = 0  # chunk types: the first byte of the nonce
FINAL: Final = 1

_FIXED = struct.Struct(">8sBBHI8s16sQ16s32s32s")
_NONCE = struct.Struct(">B3xQ")
_BOUND_BYTES: Final = 96  # what precedes the commitment
_SLOTS_START: Final = 128
_RESERVED_START: Final = _SLOTS_START + SLOTS * SLOT_BYTES
_INFO: Final = b"vigilar/vge/v2\0"


class Suite(IntEnum):
    KEY_RING = 1  # the master key is in the reader's ring
    SEALED = 2  # the master key is random per file and sealed to public keys


class FileKind(IntEnum):
    """What a file holds; the low byte of the header's flags, so it is authenticated from the first byte."""

    OTHER = 0
    RECORDING = 1
    THUMBNAIL = 2
    SNAPSHOT = 3
    CROP = 4
    TRAINING_IMAGE = 5
    REEL = 6
    TIMELAPSE = 7

    @property
    def is_mp4(self) -> bool:
        """True where the content is fragmented MP4."""
        return self in (FileKind.RECORDING, FileKind.REEL, FileKind.TIMELAPSE)


@dataclass(frozen=True)
class Header:
    """The header's fields; ``slots`` are 80 bytes each (all zero: unused), ``created_ms`` is UTC."""

    suite: Suite
    kind: FileKind
    key_id: bytes
    file_uuid: UUID
    created_ms: int
    stream_uuid: UUID
    salt: bytes
    slots: tuple[bytes, ...] = (bytes(SLOT_BYTES),) * SLOTS
    commitment: bytes = bytes(32)

    def pack(self) -> bytes:
        fixed = _FIXED.pack(
            MAGIC,
            VERSION,
            self.suite,
            self.kind,
            CHUNK_BYTES,
            self.key_id,
            self.file_uuid.bytes,
            self.created_ms,
            self.stream_uuid.bytes,
            self.salt,
            self.commitment,
        )
        return (fixed + b"".join(self.slots)).ljust(HEADER_BYTES, b"\0")

    @classmethod
    def unpack(cls, raw: bytes, name: str) -> Header:
        """Raises HeaderDamagedError naming ``name``; nothing here is authenticated yet."""
        if len(raw) < HEADER_BYTES:
            raise HeaderDamagedError(
                f"{name}: holds {len(raw)} bytes, less than the {HEADER_BYTES} of a header"
            )
        magic, version, suite, flags, chunk_bytes, key_id, file_uuid, created, stream, salt, commitment = (
            _FIXED.unpack_from(raw)
        )
        if magic != MAGIC:
            raise HeaderDamagedError(f"{name}: header at byte 0: is no `.vge` version 2 file (wrong magic)")
        if version != VERSION:
            raise HeaderDamagedError(
                f"{name}: header at byte 8: version {version} is not known, only {VERSION}"
            )
        if suite not in tuple(Suite):
            raise HeaderDamagedError(f"{name}: header at byte 9: cipher suite {suite} is not known")
        if flags not in tuple(FileKind):
            raise HeaderDamagedError(f"{name}: header at byte 10: flags {flags:#06x} are not known")
        if chunk_bytes != CHUNK_BYTES:
            raise HeaderDamagedError(
                f"{name}: header at byte 12: chunk size {chunk_bytes} is not {CHUNK_BYTES}"
            )
        if any(raw[_RESERVED_START:HEADER_BYTES]):
            raise HeaderDamagedError(f"{name}: header at byte {_RESERVED_START}: reserved bytes are not zero")
        slots = tuple(
            bytes(raw[at : at + SLOT_BYTES]) for at in range(_SLOTS_START, _RESERVED_START, SLOT_BYTES)
        )
        return cls(
            Suite(suite),
            FileKind(flags),
            key_id,
            UUID(bytes=file_uuid),
            created,
            UUID(bytes=stream),
            salt,
            slots,
            commitment,
        )


@dataclass(frozen=True)
class FileKeys:
    """What a file's master key and header give; ``aux_key`` seals the footer."""

    payload: AESGCM = field(repr=False)
    aux_key: bytes = field(repr=False)
    commitment: bytes

    def seal_chunk(self, chunk_type: int, index: int, plaintext: bytes | memoryview) -> bytes:
        return self.payload.encrypt(_NONCE.pack(chunk_type, index), plaintext, None)

    def seal_chunk_into(self, chunk_type: int, index: int, plaintext: memoryview, target: memoryview) -> None:
        """As ``seal_chunk``, into memory of exactly the sealed size."""
        self.payload.encrypt_into(_NONCE.pack(chunk_type, index), plaintext, None, target)

    def open_chunk(self, chunk_type: int, index: int, sealed: bytes | memoryview) -> bytes:
        """Raises cryptography's InvalidTag."""
        return self.payload.decrypt(_NONCE.pack(chunk_type, index), sealed, None)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512 (RFC 5869)."""
    return HKDFExpand(SHA512(), length, info).derive(key)


def derive_keys(master: bytes, raw_header: bytes) -> FileKeys:
    """Keys from the master (32 bytes) and all of the header but its commitment."""
    okm = expand(master, _INFO + raw_header[:_BOUND_BYTES] + raw_header[_SLOTS_START:HEADER_BYTES], 96)
    return FileKeys(AESGCM(okm[:KEY_BYTES]), okm[KEY_BYTES : 2 * KEY_BYTES], okm[2 * KEY_BYTES :])


def commit(header: Header, master: bytes) -> tuple[bytes, FileKeys]:
    """The finished header bytes (commitment filled in) and the file's keys."""
    keys = derive_keys(master, header.pack())
    return replace(header, commitment=keys.commitment).pack(), keys


def unlock(header: Header, raw: bytes, ring: KeyRing, name: str) -> FileKeys:
    """The file's keys, once the commitment proves that key and header belong together.

    Raises UnknownKeyError, RevokedKeyError or HeaderDamagedError, always before any payload is decrypted.
    """
    master = (
        _sealed_master(header, ring, name)
        if header.suite is Suite.SEALED
        else _ring_master(header, ring, name)
    )
    keys = derive_keys(master, raw[:HEADER_BYTES])
    if not bytes_eq(keys.commitment, header.commitment):
        raise HeaderDamagedError(
            f"{name}: header (bytes 0–{HEADER_BYTES - 1}) was altered: "
            f"key {header.key_id.hex()} does not match its commitment"
        )
    return keys


def _ring_master(header: Header, ring: KeyRing, name: str) -> bytes:
    entry = ring.get(header.key_id)
    if entry is not None and entry.master is not None and entry.state is not KeyState.REVOKED:
        return entry.master
    for key in ring.usable():  # an altered key id is damage, not a missing key: say so where it can be told
        if key.master is None:
            continue
        renamed = replace(header, key_id=master_key_id(key.master))
        if bytes_eq(derive_keys(key.master, renamed.pack()).commitment, header.commitment):
            raise HeaderDamagedError(f"{name}: header at byte 16 was altered: key id {header.key_id.hex()}")
    raise _no_key(header, ring, name)


def _sealed_master(header: Header, ring: KeyRing, name: str) -> bytes:
    named = ring.get(header.key_id)
    if named is not None and named.private is not None and named.state is not KeyState.REVOKED:
        master = open_file_key(named.private, header.slots[0], header.file_uuid)
        if master is None:
            raise HeaderDamagedError(
                f"{name}: header (bytes 0–{HEADER_BYTES - 1}) was altered: "
                f"the slot of key {header.key_id.hex()} does not open"
            )
        return master
    for key in ring.usable():  # the owner's recovery key is in a later slot; its id is not in the header
        for slot in header.slots:
            if key.private is None or not any(slot):
                continue
            master = open_file_key(key.private, slot, header.file_uuid)
            if master is not None:
                return master
    raise _no_key(header, ring, name)


def _no_key(header: Header, ring: KeyRing, name: str) -> UnknownKeyError | RevokedKeyError:
    key_id = header.key_id.hex()
    entry = ring.get(header.key_id)
    if entry is not None and entry.state is KeyState.REVOKED:
        return RevokedKeyError(f"{name}: key {key_id} is revoked")
    return UnknownKeyError(f"{name}: needs key {key_id}, which is not among the {len(ring)} of the key ring")
