"""Accounts and what proves who they are, read and written as whole documents. What they mean is the web service's affair."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from vigilar_common.errors import VigilarError

from vigilar_storage.schema import accounts, credentials

MAX_ACCOUNTS = 64
PLAIN = ("name", "role", "all_cameras", "cameras", "disabled")
OF_A_CREDENTIAL = ("id", "kind", "label", "proof", "detail", "created_ms", "expires_ms")


class AccountConflictError(VigilarError):
    """Somebody else changed this account in between, or has its name, or there are too many."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def show(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every account with its credentials, by age."""
    found = [dict(row) for row in connection.execute(sa.select(accounts)).mappings()]
    by_id = {row["id"]: row | {"credentials": []} for row in found}
    for row in connection.execute(sa.select(credentials).order_by(credentials.c.created_ms)).mappings():
        by_id[row["account_id"]]["credentials"].append({name: row[name] for name in OF_A_CREDENTIAL})
    return sorted(by_id.values(), key=lambda row: (row["created_ms"], row["id"]))


def save(connection: sa.Connection, account_id: str, wanted: dict[str, Any], now_ms: int) -> None:
    """The account becomes what `wanted` says, credentials included. Raises AccountConflictError."""
    has = accounts.c
    known = connection.scalar(sa.select(has.revision).where(has.id == account_id)) or 0
    if known != wanted["revision"]:
        raise AccountConflictError("stale_revision", f"this account is at revision {known}, read it again")
    same_name = sa.select(has.id).where(
        sa.func.lower(has.name) == wanted["name"].lower(), has.id != account_id
    )
    if connection.scalar(same_name) is not None:
        raise AccountConflictError("name_taken", "another account has this name")
    count = sa.select(sa.func.count()).select_from(accounts)
    if not known and (connection.scalar(count) or 0) >= MAX_ACCOUNTS:
        raise AccountConflictError("too_many_accounts", f"there are at most {MAX_ACCOUNTS} accounts")
    values = {name: wanted[name] for name in PLAIN} | {"revision": known + 1, "updated_ms": now_ms}
    statement = insert(accounts).values(id=account_id, created_ms=now_ms, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    connection.execute(sa.delete(credentials).where(credentials.c.account_id == account_id))
    for entry in wanted["credentials"]:
        connection.execute(insert(credentials).values(account_id=account_id, **entry))


def remove(connection: sa.Connection, account_id: str) -> bool:
    return connection.execute(sa.delete(accounts).where(accounts.c.id == account_id)).rowcount > 0
