"""Nobody without the key changes a file unnoticed, and what was changed is located.

The exhaustive forms are in tests/chaos/test_evidence_vge.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from unit.vge.conftest import Keys
from vigilar_common.crypto.keys import KeyRing, KeyState, RevokedKeyError, UnknownKeyError, master_key_id
from vigilar_common.crypto.vge import (
    ChunkDamagedError,
    FileKind,
    FinishedFile,
    FooterDamagedError,
    Header,
    HeaderDamagedError,
    Verdict,
    VerdictState,
    VgeReader,
    verify_file,
)
from vigilar_common.crypto.vge.footer import Footer, FooterState, seal_footer
from vigilar_common.errors import FileDamagedError, WrongKeyError

MakeVge = Callable[..., FinishedFile]
SEALED = 16_400


@pytest.fixture
def short(make_vge: MakeVge) -> FinishedFile:
    """Three chunks, the last of 200 bytes."""
    return make_vge(random.Random(4).randbytes(2 * 16_384 + 200), kind=FileKind.OTHER)


def judge(path: Path, raw: bytes, keys: Keys) -> Verdict:
    copy = path.with_name("copy.vge")
    copy.write_bytes(raw)
    return verify_file(copy, keys.ring)


def chunk_at(done: FinishedFile, offset: int) -> int | None:
    """The chunk that byte ``offset`` belongs to, None for header and footer."""
    if offset < 512 or offset >= done.chunks_end:
        return None
    return (offset - 512) // SEALED


def check_flip(done: FinishedFile, raw: bytes, offset: int, bit: int, keys: Keys) -> None:
    altered = bytearray(raw)
    altered[offset] ^= 1 << bit
    try:
        verdict = judge(done.path, bytes(altered), keys)
    except WrongKeyError as error:
        raise AssertionError(f"flip of bit {bit} at byte {offset} reported as a missing key") from error
    assert verdict.state in (VerdictState.ALTERED, VerdictState.TRUNCATED), f"byte {offset} bit {bit}"
    assert verdict.first_bad_chunk == chunk_at(done, offset), f"byte {offset} bit {bit}: {verdict.detail}"
    if offset < 512:
        assert verdict.byte_offset == 0
    elif offset >= done.chunks_end:
        assert verdict.byte_offset == done.chunks_end


@pytest.mark.parametrize("suite", [1, 2])
def test_every_header_and_footer_byte_and_a_sample_of_chunk_bytes_is_guarded(
    suite: int, make_vge: MakeVge, keys: Keys
) -> None:
    done = make_vge(random.Random(4).randbytes(2 * 16_384 + 200), suite=suite, kind=FileKind.OTHER)
    raw = done.path.read_bytes()
    rng = random.Random(5)
    footer = range(done.chunks_end, len(raw))
    edges = [512, 512 + SEALED - 1, 512 + SEALED, 512 + 2 * SEALED - 1, 512 + 2 * SEALED, done.chunks_end - 1]
    step = 3 if suite == 1 else 1  # its slots are empty; the sealed form is what workers write
    some = rng.sample(range(512, done.chunks_end), 60)
    for offset in [*range(0, 512, step), *edges, *some, *footer[::step]]:
        check_flip(done, raw, offset, rng.randrange(8), keys)


def check_cut(done: FinishedFile, raw: bytes, size: int, keys: Keys) -> None:
    verdict = judge(done.path, raw[:size], keys)
    if size < 512:
        assert verdict.state is VerdictState.ALTERED
        assert verdict.byte_offset == 0
        return
    assert verdict.state is VerdictState.TRUNCATED, f"cut to {size}"
    whole = (min(size, done.chunks_end) - 512) // SEALED
    kept = done.plaintext_length if size >= done.chunks_end else whole * 16_384
    assert verdict.verified_length == kept
    assert verdict.byte_offset == (done.chunks_end if size >= done.chunks_end else 512 + whole * SEALED)


def test_truncations_are_detected_and_located(short: FinishedFile, keys: Keys) -> None:
    raw = short.path.read_bytes()
    edges = {0, 1, 511, 512, 513, 512 + SEALED, 512 + 2 * SEALED, short.chunks_end, len(raw) - 1}
    for size in edges | set(random.Random(6).sample(range(len(raw)), 15)):
        check_cut(short, raw, size, keys)


def pieces(done: FinishedFile) -> tuple[bytes, list[bytes], bytes]:
    raw = done.path.read_bytes()
    body = raw[512 : done.chunks_end]
    return raw[:512], [body[i : i + SEALED] for i in range(0, len(body), SEALED)], raw[done.chunks_end :]


Order = Callable[[list[bytes]], list[bytes]]


@pytest.mark.parametrize(
    ("change", "first_bad"),
    [
        (lambda c: [c[1], c[0], *c[2:]], 0),
        (lambda c: [c[0], c[0], *c[2:]], 1),
        (lambda c: [c[0], c[1], c[1], *c[2:]], 2),
        (lambda c: [c[0], *c[2:]], 1),
        (lambda c: c[1:], 0),
        (lambda c: c[:-1], 4),
        (lambda c: [*c[:-2], c[-1], c[-2]], 3),
        (lambda c: [*c, c[-1]], None),
    ],
    ids=["swap", "overwrite", "duplicate", "drop", "drop first", "drop last", "swap last", "append"],
)
def test_chunks_out_of_place_are_located(
    change: Order, first_bad: int | None, make_vge: MakeVge, keys: Keys
) -> None:
    done = make_vge(random.Random(8).randbytes(4 * 16_384 + 900), kind=FileKind.OTHER)
    head, chunks, foot = pieces(done)
    verdict = judge(done.path, head + b"".join(change(chunks)) + foot, keys)
    assert verdict.state is VerdictState.ALTERED
    assert verdict.first_bad_chunk == first_bad
    if first_bad is None:
        assert verdict.byte_offset == done.chunks_end


@pytest.mark.parametrize("suite", [1, 2])
def test_parts_of_another_file_do_not_fit(suite: int, make_vge: MakeVge, keys: Keys) -> None:
    content = random.Random(9).randbytes(3 * 16_384)
    mine = make_vge(content, "mine.vge", suite=suite, kind=FileKind.OTHER)
    other = make_vge(content, "other.vge", suite=suite, kind=FileKind.OTHER)
    head, chunks, foot = pieces(mine)
    other_head, other_chunks, other_foot = pieces(other)
    spliced = judge(mine.path, head + chunks[0] + other_chunks[1] + chunks[2] + foot, keys)
    assert (spliced.state, spliced.first_bad_chunk) == (VerdictState.ALTERED, 1)
    foot_swapped = judge(mine.path, head + b"".join(chunks) + other_foot, keys)
    assert (foot_swapped.state, foot_swapped.byte_offset) == (VerdictState.ALTERED, mine.chunks_end)
    assert "footer" in foot_swapped.detail
    head_swapped = judge(mine.path, other_head + b"".join(chunks) + foot, keys)
    assert head_swapped.state is VerdictState.ALTERED


def test_a_final_chunk_in_the_midst_does_not_end_the_file(make_vge: MakeVge, keys: Keys) -> None:
    """A whole FINAL chunk cannot pass for a DATA one: the type is in the nonce."""
    done = make_vge(random.Random(10).randbytes(2 * 16_384), kind=FileKind.OTHER)
    head, chunks, _ = pieces(done)
    copy = done.path.with_name("copy.vge")
    copy.write_bytes(head + b"".join(chunks))
    with VgeReader(copy, keys.ring) as reader:
        assert reader.plaintext_length == 16_384
        with pytest.raises(ChunkDamagedError):
            reader.open_chunks(1, 2)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, 0, "wrong magic"),
        (8, 1, "version 1 is not known"),
        (8, 3, "version 3 is not known"),
        (9, 1, "key id|needs key"),
        (9, 0, "suite 0 is not known"),
        (10, 1, "flags 0x0100"),
        (13, 1, "chunk size 81920"),
        (450, 1, "reserved"),
    ],
)
def test_a_downgraded_or_unknown_header_is_refused(
    offset: int, value: int, message: str, short: FinishedFile, keys: Keys
) -> None:
    raw = bytearray(short.path.read_bytes())
    raw[offset] = value
    short.path.write_bytes(raw)
    with pytest.raises((HeaderDamagedError, UnknownKeyError), match=message):
        VgeReader(short.path, keys.ring)


def test_a_missing_key_is_told_apart_from_damage(short: FinishedFile, make_vge: MakeVge) -> None:
    ring = KeyRing()
    with pytest.raises(UnknownKeyError, match=r"needs key [0-9a-f]{16}, which is not among the 0"):
        VgeReader(short.path, ring)
    ring.add_private(X25519PrivateKey.generate())
    ring.add_master(b"w" * 32)
    with pytest.raises(UnknownKeyError):
        VgeReader(short.path, ring)
    with pytest.raises(UnknownKeyError):
        VgeReader(make_vge(b"x", "s1.vge", suite=1, kind=FileKind.OTHER).path, ring)


def test_the_recovery_key_alone_opens_a_sealed_file(short: FinishedFile, keys: Keys) -> None:
    ring = KeyRing()
    ring.add_private(keys.recovery, KeyState.DECRYPT_ONLY)
    assert verify_file(short.path, ring).state is VerdictState.INTACT


def test_a_revoked_key_opens_nothing(make_vge: MakeVge, keys: Keys) -> None:
    path = make_vge(b"x", suite=1, kind=FileKind.OTHER).path
    ring = KeyRing()
    key_id = ring.add_master(keys.master)
    VgeReader(path, ring).close()
    ring.set_state(key_id, KeyState.REVOKED)
    with pytest.raises(RevokedKeyError, match="is revoked"):
        VgeReader(path, ring)


def test_an_altered_key_id_of_a_known_key_is_damage(make_vge: MakeVge, keys: Keys) -> None:
    path = make_vge(b"x", suite=1, kind=FileKind.OTHER).path
    raw = bytearray(path.read_bytes())
    raw[16:24] = master_key_id(b"another key of thirty-two bytes!")
    path.write_bytes(raw)
    with pytest.raises(HeaderDamagedError, match="header at byte 16 was altered"):
        VgeReader(path, keys.ring)


def test_a_damaged_footer_is_named_and_the_chunks_stay_readable(short: FinishedFile, keys: Keys) -> None:
    raw = bytearray(short.path.read_bytes())
    raw[short.chunks_end + 30] ^= 1
    short.path.write_bytes(raw)
    with (
        VgeReader(short.path, keys.ring) as reader,
        pytest.raises(FooterDamagedError, match=f"footer at byte {short.chunks_end}"),
    ):
        _ = reader.plaintext_length
    with VgeReader(short.path, keys.ring, ignore_footer=True) as reader:
        assert len(reader.read(0, reader.plaintext_length)) == 2 * 16_384


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"torn": True}, "torn end without the state recovered"),
        ({"torn": True, "state": FooterState.RECOVERED}, "torn end inside a chunk"),
        ({"plaintext_length": 16_384}, "contradict"),
        ({"chunk_count": 9}, "contradict"),
    ],
)
def test_a_footer_of_impossible_shape_is_refused_even_from_a_key_holder(
    change: dict[str, object], message: str, short: FinishedFile, keys: Keys
) -> None:
    with VgeReader(short.path, keys.ring) as reader:
        footer, aux_key = reader.footer, reader.keys.aux_key
    assert footer is not None
    forged = Footer(**{**footer.__dict__, **change})
    short.path.write_bytes(short.path.read_bytes()[: short.chunks_end] + seal_footer(forged, aux_key))
    with VgeReader(short.path, keys.ring) as reader, pytest.raises(FooterDamagedError, match=message):
        _ = reader.footer


@pytest.mark.parametrize("length", [0, 1, 15, 16, 40, 2**31, 2**32 - 1])
def test_a_hostile_footer_length_is_refused(length: int, short: FinishedFile, keys: Keys) -> None:
    raw = short.path.read_bytes()
    short.path.write_bytes(raw[:-12] + length.to_bytes(4, "big") + b"VGE2FOOT")
    with VgeReader(short.path, keys.ring) as reader, pytest.raises(FooterDamagedError):
        _ = reader.footer


@pytest.mark.parametrize(
    "content", [b"", b"x", bytes(511), bytes(512), bytes(40_000), b"\x89VGE\r\n\x1a\n" * 80]
)
def test_what_is_no_vge_file_is_refused(content: bytes, tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "junk.vge"
    path.write_bytes(content)
    with pytest.raises(FileDamagedError, match=r"junk\.vge"):
        VgeReader(path, keys.ring)


def test_a_folder_or_pipe_is_refused(tmp_path: Path, keys: Keys) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileDamagedError, match="no regular file"):
            VgeReader(path, keys.ring)


def test_header_survives_a_round_trip(short: FinishedFile) -> None:
    raw = short.path.read_bytes()[:512]
    assert Header.unpack(raw, "x").pack() == raw
