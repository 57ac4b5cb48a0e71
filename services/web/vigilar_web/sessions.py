"""Who is logged in. The cookie's value is never stored: only its keyed hash is."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from vigilar_common.clock import Clock

from vigilar_web.database import Database
from vigilar_web.settings import Settings

log = logging.getLogger(__name__)

COOKIE = "vigilar_session"
MAX_SESSIONS = 64
TOUCH_INTERVAL_MS = 30_000
"""How stale the stored time of the last request may get."""
TOKEN_BYTES = 32
MAX_TOKEN_LENGTH = 128


@dataclass
class Session:
    digest: str
    user: str
    tag: str
    created_ms: int
    seen_ms: int
    csrf: str


class Sessions:
    """Sessions of one installation, oldest-seen dropped beyond MAX_SESSIONS. All methods are quick.

    `settings` gives the current settings: the idle timeout and the password hash that sessions belong to.
    """

    def __init__(
        self, database: Database, key: bytes, clock: Clock, settings: Callable[[], Settings]
    ) -> None:
        self._db = database
        self._key = key
        self._clock = clock
        self._settings = settings
        self._live: dict[str, Session] = {}
        for digest, user, tag, created_ms, seen_ms in database.rows(
            "SELECT digest, user, tag, created_ms, seen_ms FROM sessions ORDER BY seen_ms"
        ):
            self._live[digest] = Session(digest, user, tag, created_ms, seen_ms, self._keyed("csrf", digest))
        self.revoke_stale()

    def __len__(self) -> int:
        return len(self._live)

    def open(self, user: str) -> str:
        """A new session; returns the cookie's value, which has never existed before."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        digest = self._keyed("session", token)
        now_ms = self._clock.now_ms()
        session = Session(digest, user, self._tag(), now_ms, now_ms, self._keyed("csrf", digest))
        while len(self._live) >= MAX_SESSIONS:
            oldest = min(self._live.values(), key=lambda item: item.seen_ms)
            log.warning("more than %d sessions: the one idle for longest ends", MAX_SESSIONS)
            self._drop(oldest)
        self._live[digest] = session
        self._db.write(
            "INSERT INTO sessions (digest, user, tag, created_ms, seen_ms) VALUES (?, ?, ?, ?, ?)",
            digest, user, session.tag, now_ms, now_ms,
        )  # fmt: skip
        return token

    def find(self, token: str) -> Session | None:
        """The live session of this cookie value; an expired or revoked one is removed."""
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        session = self._live.get(self._keyed("session", token))
        return session if session is not None and self.alive(session) else None

    def alive(self, session: Session) -> bool:
        """Whether it still counts; asked now and then by what stays open (live view, event stream)."""
        if session.digest not in self._live:
            return False
        if session.tag != self._tag() or self.expires_ms(session) <= self._clock.now_ms():
            self._drop(session)
            return False
        return True

    def touch(self, session: Session) -> bool:
        """A request was made. True when the stored time was renewed, so the cookie should be too."""
        now_ms = self._clock.now_ms()
        if abs(now_ms - session.seen_ms) < TOUCH_INTERVAL_MS:
            return False
        session.seen_ms = now_ms
        self._db.write("UPDATE sessions SET seen_ms = ? WHERE digest = ?", now_ms, session.digest)
        return True

    def expires_ms(self, session: Session) -> int:
        return session.seen_ms + self._settings().session_timeout_s * 1000

    def close(self, session: Session) -> None:
        self._drop(session)

    def revoke_stale(self) -> None:
        """End what has expired and what was opened with another password or user name."""
        for session in list(self._live.values()):
            self.alive(session)

    def _drop(self, session: Session) -> None:
        self._live.pop(session.digest, None)
        self._db.write("DELETE FROM sessions WHERE digest = ?", session.digest)

    def _tag(self) -> str:
        settings = self._settings()
        return self._keyed("password", f"{settings.username}\n{settings.password_hash}")

    def _keyed(self, purpose: str, value: str) -> str:
        return hmac.new(self._key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()
