"""Every error that the API answers with, in one shape: `{"error": {"code", "message", "field"?}}`."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

API_PREFIXES = ("/api/", "/hls/", "/media/", "/system/", "/assets/", "/icons/")
"""Paths that never belong to the single-page application."""

WORDS = {
    400: ("bad_request", "This request cannot be understood."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This cannot be done to this address."),
    413: ("too_large", "The request is too large."),
}


class ApiError(Exception):
    """A refusal with a stable code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, message: str, *, field: str = "", **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.extra = extra

    def response(self) -> JSONResponse:
        error: dict[str, Any] = {"code": self.code, "message": self.message, **self.extra}
        if self.field:
            error["field"] = self.field
        headers = {}
        if "retry_after_s" in self.extra:
            headers["Retry-After"] = str(self.extra["retry_after_s"])
        return JSONResponse({"error": error}, self.status, headers=headers)


class GoToError(Exception):
    """Send the browser elsewhere; `url` is a path of our own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def not_found(what: str) -> ApiError:
    return ApiError(404, "not_found", what)


async def on_api_error(_: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def on_redirect(_: HTTPConnection, error: Exception) -> Response:
    assert isinstance(error, GoToError)
    return RedirectResponse(error.url, 303, headers={"Cache-Control": "no-store"})


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    # The page route answers GET everywhere; for an unknown API path its 405 would hide that nothing is there.
    if status == 405 and getattr(request.scope.get("endpoint"), "__name__", "") == "any_page":
        status = 404
    code, message = WORDS.get(status, ("refused", "This was refused."))
    response = ApiError(status, code, message).response()
    if status == 405 and error.headers:
        response.headers.update(error.headers)
    return response


async def on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    if first["loc"][0] == "path":
        return not_found("There is nothing with this id.").response()
    return ApiError(422, "invalid", f"{field or 'request'}: {first['msg']}", field=field).response()


async def on_crash(_: Request, __: Exception) -> Response:
    return ApiError(
        500, "internal", "Something went wrong here; the log of the web service says what."
    ).response()
