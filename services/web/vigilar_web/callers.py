"""From what a request brings to whoever acts: rights are looked up each time, so what is taken away is gone at once."""

from __future__ import annotations

from vigilar_common.clock import Clock

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.model import Caller, Credential, CredentialKind
from vigilar_web.accounts.tokens import find_token, scopes_of
from vigilar_web.accounts.used import Used
from vigilar_web.sessions import Session, Sessions


class Callers:
    """Use from the event loop."""

    def __init__(
        self, sessions: Sessions, accounts: AccountBook, used: Used, key: bytes, clock: Clock
    ) -> None:
        self._sessions, self._accounts, self._used = sessions, accounts, used
        self._key, self._clock = key, clock

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
        self._used.note(token.id)
        now_ms = self._clock.now_ms()
        return Session(
            f"token:{token.id}", account.id, "", now_ms, now_ms, 0, user=account.name, token_id=token.id
        )

    def over(self, credential: Credential) -> bool:
        return credential.expires_ms is not None and credential.expires_ms <= self._clock.now_ms()
