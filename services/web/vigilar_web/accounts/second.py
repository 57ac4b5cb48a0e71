"""The second proof after a password: a code of the app, or one of the codes for when it is lost."""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace

from vigilar_common.clock import Clock

from vigilar_web.accounts import totp
from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.hashing import keyed
from vigilar_web.accounts.model import Account, CredentialKind
from vigilar_web.accounts.used import Used
from vigilar_web.errors import ApiError
from vigilar_web.limiter import LoginLimiter

log = logging.getLogger(__name__)

PENDING_MS = 5 * 60_000
"""So long after the password the code may be entered."""
MAX_PENDING_LENGTH = 300


class SecondFactor:
    """Use from the event loop. What a password has opened is carried by the form, signed; nothing is kept of it."""

    def __init__(
        self, book: AccountBook, used: Used, limiter: LoginLimiter, key: bytes, clock: Clock
    ) -> None:
        self._book, self._used, self._limiter = book, used, limiter
        self._key, self._clock = key, clock

    def needed(self, account: Account) -> bool:
        return account.one(CredentialKind.TOTP) is not None

    def pending(self, account: Account) -> str:
        """Says for five minutes that the password of this account was right."""
        until_ms = self._clock.now_ms() + PENDING_MS
        return f"{account.id}.{until_ms}.{self._signed(account, until_ms)}"

    def of_pending(self, text: str) -> Account | None:
        """Whose it is; None when it is not ours, too old, or the password is another one by now."""
        account_id, _, rest = text[:MAX_PENDING_LENGTH].partition(".")
        until, _, signature = rest.partition(".")
        account = self._book.get(account_id)
        if account is None or account.disabled or not (until.isascii() and until.isdigit()):
            return None
        right = hmac.compare_digest(signature.encode(), self._signed(account, int(until)).encode())
        return account if right and self._clock.now_ms() < int(until) else None

    async def check(self, account: Account, code: str) -> tuple[str, int]:
        """How it was proved (`totp`, `recovery`), empty when wrong; and the seconds until the next try."""
        if wait_s := self._limiter.take_code(account.id):
            return "", wait_s
        how = (
            "totp"
            if self._by_app(account, code)
            else "recovery"
            if await self._by_recovery(account, code)
            else ""
        )
        if how:
            self._limiter.right_code(account.id)
        return how, 0

    def _by_app(self, account: Account, code: str) -> bool:
        stored = account.one(CredentialKind.TOTP)
        if stored is None:
            return False
        secret = totp.unseal(self._key, account.id, stored.secret)
        if secret is None:
            log.error(
                "the app of %s cannot be checked: its secret was sealed with another session_key", account.id
            )
            return False
        step = totp.step_of(secret, code, self._clock.now_ms(), self._used.counter(stored.id))
        if step is None:
            return False
        self._used.note(stored.id, step)
        return True

    async def _by_recovery(self, account: Account, code: str) -> bool:
        wanted = totp.recovery_hash(self._key, account.id, code)
        found = next((c for c in account.all_of(CredentialKind.RECOVERY) if c.secret == wanted), None)
        if found is None or self._used.last_ms(found.id) is not None:
            return False
        self._used.note(found.id, 1)  # from here on it is used up, also while storage is down
        try:
            await self._book.save(replace(account, credentials=account.without([found.id])))
        except ApiError as error:
            log.warning("a used recovery code of %s stays listed: %s", account.id, error)
        return True

    def _signed(self, account: Account, until_ms: int) -> str:
        bound = f"{account.id}\n{until_ms}\n{self._book.password_of(account)}"
        return keyed(self._key, "pending", bound)
