"""How fast a recording is verified, beside `openssl dgst -sha256` over the same file in the same run.

`verify` decrypts and authenticates every chunk and hashes the file; `verify --quick` (and the public-key mode) only
hashes. Each is taken in turns with openssl, whole seconds of wall time; the best turn of each counts, as other work on the
machine only adds. Run: `python tests/bench/bench_storage_verify.py [megabytes]` (under a minute).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_common.clock import SystemClock
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import FileKind, VerdictState, VgeWriter, verify_file
from vigilar_storage.verify_file import check_file

MEGABYTES = 256
TURNS = 5
TARGET_PCT = 70.0


def write(path: Path, key: X25519PrivateKey, megabytes: int) -> dict[str, Any]:
    """A sealed file, and what the ledger would say of it."""
    file_uuid = UUID(int=7)
    with VgeWriter(
        path, stream_uuid=UUID(int=1), file_uuid=file_uuid, created_ms=1, kind=FileKind.OTHER, camera_id="front",
        clock=SystemClock(), recipients=[key.public_key()],
    ) as writer:  # fmt: skip
        block = os.urandom(1_000_000)
        for _ in range(megabytes):
            writer.write(block)
        done = writer.finish({})
    return {"sha256": done.sha256, "covers_bytes": done.chunks_end, "size_bytes": done.file_bytes}


def openssl(path: Path) -> None:
    subprocess.run(["openssl", "dgst", "-sha256", str(path)], check=True, capture_output=True)


def main() -> int:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    key, ring = X25519PrivateKey.generate(), KeyRing()
    ring.add_private(key)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "recording.vge"
        body = write(path, key, megabytes)

        def whole() -> None:
            assert verify_file(path, ring).state is VerdictState.INTACT

        def quick() -> None:
            seen = check_file(path, str(UUID(int=7)), "vge2", "finalised", body, None, True, lambda _: None)
            assert seen.state == "intact", seen

        parts: dict[str, Callable[[], None]] = {
            "openssl dgst -sha256": lambda: openssl(path),
            "verify": whole,
            "verify --quick": quick,
        }
        took_s: dict[str, list[float]] = {part: [] for part in parts}
        for _ in range(TURNS):
            for part, run in parts.items():
                began_s = time.perf_counter()
                run()
                took_s[part].append(time.perf_counter() - began_s)
    reference_s = min(took_s["openssl dgst -sha256"])
    print(f"{f'one file of {megabytes} MB':<28}{'MB/s':>8}{'% of openssl':>14}{'target':>8}")
    for part, values in took_s.items():
        target = f"{TARGET_PCT:>8.0f}" if part == "verify" else ""
        print(f"{part:<28}{megabytes / min(values):>8.0f}{reference_s / min(values) * 100:>14.0f}{target}")
    print(
        f"memory of this process at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
