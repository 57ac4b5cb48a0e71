"""What encrypting recordings costs: CPU of a `.vge` writer beside that of a plain one, for 16 cameras of 8 Mbit/s.

One process writes the same fragments (400 ms of 8 Mbit/s each) to both kinds of file, and hashes and encrypts them
alone, in turns of a few milliseconds. Printed is how each compares with hashing alone (median over the turns), and from
that the share of one core, with the hash as fast as in the quietest tenth of the turns: other work on the machine (a
sibling hyperthread above all) slows all of them alike.
No fsync here: a plain recording has the same. Run: `python tests/bench/bench_storage_encrypt.py [turns]` (10 s).
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vigilar_camera_worker.adapters.files import Incoming, RecordingFile
from vigilar_common.clock import SystemClock, uuid7

CAMERAS = 16
CAMERA_BYTES_PER_S = 1_000_000  # 8 Mbit/s
FRAGMENT_BYTES = 400_000
CHUNK_BYTES = 16_384
TURNS = 1_000
FRAGMENTS_PER_FILE = 200
TARGET_PCT = 5.0


def fragment() -> bytes:
    """A `moof` of the usual size and an `mdat` that does not compress."""
    moof = struct.pack(">I4s", 1_208, b"moof") + bytes(1_200)
    mdat = os.urandom(FRAGMENT_BYTES - len(moof) - 8)
    return moof + struct.pack(">I4s", len(mdat) + 8, b"mdat") + mdat


class Recording:
    """Writes fragments as the worker does; a new file now and then."""

    def __init__(self, incoming: Incoming, data: bytes) -> None:
        self._incoming, self._data = incoming, data
        self._file: RecordingFile | None = None
        self._count = 0

    def next(self) -> None:
        if self._file is None:
            self._file = self._incoming.recording(uuid7(self._incoming.clock), str(UUID(int=1)), 1)
            self._file.write(struct.pack(">I4s", 24, b"ftyp") + bytes(16))
        position = self._file.position
        self._file.write(self._data)
        self._file.note_fragment(self._count * 400, position, 400, keyframe=True)
        self._count += 1

    def renew(self) -> None:
        """Outside of what is measured."""
        if self._file is not None and self._count >= FRAGMENTS_PER_FILE:
            self._file.close()
            self._file, self._count = None, 0
            for path in self._incoming.folder.iterdir():
                path.unlink()


def cipher_alone(data: bytes) -> Callable[[], None]:
    key, target = AESGCM(os.urandom(32)), bytearray(CHUNK_BYTES + 16)

    def run() -> None:
        with memoryview(data) as view:
            for at in range(0, len(view) - CHUNK_BYTES + 1, CHUNK_BYTES):
                key.encrypt_into(at.to_bytes(12, "big"), view[at : at + CHUNK_BYTES], None, target)

    return run


def main() -> int:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    data, clock = fragment(), SystemClock()
    recipients = (X25519PrivateKey.generate().public_key(), X25519PrivateKey.generate().public_key())
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as name:
        made = []
        for kind in ("sealed", "plain"):
            folder = Path(name) / kind
            folder.mkdir()
            made.append(Recording(Incoming(folder, "front", kind == "sealed", recipients, clock), data))
        sealed, plain = made
        parts: dict[str, Callable[[], object]] = {
            "sealed file": sealed.next,
            "plain file": plain.next,
            "SHA-256 alone": lambda: digest.update(data),
            "AES-256-GCM alone": cipher_alone(data),
        }
        took_s: dict[str, list[float]] = {part: [] for part in parts}
        for _ in range(turns):
            for part, run in parts.items():
                began_s = time.thread_time()
                run()
                took_s[part].append(time.thread_time() - began_s)
            sealed.renew()
            plain.renew()
    share = CAMERAS * CAMERA_BYTES_PER_S / FRAGMENT_BYTES * 100
    # A turn is so short that its parts met the same machine: their ratios to SHA-256 hold still, the times do not.
    hashed_s = took_s["SHA-256 alone"]
    quiet_pct = sorted(hashed_s)[len(hashed_s) // 10] * share
    ratio = {
        part: median(value / hash_s for value, hash_s in zip(values, hashed_s, strict=True))
        for part, values in took_s.items()
    }
    ratio["encryption (sealed − plain)"] = ratio["sealed file"] - ratio["plain file"]
    ratio["  of it beside SHA-256"] = ratio["encryption (sealed − plain)"] - 1
    print(f"{'16 × 8 Mbit/s':<34}{'× SHA-256':>10}{'% of a core':>13}{'target':>8}")
    for part, value in ratio.items():
        target = f"{TARGET_PCT:>8.1f}" if "sealed −" in part else ""
        print(f"{part:<34}{value:>10.3f}{value * quiet_pct:>13.2f}{target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
