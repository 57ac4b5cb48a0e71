"""What every route shares: the services behind them, the caller's rights, errors as JSON, size limits."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from vigilar_common.clock import Clock
from vigilar_common.crypto.keys import RevokedKeyError
from vigilar_common.errors import ConfigError, FileDamagedError, StorageUnavailableError, WrongKeyError
from vigilar_common.fmp4 import Fmp4Error

from vigilar_storage.db import Database, DiskFullError, storage_failure
from vigilar_storage.deletion import Deleter, NotDeletableError
from vigilar_storage.exports import Exports
from vigilar_storage.facts import FactStore
from vigilar_storage.media import Media, NotFoundError, NotFragmentedError, SpanTooLargeError
from vigilar_storage.pages import DEFAULT_LIMIT, MAX_LIMIT, BadCursorError
from vigilar_storage.queries import Span
from vigilar_storage.settings import SettingsService, StaleRevisionError
from vigilar_storage.tokens import Sender, Tokens
from vigilar_storage.usage import Totals
from vigilar_storage.verifications import Verifications

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 4 * 1024 * 1024
TIME_MAX_MS = (1 << 48) - 1

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=400)]
TimeMs = Annotated[int | None, Query(ge=0, le=TIME_MAX_MS)]
Word = Annotated[str | None, Query(max_length=80)]
Within = Annotated[str | None, Query(max_length=17_000, pattern=r"^[A-Za-z0-9_,-]*$")]
"""Ids of cameras, by commas: what whoever asks may see. Empty: of none."""
DEFAULT = DEFAULT_LIMIT


@dataclass
class Services:
    """Everything the routes use; kept at `app.state.services`."""

    database: Database
    facts: FactStore
    media: Media
    deleter: Deleter
    settings: SettingsService
    tokens: Tokens
    clock: Clock
    epoch: Callable[[], str]
    data_dir: Path
    recordings_dir: Path
    totals: Totals
    critical_pct: Callable[[], float]
    exports: Exports
    verifications: Verifications


class ApiError(Exception):
    """An answer other than success; `code` is a stable word for programs."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


class Body(BaseModel):
    """A request body: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


class Require:
    """A dependency that lets only callers with `scope` in. Every route has exactly one (a test insists)."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Sender:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        sender = services(request).tokens.sender(token.strip()) if kind.lower() == "bearer" else None
        if sender is None:
            raise ApiError(401, "bad_token", "a valid bearer token is needed")
        if self.scope not in sender.scopes:
            raise ApiError(403, "missing_scope", f"{sender.service} has not the right {self.scope}")
        return sender


def span(from_ms: TimeMs = None, to_ms: TimeMs = None) -> Span:
    return Span(from_ms, to_ms)


def ids_of(within: str | None) -> frozenset[str] | None:
    return None if within is None else frozenset(within.split(",")) - {""}


def listed(rows: tuple[list[dict[str, Any]], str | None]) -> JSONResponse:
    return JSONResponse({"items": rows[0], "next": rows[1]})


def error_response(status: int, code: str, message: str, field: str | None = None) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": {"code": code, "message": message, "field": field}}, status, headers)


def install_errors(app: FastAPI) -> None:
    """Every failure becomes `{"error": {"code", "message", "field"}}`."""

    def api_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error_response(error.status, error.code, error.message, error.field)

    def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part not in ("query", "path", "body")]
        return error_response(422, "invalid", str(first["msg"]), ".".join(place) or None)

    def http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
        return error_response(
            error.status_code, codes.get(error.status_code, "bad_request"), str(error.detail)
        )

    def unexpected(request: Request, error: Exception) -> JSONResponse:
        unavailable = storage_failure(error)
        if unavailable is not None:
            return _unavailable(unavailable)
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return error_response(500, "internal", "storage failed to answer; its log says why")

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)

    def unavailable(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StorageUnavailableError)
        return _unavailable(error)

    app.add_exception_handler(StorageUnavailableError, unavailable)
    for kind, (status, code) in _CODES.items():
        app.add_exception_handler(kind, _answer(status, code))
    app.add_exception_handler(Exception, unexpected)


_CODES: dict[type[Exception], tuple[int, str]] = {
    FileDamagedError: (500, "recording_damaged"),
    Fmp4Error: (500, "recording_damaged"),
    WrongKeyError: (500, "wrong_key"),
    RevokedKeyError: (409, "key_revoked"),
    NotFoundError: (404, "not_found"),
    SpanTooLargeError: (422, "span_too_large"),
    NotFragmentedError: (409, "not_fragmented"),
    BadCursorError: (422, "bad_cursor"),
    NotDeletableError: (409, "growing"),
    StaleRevisionError: (409, "stale_revision"),
    ConfigError: (422, "invalid_config"),
}


def _answer(status: int, code: str) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_: Request, error: Exception) -> JSONResponse:
        if status >= 500:
            log.error("%s: %s", code, error)
        return error_response(status, code, str(error))

    return answer


def _unavailable(error: StorageUnavailableError) -> JSONResponse:
    if isinstance(error, DiskFullError):
        return error_response(507, "disk_full", str(error))
    return error_response(503, "unavailable", str(error))


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyLimit:
    """Refuses request bodies over MAX_BODY_BYTES, announced or not, before anything parses them."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > MAX_BODY_BYTES):
                await _too_large()(scope, receive, send)
                return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413, f"a request has at most {MAX_BODY_BYTES} bytes")
            return message

        await self._app(scope, counted, send)


def _too_large() -> JSONResponse:
    return error_response(413, "too_large", f"a request has at most {MAX_BODY_BYTES} bytes")
