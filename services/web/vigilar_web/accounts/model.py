"""An account and whoever acts in its name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vigilar_web.policy import Policy, Role, Scope

OWNER_ID = "owner"
"""The login of `[web]`: always there, always admin."""


class CredentialKind(StrEnum):
    PASSWORD = "password"  # noqa: S105 a word, no password
    TOTP = "totp"
    RECOVERY = "recovery"
    PASSKEY = "passkey"
    TOKEN = "token"  # noqa: S105
    INVITE = "invite"


@dataclass(frozen=True)
class Credential:
    id: str
    kind: CredentialKind
    label: str
    secret: str = field(repr=False)
    detail: Mapping[str, Any] = field(repr=False)
    created_ms: int
    expires_ms: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Credential:
        """From storage. Raises KeyError, ValueError."""
        return cls(
            str(row["id"]),
            CredentialKind(row["kind"]),
            str(row["label"]),
            str(row["proof"]),
            dict(row["detail"]),
            int(row["created_ms"]),
            None if row["expires_ms"] is None else int(row["expires_ms"]),
        )

    def row(self) -> dict[str, Any]:
        """For storage."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "label": self.label,
            "proof": self.secret,
            "detail": dict(self.detail),
            "created_ms": self.created_ms,
            "expires_ms": self.expires_ms,
        }


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    role: Role
    cameras: frozenset[str] | None = None
    """None: every camera."""
    disabled: bool = False
    revision: int = 0
    """0: storage has no row of it."""
    created_ms: int = 0
    credentials: tuple[Credential, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Account:
        """From storage. Raises KeyError, ValueError."""
        role = Role(row["role"])
        free = row["all_cameras"] or role is Role.ADMIN
        return cls(
            str(row["id"]),
            str(row["name"]),
            role,
            None if free else frozenset(map(str, row["cameras"])),
            bool(row["disabled"]),
            int(row["revision"]),
            int(row["created_ms"]),
            tuple(map(Credential.of, row["credentials"])),
        )

    def row(self) -> dict[str, Any]:
        """For storage."""
        return {
            "name": self.name,
            "role": self.role.value,
            "all_cameras": self.cameras is None,
            "cameras": sorted(self.cameras or ()),
            "disabled": self.disabled,
            "revision": self.revision,
            "credentials": [credential.row() for credential in self.credentials],
        }

    def all_of(self, kind: CredentialKind) -> list[Credential]:
        return [credential for credential in self.credentials if credential.kind is kind]

    def one(self, kind: CredentialKind) -> Credential | None:
        return next(iter(self.all_of(kind)), None)

    def without(self, ids: Collection[str]) -> tuple[Credential, ...]:
        return tuple(credential for credential in self.credentials if credential.id not in ids)


@dataclass(frozen=True)
class Caller:
    """An account as it acts now: through a session, or through a token that may do less."""

    account: Account
    cameras: frozenset[str] | None
    """None: every camera."""
    scopes: frozenset[Scope] | None = None
    """None: a session."""
    token_id: str = ""

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def sees_all(self) -> bool:
        return self.cameras is None

    def sees(self, camera_id: str | None) -> bool:
        """What is of no camera is seen by everybody."""
        return self.cameras is None or camera_id is None or camera_id in self.cameras

    def sees_every(self, camera_ids: Collection[str]) -> bool:
        return all(map(self.sees, camera_ids))

    @property
    def within(self) -> str | None:
        """For storage's lists: the cameras that may be in the answer; None: all."""
        return None if self.cameras is None else ",".join(sorted(self.cameras))

    def has_role(self, policy: Policy) -> bool:
        return self.account.role.covers(policy.role)

    def has_scope(self, policy: Policy) -> bool:
        return self.scopes is None or (policy.scope is not None and policy.scope in self.scopes)
