"""Who may call what. A route declares its access; one that does not is refused, whatever it is.

`guarded_router()` puts the gate in front of every route, inside routing, so that no spelling of a path can
lead around it; `middleware.Shell` refuses any answer that did not pass the gate.
"""

from __future__ import annotations

import hmac
import logging
from typing import Annotated, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request

from vigilar_web.accounts.model import Caller
from vigilar_web.audit import Origin, device_words
from vigilar_web.errors import ApiError, GoToError, not_found
from vigilar_web.parts import Parts
from vigilar_web.policy import NEEDS_SESSION, QUIET, SAFE_METHODS, Cameras, Policy, kind_of, policy_of
from vigilar_web.policy import Access as Access
from vigilar_web.policy import access as access
from vigilar_web.sessions import COOKIE, Session

log = logging.getLogger(__name__)

PASSED = "vigilar.gate_passed"
RENEWED = "vigilar.renewed_token"
AUDITED = "vigilar.audited"
"""In the scope of a request that the audit log shall know: its word, and who asks."""
DETAIL = "vigilar.audit_detail"
"""What a route adds to its entry: never a secret."""
MAX_NEXT_LENGTH = 500

Model = TypeVar("Model", bound=BaseModel)


def parts_of(connection: HTTPConnection) -> Parts:
    parts = connection.app.state.parts
    assert isinstance(parts, Parts)
    return parts


async def gate(connection: HTTPConnection) -> None:
    """The dependency in front of every route. Raises ApiError or GoToError."""
    endpoint = connection.scope.get("endpoint")
    kind, policy = kind_of(endpoint), policy_of(endpoint)
    unsafe = connection.scope["type"] == "http" and connection.scope["method"] not in SAFE_METHODS
    unsound = kind is None or (kind is Access.PUBLIC and unsafe) or (kind in NEEDS_SESSION and policy is None)
    if unsound:
        log.error("a route without declared access was refused: %s", endpoint)
        raise ApiError(403, "forbidden", "This address may not be used.")
    if kind is Access.FORM and unsafe and not same_origin(connection, required=False):
        raise ApiError(
            403, "csrf", "The form came from another site. Open the login page here and try again."
        )
    if kind in NEEDS_SESSION:
        assert kind is not None
        assert policy is not None
        _require_caller(connection, kind, policy, unsafe)
    connection.scope[PASSED] = True


def _require_caller(connection: HTTPConnection, kind: Access, policy: Policy, unsafe: bool) -> None:
    parts = parts_of(connection)
    if not parts.settings.password_hash:
        if kind is not Access.SESSION:
            raise GoToError("/setup")
        raise ApiError(
            503, "setup_needed", "No password is set yet; the log of the web service has the set-up link."
        )
    bearer = _bearer(connection) if kind is Access.SESSION else None
    if bearer is None:
        session = _require_session(connection, kind, unsafe)
    else:
        session = _require_token(parts, bearer)
        if unsafe:
            _require_json(connection)
    caller = parts.callers.of(session)
    if caller is None:
        raise _signed_out()
    connection.state.session, connection.state.caller = session, caller
    if unsafe and policy.audit != QUIET:
        connection.scope[AUDITED] = (policy.audit, caller)
    _require_rights(connection, policy, caller)
    if policy.recent and unsafe and not parts.sessions.recent(session):
        raise ApiError(403, "sign_in_again", "Confirm that it is you: give your password again.")


def _require_rights(connection: HTTPConnection, policy: Policy, caller: Caller) -> None:
    if not caller.has_role(policy):
        raise ApiError(403, "role_needed", f"Only accounts with the role {policy.role} may do this.")
    if not caller.has_scope(policy):
        wanted = f"the scope {policy.scope}" if policy.scope else "a signed-in person, no token"
        raise ApiError(403, "scope_needed", f"This needs {wanted}.")
    camera_id = connection.path_params.get("camera_id")
    if policy.cameras is Cameras.PATH and not caller.sees(camera_id):
        raise not_found("There is no such camera.")  # the same as for one that does not exist
    if policy.cameras is Cameras.ALL and not caller.sees_all:
        raise ApiError(403, "all_cameras_needed", "This tells of all cameras, and this account may see some.")


def _require_session(connection: HTTPConnection, kind: Access, unsafe: bool) -> Session:
    parts = parts_of(connection)
    token = connection.cookies.get(COOKIE, "")
    session = parts.sessions.find(token)
    if session is None:
        if kind is not Access.SESSION:
            raise GoToError(f"/login?next={quote(_wanted(connection), safe='')}")
        raise _signed_out()
    if connection.scope["type"] == "websocket" and not same_origin(connection, required=True):
        raise ApiError(403, "csrf", "A live view may only be opened from this site.")
    if unsafe and kind is Access.PAGE_FORM:
        _require_same_origin(connection)
    elif unsafe:
        _require_own_request(connection, session)
    renews = getattr(connection.scope["endpoint"], "__vigilar_renews__", True)
    if renews and parts.sessions.touch(session, client_of(connection)):
        connection.scope[RENEWED] = token
    return session


def _require_token(parts: Parts, bearer: str) -> Session:
    session = parts.callers.by_token(bearer)
    if session is None:
        raise ApiError(401, "bad_token", "This token is not known, has ended or was revoked.")
    return session


def _bearer(connection: HTTPConnection) -> str | None:
    """The token of the header; None when there is none. A browser never sends one by itself."""
    kind, _, text = connection.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def _signed_out() -> ApiError:
    return ApiError(401, "not_logged_in", "Please log in.")


def _require_own_request(connection: HTTPConnection, session: Session) -> None:
    _require_same_origin(connection)
    require_csrf(connection.headers.get("x-csrf-token", ""), session)
    _require_json(connection)


def _require_json(connection: HTTPConnection) -> None:
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


def caller_of(connection: HTTPConnection) -> Caller:
    caller = connection.state.caller
    assert isinstance(caller, Caller)
    return caller


def client_of(connection: HTTPConnection) -> str:
    """The address of the TCP peer; forwarded addresses are claims and not believed."""
    return connection.client.host if connection.client else "unknown"


def origin_of(connection: HTTPConnection, method: str = "form") -> Origin:
    """From where a request comes, for the audit log."""
    return Origin(client_of(connection), device_words(connection.headers.get("user-agent", "")), method)


async def _parts(connection: HTTPConnection) -> Parts:  # async: a plain function would go to a thread pool
    return parts_of(connection)


async def _session(connection: HTTPConnection) -> Session:
    return session_of(connection)


async def _caller(connection: HTTPConnection) -> Caller:
    return caller_of(connection)


PartsNeeded = Annotated[Parts, Depends(_parts)]
SessionNeeded = Annotated[Session, Depends(_session)]
CallerNeeded = Annotated[Caller, Depends(_caller)]


async def body_of(request: Request, model: type[Model]) -> Model:
    """The JSON body, read after the gate has passed. Raises ApiError 422 that never repeats what was sent."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"{field}: {first['msg']}" if field else "The body is not the expected JSON."
        raise ApiError(422, "invalid", message, field=field) from None
