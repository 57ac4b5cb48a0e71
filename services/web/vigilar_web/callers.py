"""From what a request brings to whoever acts: rights are looked up each time, so what is taken away is gone at once."""

from __future__ import annotations

from vigilar_common.clock import Clock

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.model import Caller, Credential, CredentialKind
from vigilar_web.accounts.tokens import find_token, scopes_of
from vigilar_web.database import Database
from vigilar_web.sessions import Session, Sessions

USED_EVERY_MS = 60_000
"""How stale the kept time of a token's last use may get."""


class Callers:
    """Use from the event loop."""

    def __init__(
        self, sessions: Sessions, accounts: AccountBook, database: Database, key: bytes, clock: Clock
    ) -> None:
        self._sessions, self._accounts, self._db = sessions, accounts, database
        self._key, self._clock = key, clock
        self.used_ms: dict[str, int] = {
            str(row[0]): int(row[1]) for row in database.rows("SELECT credential_id, used_ms FROM used")
        }
        """When a token, passkey or code was last used, by its id."""

    def of(self, session: Session) -> Caller | None:
        """As it may act now; None once the session or token is over. Asked again by whatever stays open."""
        account = self._accounts.get(session.account_id)
        if account is None or account.disabled:
            return None
        if not session.token_id:
            return Caller(account, account.cameras) if self._sessions.alive(session) else None
        token = next((c for c in account.all_of(CredentialKind.TOKEN) if c.id == session.token_id), None)
        if token is None or self.over(token):
            return None
        listed = token.detail.get("cameras")
        cameras = account.cameras
        if listed is not None:
            cameras = frozenset(map(str, listed)) & (cameras if cameras is not None else frozenset(listed))
        return Caller(account, cameras, scopes_of(token), token.id)

    def by_token(self, text: str) -> Session | None:
        """What stands for a session in the name of this token; None for one that is unknown or over."""
        found = find_token(self._accounts, self._key, text)
        if found is None or self.over(found[1]):
            return None
        account, token = found
        self.note_used(token.id)
        now_ms = self._clock.now_ms()
        return Session(
            f"token:{token.id}", account.id, "", now_ms, now_ms, 0, user=account.name, token_id=token.id
        )

    def over(self, credential: Credential) -> bool:
        return credential.expires_ms is not None and credential.expires_ms <= self._clock.now_ms()

    def note_used(self, credential_id: str, counter: int = 0) -> None:
        now_ms = self._clock.now_ms()
        if not counter and now_ms - self.used_ms.get(credential_id, 0) < USED_EVERY_MS:
            return
        self.used_ms[credential_id] = now_ms
        self._db.write(
            "INSERT INTO used (credential_id, used_ms, counter) VALUES (?, ?, ?) ON CONFLICT (credential_id) "
            "DO UPDATE SET used_ms = excluded.used_ms, counter = max(counter, excluded.counter)",
            credential_id, now_ms, counter,
        )  # fmt: skip
