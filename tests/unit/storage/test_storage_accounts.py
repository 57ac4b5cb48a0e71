"""Accounts as whole documents, and the audit log with its entries in the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from storage_rig import fact
from vigilar_storage import accounts
from vigilar_storage.accounts import MAX_ACCOUNTS, AccountConflictError
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore
from vigilar_storage.schema import credentials, ledger

PASSWORD = {
    "id": "p1", "kind": "password", "label": "", "proof": "$argon2id$x", "detail": {}, "created_ms": 5, "expires_ms": None,
}  # fmt: skip


def wanted(name: str = "Ann", revision: int = 0, **more: Any) -> dict[str, Any]:
    plain = {"name": name, "role": "resident", "all_cameras": False, "cameras": ["front"], "disabled": False}
    return plain | {"revision": revision, "credentials": [PASSWORD]} | more


def save(database: Database, account_id: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    database.write(lambda connection: accounts.save(connection, account_id, document, 1_000))
    return shown(database)


def shown(database: Database) -> list[dict[str, Any]]:
    with database.read() as connection:
        return accounts.show(connection)


def test_an_account_is_read_as_it_was_written_and_each_change_counts_one_revision(database: Database) -> None:
    (first,) = save(database, "a1", wanted())
    assert first["revision"] == 1
    assert first["credentials"] == [PASSWORD]
    (second,) = save(database, "a1", wanted(role="viewer", revision=1, credentials=[]))
    assert (second["role"], second["revision"], second["credentials"]) == ("viewer", 2, [])
    assert second["cameras"] == ["front"]


@pytest.mark.parametrize(
    ("account_id", "document", "code"),
    [("a1", wanted(revision=7), "stale_revision"), ("a1", wanted(), "stale_revision"), ("a2", wanted("ANN"), "name_taken")],
)  # fmt: skip
def test_a_change_that_contradicts_what_is_there_changes_nothing(
    database: Database, account_id: str, document: dict[str, Any], code: str
) -> None:
    before = save(database, "a1", wanted())
    with pytest.raises(AccountConflictError) as refused:
        save(database, account_id, document | {"role": "admin"})
    assert refused.value.code == code
    assert shown(database) == before


def test_there_are_at_most_so_many_accounts(database: Database) -> None:
    for number in range(MAX_ACCOUNTS):
        save(database, f"a{number}", wanted(f"n{number}", credentials=[]))
    with pytest.raises(AccountConflictError, match="at most"):
        save(database, "more", wanted("more", credentials=[]))


def test_with_an_account_go_its_credentials(database: Database) -> None:
    save(database, "a1", wanted())
    assert database.write(lambda connection: accounts.remove(connection, "a1"))
    assert not database.write(lambda connection: accounts.remove(connection, "a1"))
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(credentials)) == 0


def test_what_is_done_stands_in_the_ledger_once_and_without_the_address(
    store: FactStore, database: Database
) -> None:
    done = {"actor": "ann", "account_id": "a1", "method": "token", "action": "export.order", "subject": "front",
            "outcome": "done", "address": "192.0.2.7"}  # fmt: skip
    item = fact("audit.done", done)
    for _ in range(2):
        assert store.ingest("web", [item]).rejections == []
    with database.read() as connection:
        query = sa.select(ledger.c.body).where(ledger.c.type == "audit")
        (body,) = connection.scalars(query).all()
    told = json.loads(body)
    assert told["by"] == "ann"
    assert told["action"] == "export.order"
    assert "192.0.2.7" not in body


def test_only_the_web_service_writes_into_the_audit_log(store: FactStore) -> None:
    (rejection,) = store.ingest("alerts", [fact("audit.done", {"method": "x", "action": "y"})]).rejections
    assert rejection.type == "audit.done"
