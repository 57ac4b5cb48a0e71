"""All accounts: kept by storage, copied here, so that people sign in while storage is down."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from vigilar_web.accounts.model import OWNER_ID, Account, Credential, CredentialKind
from vigilar_web.database import Database
from vigilar_web.errors import ApiError, not_found
from vigilar_web.gateway import StorageGateway
from vigilar_web.policy import Role
from vigilar_web.settings import Settings

log = logging.getLogger(__name__)

COPY = "accounts"
REFRESH_S = 10.0
"""How soon a change by `vigilar users` holds; what is changed here holds at once."""


class AccountBook:
    """On the event loop only. The owner is always in it, with the name and password of `[web]`."""

    def __init__(self, database: Database, storage: StorageGateway, settings: Callable[[], Settings]) -> None:
        self._db, self._storage, self._settings = database, storage, settings
        self._stored: dict[str, Account] = {}
        self._rows: list[dict[str, Any]] = []
        self._tokens: dict[str, tuple[str, Credential]] = {}
        self.on_changed: Callable[[], None] = lambda: None
        self.problem = ""
        kept = database.kept(COPY)
        if kept:
            self._take(json.loads(kept), keep=False)

    # -- reading ------------------------------------------------------------------------------------

    @property
    def owner(self) -> Account:
        stored = self._stored.get(OWNER_ID) or Account(OWNER_ID, "", Role.ADMIN)
        return replace(stored, name=self._settings().username, role=Role.ADMIN, cameras=None, disabled=False)

    def all(self) -> list[Account]:
        """The owner first."""
        return [self.owner, *(account for account in self._stored.values() if account.id != OWNER_ID)]

    def get(self, account_id: str) -> Account | None:
        return self.owner if account_id == OWNER_ID else self._stored.get(account_id)

    def need(self, account_id: str) -> Account:
        """Raises ApiError 404."""
        found = self.get(account_id)
        if found is None:
            raise not_found("There is no such account.")
        return found

    def by_name(self, name: str) -> Account | None:
        folded = name.strip().casefold()
        return next((account for account in self.all() if account.name.casefold() == folded), None)

    def password_of(self, account: Account) -> str:
        """The stored hash; empty: nobody signs in with a password."""
        if account.id == OWNER_ID:
            return self._settings().password_hash
        found = account.one(CredentialKind.PASSWORD)
        return found.secret if found else ""

    def by_credential(self, kind: CredentialKind, secret: str) -> tuple[Account, Credential] | None:
        """Whose token or invitation has this keyed hash. A look-up by hash tells nothing of how much was right."""
        found = self._tokens.get(secret)
        if found is None or found[1].kind is not kind:
            return None
        account = self.get(found[0])
        return (account, found[1]) if account else None

    # -- changing -----------------------------------------------------------------------------------

    async def save(self, account: Account) -> Account:
        """As storage then has it. Raises ApiError 409, 503."""
        if account.id != OWNER_ID and account.name.casefold() == self.owner.name.casefold():
            raise ApiError(409, "name_taken", "Another account has this name.", field="name")
        answer = await self._storage.json("PUT", f"/v1/accounts/{account.id}", body=account.row())
        self._take(answer["items"])
        return self.need(account.id)

    async def remove(self, account_id: str) -> None:
        """Raises ApiError."""
        await self._storage.json("DELETE", f"/v1/accounts/{account_id}")
        self._take([row for row in self._rows if row["id"] != account_id])

    async def refresh(self) -> None:
        """What storage has; on failure the copy stays, and `problem` says why."""
        try:
            answer = await self._storage.json("GET", "/v1/accounts")
        except ApiError as error:
            if not self.problem:
                log.info("accounts are as they were last heard: %s", error)
            self.problem = str(error)
            return
        self.problem = ""
        self._take(answer["items"])

    def _take(self, rows: Iterable[dict[str, Any]], *, keep: bool = True) -> None:
        rows = list(rows)
        if rows == self._rows:
            return
        stored = {}
        for row in rows:
            try:
                account = Account.of(row)
            except (KeyError, ValueError, TypeError) as error:
                # Left out rather than let in: whoever it is cannot sign in until it can be read.
                log.error("account %s cannot be read: %s", str(row.get("id"))[:80], type(error).__name__)  # noqa: TRY400
                continue
            stored[account.id] = account
        self._rows, self._stored = rows, stored
        self._tokens = {
            credential.secret: (account.id, credential)
            for account in stored.values()
            for credential in account.credentials
            if credential.kind in (CredentialKind.TOKEN, CredentialKind.INVITE)
        }
        if keep:
            self._db.keep(COPY, json.dumps(rows, separators=(",", ":")))
        self.on_changed()
