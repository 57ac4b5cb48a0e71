"""Who is signed in. The cookie's value is never stored: only its keyed hash is."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields

from vigilar_common.clock import Clock

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.hashing import keyed
from vigilar_web.accounts.model import Account
from vigilar_web.database import Database
from vigilar_web.settings import Settings

log = logging.getLogger(__name__)

COOKIE = "vigilar_session"
MAX_SESSIONS = 64
TOUCH_INTERVAL_MS = 30_000
"""How stale the stored time of the last request may get."""
RECENT_MS = 10 * 60_000
"""So long after a password or passkey was given, dangerous things may be done."""
TOKEN_BYTES = 32
MAX_TOKEN_LENGTH = 128


@dataclass
class Session:
    digest: str
    account_id: str
    tag: str
    created_ms: int
    seen_ms: int
    confirmed_ms: int
    """When the password or a passkey was last given."""
    address: str = ""
    device: str = ""
    csrf: str = ""
    user: str = ""
    """The account's name now."""
    token_id: str = ""
    """Set where no session stands behind a request but an API token."""


KEPT = tuple(field.name for field in fields(Session))[:8]
_COLUMNS = ", ".join(KEPT)


class Sessions:
    """Sessions of one installation, oldest-seen dropped beyond MAX_SESSIONS. All methods are quick.

    `settings` gives the current settings: how long a session lives. A session belongs to an account and its password.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        clock: Clock,
        settings: Callable[[], Settings],
        accounts: AccountBook,
    ) -> None:
        self._db = database
        self._key = key
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._live: dict[str, Session] = {}
        for row in database.rows(f"SELECT {_COLUMNS} FROM sessions ORDER BY seen_ms"):  # noqa: S608 own names
            session = Session(*row)
            session.csrf = keyed(key, "csrf", session.digest)
            self._live[session.digest] = session
        self.revoke_stale()

    def __len__(self) -> int:
        return len(self._live)

    def open(self, account_id: str, address: str = "", device: str = "") -> str:
        """A new session; returns the cookie's value, which has never existed before."""
        account = self._accounts.get(account_id)
        assert account is not None, "only an account that exists signs in"
        token = secrets.token_urlsafe(TOKEN_BYTES)
        digest = keyed(self._key, "session", token)
        now_ms = self._clock.now_ms()
        session = Session(
            digest, account_id, self._tag(account), now_ms, now_ms, now_ms, address[:64], device[:120]
        )
        session.csrf = keyed(self._key, "csrf", digest)
        while len(self._live) >= MAX_SESSIONS:
            oldest = min(self._live.values(), key=lambda item: item.seen_ms)
            log.warning("more than %d sessions: the one idle for longest ends", MAX_SESSIONS)
            self.close(oldest)
        self._live[digest] = session
        marks = ", ".join("?" * len(KEPT))
        values = astuple(session)[: len(KEPT)]
        self._db.write(f"INSERT INTO sessions ({_COLUMNS}) VALUES ({marks})", *values)  # noqa: S608 own names
        return token

    def find(self, token: str) -> Session | None:
        """The live session of this cookie value; an expired or revoked one is removed."""
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        session = self._live.get(keyed(self._key, "session", token))
        return session if session is not None and self.alive(session) else None

    def alive(self, session: Session) -> bool:
        """Whether it still counts; asked now and then by what stays open (live view, event stream)."""
        if session.digest not in self._live:
            return False
        account = self._accounts.get(session.account_id)
        if (
            account is None
            or account.disabled
            or session.tag != self._tag(account)
            or self.expires_ms(session) <= self._clock.now_ms()
        ):
            self.close(session)
            return False
        session.user = account.name
        return True

    def touch(self, session: Session, address: str = "") -> bool:
        """A request was made. True when the stored time was renewed, so the cookie should be too."""
        now_ms = self._clock.now_ms()
        if abs(now_ms - session.seen_ms) < TOUCH_INTERVAL_MS:
            return False
        session.seen_ms, session.address = now_ms, address[:64] or session.address
        self._save(session)
        return True

    def confirm(self, session: Session) -> None:
        """The password or a passkey was given again."""
        session.confirmed_ms = self._clock.now_ms()
        self._save(session)

    def recent(self, session: Session) -> bool:
        """A clock that went back makes no sign-in recent."""
        return 0 <= self._clock.now_ms() - session.confirmed_ms < RECENT_MS

    def expires_ms(self, session: Session) -> int:
        """After so much idleness, or so long after signing in, whatever comes first."""
        settings = self._settings()
        idle_ms = session.seen_ms + settings.session_timeout_s * 1000
        return min(idle_ms, session.created_ms + settings.session_lifetime_s * 1000)

    def of_account(self, account_id: str) -> list[Session]:
        """Newest use first."""
        self.revoke_stale()
        found = [session for session in self._live.values() if session.account_id == account_id]
        return sorted(found, key=lambda session: -session.seen_ms)

    def close(self, session: Session) -> None:
        self._live.pop(session.digest, None)
        self._db.write("DELETE FROM sessions WHERE digest = ?", session.digest)

    def close_all(self, account_id: str, but: Session | None = None) -> int:
        """Sign out everywhere, or everywhere else; how many ended."""
        ending = [session for session in self.of_account(account_id) if session is not but]
        for session in ending:
            self.close(session)
        return len(ending)

    def revoke_stale(self) -> None:
        """End what has expired, whose account is gone, and what was opened with another password or name."""
        for session in list(self._live.values()):
            self.alive(session)

    def _save(self, session: Session) -> None:
        self._db.write(
            "UPDATE sessions SET seen_ms = ?, confirmed_ms = ?, address = ? WHERE digest = ?",
            session.seen_ms, session.confirmed_ms, session.address, session.digest,
        )  # fmt: skip

    def _tag(self, account: Account) -> str:
        password = self._accounts.password_of(account)
        return keyed(self._key, "password", f"{account.id}\n{account.name}\n{password}")
