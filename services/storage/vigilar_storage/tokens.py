"""Who may ask: bearer tokens, kept as hashes in `tokens.json`."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from vigilar_common.errors import StartupError

log = logging.getLogger(__name__)

SCOPES = frozenset(
    {
        "accounts:read",
        "accounts:write",
        "face-vectors:read",
        "faces:read",
        "facts:read",
        "facts:write",
        "living:read",
        "media:read",
        "media:write",
        "pet-vectors:read",
        "push:read",
        "settings:read",
        "settings:write",
        "state:read",
    }
)
MAX_FILE_BYTES = 1024 * 1024
MAX_TOKEN_CHARS = 512
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Sender:
    """The service behind a token."""

    service: str
    scopes: frozenset[str]


class Tokens:
    """Reads the file again when it changed, so that a new camera gets in without a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._senders: dict[str, Sender] = {}
        self._stamp: tuple[int, int, int] | None = None

    def load(self) -> None:
        """Raises StartupError when the file cannot be used."""
        with self._lock:
            stamp = self._look()
            self._senders = _parse(self._path)
            self._stamp = stamp

    def sender(self, token: str) -> Sender | None:
        """None for a token that nobody has."""
        if not token or len(token) > MAX_TOKEN_CHARS:
            return None
        self._refresh()
        # Looking up a hash tells an attacker nothing of how much of a token was right.
        return self._senders.get(hashlib.sha256(token.encode("utf-8", "replace")).hexdigest())

    def _refresh(self) -> None:
        if self._look() == self._stamp:
            return
        with self._lock:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self._senders = _parse(self._path)
                log.info("tokens were read again: %d", len(self._senders))
            except StartupError as error:
                log.error("the tokens read before stay in use: %s", error)  # noqa: TRY400 the text says it all

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


def _parse(path: Path) -> dict[str, Sender]:
    cure = "remove it and run `vigilar init`"
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise StartupError(f"{path} has more than {MAX_FILE_BYTES} bytes: {cure}")
        entries = json.loads(raw)
        senders = {
            digest: Sender(str(entry["service"]), frozenset(entry["scopes"]))
            for digest, entry in entries.items()
        }
    except OSError as error:
        raise StartupError(f"{path} cannot be read: {error.strerror}; run `vigilar init`") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StartupError(f"{path} is no list of tokens ({type(error).__name__}): {cure}") from error
    for digest, sender in senders.items():
        if not _HASH.fullmatch(digest):
            raise StartupError(f"{path}: a token of {sender.service} is not kept as a SHA-256 hash: {cure}")
        strange = sorted(scope for scope in sender.scopes if scope not in SCOPES)
        if strange:
            raise StartupError(f"{path}: {sender.service} has unknown scopes {', '.join(map(str, strange))}")
    return senders
