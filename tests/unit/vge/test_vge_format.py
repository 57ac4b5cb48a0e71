"""The bytes on disk are what docs/reference/vge.md says: checked by a second reader written from that page."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from unit.vge.conftest import CREATED_MS, STREAM, Keys
from vigilar_common.crypto.vge import FileKind, FinishedFile, VgeReader, VgeWriter


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha512).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def unseal(raw: bytes, master: bytes) -> tuple[bytes, tuple[int, ...], dict[str, object]]:
    """Plaintext, fixed footer fields and metadata, by the page alone."""
    keys = hkdf_expand(master, b"vigilar/vge/v2\0" + raw[:96] + raw[128:512], 96)
    assert keys[64:] == raw[96:128]
    assert raw[-8:] == b"VGE2FOOT"
    (length,) = struct.unpack(">I", raw[-12:-8])
    box, salt = raw[-12 - length : -12], raw[-36 - length : -12 - length]
    body = AESGCM(hkdf_expand(keys[32:64], b"footer" + salt, 32)).decrypt(bytes(12), box, None)
    plain_bytes, count, digest, *rest = struct.unpack(">QQ32sBBHIQQQQ16s", body[:104])
    chunks_end = len(raw) - 36 - length
    assert digest == hashlib.sha256(raw[:chunks_end]).digest()
    plain = b""
    for index in range(count):
        start = 512 + index * 16_400
        sealed = raw[start : min(start + 16_400, chunks_end)]
        nonce = bytes([index == count - 1]) + bytes(3) + struct.pack(">Q", index)
        plain += AESGCM(keys[:32]).decrypt(nonce, sealed, None)
    assert len(plain) == plain_bytes
    after_index = 104 + 24 * rest[3]
    (meta_bytes,) = struct.unpack(">I", body[after_index : after_index + 4])
    metadata = json.loads(body[after_index + 4 : after_index + 4 + meta_bytes])
    return plain, (plain_bytes, count, *rest), metadata


def test_a_key_ring_file_reads_by_the_page(make_vge: Callable[..., FinishedFile], keys: Keys) -> None:
    content = bytes(range(256)) * 200
    raw = make_vge(content, suite=1, kind=FileKind.THUMBNAIL).path.read_bytes()
    plain, fixed, metadata = unseal(raw, keys.master)
    assert plain == content
    assert fixed[:5] == (len(content), 4, 0, 0, 0)
    assert metadata == {"camera_id": "front", "kind": "thumbnail", "trigger": "motion"}
    assert raw[:16] == bytes.fromhex("89564745 0D0A1A0A 02 01 0002 00004000")
    assert raw[16:24] == hashlib.sha256(keys.master).digest()[:8]
    assert raw[24:40] == UUID(int=1).bytes
    assert raw[40:48] == CREATED_MS.to_bytes(8, "big")
    assert raw[48:64] == STREAM.bytes
    assert not any(raw[128:512])


@pytest.mark.parametrize("slot", [0, 1])
def test_a_sealed_file_opens_with_either_recipient_by_the_page(
    slot: int, make_vge: Callable[..., FinishedFile], keys: Keys
) -> None:
    raw = make_vge(b"x" * 40_000, kind=FileKind.OTHER).path.read_bytes()
    private = (keys.storage, keys.recovery)[slot]
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    sealed = raw[128 + 80 * slot : 208 + 80 * slot]
    master = suite.decrypt(sealed, private, info=b"vigilar/vge/v2/slot\0" + raw[24:40])
    assert unseal(raw, master)[0] == b"x" * 40_000
    assert raw[9] == 2
    assert raw[16:24] == hashlib.sha256(keys.storage.public_key().public_bytes_raw()).digest()[:8]
    assert not any(raw[288:512])
    with pytest.raises(InvalidTag):
        suite.decrypt(sealed, X25519PrivateKey.generate(), info=b"vigilar/vge/v2/slot\0" + raw[24:40])


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 32_768, 49_000])
def test_the_last_chunk_is_never_empty(size: int, make_vge: Callable[..., FinishedFile], keys: Keys) -> None:
    done = make_vge(b"z" * size, suite=1, kind=FileKind.OTHER)
    plain, fixed, _ = unseal(done.path.read_bytes(), keys.master)
    assert plain == b"z" * size
    assert fixed[1] == -(-size // 16_384) == done.chunk_count
    assert done.chunks_end == 512 + size + 16 * done.chunk_count
    assert done.file_bytes == done.path.stat().st_size
    assert done.sha256 == hashlib.sha256(done.path.read_bytes()[: done.chunks_end]).hexdigest()


def test_footer_tells_times_index_and_boot(new_writer: Callable[..., VgeWriter], keys: Keys) -> None:
    writer = new_writer(suite=1)
    writer.write(b"\0\0\0\x08free" * 10)
    writer.note_fragment(0, 8, 500, True)
    writer.note_fragment(500, 40, 250, False)
    done = writer.finish({"codec": "avc1"})
    with VgeReader(done.path, keys.ring) as reader:
        footer = reader.footer
    assert footer is not None
    assert [tuple(f) for f in footer.fragments] == [(0, 500, 8, 32, True), (500, 250, 40, 40, False)]
    assert footer.boot_id == UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    assert footer.wall_start_ms <= footer.wall_end_ms
    assert footer.monotonic_start_ms == 1_000_000
    assert footer.metadata["codec"] == "avc1"


def test_two_footers_of_the_same_file_never_share_a_key(
    new_writer: Callable[..., VgeWriter], keys: Keys
) -> None:
    """Same file UUID, same content: salt and footer salt are fresh, so no byte after the ids repeats."""
    raws = []
    for name in ("a.vge", "b.vge"):
        writer = new_writer(name, suite=1, file_uuid=UUID(int=9))
        writer.write(b"\0\0\0\x08free")
        raws.append(writer.finish({}).path.read_bytes())
    assert raws[0][64:128] != raws[1][64:128]
    assert raws[0][512:] != raws[1][512:]
    assert raws[0][-8:] == raws[1][-8:]
