"""Figure 12: whatever happens to the bytes of a `.vge` file is detected and located, and nothing else is.

Short: exhaustive on a small file. Long (`slow`): exhaustive on one of several chunks. The controls at the end show that a
reader without the check fails these tests.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from chaos import report
from chaos.evidence_files import CHUNK, HEADER, SEALED_CHUNK, Film, Keys, flipped, make_film, patched
from cryptography.exceptions import InvalidTag
from storage_rig import Rig, http, now_ms, running
from storage_rig import auth as auth_of
from storage_rig import make_film as real_film
from vigilar_common.crypto.vge import ChunkDamagedError, VerdictState, VgeReader, verify_file
from vigilar_common.crypto.vge.header import FileKeys
from vigilar_common.errors import FileDamagedError, WrongKeyError
from vigilar_storage import media

CHUNKS = 6
BOTH = pytest.mark.parametrize("suite", [1, 2])
DETECTED = (VerdictState.ALTERED, VerdictState.TRUNCATED)


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


def check_flip(film: Film, offset: int, bit: int, keys: Keys) -> None:
    """The oracle: detected, the chunk named, its time named."""
    where = f"byte {offset} bit {bit}"
    with flipped(film.path, offset, bit):
        try:
            verdict = verify_file(film.path, keys.ring)
        except WrongKeyError as error:
            raise AssertionError(f"{where} was taken for a missing key") from error
    assert verdict.state in DETECTED, where
    chunk = film.chunk_of(offset)
    assert verdict.first_bad_chunk == chunk, f"{where}: {verdict.detail}"
    if chunk is not None:
        assert verdict.byte_offset == HEADER + chunk * SEALED_CHUNK, where
        assert verdict.time_range_ms == film.times_of(chunk), where
    else:
        assert verdict.byte_offset == (0 if offset < HEADER else film.chunks_end), where


@BOTH
def test_every_bit_of_a_small_file_is_guarded(suite: int, tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, suite, 60, box=20)
    for offset in range(len(film.raw)):
        for bit in range(8):
            check_flip(film, offset, bit, keys)
    assert verify_file(film.path, keys.ring).state is VerdictState.INTACT


@BOTH
def test_a_flip_in_any_chunk_is_located_to_its_chunk_and_time(suite: int, tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, suite, CHUNKS * CHUNK + 700)
    dice = random.Random(suite)
    for offset in range(HEADER, film.chunks_end, 487):
        check_flip(film, offset, dice.randrange(8), keys)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@BOTH
def test_every_bit_of_a_file_of_several_chunks_is_guarded(suite: int, tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, suite, 2 * CHUNK + 900)
    for offset in range(len(film.raw)):
        for bit in range(8):
            check_flip(film, offset, bit, keys)


def check_cut(film: Film, size: int, keys: Keys) -> None:
    """Give larger sizes first: the file is cut in place."""
    os.truncate(film.path, size)
    verdict = verify_file(film.path, keys.ring)
    if size < HEADER:
        assert (verdict.state, verdict.byte_offset) == (VerdictState.ALTERED, 0), f"cut to {size}"
        return
    chunks = (min(size, film.chunks_end) - HEADER) // SEALED_CHUNK
    whole = size >= film.chunks_end
    assert verdict.state is VerdictState.TRUNCATED, f"cut to {size}"
    assert verdict.verified_length == (len(film.content) if whole else chunks * CHUNK), f"cut to {size}"
    assert verdict.byte_offset == (film.chunks_end if whole else HEADER + chunks * SEALED_CHUNK)


@BOTH
def test_every_truncation_of_a_small_file_is_detected(suite: int, tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, suite, 60, box=20)
    for size in reversed(range(len(film.raw))):
        check_cut(film, size, keys)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@BOTH
def test_every_truncation_of_a_file_of_two_chunks_is_detected(suite: int, tmp_path: Path, keys: Keys) -> None:
    """Each size within the first chunk is tried for a last chunk of any length there: some 50 ms apiece.

    `VIGILAR_CHAOS_SHARDS=n` tries each n-th size alone; the seed says which.
    """
    film = make_film(tmp_path / "a.vge", keys, suite, CHUNK + 300)
    shards, seed = report.size("SHARDS", 1), report.seed()
    sizes = [size for size in reversed(range(len(film.raw))) if size % shards == seed % shards]
    for size in sizes:
        check_cut(film, size, keys)
    figures = {"seed": seed, "sizes tried": f"{len(sizes)} of {len(film.raw)}", "not detected": 0}
    report.note(f"Figure 12: truncations of a file of two chunks, suite {suite}", figures)


def judge_chunks(film: Film, chunks: list[bytes], keys: Keys, what: str) -> None:
    """The file with these chunks between its own header and footer: damage is where they first differ."""
    head, own, foot = film.parts()
    changed = film.path.with_name("changed.vge")
    changed.write_bytes(head + b"".join(chunks) + foot)
    verdict = verify_file(changed, keys.ring)
    assert verdict.state is VerdictState.ALTERED, what
    first = next((at for at, (a, b) in enumerate(zip(chunks, own, strict=False)) if a != b), None)
    if first is None and len(chunks) < len(own):
        first = len(chunks)
    assert verdict.first_bad_chunk == first, f"{what}: {verdict.detail}"
    if first is None:
        assert verdict.byte_offset == film.chunks_end, what
    else:
        assert verdict.time_range_ms == film.times_of(first), what


@BOTH
def test_every_swap_duplicate_drop_and_splice_is_located(suite: int, tmp_path: Path, keys: Keys) -> None:
    size = (CHUNKS - 1) * CHUNK + 700
    film = make_film(tmp_path / "a.vge", keys, suite, size)
    twin = make_film(tmp_path / "b.vge", keys, suite, size, uuid=1)  # same key, id, content and times
    assert twin.content == film.content
    _, own, _ = film.parts()
    _, foreign, _ = twin.parts()
    for one in range(CHUNKS):
        for other in range(CHUNKS):
            moved = list(own)
            moved[one], moved[other] = own[other], own[one]
            if one != other:
                judge_chunks(film, moved, keys, f"swap {one} and {other}")
                judge_chunks(film, [*own[:one], own[other], *own[one + 1 :]], keys, f"{other} over {one}")
            judge_chunks(film, [*own[:one], own[other], *own[one:]], keys, f"{other} put in before {one}")
        judge_chunks(film, [*own, own[one]], keys, f"{one} appended")
        judge_chunks(film, own[:one] + own[one + 1 :], keys, f"{one} dropped")
        judge_chunks(film, own[:one], keys, f"cut before {one}, footer kept")
        judge_chunks(film, [*own[:one], foreign[one], *own[one + 1 :]], keys, f"{one} of its twin")
        judge_chunks(film, own[:one] + foreign[one:], keys, f"its twin from {one} on")


@BOTH
def test_header_and_footer_of_another_file_do_not_fit(suite: int, tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, suite, 2 * CHUNK)
    twin = make_film(tmp_path / "b.vge", keys, suite, 2 * CHUNK)
    head, chunks, foot = film.parts()
    other_head, _, other_foot = twin.parts()
    changed = tmp_path / "changed.vge"
    changed.write_bytes(other_head + b"".join(chunks) + foot)
    assert verify_file(changed, keys.ring).first_bad_chunk == 0
    changed.write_bytes(head + b"".join(chunks) + other_foot)
    verdict = verify_file(changed, keys.ring)
    assert (verdict.state, verdict.byte_offset) == (VerdictState.ALTERED, film.chunks_end)


@BOTH
def test_no_other_version_suite_flag_or_chunk_size_is_believed(
    suite: int, tmp_path: Path, keys: Keys
) -> None:
    """All values of every byte from the version to the chunk size: a downgrade among them."""
    film = make_film(tmp_path / "a.vge", keys, suite, 60, box=20)
    for offset in range(8, 16):
        for value in range(256):
            if value == film.raw[offset]:
                continue
            with patched(film.path, offset, value), pytest.raises((FileDamagedError, WrongKeyError)):
                VgeReader(film.path, keys.ring)


@BOTH
def test_what_nobody_touched_is_never_reported(suite: int, tmp_path: Path, keys: Keys) -> None:
    dice = random.Random(suite)
    sizes = [at * CHUNK + more for at in (1, 2, 3) for more in (-17, -1, 0, 1, 8, 17)]
    for number, size in enumerate([8, 9, 100, *sizes, *(dice.randrange(8, 9 * CHUNK) for _ in range(40))]):
        film = make_film(tmp_path / f"{number}.vge", keys, suite, size)
        verdict = verify_file(film.path, keys.ring)
        assert verdict.state is VerdictState.INTACT, f"{size}: {verdict.detail}"
        film.path.unlink()


# -- nothing is given out before its tag verifies ---------------------------------------------------------------


def check_reading(film: Film, offset: int, keys: Keys) -> None:
    """The chunk that was hit gives nothing, every other one what it held."""
    bad = film.chunk_of(offset)
    with flipped(film.path, offset, 3), VgeReader(film.path, keys.ring) as reader:
        for chunk in range(reader.plaintext_length // CHUNK + 1):
            start, end = chunk * CHUNK, min((chunk + 1) * CHUNK, reader.plaintext_length)
            if chunk == bad:
                with pytest.raises(ChunkDamagedError) as caught:
                    reader.read(start + 5, start + 6)
                assert caught.value.chunk == bad
            else:
                assert reader.read(start, end) == film.content[start:end]


def test_a_reader_gives_no_byte_of_a_bad_chunk_and_every_byte_of_the_good_ones(
    tmp_path: Path, keys: Keys
) -> None:
    film = make_film(tmp_path / "a.vge", keys, 2, 3 * CHUNK + 700)
    for offset in range(HEADER, film.chunks_end, 1_009):
        check_reading(film, offset, keys)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


@pytest.fixture(scope="module")
def film() -> bytes:
    return real_film(8)


@pytest.fixture(scope="module")
def film_id(rig: Rig, film: bytes) -> str:
    return rig.recorded(film, now_ms() - 3_600_000)


def sent(rig: Rig, recording_id: str, start: int, end: int) -> tuple[int, bytes]:
    """Status and bytes that really came, also of an answer that was broken off."""
    headers = {**auth_of("web"), "Range": f"bytes={start}-{end - 1}"}
    got = bytearray()
    with http().stream("GET", f"{rig.url}/v1/recordings/{recording_id}/content", headers=headers) as answer:
        try:
            for piece in answer.iter_raw():
                got += piece
        except httpx.RemoteProtocolError:
            pass  # ended short: what came until then is judged
        return answer.status_code, bytes(got)


def check_range(rig: Rig, recording_id: str, film: bytes, offset: int, start: int, end: int) -> None:
    """Of a range that touches the bad chunk nothing behind its start is sent, any other range as recorded."""
    assert rig.app is not None
    rig.app.media._files.forget(recording_id)  # not from memory
    bad = (offset - HEADER) // SEALED_CHUNK * CHUNK
    with flipped(rig.file_of(recording_id), offset, 6):
        status, got = sent(rig, recording_id, start, end)
    hit = start < bad + CHUNK and end > bad
    if not hit:
        assert (status, got) == (206, film[start:end])
        return
    if status == 206:
        assert end - start > media.CHECKED_FIRST_BYTES, "a short answer is checked before it begins"
        assert len(got) <= max(0, bad - start)
        assert film[start:end].startswith(got)
    else:
        assert (status, b"recording_damaged" in got) == (500, True), got


def ranges(film: bytes) -> Iterator[tuple[int, int, int]]:
    dice = random.Random(8)
    chunks = len(film) // CHUNK
    for chunk in range(chunks):
        offset = HEADER + chunk * SEALED_CHUNK + dice.randrange(SEALED_CHUNK)
        start = dice.randrange(len(film) - 1)
        yield offset, start, dice.randrange(start + 1, len(film))
        yield offset, max(0, chunk * CHUNK - 5), min(len(film), (chunk + 1) * CHUNK + 5)


def test_the_api_sends_no_byte_that_was_not_verified(rig: Rig, film: bytes, film_id: str) -> None:
    assert len(film) > 5 * CHUNK
    for offset, start, end in ranges(film):
        check_range(rig, film_id, film, offset, start, end)


def test_a_long_answer_ends_before_the_bad_chunk(
    rig: Rig, film: bytes, film_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "CHECKED_FIRST_BYTES", 0)
    for offset, start, end in ranges(film):
        check_range(rig, film_id, film, offset, start, end)


# -- controls: without the check these tests fail ----------------------------------------------------------------


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that takes a chunk whose tag is wrong for what it holds."""
    true = FileKeys.open_chunk

    def open_chunk(keys: FileKeys, kind: int, index: int, sealed: bytes | memoryview) -> bytes:
        try:
            return true(keys, kind, index, sealed)
        except InvalidTag:
            return bytes(sealed[:-16])

    monkeypatch.setattr(FileKeys, "open_chunk", open_chunk)


@pytest.mark.usefixtures("trusting")
def test_control_without_tags_flips_swaps_and_reads_are_not_caught(tmp_path: Path, keys: Keys) -> None:
    film = make_film(tmp_path / "a.vge", keys, 2, 3 * CHUNK + 700)
    with pytest.raises(AssertionError):
        check_flip(film, HEADER + SEALED_CHUNK + 9, 0, keys)
    _, own, _ = film.parts()
    with pytest.raises(AssertionError):
        judge_chunks(film, [own[1], own[0], *own[2:]], keys, "swap")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_reading(film, HEADER + SEALED_CHUNK + 9, keys)


@pytest.mark.usefixtures("trusting")
def test_control_without_tags_the_api_sends_what_was_altered(rig: Rig, film: bytes, film_id: str) -> None:
    with pytest.raises(AssertionError):
        check_range(rig, film_id, film, HEADER + 3 * SEALED_CHUNK + 7, 3 * CHUNK, 4 * CHUNK)


def test_control_a_check_of_the_footer_alone_misses_what_was_altered(tmp_path: Path, keys: Keys) -> None:
    """The footer authenticates itself, not the chunks: looking at it is no verification."""
    film = make_film(tmp_path / "a.vge", keys, 2, 60, box=20)
    with flipped(film.path, HEADER + 3, 1), VgeReader(film.path, keys.ring) as reader:
        assert reader.finished
