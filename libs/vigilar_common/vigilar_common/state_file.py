"""A small file that must survive a power cut: checksummed, replaced atomically, with the version before kept beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vigilar_common.errors import FileDamagedError

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Loaded:
    """What a `StateFile` holds. `value` is None when there is nothing readable."""

    value: dict[str, Any] | None
    problem: str = ""
    """Why the newest copy could not be used; empty when all is well or nothing was ever written."""


class StateFile:
    """One JSON object on disk. Not thread-safe: one owner at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.previous = path.with_name(path.name + ".previous")

    def load(self) -> Loaded:
        """The newest readable copy. Never raises: a problem is reported with the value that is left."""
        problems: list[str] = []
        for path in (self.path, self.previous):
            try:
                return Loaded(_read(path), "; ".join(problems))
            except FileNotFoundError:
                continue
            except (OSError, FileDamagedError) as error:
                problems.append(str(error))
        return Loaded(None, "; ".join(problems))

    def restore(self, into: Callable[[dict[str, Any]], None]) -> str:
        """Hand what is on disk to `into`, which raises ValueError for what it cannot take. What went wrong, "" for nothing."""
        loaded = self.load()
        try:
            if loaded.value is not None:
                into(loaded.value)
        except ValueError as error:
            return f"{self.path}: {error}"
        return loaded.problem

    def save(self, value: dict[str, Any]) -> None:
        """On disk when this returns; the copy before it stays as `.previous`. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            kept = self.path.read_bytes()
            _check(self.path, kept)
        except (FileNotFoundError, FileDamagedError):
            kept = b""  # a damaged copy must not replace the good one before it
        if kept:
            _write(self.previous, kept)
        body = json.dumps(value, separators=(",", ":"), sort_keys=True)
        _write(self.path, f"{_digest(body)}\n{body}\n".encode())
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return _check(path, file.read(MAX_BYTES + 1))


def _check(path: Path, data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise FileDamagedError(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        digest, body, rest = data.decode().split("\n")
        value = json.loads(body)
    except ValueError as error:
        raise FileDamagedError(f"{path} is damaged: it is not a checksum and a JSON object") from error
    if rest or digest != _digest(body) or not isinstance(value, dict):
        raise FileDamagedError(f"{path} is damaged: its checksum does not fit its content")
    return value


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
