"""What a file in an incoming folder is, by its own authenticated word."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from vigilar_common.clock import Clock
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.crypto.vge import (
    FileKind,
    Footer,
    FooterState,
    HeaderDamagedError,
    VgeReader,
    WriterAliveError,
    recover,
)
from vigilar_common.crypto.vge.verify import writer_lives
from vigilar_common.errors import FileDamagedError, VigilarError
from vigilar_common.fmp4 import Fmp4Error

from vigilar_storage.files import PIECE_BYTES, MediaFile, PlainReader
from vigilar_storage.schema import FileFormat, RecordingState


class Condition(StrEnum):
    GROWING = "growing"
    """Its writer holds the lock: look again later."""
    COMPLETE = RecordingState.COMPLETE
    RECOVERED = RecordingState.RECOVERED
    DAMAGED = RecordingState.DAMAGED


@dataclass(frozen=True)
class Found:
    """Times are UTC ms; 0 and "" where the file does not tell."""

    condition: Condition
    format: FileFormat
    is_recording: bool = True
    kind: str = "recording"
    stream_id: str = ""
    started_ms: int = 0
    duration_ms: int = 0
    size_bytes: int = 0
    plain_bytes: int = 0
    sha256: str = ""
    covers_bytes: int = 0
    """`sha256` is of the first so many bytes of the file."""
    footer_sha256: str = ""
    """Of all bytes after those."""
    chunks: int = 0
    key_id: str = ""
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    damage: str = ""
    lost_until_ms: int = 0
    """Of a recovered file: when something was last written to it."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Columns of `recordings` that the footer's metadata know; used when the facts of the file were lost."""


def look(path: Path, file_id: str, ring: KeyRing, clock: Clock) -> Found:
    """Verify header, commitment and footer; recover what a dead writer left.

    Raises OSError and WrongKeyError (nothing can be said). Damage is an answer, not an error.
    """
    if path.suffix != ".vge":
        return _look_plain(path)
    written_ms = int(path.stat().st_mtime * 1000)
    try:
        with VgeReader(path, ring, expect_file_uuid=UUID(file_id)) as reader:
            footer = reader.footer
            if footer is None and writer_lives(reader):
                return Found(Condition.GROWING, FileFormat.VGE2)
        if footer is None:
            recover(path, ring, clock=clock)
        with VgeReader(path, ring, expect_file_uuid=UUID(file_id)) as reader:
            return _told(reader, written_ms)
    except WriterAliveError:
        return Found(Condition.GROWING, FileFormat.VGE2)
    except HeaderDamagedError as error:
        if _locked(path):
            return Found(Condition.GROWING, FileFormat.VGE2)
        return _damaged(path, FileFormat.VGE2, error)
    except FileDamagedError as error:
        return _damaged(path, FileFormat.VGE2, error)


def _told(reader: VgeReader, written_ms: int) -> Found:
    footer = reader.footer
    assert footer is not None, "recover writes a footer or raises"
    header = reader.header
    size_bytes = reader.size_bytes()
    recovered = footer.state is FooterState.RECOVERED
    damage = ""
    if reader.footer_start != footer.chunks_end:
        damage = f"{reader.footer_start - footer.chunks_end} bytes too many before the footer"
    first_ms, end_ms = _times(footer)
    path = Path(reader.name)
    sha256, covers_bytes = footer.sha256.hex(), footer.chunks_end
    if damage:
        sha256, covers_bytes = digest(path)
    return Found(
        condition=Condition.DAMAGED if damage else Condition.RECOVERED if recovered else Condition.COMPLETE,
        format=FileFormat.VGE2,
        is_recording=header.kind is FileKind.RECORDING,
        kind=header.kind.name.lower(),
        stream_id=str(header.stream_uuid),
        started_ms=header.created_ms + first_ms,
        duration_ms=end_ms - first_ms,
        size_bytes=size_bytes,
        plain_bytes=footer.plaintext_length,
        sha256=sha256,
        covers_bytes=covers_bytes,
        footer_sha256="" if damage else digest(path, covers_bytes)[0],
        chunks=footer.chunk_count,
        key_id=header.key_id.hex(),
        codec=_words(footer).get("codec", ""),
        width_px=_pixels(footer, "width_px"),
        height_px=_pixels(footer, "height_px"),
        damage=damage,
        lost_until_ms=written_ms if recovered else 0,
        told={name: text for name, text in _words(footer).items() if name != "codec"},
    )


def _times(footer: Footer) -> tuple[int, int]:
    """Media time of the first frame and the end, ms."""
    if footer.fragments:
        last = footer.fragments[-1]
        return footer.fragments[0].time_ms, last.time_ms + last.duration_ms
    return 0, max(0, footer.wall_end_ms - footer.wall_start_ms)


def _words(footer: Footer) -> dict[str, str]:
    """The worker's own words; only texts that fit their columns."""
    limits = {"codec": 32, "audio_codec": 32, "trigger": 32, "cause_id": 36, "reason": 500}
    values = ((name, footer.metadata.get(name)) for name in limits)
    return {
        name: value for name, value in values if isinstance(value, str) and 0 < len(value) <= limits[name]
    }


def _pixels(footer: Footer, name: str) -> int:
    value = footer.metadata.get(name, 0)
    return value if isinstance(value, int) and 0 <= value < 1 << 16 else 0


def _look_plain(path: Path) -> Found:
    """A file without encryption tells nothing of its end; the lock says whether it still grows."""
    picture = path.suffix == ".jpg"
    kind = FileFormat.JPEG if picture else FileFormat.MP4
    if _locked(path):
        return Found(Condition.GROWING, kind)
    size_bytes = path.stat().st_size
    if picture:
        reader = PlainReader(path)
        try:
            good = reader.read(0, 2) == b"\xff\xd8"
        finally:
            reader.close()
        condition = Condition.COMPLETE if good else Condition.DAMAGED
        damage = "" if good else "does not begin like a JPEG picture"
        sha256, covers_bytes = digest(path)
        return Found(
            condition, kind, is_recording=False, kind="thumbnail", size_bytes=size_bytes, plain_bytes=size_bytes, damage=damage,
            sha256=sha256, covers_bytes=covers_bytes,
        )  # fmt: skip
    file = MediaFile("", PlainReader(path), settled=True)
    try:
        _, fragments, _ = file.layout()
    except Fmp4Error as error:
        return _damaged(path, kind, error)
    finally:
        file.reader.close()
    if not fragments:
        return _damaged(path, kind, FileDamagedError(f"{path}: holds no whole fragment of film"))
    duration_ms = fragments[-1].time_ms + fragments[-1].duration_ms - fragments[0].time_ms
    whole_bytes = fragments[-1].offset + fragments[-1].size
    sha256, covers_bytes = digest(path)
    return Found(
        Condition.COMPLETE, kind, duration_ms=duration_ms, size_bytes=size_bytes, plain_bytes=whole_bytes,
        sha256=sha256, covers_bytes=covers_bytes,
    )  # fmt: skip


def _damaged(path: Path, kind: FileFormat, error: VigilarError) -> Found:
    stat = path.stat()
    # The name of the file in the text is the one it had in incoming: only the reason stays true.
    reason = str(error).removeprefix(f"{path}: ")[:500]
    sha256, covers_bytes = digest(path)
    return Found(
        Condition.DAMAGED, kind, size_bytes=stat.st_size, damage=reason, started_ms=int(stat.st_mtime * 1000),
        sha256=sha256, covers_bytes=covers_bytes,
    )  # fmt: skip


def digest(path: Path, start: int = 0, length: int | None = None) -> tuple[str, int]:
    """SHA-256 (hex) of the bytes from `start` on, at most `length` of them, and how many they were. Raises OSError."""
    found, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(PIECE_BYTES if length is None else min(PIECE_BYTES, length - done)):
            found.update(piece)
            done += len(piece)
    return found.hexdigest(), done


def _locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
