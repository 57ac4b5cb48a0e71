"""Parameters that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import HTTPConnection

UUID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

CameraId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
ItemId = Annotated[str, Path(pattern=UUID_PATTERN)]
Word = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Words = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64}){0,63}$")]
"""One or more, with commas between."""
Classes = Annotated[
    str | None,
    Query(alias="class", pattern=r"^[a-z][a-z0-9_ -]{0,39}(,[a-z][a-z0-9_ -]{0,39}){0,19}$"),
]
Zone = Annotated[str | None, Query(max_length=120)]
Cursor = Annotated[str | None, Query(max_length=300, pattern=r"^[A-Za-z0-9_.:=~-]+$")]
Moment = Annotated[int, Query(ge=0, lt=1 << 48)]
Limit = Annotated[int, Query(ge=1, le=200)]


def client_address(connection: HTTPConnection) -> str:
    """Of the socket: what a proxy says of its client is not believed."""
    return connection.client.host if connection.client else ""
