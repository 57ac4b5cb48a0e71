"""Accounts and tokens for tests of the web service, as storage would hand them out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
from vigilar_web.accounts.model import Account
from vigilar_web.accounts.tokens import new_token
from vigilar_web.application import MODULES
from vigilar_web.policy import Role, Scope
from vigilar_web.sessions import COOKIE

BASE = "http://house.lan:49735"
ROUTES = [route for module in MODULES for route in module.router.routes]
UUID = "01234567-89ab-7def-8123-456789abcdef"


def filled(path: str) -> str:
    for name, value in (
        ("{camera_id}", "front"), ("{event_id}", UUID), ("{recording_id}", UUID), ("{picture_id}", UUID),
        ("{export_id}", UUID), ("{verification_id}", UUID), ("{package_id}", UUID), ("{alert_id}", UUID),
        ("{rule_id}", "night"), ("{sensor_id}", "door"),
        ("{account_id}", "id-ann"), ("{credential_id}", "nothing"), ("{search_id}", UUID),
        ("{pet_id}", UUID), ("{photo_id}", UUID), ("{pet_rule_id}", UUID), ("{profile_id}", UUID),
        ("{name:path}", "index-abc.js"), ("{name}", "index.m3u8"), ("{path:path}", "events"),
    ):  # fmt: skip
        path = path.replace(name, value)
    assert "{" not in path, path
    return path


def add_account(
    web: Any,
    name: str,
    *,
    role: Role = Role.VIEWER,
    cameras: Sequence[str] | None = None,
    disabled: bool = False,
    account_id: str = "",
    credentials: Sequence[dict[str, Any]] = (),
) -> Account:
    """A new account, or the one of this id as it shall be from now on."""
    account_id = account_id or f"id-{name}"
    row = {
        "id": account_id, "name": name, "role": role.value, "all_cameras": cameras is None, "cameras": list(cameras or ()),
        "disabled": disabled, "revision": 1, "created_ms": 1, "updated_ms": 1, "credentials": list(credentials),
    }  # fmt: skip
    book = web.parts.accounts
    book._take([*(old for old in book._rows if old["id"] != account_id), row])
    found = book.get(account_id)
    assert isinstance(found, Account)
    return found


def keep_accounts(web: Any) -> None:
    """Storage that keeps accounts as the real one does."""

    def path_of(request: httpx.Request) -> httpx.Response:
        rows = {row["id"]: row for row in web.parts.accounts._rows}
        account_id = request.url.path.rpartition("/")[2]
        if request.method == "DELETE":
            return httpx.Response(204)
        if request.method == "PUT":
            sent = json.loads(request.content)
            known = rows.get(account_id, {"revision": 0, "created_ms": 1, "updated_ms": 1})
            if known["revision"] != sent["revision"]:
                stale = {"code": "stale_revision", "message": "read it again", "field": None}
                return httpx.Response(409, json={"error": stale})
            rows[account_id] = known | sent | {"id": account_id, "revision": sent["revision"] + 1}
        return httpx.Response(200, json={"items": list(rows.values())})

    class Answers(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            return path_of if path.startswith("/v1/accounts") else super().get(path, default)

    web.storage.answers = Answers(web.storage.answers)


def add_token(
    web: Any,
    account: Account,
    scopes: Sequence[Scope],
    cameras: Sequence[str] | None = None,
    expires_in_s: int | None = None,
) -> str:
    text, kept = new_token(web.parts.session_key)
    now_ms = web.clock.now_ms()
    row = {
        "id": f"token-of-{account.name}", "kind": "token", "label": "test", "proof": kept, "created_ms": now_ms,
        "detail": {"scopes": [scope.value for scope in scopes], "cameras": None if cameras is None else list(cameras)},
        "expires_ms": None if expires_in_s is None else now_ms + expires_in_s * 1000,
    }  # fmt: skip
    add_account(
        web,
        account.name,
        role=account.role,
        cameras=None if account.cameras is None else sorted(account.cameras),
        account_id=account.id,
        credentials=[*(credential.row() for credential in account.credentials), row],
    )
    return text


def sign_in(web: Any, account: Account) -> None:
    """Without the cost of a password."""
    web.client.cookies.set(COOKIE, web.parts.sessions.open(account.id))
