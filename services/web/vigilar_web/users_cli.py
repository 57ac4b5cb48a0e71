"""`vigilar users`: accounts from the machine itself, for the owner who is locked out of the page. Storage must run."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from vigilar_common.clock import Clock, SystemClock, uuid7
from vigilar_common.config.slices import SliceReader
from vigilar_common.errors import StorageRefusedError, StorageUnavailableError, VigilarError
from vigilar_common.messages.audit import Audited
from vigilar_common.secrets import Secrets
from vigilar_common.service import Environment
from vigilar_common.storage_client import StorageClient
from vigilar_common.verbs import run_verb, verb_parser

from vigilar_web.accounts.invites import DAYS, new_invite
from vigilar_web.accounts.model import OWNER_ID, Account, CredentialKind
from vigilar_web.policy import Role

CURE = "is Vigilar running? In containers: docker compose exec web python -m vigilar_web users …"
SECOND = (CredentialKind.TOTP, CredentialKind.RECOVERY, CredentialKind.PASSKEY)


class UsersCliError(VigilarError):
    """What was asked for cannot be done, and why."""


def main(argv: list[str]) -> int:
    """0: done, 1: failed with the reason on stderr, 2: the command line was wrong."""
    return run_verb(parser().parse_args(argv))


def parser() -> argparse.ArgumentParser:
    top, verbs = verb_parser()
    users = verbs.add_parser("users", help="list, add, remove and reset accounts")
    below = users.add_subparsers(dest="what", metavar="COMMAND", required=True)
    listing = below.add_parser("list", help="every account with its role")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    adding = below.add_parser("add", help="add an account and print the link that sets its password")
    adding.add_argument("name", metavar="NAME", help="what they sign in with")
    adding.add_argument("--role", choices=[role.value for role in Role], default=Role.VIEWER.value,
                        help="what they may do (default viewer)")  # fmt: skip
    removing = below.add_parser("remove", help="remove an account; its sessions and tokens end")
    removing.add_argument("name", metavar="NAME", help="whose")
    resetting = below.add_parser("reset", help="forget app and passkeys; print a link that sets the password")
    resetting.add_argument("name", metavar="NAME", help="whose, or `owner` for the login of [web]")
    for command, func in ((listing, _list), (adding, _add), (removing, _remove), (resetting, _reset)):
        command.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")
        command.set_defaults(func=func)
    return top


class _House:
    """Storage, as the web service asks it."""

    def __init__(self) -> None:
        environment = Environment.read()
        secrets = Secrets(environment.secrets_dir)
        self.clock: Clock = SystemClock()
        self.key = bytes.fromhex(secrets.text("session_key"))
        self.owner = SliceReader(environment.config_run, "web", self.clock).load().config.web.username
        self._storage = StorageClient(environment.storage_url, secrets.text("storage_token"))

    def accounts(self) -> list[Account]:
        """The owner first, also when storage has no row of it."""
        stored = [Account.of(row) for row in self._ask("GET", "/v1/accounts")["items"]]
        owner = next(
            (account for account in stored if account.id == OWNER_ID), Account(OWNER_ID, "", Role.ADMIN)
        )
        others = [account for account in stored if account.id != OWNER_ID]
        return [replace(owner, name=self.owner, role=Role.ADMIN, cameras=None), *others]

    def find(self, name: str) -> Account:
        for account in self.accounts():
            if name.casefold() in (account.name.casefold(), account.id):
                return account
        raise UsersCliError(f"there is no account {name!r}; `vigilar users list` shows them")

    def save(self, account: Account, action: str) -> None:
        self._ask("PUT", f"/v1/accounts/{account.id}", account.row())
        self._tell(account, action)

    def remove(self, account: Account) -> None:
        self._ask("DELETE", f"/v1/accounts/{account.id}")
        self._tell(account, "account.remove")

    def _tell(self, account: Account, action: str) -> None:
        """Into the audit log. Whoever sits at the machine has no account: the method says so."""
        fact = Audited(
            method="command line", action=action, subject=account.name[:120], ts_ms=self.clock.now_ms()
        )
        self._storage.post_facts("web", [(0, uuid7(self.clock), Audited.TYPE, fact.body())])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return self._storage.get(path) if method == "GET" else self._storage.send(method, path, body)
        except StorageUnavailableError as error:
            raise UsersCliError(f"{error}; {CURE}") from error
        except StorageRefusedError as error:
            raise UsersCliError(str(error)) from error


def _list(args: argparse.Namespace) -> int:
    accounts = _House().accounts()
    if args.json:
        rows = [
            {"id": a.id, "name": a.name, "role": a.role.value, "disabled": a.disabled, "cameras": sorted(a.cameras or ())
             if a.cameras is not None else None, "totp": a.one(CredentialKind.TOTP) is not None,
             "passkeys": len(a.all_of(CredentialKind.PASSKEY))}
            for a in accounts
        ]  # fmt: skip
        _say(json.dumps({"accounts": rows}, indent=1, ensure_ascii=False))
        return 0
    for account in accounts:
        marks = [account.role.value]
        if account.id == OWNER_ID:
            marks.append("owner: [web] username")
        if account.cameras is not None:
            marks.append(f"cameras: {', '.join(sorted(account.cameras)) or 'none'}")
        marks += ["locked out"] if account.disabled else []
        marks += ["authenticator app"] if account.one(CredentialKind.TOTP) else []
        _say(f"{account.name}  {', '.join(marks)}")
    return 0


def _add(args: argparse.Namespace) -> int:
    house = _House()
    if any(account.name.casefold() == args.name.casefold() for account in house.accounts()):
        raise UsersCliError(f"there is an account {args.name!r} already")
    text, invite = new_invite(house.key, house.clock)
    house.save(Account(uuid7(house.clock), args.name, Role(args.role), credentials=(invite,)), "account.add")
    _say_link(text)
    return 0


def _remove(args: argparse.Namespace) -> int:
    house = _House()
    account = house.find(args.name)
    if account.id == OWNER_ID:
        raise UsersCliError("the owner is the login of [web]: it cannot be removed, only renamed there")
    house.remove(account)
    _say(f"{account.name} is removed. Open pages end within ten seconds.")
    return 0


def _reset(args: argparse.Namespace) -> int:
    house = _House()
    account = house.find(args.name)
    gone = [
        credential.id
        for credential in account.credentials
        if credential.kind in (*SECOND, CredentialKind.INVITE)
    ]
    bare = replace(account, credentials=account.without(gone), disabled=False)
    if account.id == OWNER_ID:
        house.save(bare, "account.reset_second")
        _say("App, recovery codes and passkeys of the owner are forgotten: the password alone signs in.")
        _say("A forgotten password: vigilar config set-password --write")
        return 0
    text, invite = new_invite(house.key, house.clock)
    house.save(replace(bare, credentials=(*bare.credentials, invite)), "account.reset_second")
    _say(f"App, recovery codes and passkeys of {account.name} are forgotten.")
    _say_link(text)
    return 0


def _say_link(text: str) -> None:
    _say(f"To choose a password, once, within {DAYS} days, open this behind the address of the page:")
    _say(f"/invite?token={text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
