"""What a dead writer leaves becomes a file that readers believe, at any moment it may have died."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from unit.vge.conftest import CREATED_MS, Keys, frames_of
from vigilar_common.crypto.keys import write_public_key
from vigilar_common.crypto.vge import (
    CHUNK_BYTES,
    ChunkDamagedError,
    FileKind,
    FinishedFile,
    FooterState,
    HeaderDamagedError,
    VerdictState,
    VgeReader,
    VgeWriter,
    WriterAliveError,
    recover,
    verify_file,
)
from vigilar_common.crypto.vge import recover as _recover_function
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.testing.fakes import FakeClock

NewWriter = Callable[..., VgeWriter]
MakeVge = Callable[..., FinishedFile]
SEALED = 16_400


def whole_fragments(data: bytes) -> list[tuple[int, int, int, bool]]:
    index = FragmentIndex()
    index.feed(data)
    return [(f.time_ms, f.duration_ms, f.offset, f.keyframe) for f in index.fragments]


def check_recovered(path: Path, keys: Keys, film: bytes, expected: int) -> None:
    """The file verifies, holds the first ``expected`` bytes of ``film``, and plays."""
    verdict = verify_file(path, keys.ring)
    assert verdict.state is VerdictState.INTACT, verdict.detail
    assert verdict.recovered
    with VgeReader(path, keys.ring) as reader:
        assert reader.verify() == verdict
        assert reader.footer is not None
        assert reader.footer.state is FooterState.RECOVERED
        assert reader.plaintext_length == expected
        data = reader.read(0, expected)
        assert data == film[:expected]
        index = [(f.time_ms, f.duration_ms, f.offset, f.keyframe) for f in reader.fragments]
        assert index == whole_fragments(data)
        if index:
            end = reader.fragments[-1].offset + whole_size(data)
            assert frames_of(data[:end]) == 10 * len(index)


def whole_size(data: bytes) -> int:
    index = FragmentIndex()
    index.feed(data)
    return index.fragments[-1].size


def test_a_torn_film_ends_at_its_last_whole_chunk_and_plays(
    new_writer: NewWriter, keys: Keys, film: bytes, clock: FakeClock
) -> None:
    writer = new_writer()
    writer.write(film[:200_000])
    writer.close()
    assert verify_file(writer.path, keys.ring).state is VerdictState.TRUNCATED
    info = recover(writer.path, keys.ring, clock=clock, metadata={"camera_id": "front"})
    assert info.torn
    assert not info.already_finished
    assert info.plaintext_length == 200_000 // CHUNK_BYTES * CHUNK_BYTES
    assert (info.file_uuid, info.kind, info.cut_bytes) == (UUID(int=1), FileKind.RECORDING, 0)
    assert info.media_end_ms == 4000
    assert info.footer.wall_end_ms == CREATED_MS + 4000
    assert info.footer.metadata == {"camera_id": "front", "kind": "recording", "recovered_ms": clock.now_ms()}
    assert info.file_bytes == writer.path.stat().st_size
    check_recovered(writer.path, keys, film, info.plaintext_length)


def test_every_kind_of_torn_end_is_recovered(make_vge: MakeVge, keys: Keys, film: bytes) -> None:
    """A finished file cut anywhere: within a chunk, within FINAL, within the footer."""
    done = make_vge(film)
    raw = done.path.read_bytes()
    final_start = 512 + (done.chunk_count - 1) * SEALED
    cuts = [512, 513, 512 + SEALED - 1, 512 + SEALED, final_start - 1, final_start, final_start + 1]
    cuts += [done.chunks_end - 1, done.chunks_end, done.chunks_end + 1, len(raw) - 12, len(raw) - 1]
    for cut in cuts:
        path = done.path.with_name(f"cut-{cut}.vge")
        path.write_bytes(raw[:cut])
        info = recover(path, keys.ring)
        expected = len(film) if cut >= done.chunks_end else (cut - 512) // SEALED * CHUNK_BYTES
        assert info.torn == (cut < done.chunks_end and expected > 0), cut
        check_recovered(path, keys, film, expected)
        if cut >= done.chunks_end:
            assert info.sha256 == done.sha256, "every byte of the content is as it was"


def test_recovering_twice_changes_nothing(new_writer: NewWriter, keys: Keys, film: bytes) -> None:
    writer = new_writer()
    writer.write(film)
    writer.close()
    first = recover(writer.path, keys.ring)
    raw = writer.path.read_bytes()
    second = recover(writer.path, keys.ring)
    assert second.already_finished
    assert second.sha256 == first.sha256
    assert writer.path.read_bytes() == raw


def test_a_finished_file_is_left_alone(make_vge: MakeVge, keys: Keys, film: bytes) -> None:
    done = make_vge(film)
    raw = done.path.read_bytes()
    info = recover(done.path, keys.ring)
    assert info.already_finished
    assert info.footer.state is FooterState.OK
    assert done.path.read_bytes() == raw


def test_a_living_writer_is_left_alone(new_writer: NewWriter, keys: Keys, film: bytes) -> None:
    writer = new_writer()
    writer.write(film)
    with pytest.raises(WriterAliveError, match="its writer is at work"):
        recover(writer.path, keys.ring)
    writer.finish({})
    assert verify_file(writer.path, keys.ring).state is VerdictState.INTACT


class _KilledError(BaseException):
    """Stands for kill -9: nothing after it runs."""


@pytest.mark.parametrize("step", range(5))
def test_recovery_itself_may_die_at_any_step(
    step: int, make_vge: MakeVge, keys: Keys, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = make_vge(film)
    raw = done.path.read_bytes()
    done.path.write_bytes(raw[: done.chunks_end + 20] + b"\xff" * 3000)
    calls = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal calls
            if calls == step:
                raise _KilledError
            calls += 1
            return real(*arguments)

        return call

    def slow_pwrite(fd: int, data: memoryview, offset: int) -> int:
        return os.pwrite(fd, data[:100], offset)

    with monkeypatch.context() as patch:
        module = sys.modules[_recover_function.__module__]
        fake_os = type("os", (), {name: getattr(os, name) for name in ("open", "close", "O_RDWR")})
        fake_os.ftruncate = staticmethod(dying(os.ftruncate))  # type: ignore[attr-defined]
        fake_os.pwrite = staticmethod(dying(slow_pwrite))  # type: ignore[attr-defined]
        fake_os.fsync = staticmethod(dying(os.fsync))  # type: ignore[attr-defined]
        patch.setattr(module, "os", fake_os)
        with pytest.raises(_KilledError):
            recover(done.path, keys.ring)
    recover(done.path, keys.ring)
    check_recovered(done.path, keys, film, len(film))


def test_a_scrambled_tail_after_a_power_cut_is_cut_off(
    new_writer: NewWriter, keys: Keys, film: bytes
) -> None:
    """The size grew but a block in the midst never reached the disk."""
    writer = new_writer()
    writer.write(film)
    writer.close()
    raw = bytearray(writer.path.read_bytes())
    hole = 512 + 9 * SEALED
    raw[hole : hole + 4096] = bytes(4096)
    writer.path.write_bytes(raw)
    info = recover(writer.path, keys.ring)
    assert info.cut_bytes == len(raw) - hole
    check_recovered(writer.path, keys, film, 9 * CHUNK_BYTES)


def test_damage_far_from_the_end_is_never_cut_away(new_writer: NewWriter, keys: Keys, film: bytes) -> None:
    writer = new_writer()
    writer.write(film)
    writer.close()
    raw = bytearray(writer.path.read_bytes())
    raw[512 + 2 * SEALED + 5] ^= 1
    writer.path.write_bytes(raw)
    with pytest.raises(ChunkDamagedError, match=r"chunk 2 .*nothing was cut"):
        recover(writer.path, keys.ring, max_torn_bytes=5 * SEALED)
    assert writer.path.read_bytes() == raw


def test_a_file_without_a_whole_header_cannot_be_recovered(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "torn.vge"
    path.write_bytes(b"\x89VGE\r\n")
    with pytest.raises(HeaderDamagedError, match=r"torn\.vge: holds 6 bytes"):
        recover(path, keys.ring)
    assert path.read_bytes() == b"\x89VGE\r\n"


def test_content_that_is_no_mp4_is_recovered_and_says_why_it_has_no_index(
    new_writer: NewWriter, keys: Keys
) -> None:
    content = random.Random(11).randbytes(3 * CHUNK_BYTES)
    writer = new_writer()
    writer.write(content)
    writer.close()
    info = recover(writer.path, keys.ring)
    assert info.index_error is not None
    assert info.footer.metadata["index_error"] == info.index_error
    assert info.plaintext_length == 2 * CHUNK_BYTES
    assert verify_file(writer.path, keys.ring).state is VerdictState.INTACT


def test_flips_in_a_recovered_footer_are_located(new_writer: NewWriter, keys: Keys, film: bytes) -> None:
    writer = new_writer()
    writer.write(film[:100_000])
    writer.close()
    info = recover(writer.path, keys.ring)
    raw = bytearray(writer.path.read_bytes())
    raw[info.footer.chunks_end + 40] ^= 4
    writer.path.write_bytes(raw)
    verdict = verify_file(writer.path, keys.ring)
    assert (verdict.state, verdict.byte_offset) == (VerdictState.ALTERED, info.footer.chunks_end)
    assert verdict.first_bad_chunk is None


WRITER = """
import sys, time
from pathlib import Path
from uuid import UUID
from vigilar_common.clock import SystemClock
from vigilar_common.crypto.keys import load_public_key
from vigilar_common.crypto.vge import FileKind, VgeWriter
path, key, film, pause_s = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
writer = VgeWriter(path, recipients=[load_public_key(key), None], stream_uuid=UUID(int=1), file_uuid=UUID(int=2),
    created_ms=5, kind=FileKind.RECORDING, camera_id="front", clock=SystemClock())
data = film.read_bytes()
for start in range(0, len(data), 3000):
    writer.write(data[start:start + 3000])
    writer.flush_due()
    writer.sync()
    print(writer.sealed_position, flush=True)
    time.sleep(pause_s)
writer.finish({})
print("finished", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("lines", [1, 20, 63, 98])
def test_a_writer_killed_in_the_midst_loses_at_most_its_open_chunk(
    lines: int, tmp_path: Path, keys: Keys, film: bytes
) -> None:
    write_public_key(tmp_path / "storage.pub", keys.storage.public_key())
    (tmp_path / "film.mp4").write_bytes(film)
    path = tmp_path / "killed.vge"
    arguments = [str(path), str(tmp_path / "storage.pub"), str(tmp_path / "film.mp4"), "0.0005"]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        said = ""
        for _ in range(lines):
            said = child.stdout.readline().strip()
        if said != "finished":
            with pytest.raises(WriterAliveError):
                recover(path, keys.ring)
        child.send_signal(signal.SIGKILL)
        child.wait()
    info = recover(path, keys.ring)
    if said == "finished":
        assert info.already_finished
    else:
        assert info.plaintext_length >= int(said), "what was synced is there"
        check_recovered(path, keys, film, info.plaintext_length)
