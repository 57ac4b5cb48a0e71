"""Who may call what. A route declares its access; one that does not is refused, whatever it is.

`guarded_router()` puts the gate in front of every route, inside routing, so that no spelling of a path can
lead around it; `middleware.Shell` refuses any answer that did not pass the gate.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request

from vigilar_web.errors import ApiError, GoToError
from vigilar_web.parts import Parts
from vigilar_web.sessions import COOKIE, Session

log = logging.getLogger(__name__)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PASSED = "vigilar.gate_passed"
RENEWED = "vigilar.renewed_token"
MAX_NEXT_LENGTH = 500

Function = TypeVar("Function", bound=Callable[..., Any])
Model = TypeVar("Model", bound=BaseModel)


class Access(StrEnum):
    PUBLIC = "public"
    """Anybody, reading only: the login page, the manifest."""
    FORM = "form"
    """Anybody, a form of ours: must not come from another site."""
    SIGNED = "signed"
    """Anybody with a signature, which the route checks."""
    SESSION = "session"
    """Logged in, else 401; unsafe methods need origin, CSRF token and JSON."""
    PAGE = "page"
    """Logged in, else sent to the login page."""
    PAGE_FORM = "page_form"
    """The same, with a plain form of ours, whose field `csrf` the route checks (`require_csrf`)."""


def access(kind: Access, *, renews: bool = True) -> Callable[[Function], Function]:
    """Declare a route's access, under its path decorator. `renews`: such a request counts as activity."""

    def mark(function: Function) -> Function:
        function.__vigilar_access__ = kind  # type: ignore[attr-defined]
        function.__vigilar_renews__ = renews  # type: ignore[attr-defined]
        return function

    return mark


def parts_of(connection: HTTPConnection) -> Parts:
    parts = connection.app.state.parts
    assert isinstance(parts, Parts)
    return parts


async def gate(connection: HTTPConnection) -> None:
    """The dependency in front of every route. Raises ApiError or GoToError."""
    endpoint = connection.scope.get("endpoint")
    kind = getattr(endpoint, "__vigilar_access__", None)
    unsafe = connection.scope["type"] == "http" and connection.scope["method"] not in SAFE_METHODS
    if kind is None or (kind is Access.PUBLIC and unsafe):
        log.error("a route without declared access was refused: %s", endpoint)
        raise ApiError(403, "forbidden", "This address may not be used.")
    if kind is Access.FORM and unsafe and not same_origin(connection, required=False):
        raise ApiError(
            403, "csrf", "The form came from another site. Open the login page here and try again."
        )
    if kind in (Access.SESSION, Access.PAGE, Access.PAGE_FORM):
        _require_session(connection, kind, unsafe, renews=endpoint.__vigilar_renews__)  # type: ignore[union-attr]
    connection.scope[PASSED] = True


def _require_session(connection: HTTPConnection, kind: Access, unsafe: bool, renews: bool) -> None:
    parts = parts_of(connection)
    if not parts.settings.password_hash:
        if kind is not Access.SESSION:
            raise GoToError("/setup")
        raise ApiError(
            503, "setup_needed", "No password is set yet; the log of the web service has the set-up link."
        )
    token = connection.cookies.get(COOKIE, "")
    session = parts.sessions.find(token)
    if session is None:
        if kind is not Access.SESSION:
            raise GoToError(f"/login?next={quote(_wanted(connection), safe='')}")
        raise ApiError(401, "not_logged_in", "Please log in.")
    if connection.scope["type"] == "websocket" and not same_origin(connection, required=True):
        raise ApiError(403, "csrf", "A live view may only be opened from this site.")
    if unsafe and kind is Access.PAGE_FORM:
        _require_same_origin(connection)
    elif unsafe:
        _require_own_request(connection, session)
    if renews and parts.sessions.touch(session):
        connection.scope[RENEWED] = token
    connection.state.session = session


def _require_own_request(connection: HTTPConnection, session: Session) -> None:
    _require_same_origin(connection)
    require_csrf(connection.headers.get("x-csrf-token", ""), session)
    kind = connection.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(403, "csrf", "Content-Type must be application/json.")


def _require_same_origin(connection: HTTPConnection) -> None:
    if not same_origin(connection, required=True):
        raise ApiError(403, "csrf", "The request did not come from this site.")


def require_csrf(sent: str, session: Session) -> None:
    """Raises ApiError 403 when this is not the token of the session."""
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), session.csrf.encode()):
        raise ApiError(403, "csrf", "The page is out of date; reload it and try again.")


def same_origin(connection: HTTPConnection, *, required: bool) -> bool:
    """Whether the browser says that our own page asked. `required`: saying nothing is not enough.

    The scheme is compared only where this service itself speaks TLS: a proxy in front may end it.
    """
    if connection.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = connection.headers.get("origin")
    if origin is None:
        return not required
    host = connection.headers.get("host", "")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    schemes = ("https",) if connection.url.scheme in ("https", "wss") else ("http", "https")
    return bool(host) and parts.scheme in schemes and parts.netloc.lower() == host.lower()


def safe_next(wanted: str) -> str:
    """A path on this site to go to after login; "/" for anything that could lead elsewhere."""
    printable = wanted.isascii() and wanted.isprintable() and " " not in wanted
    if not printable or len(wanted) > MAX_NEXT_LENGTH or "\\" in wanted:
        return "/"
    if not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    return wanted


def _wanted(connection: HTTPConnection) -> str:
    query = connection.scope.get("query_string", b"").decode("latin-1")
    path = quote(connection.scope["path"], safe="/")
    return safe_next(path + (f"?{query}" if query else ""))


def guarded_router() -> APIRouter:
    return APIRouter(dependencies=[Depends(gate)], redirect_slashes=False)


def session_of(connection: HTTPConnection) -> Session:
    session = connection.state.session
    assert isinstance(session, Session)
    return session


async def _parts(connection: HTTPConnection) -> Parts:  # async: a plain function would go to a thread pool
    return parts_of(connection)


async def _session(connection: HTTPConnection) -> Session:
    return session_of(connection)


PartsNeeded = Annotated[Parts, Depends(_parts)]
SessionNeeded = Annotated[Session, Depends(_session)]


async def body_of(request: Request, model: type[Model]) -> Model:
    """The JSON body, read after the gate has passed. Raises ApiError 422 that never repeats what was sent."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"{field}: {first['msg']}" if field else "The body is not the expected JSON."
        raise ApiError(422, "invalid", message, field=field) from None
