"""The backup's archive: a tar of plain files in gzip, its manifest first; and the only way one is ever read.

The reader takes nothing on trust: each header is parsed alone (no extension headers, so no memory for them), only
regular files whose names are of known kinds and stand in the manifest, of exactly the size said there, each once.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, Field, ValidationError
from vigilar_common.errors import FileDamagedError

MANIFEST = "manifest.json"
DATABASE = "database/vigilar.db"
FORMAT = 1
BLOCK = 512
PIECE_BYTES = 1024 * 1024
COMPRESSION = 3
MAX_MANIFEST_BYTES = 8 * 1024 * 1024
MAX_MEMBERS = 10_000
MAX_FILE_BYTES = 16 * 1024 * 1024
"""Of any member but the database."""
MAX_FILES_BYTES = 256 * 1024 * 1024
"""Of all members but the database together."""
MAX_PADDING_BYTES = 64 * 1024
USTAR_LIMIT_BYTES = 8 * 1024**3
PARTS = ("database", "settings", "config", "secrets", "keys")
_PART = r"[^/\\\x00-\x1f\x7f]{1,200}"
_NAME = re.compile(
    rf"settings/settings\.toml|keys/storage\.(?:key|ring)|(?:settings|config|secrets)(?:/{_PART}){{1,8}}"
)


class Member(BaseModel):
    """One file of the archive."""

    name: Annotated[str, Field(max_length=255)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    mode: Annotated[int, Field(ge=0, le=0o777)] = 0o600


class Manifest(BaseModel):
    """What the archive holds and where it comes from. Times are UTC ms."""

    format: int = FORMAT
    version: str
    """Of Vigilar."""
    created_ms: Annotated[int, Field(ge=0)]
    schema_version: str
    user_version: int
    database_uuid: str
    epoch: str
    last_n: int
    """Newest commit number of the log of facts."""
    counts: dict[str, int]
    """Rows per table."""
    members: Annotated[list[Member], Field(max_length=MAX_MEMBERS)]

    @property
    def database(self) -> Member:
        return next(member for member in self.members if member.name == DATABASE)


class BadArchiveError(FileDamagedError):
    """The archive is damaged, cut off, or was not made by `vigilar backup`."""


def allowed(name: str) -> bool:
    """Whether a member may have this name: relative, below a known folder, no step upwards."""
    if name == DATABASE:
        return True
    parts = name.split("/")
    return (
        len(name.encode("utf-8", "surrogateescape")) <= 255
        and _NAME.fullmatch(name) is not None
        and not any(part in (".", "..") for part in parts)
    )


# -- writing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """A member with where its bytes are: small ones in memory, the database in a file."""

    member: Member
    data: bytes | Path


def write(sink: IO[bytes], manifest: Manifest, contents: Iterable[Content], created_s: int) -> None:
    """Raises OSError; FileDamagedError when a file has another size than its manifest says."""
    with gzip.GzipFile(
        fileobj=sink, mode="wb", compresslevel=COMPRESSION, filename="", mtime=created_s
    ) as out:
        text = manifest.model_dump_json(indent=1).encode()
        if len(text) > MAX_MANIFEST_BYTES:
            raise BadArchiveError(f"a manifest of {len(text)} bytes is too large")
        _header(out, MANIFEST, len(text), created_s)
        out.write(text + _padding(len(text)))
        for content in contents:
            member = content.member
            _header(out, member.name, member.size, created_s)
            written = 0
            for piece in _pieces(content.data):
                out.write(piece)
                written += len(piece)
            if written != member.size:
                raise BadArchiveError(f"{member.name} has {written} bytes, not {member.size}")
            out.write(_padding(written))
        out.write(bytes(2 * BLOCK))


def _header(out: gzip.GzipFile, name: str, size: int, created_s: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, created_s
    # ustar splits long names without extension headers, but counts only to 8 GiB.
    kind: Literal[0, 1] = 0 if size < USTAR_LIMIT_BYTES else 1  # tarfile.USTAR_FORMAT, GNU_FORMAT
    try:
        out.write(info.tobuf(kind, "utf-8", "surrogateescape"))
    except ValueError as error:
        raise BadArchiveError(f"{name} cannot be named in an archive: {error}") from error


def _pieces(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


# -- reading --------------------------------------------------------------------------------------------------


class Archive:
    """`manifest` is there at once; `members` gives every other file once, in order. Raises BadArchiveError, OSError."""

    def __init__(self, source: IO[bytes]) -> None:
        self._in = gzip.GzipFile(fileobj=source, mode="rb")
        name, size = self._next()
        if name != MANIFEST or size > MAX_MANIFEST_BYTES:
            raise BadArchiveError("this is no backup of Vigilar: it does not begin with a manifest")
        try:
            self.manifest = Manifest.model_validate_json(self._exactly(size))
        except ValidationError as error:
            raise BadArchiveError(f"the manifest cannot be read: {error.errors()[0]['msg']}") from None
        self._exactly(-size % BLOCK)
        self._expected = _checked(self.manifest)

    def members(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """Every member with its pieces; the pieces must be read before the next member is asked for.

        Where the pieces would end, they raise instead when the hash of the whole differs from the manifest's.
        """
        while True:
            name, size = self._next()
            if not name:
                break
            member = self._expected.pop(name, None)
            if member is None:
                raise BadArchiveError(f"{name[:120]!r} is not in the manifest, or there twice")
            if member.size != size:
                raise BadArchiveError(f"{name} has {size} bytes, the manifest says {member.size}")
            yield member, self._content(member)
        if self._expected:
            raise BadArchiveError(f"{next(iter(self._expected))} is missing ({len(self._expected)} in all)")
        self._ends()

    def _content(self, member: Member) -> Iterator[bytes]:
        digest = hashlib.sha256()
        left = member.size
        while left:
            piece = self._exactly(min(left, PIECE_BYTES))
            digest.update(piece)
            left -= len(piece)
            yield piece
        self._exactly(-member.size % BLOCK)
        if digest.hexdigest() != member.sha256:
            raise BadArchiveError(f"{member.name} is not what the manifest says: its SHA-256 differs")

    def _next(self) -> tuple[str, int]:
        """(name, size) of the next member, ("", 0) at the end."""
        block = self._exactly(BLOCK)
        if block == bytes(BLOCK):
            return "", 0
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise BadArchiveError(f"a header of the archive is damaged: {error}") from None
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise BadArchiveError(f"{info.name[:120]!r} is no plain file (type {info.type!r})")
        if info.name != MANIFEST and not allowed(info.name):
            raise BadArchiveError(f"{info.name[:120]!r} is no name of a file in a backup")
        if info.size < 0:
            raise BadArchiveError(f"{info.name[:120]!r} has a size below 0")
        return info.name, info.size

    def _ends(self) -> None:
        rest = self._read(MAX_PADDING_BYTES + 1)
        if len(rest) > MAX_PADDING_BYTES or rest.strip(b"\0"):
            raise BadArchiveError("something follows the end of the archive")

    def _exactly(self, size: int) -> bytes:
        data = self._read(size) if size else b""
        if len(data) != size:
            raise BadArchiveError("the archive is cut off")
        return data

    def _read(self, size: int) -> bytes:
        try:
            return self._in.read(size)
        except EOFError:
            raise BadArchiveError("the archive is cut off") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise BadArchiveError(f"the archive is damaged, or no gzip: {error}") from None


def _checked(manifest: Manifest) -> dict[str, Member]:
    if manifest.format != FORMAT:
        raise BadArchiveError(f"the backup has format {manifest.format}, this Vigilar reads {FORMAT}")
    known: dict[str, Member] = {}
    for member in manifest.members:
        if not allowed(member.name) or member.name in known:
            raise BadArchiveError(
                f"the manifest names {member.name[:120]!r}, which may not be or is there twice"
            )
        if member.name != DATABASE and member.size > MAX_FILE_BYTES:
            raise BadArchiveError(f"{member.name} would have {member.size} bytes: too many")
        known[member.name] = member
    if DATABASE not in known:
        raise BadArchiveError("the backup holds no database")
    if sum(member.size for member in known.values()) - known[DATABASE].size > MAX_FILES_BYTES:
        raise BadArchiveError(f"the files of the backup would take more than {MAX_FILES_BYTES} bytes")
    return known
