"""Checks a password: the limiter first, one hash at a time, and the one-time set-up token."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from vigilar_common.passwords import hash_password, verify_password

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.hashing import hash_secret, verify_secret
from vigilar_web.accounts.model import OWNER_ID, Account
from vigilar_web.limiter import LoginLimiter
from vigilar_web.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_WAITING = 8
"""Logins that may wait for their turn to be hashed; more are told to come back."""
BUSY_RETRY_S = 2


@dataclass(frozen=True)
class Outcome:
    """`account` is set when the password is right; a second factor may still be needed."""

    account: Account | None = None
    retry_after_s: int = 0

    @property
    def ok(self) -> bool:
        return self.account is not None


class Login:
    """Only the event loop calls it; hashing runs on one thread of its own."""

    def __init__(
        self, limiter: LoginLimiter, accounts: AccountBook, settings: Callable[[], Settings]
    ) -> None:
        self.limiter = limiter
        self._accounts = accounts
        self._settings = settings
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hash")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def check(self, username: str, password: str, address: str) -> Outcome:
        """Whose these are; an unknown name costs the same time as a wrong password, whoever's it is."""
        if wait_s := self.limiter.take(address, username):
            return Outcome(None, wait_s)
        account = self._accounts.by_name(username)
        right = await self._right(account, password)
        if right is None:
            return Outcome(None, BUSY_RETRY_S)
        if right and account is not None and not account.disabled:
            self.limiter.succeeded(address, username)
            return Outcome(account)
        log.warning("login failed from %s", address)
        return Outcome()

    async def confirm(self, account: Account, password: str) -> Outcome:
        """Somebody signed in gives their password again; limited by account."""
        if wait_s := self.limiter.take_code(account.id):
            return Outcome(None, wait_s)
        right = await self._right(account, password)
        if right is None:
            return Outcome(None, BUSY_RETRY_S)
        if right:
            self.limiter.right_code(account.id)
        return Outcome(account if right else None)

    async def _right(self, account: Account | None, password: str) -> bool | None:
        """None: too many wait. Both kinds of hash are always made, so that time does not tell whose a name is."""
        owner = account is not None and account.id == OWNER_ID
        stored = "" if account is None or owner else self._accounts.password_of(account)

        def both() -> bool:
            of_owner = verify_password(password, self._settings().password_hash)
            of_other = verify_secret(password, stored)
            return of_owner if owner else of_other

        return await self._run(both)

    def try_setup(self, address: str) -> int:
        """The set-up form has the same limits; 0 or the seconds to wait."""
        return self.limiter.take(address)

    async def hash(self, password: str) -> str | None:
        """A hash of the owner's password to store, or None when too many wait."""
        return await self._run(lambda: hash_password(password))

    async def hash_of_account(self, password: str) -> str | None:
        """The same for everybody else."""
        return await self._run(lambda: hash_secret(password))

    async def _run(self, function: Callable[[], T]) -> T | None:
        if self._waiting >= MAX_WAITING:
            log.warning("%d logins already wait for the password hash", MAX_WAITING)
            return None
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        finally:
            self._waiting -= 1


class SetupToken:
    """Opens the set-up page once, while no password is set; printed in the log."""

    def __init__(self) -> None:
        self._value = ""

    def new(self) -> str:
        self._value = secrets.token_urlsafe(24)
        return self._value

    def fits(self, value: str) -> bool:
        return bool(self._value) and hmac.compare_digest(
            value.encode("utf-8", "replace"), self._value.encode()
        )

    def use_up(self) -> None:
        self._value = ""
