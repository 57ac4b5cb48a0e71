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

from vigilar_web.limiter import LoginLimiter
from vigilar_web.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_WAITING = 8
"""Logins that may wait for their turn to be hashed; more are told to come back."""
BUSY_RETRY_S = 2


@dataclass(frozen=True)
class Outcome:
    ok: bool
    retry_after_s: int = 0


class Login:
    """Only the event loop calls it; hashing runs on one thread of its own."""

    def __init__(self, limiter: LoginLimiter, settings: Callable[[], Settings]) -> None:
        self._limiter = limiter
        self._settings = settings
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hash")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def check(self, username: str, password: str, address: str) -> Outcome:
        """Whether these are the owner's; an unknown name costs the same time as a wrong password."""
        if wait_s := self._limiter.take(address):
            return Outcome(False, wait_s)
        settings = self._settings()
        right = await self._run(verify_password, password, settings.password_hash)
        if right is None:
            return Outcome(False, BUSY_RETRY_S)
        same_name = hmac.compare_digest(username.encode("utf-8", "replace"), settings.username.encode())
        if right and same_name:
            self._limiter.succeeded(address)
            return Outcome(True)
        log.warning("login failed from %s", address)
        return Outcome(False)

    def try_setup(self, address: str) -> int:
        """The set-up form has the same limits; 0 or the seconds to wait."""
        return self._limiter.take(address)

    async def hash(self, password: str) -> str | None:
        """A hash to store, or None when too many wait."""
        return await self._run(hash_password, password)

    async def _run(self, function: Callable[..., T], *arguments: str) -> T | None:
        if self._waiting >= MAX_WAITING:
            log.warning("%d logins already wait for the password hash", MAX_WAITING)
            return None
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
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
