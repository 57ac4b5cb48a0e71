"""Writing and reading as recorder and storage do it."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.vge.conftest import CREATED_MS, STREAM, Keys, frames_of
from vigilar_common.crypto.vge import (
    CHUNK_BYTES,
    ChunkDamagedError,
    FileKind,
    FinishedFile,
    HeaderDamagedError,
    VerdictState,
    VgeReader,
    VgeWriter,
    verify_file,
    write_whole,
)
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.testing.fakes import FakeClock

NewWriter = Callable[..., VgeWriter]
MakeVge = Callable[..., FinishedFile]


def test_a_finished_film_plays_from_what_the_reader_gives(make_vge: MakeVge, keys: Keys, film: bytes) -> None:
    done = make_vge(film)
    with VgeReader(done.path, keys.ring) as reader:
        assert reader.finished
        assert reader.plaintext_length == len(film)
        data = reader.read(0, len(film))
        assert data == film
        assert b"".join(reader.iter_read(5, len(film) - 3)) == film[5:-3]
        assert [f.time_ms for f in reader.fragments] == [0, 1000, 2000, 3000, 4000, 5000]
        last = reader.fragments[-1]
        init = reader.read(0, reader.fragments[0].offset)
        assert frames_of(init + reader.read(last.offset, last.offset + last.size)) == 10
    assert frames_of(data) == 60
    verdict = verify_file(done.path, keys.ring)
    assert verdict.state is VerdictState.INTACT
    assert verdict.sha256 == done.sha256


def test_plaintext_never_reaches_the_disk(make_vge: MakeVge, film: bytes) -> None:
    raw = make_vge(film).path.read_bytes()
    assert film[100:132] not in raw
    assert b"moof" not in raw
    assert b"front" not in raw


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_range_reads_as_a_slice(data: st.DataObject, shared_reader: tuple[VgeReader, bytes]) -> None:
    reader, content = shared_reader
    edges = st.integers(0, len(content)) | st.sampled_from([16_383, 16_384, 16_385, 32_768, len(content)])
    a, b = sorted((data.draw(edges), data.draw(edges)))
    assert reader.read(a, b) == content[a:b]


@pytest.fixture
def shared_reader(make_vge: MakeVge, keys: Keys, tmp_path: Path) -> tuple[VgeReader, bytes]:
    content = random.Random(1).randbytes(5 * CHUNK_BYTES + 77)
    path = tmp_path / "shared.vge"
    if not path.exists():
        make_vge(content, "shared.vge", kind=FileKind.OTHER)
    return VgeReader(path, keys.ring), content


@pytest.mark.parametrize(("a", "b"), [(-1, 4), (0, 101), (60, 50), (101, 101)])
def test_a_range_outside_the_content_is_refused(a: int, b: int, make_vge: MakeVge, keys: Keys) -> None:
    with (
        VgeReader(make_vge(b"y" * 100, kind=FileKind.OTHER).path, keys.ring) as reader,
        pytest.raises(ValueError, match="not within the 100"),
    ):
        reader.read(a, b)


def test_a_range_touches_only_its_chunks(make_vge: MakeVge, keys: Keys) -> None:
    content = random.Random(2).randbytes(6 * CHUNK_BYTES)
    path = make_vge(content, kind=FileKind.OTHER).path
    _flip(path, 512 + 3 * 16_400 + 9)
    with VgeReader(path, keys.ring) as reader:
        assert reader.read(0, 3 * CHUNK_BYTES) == content[: 3 * CHUNK_BYTES]
        assert reader.read(4 * CHUNK_BYTES, 6 * CHUNK_BYTES) == content[4 * CHUNK_BYTES :]
        with pytest.raises(ChunkDamagedError) as caught:
            reader.read(CHUNK_BYTES, 4 * CHUNK_BYTES)
    assert (caught.value.chunk, caught.value.offset) == (3, 512 + 3 * 16_400)


def test_a_damaged_chunk_is_named_with_its_time(make_vge: MakeVge, keys: Keys, film: bytes) -> None:
    path = make_vge(film).path
    _flip(path, 512 + 6 * 16_400 + 100)
    with VgeReader(path, keys.ring) as reader, pytest.raises(ChunkDamagedError) as caught:
        reader.read(0, len(film))
    assert caught.value.time_range_ms == (2000, 3000)
    text = str(caught.value)
    assert str(path) in text
    assert "chunk 6 at byte 98912 (2.000–3.000 s, 2026-01-01T00:00:02.000Z)" in text


def test_an_existing_file_is_never_overwritten(new_writer: NewWriter, tmp_path: Path) -> None:
    (tmp_path / "a.vge").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"a\.vge"):
        new_writer("a.vge")
    assert (tmp_path / "a.vge").read_bytes() == b"mine"


def test_the_file_is_for_owner_and_group_alone(make_vge: MakeVge) -> None:
    old = os.umask(0o077)
    try:
        assert make_vge(b"x", kind=FileKind.OTHER).path.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(old)


def test_a_growing_file_is_read_while_it_is_written(new_writer: NewWriter, keys: Keys, film: bytes) -> None:
    writer = new_writer()
    with VgeReader(writer.path, keys.ring) as reader:
        assert (reader.plaintext_length, reader.finished) == (0, False)
        seen = bytearray()
        for start in range(0, len(film), 7_001):
            writer.write(film[start : start + 7_001])
            length = reader.plaintext_length
            assert length == writer.sealed_position >= len(seen)
            seen += reader.read(len(seen), length)
            assert seen == film[:length]
        assert reader.scan_growing() == len(seen)
        assert verify_file(writer.path, keys.ring).state is VerdictState.INCOMPLETE
        writer.finish({})
        assert reader.finished
        seen += reader.read(len(seen), reader.plaintext_length)
    assert seen == film


def test_many_threads_share_a_reader_of_a_growing_file(new_writer: NewWriter, keys: Keys) -> None:
    content = random.Random(3).randbytes(40 * CHUNK_BYTES + 5)
    writer = new_writer(kind=FileKind.OTHER)
    wrong: list[str] = []
    stop = threading.Event()
    with VgeReader(writer.path, keys.ring) as reader:

        def look(seed: int) -> None:
            rng = random.Random(seed)
            while not stop.is_set():
                length = reader.plaintext_length
                a = rng.randrange(length + 1)
                b = rng.randrange(a, length + 1)
                if reader.read(a, b) != content[a:b]:
                    wrong.append(f"{a}-{b}")

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        for start in range(0, len(content), 5_000):
            writer.write(content[start : start + 5_000])
        writer.finish({})
        final = reader.plaintext_length
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert final == len(content)


def test_a_slow_stream_is_readable_within_its_age_limit(
    new_writer: NewWriter, keys: Keys, clock: FakeClock, film: bytes
) -> None:
    index = FragmentIndex()
    index.feed(film)
    writer = new_writer()
    writer.write(film[: index.init_length])
    assert not writer.flush_due()
    clock.advance(0.81)
    with VgeReader(writer.path, keys.ring) as reader:
        assert reader.plaintext_length == 0
        assert writer.flush_due()
        assert reader.plaintext_length == CHUNK_BYTES
        assert not writer.flush_due(), "nothing is waiting any more"
        for part in index.fragments:
            at = writer.position
            writer.write(film[part.offset : part.offset + part.size])
            writer.note_fragment(part.time_ms, at, part.duration_ms, part.keyframe)
            clock.advance(0.9)
            assert writer.flush_due()
            assert reader.plaintext_length >= at + part.size
    done = writer.finish({})
    with VgeReader(done.path, keys.ring) as reader:
        assert frames_of(reader.read(0, done.plaintext_length)) == 60
        assert len(reader.fragments) == 6
        again = FragmentIndex()
        again.feed(reader.read(0, done.plaintext_length))
    assert [f.offset for f in again.fragments] == [f.offset for f in reader.fragments]


@pytest.mark.parametrize("left", range(10))
def test_a_chunk_closes_whatever_is_left_in_it(
    left: int, new_writer: NewWriter, keys: Keys, film: bytes
) -> None:
    """Fewer than 8 bytes left: the free box starts in this chunk and ends in the next."""
    writer = new_writer()
    size = CHUNK_BYTES - left
    writer.write(film[:753])
    writer.write((size - 753).to_bytes(4, "big") + b"free" + bytes(size - 753 - 8))
    assert writer.sealed_position == 0
    assert writer.close_chunk_with_free_box()
    assert writer.sealed_position == CHUNK_BYTES
    assert not writer.close_chunk_with_free_box()
    writer.write(film[753:])
    done = writer.finish({})
    with VgeReader(done.path, keys.ring) as reader:
        assert frames_of(reader.read(0, done.plaintext_length)) == 60
    assert verify_file(done.path, keys.ring).state is VerdictState.INTACT


def test_a_file_that_ends_on_a_closed_chunk_still_has_a_final_chunk(
    new_writer: NewWriter, keys: Keys, film: bytes
) -> None:
    writer = new_writer()
    writer.write(film)
    writer.close_chunk_with_free_box()
    done = writer.finish({})
    assert done.plaintext_length == writer.position
    assert verify_file(done.path, keys.ring).state is VerdictState.INTACT


def test_no_free_box_is_put_into_a_half_written_box(
    new_writer: NewWriter, clock: FakeClock, film: bytes
) -> None:
    writer = new_writer()
    writer.write(film[:1000])
    clock.advance(5)
    assert not writer.flush_due()
    with pytest.raises(ValueError, match="no border between MP4 boxes at byte 1000"):
        writer.close_chunk_with_free_box()


def test_an_empty_file_is_complete_too(new_writer: NewWriter, keys: Keys) -> None:
    done = new_writer().finish({})
    with VgeReader(done.path, keys.ring) as reader:
        assert (reader.plaintext_length, reader.read(0, 0)) == (0, b"")
    assert verify_file(done.path, keys.ring).state is VerdictState.INTACT


def test_a_replaced_file_is_noticed_by_its_uuid(make_vge: MakeVge, keys: Keys) -> None:
    path = make_vge(b"x", kind=FileKind.OTHER, file_uuid=UUID(int=77)).path
    VgeReader(path, keys.ring, expect_file_uuid=UUID(int=77)).close()
    with pytest.raises(HeaderDamagedError, match="it was replaced"):
        VgeReader(path, keys.ring, expect_file_uuid=UUID(int=78))


def test_a_picture_is_written_in_one_call(tmp_path: Path, keys: Keys, clock: FakeClock) -> None:
    done = write_whole(
        tmp_path / "t.vge",
        b"\xff\xd8picture",
        metadata={"width_px": 10},
        master_key=keys.ring.active_master(),
        stream_uuid=STREAM,
        file_uuid=UUID(int=5),
        created_ms=CREATED_MS,
        kind=FileKind.THUMBNAIL,
        camera_id="front",
        clock=clock,
    )
    with VgeReader(done.path, keys.ring) as reader:
        assert reader.header.kind is FileKind.THUMBNAIL
        assert reader.read(0, reader.plaintext_length) == b"\xff\xd8picture"


def test_a_full_disk_names_the_file_and_leaves_it_readable(
    new_writer: NewWriter, keys: Keys, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_writer()
    writer.write(film[:100_000])
    real_write = os.write
    room = 20_000

    def full(fd: int, data: memoryview) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = real_write(fd, data[:room])
        room -= count
        return count

    monkeypatch.setattr("vigilar_common.crypto.vge.writer.os.write", full)
    with pytest.raises(OSError, match="No space left") as caught:
        writer.write(film[100_000:])
    assert caught.value.filename == str(writer.path)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="earlier write"):
        writer.write(b"more")
    with pytest.raises(OSError, match="earlier write"):
        writer.finish({})
    writer.close()
    with VgeReader(writer.path, keys.ring) as reader:
        length = reader.scan_growing()
        assert length >= 100_000 - CHUNK_BYTES
        assert reader.read(0, length) == film[:length]


def test_a_failed_sync_ends_the_file(
    new_writer: NewWriter, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    writer = new_writer()
    writer.write(film)
    monkeypatch.setattr("vigilar_common.crypto.vge.writer.os.fdatasync", broken)
    with pytest.raises(OSError, match=r"Input/output error.*a\.vge"):
        writer.sync()
    with pytest.raises(OSError, match="earlier write"):
        writer.sync()


def test_a_full_disk_at_creation_leaves_no_file(
    new_writer: NewWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilar_common.crypto.vge.writer.os.write", lambda fd, data: 100)
    with pytest.raises(OSError, match=r"No space left.*a\.vge"):
        new_writer()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(new_writer: NewWriter) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone/a\.vge"):
        new_writer("gone/a.vge")


def test_fragments_out_of_order_are_refused(new_writer: NewWriter, film: bytes) -> None:
    writer = new_writer()
    writer.write(film)
    writer.note_fragment(0, 753, 1000, True)
    for offset in (753, 100, len(film)):
        with pytest.raises(ValueError, match="does not follow"):
            writer.note_fragment(1000, offset, 1000, True)


def test_metadata_that_are_too_large_leave_the_file_open(new_writer: NewWriter, keys: Keys) -> None:
    writer = new_writer(kind=FileKind.OTHER)
    writer.write(b"x" * 50)
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        writer.finish({"note": "n" * 70_000})
    assert verify_file(writer.finish({}).path, keys.ring).state is VerdictState.INTACT


def test_content_that_is_no_mp4_is_kept_all_the_same(
    new_writer: NewWriter, keys: Keys, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    writer = new_writer()
    writer.write(b"\0\0\0\x02junk" + b"j" * 100)
    clock.advance(2)
    assert not writer.flush_due()
    assert "is no MP4" in caplog.text
    assert verify_file(writer.finish({}).path, keys.ring).state is VerdictState.INTACT


def _flip(path: Path, offset: int, bit: int = 0) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1 << bit
    path.write_bytes(raw)
