"""The kinds of column that all tables are built from, each with its unit, bound and comment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.schema import SchemaItem

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Json(sa.types.TypeDecorator[Any]):
    """Lists and objects, kept as JSON text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        if value == "{}":  # most are empty, and a page has three for each event
            return {}
        if value == "[]":
            return []
        return None if value is None else json.loads(value)


class Flag(sa.types.TypeDecorator[bool]):
    """True and False, kept as 1 and 0."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:  # noqa: ARG002
        return None if value is None else bool(value)


def key(name: str, comment: str) -> sa.Column[str]:
    """A primary key of text: a UUID or an id of the configuration."""
    return sa.Column(
        name,
        sa.Text,
        sa.CheckConstraint(f"length({name}) BETWEEN 1 AND 80", name),
        primary_key=True,
        nullable=False,
        comment=comment,
    )


def reference(target: str, name: str, comment: str, *, optional: bool = False) -> sa.Column[str]:
    """The key of a row that its own service always writes first (so the database may insist on it)."""
    return sa.Column(
        name, sa.Text, sa.ForeignKey(target, ondelete="CASCADE"), nullable=optional, comment=comment
    )


def text(
    name: str, comment: str, *, optional: bool = False, max_length: int = 500, default: str | None = None
) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.Text,
        sa.CheckConstraint(f"length({name}) <= {max_length}", name),
        nullable=optional,
        server_default=default,
        comment=comment,
    )


def choice(
    name: str, values: type[StrEnum] | Iterable[str], comment: str, *, optional: bool = False
) -> sa.Column[str]:
    words = [str(value) for value in values]
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.Column(
        name,
        sa.Text,
        sa.CheckConstraint(f"{name} IN ({listed})", name),
        nullable=optional,
        comment=f"{comment}: {', '.join(words)}",
    )


def number(
    name: str,
    comment: str,
    *,
    optional: bool = False,
    low: int = 0,
    high: int | None = None,
    default: int | None = None,
) -> sa.Column[int]:
    bound = f"{name} >= {low}" if high is None else f"{name} BETWEEN {low} AND {high}"
    return sa.Column(
        name,
        sa.Integer,
        sa.CheckConstraint(bound, name),
        nullable=optional,
        server_default=None if default is None else sa.text(str(default)),
        comment=comment,
    )


def time_ms(name: str, comment: str, *, optional: bool = False, default: int | None = None) -> sa.Column[int]:
    """UTC milliseconds since 1970."""
    told = f"{comment}; UTC ms since 1970"
    return number(name, told, optional=optional, high=(1 << 48) - 1, default=default)


def real(
    name: str, comment: str, *, optional: bool = False, low: float | None = None, high: float | None = None
) -> sa.Column[float]:
    checks: list[SchemaItem] = []
    if low is not None and high is not None:
        checks.append(sa.CheckConstraint(f"{name} BETWEEN {low} AND {high}", name))
    elif low is not None:
        checks.append(sa.CheckConstraint(f"{name} >= {low}", name))
    return sa.Column(name, sa.REAL, *checks, nullable=optional, comment=comment)


def flag(name: str, comment: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(
        name,
        Flag,
        sa.CheckConstraint(f"{name} IN (0, 1)", name),
        nullable=False,
        server_default=sa.text(str(int(default))),
        comment=f"{comment}; 0 or 1",
    )


def json_text(name: str, comment: str, *, empty: str = "{}") -> sa.Column[Any]:
    return sa.Column(
        name,
        Json,
        sa.CheckConstraint(f"json_valid({name})", name),
        nullable=False,
        server_default=empty,
        comment=f"{comment}; JSON",
    )


def sealed(name: str, comment: str, *, optional: bool = False) -> sa.Column[bytes]:
    """Bytes that only the owning service can open; storage keeps them without a key."""
    return sa.Column(
        name,
        sa.LargeBinary,
        sa.CheckConstraint(f"length({name}) BETWEEN 1 AND 65536", name),
        nullable=optional,
        comment=comment,
    )


def table(name: str, comment: str, *items: SchemaItem, **options: Any) -> sa.Table:
    """STRICT: SQLite then refuses text in a number column instead of keeping it."""
    return sa.Table(name, METADATA, *items, comment=comment, sqlite_strict=True, **options)


def index(name: str, *columns: str, where: str | None = None, unique: bool = False) -> sa.Index:
    """`where` makes it partial: a query must say it in the same words. Expressions are written as SQL says them."""
    condition: dict[str, Any] = {"sqlite_where": sa.text(where)} if where else {}
    parts = [column if column.isidentifier() else sa.text(column) for column in columns]
    return sa.Index(name, *parts, unique=unique, **condition)
