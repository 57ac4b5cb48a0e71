"""Files in `incoming/<camera>`: sealed to the storage service's key (and the owner's), or plain if so configured."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from vigilar_common.clock import Clock
from vigilar_common.crypto.keys import KeyFileError, load_public_key, sync_folder
from vigilar_common.crypto.vge.header import FileKind
from vigilar_common.crypto.vge.writer import VgeWriter, write_whole
from vigilar_common.errors import StartupError
from vigilar_common.secrets import Secrets

FILE_MODE: Final = 0o640


class RecordingFile(Protocol):
    """A growing recording. All methods raise OSError when the disk fails; then only ``close`` is of use."""

    @property
    def position(self) -> int: ...
    def write(self, data: bytes) -> None: ...
    def note_fragment(
        self, time_ms: int, plaintext_offset: int, duration_ms: int, keyframe: bool
    ) -> None: ...
    def flush_due(self) -> bool: ...
    def flush_older(self, newest_bytes: int) -> bool: ...
    def sync(self) -> None: ...
    def complete(self, metadata: dict[str, Any]) -> int: ...
    def close(self) -> None: ...


class SealedRecording(VgeWriter):
    """`.vge`, suite 2."""

    def flush_older(self, newest_bytes: int) -> bool:
        """Close the open chunk when it holds more than this many bytes, and no box is half written; True: closed."""
        waiting = self.position - self.sealed_position
        if waiting <= newest_bytes or self._boxes is None or not self._boxes.at_border:
            return False
        return self.close_chunk_with_free_box()

    def complete(self, metadata: dict[str, Any]) -> int:
        """Finish; size of the file in bytes."""
        return self.finish(metadata).file_bytes


class PlainRecording:
    """`.mp4` as it is, for `encrypt_recordings = false`; locked while it grows like a sealed one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(path, flags, FILE_MODE)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fsync(self._fd)
        sync_folder(path.parent)

    def write(self, data: bytes) -> None:
        with memoryview(data) as view:
            at = 0
            while at < len(view):
                at += os.write(self._fd, view[at:])
        self.position += len(data)

    def note_fragment(self, time_ms: int, plaintext_offset: int, duration_ms: int, keyframe: bool) -> None:
        """A plain MP4 has no footer: storage finds the fragments by parsing."""

    def flush_due(self) -> bool:
        return False  # nothing is held back

    def flush_older(self, newest_bytes: int) -> bool:  # noqa: ARG002 as flush_due
        return False

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def complete(self, metadata: dict[str, Any]) -> int:  # noqa: ARG002 there is no footer to put it into
        os.fsync(self._fd)
        self.close()
        return self.position

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


@dataclass(frozen=True)
class Incoming:
    """Makes the files of one camera."""

    folder: Path
    camera_id: str
    encrypt: bool
    recipients: tuple[X25519PublicKey | None, ...]
    clock: Clock

    def recording(self, recording_id: str, stream_id: str, created_ms: int) -> RecordingFile:
        """A new, empty, durable file. ``created_ms``: UTC of its first frame. Raises OSError."""
        if not self.encrypt:
            return PlainRecording(self.folder / f"{recording_id}.mp4")
        return SealedRecording(
            self.folder / f"{recording_id}.vge",
            stream_uuid=UUID(stream_id),
            file_uuid=UUID(recording_id),
            created_ms=created_ms,
            kind=FileKind.RECORDING,
            camera_id=self.camera_id,
            clock=self.clock,
            recipients=self.recipients,
        )

    def picture(
        self, picture_id: str, stream_id: str, created_ms: int, jpeg: bytes, metadata: dict[str, Any]
    ) -> int:
        """Write a sealed thumbnail (always sealed, whatever recordings are); its size in bytes. Raises OSError."""
        done = write_whole(
            self.folder / f"{picture_id}.vge",
            jpeg,
            metadata=metadata,
            stream_uuid=UUID(stream_id),
            file_uuid=UUID(picture_id),
            created_ms=created_ms,
            kind=FileKind.THUMBNAIL,
            camera_id=self.camera_id,
            clock=self.clock,
            recipients=self.recipients,
        )
        return done.file_bytes


def open_incoming(
    recordings_dir: Path, camera_id: str, encrypt: bool, secrets: Secrets, clock: Clock
) -> Incoming:
    """Raises StartupError when keys are missing or wrong, or the folder cannot be written."""
    try:
        recipients: list[X25519PublicKey | None] = [load_public_key(secrets.path("storage_public.pem"))]
        if secrets.has("recovery_public.pem"):
            recipients.append(load_public_key(secrets.path("recovery_public.pem")))
    except KeyFileError as error:
        raise StartupError(f"recordings of {camera_id} cannot be sealed: {error}") from error
    folder = recordings_dir / "incoming" / camera_id
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"{folder}: recordings of {camera_id} cannot be kept there: {error.strerror}"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StartupError(f"{folder}: recordings of {camera_id} cannot be kept there: not writable")
    return Incoming(folder, camera_id, encrypt, tuple(recipients), clock)
