"""How often somebody may try: token buckets, bounded in number."""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from vigilar_common.clock import Clock

from vigilar_web.database import Database

log = logging.getLogger(__name__)

CLIENT_TRIES = 5
CLIENT_REFILL_S = 60.0
"""One try per minute after the first five, from one address."""
ALL_TRIES = 30
ALL_REFILL_S = 10.0
TRUSTED_MS = 30 * 86_400_000
"""An address that logged in within this time is not held up by the tries of others."""
ACCOUNT_TRIES = 10
ACCOUNT_REFILL_S = 30.0
"""For one account from all addresses that it has not signed in from: many addresses guess no faster than a few."""
CODE_TRIES = 5
CODE_REFILL_S = 60.0
"""For the second factor and for confirming a password: the right password is known already, so no address is exempt."""
MAX_CLIENTS = 1_000
EVERYBODY = "*"


def client_key(address: str) -> str:
    """One limiter key per household: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address.split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)


def account_key(name: str) -> str:
    """Not the name itself: people type passwords into the wrong field."""
    return "account " + hashlib.sha256(name.strip().casefold().encode("utf-8", "replace")).hexdigest()[:32]


@dataclass
class _Bucket:
    tokens: float
    updated_ms: int
    trusted_ms: int = 0

    def refill(self, size: int, refill_s: float, now_ms: int) -> None:
        # A clock that went back must not lock anybody out for the length of the jump.
        elapsed_s = max(0, now_ms - self.updated_ms) / 1000
        self.tokens = min(size, self.tokens + elapsed_s / refill_s)
        self.updated_ms = now_ms

    def wait_s(self, refill_s: float) -> int:
        return 0 if self.tokens >= 1 else max(1, math.ceil((1 - self.tokens) * refill_s))


class LoginLimiter:
    """Tries per address and of everybody together; survives a restart of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._buckets = {
            client: _Bucket(tokens, updated_ms, trusted_ms)
            for client, tokens, updated_ms, trusted_ms in database.rows(
                "SELECT client, tokens, updated_ms, trusted_ms FROM login_tries"
            )
        }

    def take(self, address: str, account: str = "") -> int:
        """Spend one try, `account` being the name tried. 0 when it may go ahead, else the seconds to wait (nothing spent)."""
        now_ms = self._clock.now_ms()
        client = self._bucket(client_key(address), CLIENT_TRIES, now_ms)
        client.refill(CLIENT_TRIES, CLIENT_REFILL_S, now_ms)
        everybody = self._bucket(EVERYBODY, ALL_TRIES, now_ms)
        everybody.refill(ALL_TRIES, ALL_REFILL_S, now_ms)
        wait_s = client.wait_s(CLIENT_REFILL_S)
        trusted = client.trusted_ms and abs(now_ms - client.trusted_ms) < TRUSTED_MS
        one = self._account(account, now_ms) if account else None
        if not trusted:
            wait_s = max(wait_s, everybody.wait_s(ALL_REFILL_S), one.wait_s(ACCOUNT_REFILL_S) if one else 0)
        if wait_s:
            log.warning("login refused for %s: too many tries, next in %d s", client_key(address), wait_s)
            return wait_s
        client.tokens -= 1
        everybody.tokens = max(0.0, everybody.tokens - 1)
        if one:
            one.tokens = max(0.0, one.tokens - 1)
            self._save(account_key(account), one)
        self._save(client_key(address), client)
        self._save(EVERYBODY, everybody)
        return 0

    def take_code(self, account_id: str) -> int:
        """Spend one try of the second proof of an account, whatever the address; 0 or the seconds to wait."""
        now_ms = self._clock.now_ms()
        key = f"code {account_id}"
        bucket = self._bucket(key, CODE_TRIES, now_ms)
        bucket.refill(CODE_TRIES, CODE_REFILL_S, now_ms)
        wait_s = bucket.wait_s(CODE_REFILL_S)
        if not wait_s:
            bucket.tokens -= 1
            self._save(key, bucket)
        return wait_s

    def right_code(self, account_id: str) -> None:
        key = f"code {account_id}"
        bucket = self._bucket(key, CODE_TRIES, self._clock.now_ms())
        bucket.tokens = float(CODE_TRIES)
        self._save(key, bucket)

    def succeeded(self, address: str, account: str = "") -> None:
        """The right password: give the tries back and remember the address."""
        now_ms = self._clock.now_ms()
        if account:
            one = self._account(account, now_ms)
            one.tokens = float(ACCOUNT_TRIES)
            self._save(account_key(account), one)
        client = self._bucket(client_key(address), CLIENT_TRIES, now_ms)
        client.tokens, client.updated_ms, client.trusted_ms = float(CLIENT_TRIES), now_ms, now_ms
        everybody = self._bucket(EVERYBODY, ALL_TRIES, now_ms)
        everybody.tokens = min(ALL_TRIES, everybody.tokens + 1)
        self._save(client_key(address), client)
        self._save(EVERYBODY, everybody)

    def _account(self, name: str, now_ms: int) -> _Bucket:
        bucket = self._bucket(account_key(name), ACCOUNT_TRIES, now_ms)
        bucket.refill(ACCOUNT_TRIES, ACCOUNT_REFILL_S, now_ms)
        return bucket

    def _bucket(self, key: str, size: int, now_ms: int) -> _Bucket:
        found = self._buckets.get(key)
        if found is None:
            while len(self._buckets) >= MAX_CLIENTS:
                oldest = min(
                    (name for name in self._buckets if name != EVERYBODY),
                    key=lambda name: self._buckets[name].updated_ms,
                )
                del self._buckets[oldest]
                self._db.write("DELETE FROM login_tries WHERE client = ?", oldest)
            found = self._buckets[key] = _Bucket(float(size), now_ms)
        return found

    def _save(self, key: str, bucket: _Bucket) -> None:
        self._db.write(
            "INSERT INTO login_tries (client, tokens, updated_ms, trusted_ms) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (client) DO UPDATE SET tokens = excluded.tokens, updated_ms = excluded.updated_ms, "
            "trusted_ms = excluded.trusted_ms",
            key, bucket.tokens, bucket.updated_ms, bucket.trusted_ms,
        )  # fmt: skip


class RateLimiter:
    """The same in memory only, for requests that need no account (signed pictures)."""

    def __init__(self, clock: Clock, size: int, refill_s: float) -> None:
        self._clock = clock
        self._size = size
        self._refill_s = refill_s
        self._buckets: dict[str, _Bucket] = {}

    def take(self, address: str) -> int:
        """0 when it may go ahead, else the seconds to wait."""
        now_ms = int(self._clock.monotonic_s() * 1000)
        key = client_key(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            while len(self._buckets) >= MAX_CLIENTS:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets[key] = _Bucket(float(self._size), now_ms)
        bucket.refill(self._size, self._refill_s, now_ms)
        wait_s = bucket.wait_s(self._refill_s)
        if not wait_s:
            bucket.tokens -= 1
        return wait_s
