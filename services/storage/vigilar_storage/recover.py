"""Footage out of what arrived off-site, and what can be proved of it. Needs the owner's recovery key and nothing of the house."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from vigilar_common.crypto.vge import FileKind, HeaderDamagedError, VgeReader
from vigilar_common.errors import FileDamagedError, WrongKeyError

from vigilar_storage.recover_film import Film, extract
from vigilar_storage.recover_find import Source, join
from vigilar_storage.recover_ledger import Ledgers, Said

if TYPE_CHECKING:
    from vigilar_common.crypto.keys import KeyRing


class State(StrEnum):
    COMPLETE = "complete"  # up to its own end
    CUT = "cut"  # its end did not arrive; all before it did
    DAMAGED = "damaged"  # parts are missing, or were altered
    UNREADABLE = "unreadable"  # nothing of it can be played


class Fits(StrEnum):
    """What the ledger says of it."""

    FITS = "fits"  # its SHA-256 (or, of a cut one, its id) is in the ledger
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"  # the ledger, as far as it is here, does not speak of it


@dataclass
class Result:
    """One recording. Times are UTC ms."""

    recording_id: str
    camera_id: str
    state: State
    source: str
    created_ms: int | None = None
    film: str = ""
    spans: list[tuple[int, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ledger: Fits = Fits.UNKNOWN
    ledger_text: str = ""
    wrong_key: bool = False

    @property
    def seconds(self) -> float:
        return sum(end - start for start, end in self.spans) / 1000

    def plain(self) -> dict[str, Any]:
        return {
            "recording_id": self.recording_id,
            "camera_id": self.camera_id,
            "state": self.state.value,
            "source": self.source,
            "film": self.film,
            "created_ms": self.created_ms,
            "seconds": self.seconds,
            "spans": [{"from_ms": start, "to_ms": end} for start, end in self.spans],
            "problems": self.problems,
            "ledger": self.ledger.value,
            "ledger_text": self.ledger_text,
        }


def recover_one(source: Source, ring: KeyRing, out: Path, ledgers: Ledgers) -> Result:
    """Write its film into `out`, if there is one. Raises OSError of the disk that is written to."""
    result = Result(source.recording_id, source.camera_id, State.UNREADABLE, source.path.name)
    joined = join(source, out)
    with joined.file:
        result.problems += joined.conflicts
        result.problems += [
            f"a part is missing: bytes {start} to {end - 1} did not arrive" for start, end in joined.holes
        ]
        try:
            reader = VgeReader(
                joined.file.fileno(), ring, expect_file_uuid=UUID(source.recording_id), name=source.path.name
            )
        except WrongKeyError:
            result.wrong_key = True
            result.problems.append(
                "this key does not open it: it was sealed to another recovery key, or to none"
            )
            return result
        except HeaderDamagedError as error:
            missing = bool(joined.holes) and joined.holes[0][0] == 0
            result.problems.append(
                "its beginning is missing: without it nothing opens" if missing else str(error)
            )
            return result
        except FileDamagedError as error:
            result.problems.append(str(error))
            return result
        with reader:
            result.created_ms = reader.header.created_ms
            if reader.header.kind is not FileKind.RECORDING:
                result.problems.append(f"is a {reader.header.kind.name.lower()}, no recording")
                return result
            name = f"{source.camera_id}_{_stamp(reader.header.created_ms)}_{source.path.name.removesuffix('.vge')}.mp4"
            with _film_file(out / name) as (sink, keep):
                film = extract(reader, sink)
                if film.fragments:
                    keep()
                    result.film = name
    _judge(result, film, bool(joined.holes or joined.conflicts))
    _compare(result, film, ledgers.said.get(source.recording_id), ledgers.signed)
    return result


def _judge(result: Result, film: Film, parts_wrong: bool) -> None:
    result.spans = film.spans
    if film.bad_count and not parts_wrong:
        chunks = ", ".join(map(str, film.bad_chunks))
        result.problems.append(
            f"{film.bad_count} chunks were altered or did not arrive as they were: {chunks}"
        )
    if film.footer_error and film.bad_count == 0:
        result.problems.append(film.footer_error)
    if film.init_missing:
        result.problems.append("the first part of its content is missing: nothing of it can be played")
    if not film.fragments:
        result.state = State.UNREADABLE
        if not result.problems:
            result.problems.append("not one whole fragment arrived")
    elif film.bad_count or parts_wrong or film.footer_error:
        result.state = State.DAMAGED
    else:
        result.state = State.COMPLETE if film.finished else State.CUT


def _compare(result: Result, film: Film, said: Said | None, signed: bool) -> None:
    by = "the signed ledger" if signed else "the ledger (no key was given to check its signature)"
    if said is None:
        result.ledger_text = f"{by}, as far as it arrived, does not speak of it"
        return
    if said.camera_id and said.camera_id != result.camera_id:
        result.ledger = Fits.CONTRADICTS
        result.ledger_text = f"{by} says that it is of camera {said.camera_id}"
    elif said.body is not None and film.finished and said.body.get("sha256") != film.sha256:
        result.ledger = Fits.CONTRADICTS
        result.ledger_text = f"{by} registers another file under this id"
    elif said.body is not None and film.finished:
        result.ledger = Fits.FITS
        result.ledger_text = f"{by} registers exactly these bytes"
    elif said.opened_ms is not None:
        result.ledger = Fits.FITS
        result.ledger_text = f"{by} says that it was opened at {utc(said.opened_ms)}"
    else:
        result.ledger_text = f"{by} registers the whole file, of which only a part is here"


@contextlib.contextmanager
def _film_file(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """A new file, removed again unless `keep` is called. Raises OSError."""
    kept = []
    try:
        with path.open("xb") as sink:
            yield sink, lambda: kept.append(True)
    finally:
        if not kept:
            path.unlink(missing_ok=True)


def utc(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _stamp(ts_ms: int) -> str:
    try:
        return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    except (OverflowError, ValueError, OSError):
        return "unknown-time"
