"""Recordings handed out with proof: one zip with the untouched film, a signed manifest and the ledger's word.

Reads only: the database through the caller's read-only connection, the files through the same readers as playback.
Film is written in pieces; what is kept in memory grows with the number of ledger entries (64 bytes each).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigilar_common import __version__
from vigilar_common.crypto.keys import sync_folder
from vigilar_common.crypto.vge import VgeReader
from vigilar_common.errors import FileDamagedError, VigilarError, WrongKeyError

from vigilar_storage import export_verifier
from vigilar_storage.delivery import Delivery, deliver
from vigilar_storage.files import OpenFiles
from vigilar_storage.schema import FileFormat, RecordingState

if TYPE_CHECKING:
    from vigilar_storage.export_ledger import LedgerSlice
    from vigilar_storage.ledger.signing import Signer

log = logging.getLogger(__name__)

MAX_RECORDINGS = 10_000
SPARE_BYTES = 64 * 1024 * 1024
"""Stay free on the disk: cameras write there too."""
SETTLED = (RecordingState.COMPLETE, RecordingState.RECOVERED)
PARTIAL_SUFFIX = ".part"
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")


class ExportError(VigilarError):
    """No export was made; says why."""


@dataclass(frozen=True)
class Order:
    """What is asked for, by whom, and the rows that answer it (each as in the database)."""

    from_ms: int
    to_ms: int
    cameras: Sequence[str]
    actor: str
    reason: str
    recordings: Sequence[Mapping[str, Any]]
    gaps: Sequence[Mapping[str, Any]]


@dataclass
class Film:
    """A recording that verified, and its place in the zip."""

    row: Mapping[str, Any]
    name: str
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    films: int
    bytes: int
    sha256: str
    """Of the zip, hex."""
    left_out: list[dict[str, Any]]


class Progress:
    """Bytes gone through: every film is read twice, once to verify it and once to hand it out."""

    def __init__(self, tell: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        self.total_bytes = 0
        self._done_bytes = 0
        self._tell = tell

    def expect(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes

    def pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            self._done_bytes += len(piece)
            self._tell(min(self._done_bytes, self.total_bytes), self.total_bytes)


def canonical(value: Any) -> bytes:
    """Keys sorted, no white space, UTF-8: the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Exporter:
    """`root` is the folder of recordings."""

    def __init__(
        self,
        root: Path,
        files: OpenFiles,
        signer: Signer,
        database_uuid: str,
        progress: Progress | None = None,
    ) -> None:
        self._root = root
        self._files = files
        self._signer = signer
        self._database_uuid = database_uuid
        self._progress = progress or Progress()

    def write(
        self, order: Order, ledger: LedgerSlice, out: Path, now_ms: int, note: Callable[[Result], None],
        max_bytes: int | None = None,
    ) -> Result:  # fmt: skip
        """Make the zip at `out`, which must not exist: it appears whole or not at all.

        `note` writes the custody entry, before the zip appears: nothing leaves the house without one.
        Raises ExportError, OSError, what `note` raises; a recording that cannot be read is left out and named.
        """
        if len(order.recordings) > MAX_RECORDINGS:
            raise ExportError(f"more than {MAX_RECORDINGS} recordings: ask for a shorter time")
        if out.exists():
            raise ExportError(f"{out} is there already: nothing is overwritten")
        self._expect(order.recordings, out.parent, max_bytes)
        films, left_out = self._look(order.recordings, ledger)
        if not films:
            raise ExportError(_nothing(left_out))
        part = out.with_name(f".{out.name}{PARTIAL_SUFFIX}")
        try:
            with part.open("xb") as file:
                os.fchmod(file.fileno(), 0o600)
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                    self._fill(_Packer(archive, now_ms), order, ledger, films, left_out, now_ms)
                file.flush()
                os.fsync(file.fileno())
            result = Result(len(films), part.stat().st_size, _sha256(part), left_out)
            note(result)
            part.rename(out)
        except FileExistsError:
            raise ExportError(f"{part} is there: another export runs, or one was killed; remove it") from None
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(out.parent)
        return result

    def _expect(self, rows: Sequence[Mapping[str, Any]], folder: Path, max_bytes: int | None) -> None:
        """Whether so much may and can be written. Raises ExportError, OSError."""
        film_bytes = sum(row["plain_bytes"] or row["size_bytes"] or 0 for row in rows)
        self._progress.expect(2 * film_bytes)
        if max_bytes is not None and film_bytes > max_bytes:
            raise ExportError(
                f"it would have {film_bytes} bytes, at most {max_bytes} are allowed: ask for a shorter time"
            )
        free_bytes = shutil.disk_usage(folder).free
        if film_bytes + SPARE_BYTES > free_bytes:
            raise ExportError(f"it needs {film_bytes} bytes, {free_bytes} are free on that disk")

    # -- first look: what verifies ------------------------------------------------------------------------------

    def _look(
        self, rows: Iterable[Mapping[str, Any]], ledger: LedgerSlice
    ) -> tuple[list[Film], list[dict[str, Any]]]:
        """Read every recording once: only what verifies as a whole is handed out."""
        films, left_out = [], []
        for row in rows:
            try:
                films.append(self._verified(row, ledger))
            except (FileDamagedError, WrongKeyError, OSError, ExportError) as error:
                log.warning("recording %s is left out of the export: %s", row["id"], error)
                # Paths are nobody's business outside.
                why = str(error).replace(f"{self._root}/", "")
                about = {name: row[name] for name in ("id", "camera_id", "started_ms", "ended_ms")}
                left_out.append({**about, "reason": why})
        return films, left_out

    def _verified(self, row: Mapping[str, Any], ledger: LedgerSlice) -> Film:
        if row["state"] not in SETTLED:
            raise ExportError(f"it is {row['state']}")
        if not _SAFE.fullmatch(row["camera_id"]):
            raise ExportError("its camera has a name that no file can have")
        started = datetime.fromtimestamp(row["started_ms"] / 1000, UTC)
        film = Film(row, f"recordings/{row['camera_id']}/{started:%Y%m%dT%H%M%SZ}-{row['id']}.mp4")
        with self._delivery(row) as (source, sealed_sha256):
            told = ledger.told(row["id"])
            if told is not None and told.get("sha256") != sealed_sha256:
                raise ExportError("its file is not the one that the ledger has under this id")
            recorded = hashlib.sha256()
            for piece in self._progress.pieces(source.reader.iter_read(0, source.content_bytes)):
                recorded.update(piece)
            film.about = {
                "id": row["id"],
                "camera_id": row["camera_id"],
                "file": film.name,
                "started_ms": row["started_ms"],
                "ended_ms": row["ended_ms"],
                "state": row["state"],
                "stored_as": row["format"],
                "authenticated": row["format"] == FileFormat.VGE2,
                "tamper_evident_from_ms": ledger.sealed_ms(row["id"]),
                "content_bytes": source.content_bytes,
                "content_sha256": recorded.hexdigest(),
                "sidx_at": source.at,
                "sidx_bytes": len(source.sidx),
                "sealed_sha256": sealed_sha256,
                "in_ledger": told is not None,
            }
        return film

    @contextmanager
    def _delivery(self, row: Mapping[str, Any]) -> Iterator[tuple[Delivery, str]]:
        path = self._root / row["path"]
        with self._files.use(row["id"], path, row["format"], settled=True) as file:
            footer = file.reader.footer if isinstance(file.reader, VgeReader) else None
            if row["format"] == FileFormat.VGE2 and footer is None:
                raise ExportError("its file has no end: it was cut")
            yield deliver(file), footer.sha256.hex() if footer else _sha256(path)

    # -- then the zip -------------------------------------------------------------------------------------------

    def _fill(
        self, packer: _Packer, order: Order, ledger: LedgerSlice, films: Sequence[Film],
        left_out: list[dict[str, Any]], now_ms: int,
    ) -> None:  # fmt: skip
        for film in films:
            with self._delivery(film.row) as (source, _):
                pieces = self._progress.pieces(source.iter_read(0, source.length))
                sha256 = packer.add(film.name, pieces, film.row["started_ms"])
            log.info("exported %s, SHA-256 %s", film.name, sha256)
        gaps = [
            {key: gap[key] for key in ("id", "camera_id", "from_ms", "to_ms", "reason", "recording_id")}
            for gap in order.gaps
        ]
        custody = {
            "exported_ms": now_ms,
            "exported_by": order.actor,
            "reason": order.reason,
            "tool": f"vigilar {__version__}",
            "database_uuid": self._database_uuid,
        }
        packer.add("gaps.json", [canonical({"gaps": gaps, "left_out": left_out})])
        packer.add("custody.json", [canonical(custody)])
        packer.add("ledger.json", [canonical(ledger.document())])
        packer.add("public_key.pem", [_public_pem(self._signer)])
        packer.add("README.txt", [_readme(order, self._signer)])
        packer.add("verify.py", [Path(export_verifier.__file__).read_bytes()])
        manifest = canonical(
            {
                "format": export_verifier.FORMAT,
                "tool": f"vigilar {__version__}",
                "created_ms": now_ms,
                "database_uuid": self._database_uuid,
                "cameras": list(order.cameras),
                "from_ms": order.from_ms,
                "to_ms": order.to_ms,
                "recordings": [film.about for film in films],
                "left_out": left_out,
                "gaps": gaps,
                "checkpoint": ledger.checkpoint_summary(),
                "files": packer.files,
            }
        )
        packer.add("manifest.json", [manifest])
        packer.add("manifest.sig", [self._signer.key.sign(manifest)])


class _Packer:
    """Adds members and remembers size and SHA-256 of each."""

    def __init__(self, archive: zipfile.ZipFile, now_ms: int) -> None:
        self._archive = archive
        self._now_ms = now_ms
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, pieces: Iterable[bytes], ts_ms: int | None = None) -> str:
        moment = datetime.fromtimestamp((ts_ms or self._now_ms) / 1000, UTC)
        # A zip knows no year before 1980; a camera's clock may.
        info = zipfile.ZipInfo(name, (max(1980, moment.year), *moment.timetuple()[1:6]))
        info.external_attr = 0o640 << 16
        digest, size = hashlib.sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
        self.files[name] = {"sha256": digest.hexdigest(), "size_bytes": size}
        return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _public_pem(signer: Signer) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _nothing(left_out: Sequence[Mapping[str, Any]]) -> str:
    if not left_out:
        return "there is no recording in that time: nothing to export"
    first = left_out[0]
    return f"none of {len(left_out)} recordings can be exported; first {first['id']}: {first['reason']}"


def _readme(order: Order, signer: Signer) -> bytes:
    text = Path(__file__).with_name("export_readme.txt").read_text("utf-8")
    values = {
        "from": _utc(order.from_ms),
        "to": _utc(order.to_ms),
        "cameras": ", ".join(order.cameras),
        "key": hashlib.sha256(signer.verifier.public_key).hexdigest(),
        "verifier": str(signer.verifier),
    }
    return text.format(**values).encode()


def _utc(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
