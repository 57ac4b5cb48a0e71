"""The outermost layer: request ids, security headers, bounded bodies, and no answer past the gate."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from vigilar_common.messages.audit import AuditOutcome

from vigilar_web import language
from vigilar_web.errors import ApiError
from vigilar_web.gate import AUDITED, DETAIL, PASSED, RENEWED, origin_of
from vigilar_web.headers import HEADERS
from vigilar_web.packing import pack, worth_packing
from vigilar_web.parts import Parts
from vigilar_web.policy import SAFE_METHODS
from vigilar_web.sessions import COOKIE

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
MAX_LOGGED_PATH = 200
HSTS_S = 31_536_000


def cookie(token: str, max_age_s: int, *, secure: bool) -> str:
    """A Set-Cookie value; `max_age_s` 0 removes the cookie."""
    return f"{COOKIE}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict" + (
        "; Secure" if secure else ""
    )


class Shell:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = _Exchange(scope, receive, send, self._parts)
        await request.run(self.app)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, parts: Parts) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._parts = parts
        self._id = secrets.token_hex(6)
        self._started_s = parts.clock.monotonic_s()
        self._status = 0
        self._body_bytes = 0
        self._blocked = False
        self._held: Message | None = None
        """The start of an answer that is packed when its body is there."""

    async def run(self, app: ASGIApp) -> None:
        self._scope["vigilar.request_id"] = self._id
        connection = HTTPConnection(self._scope)
        wanted = connection.headers.get("accept-language", "")
        language.use(language.chosen(connection.cookies.get(language.COOKIE, ""), wanted))
        try:
            if self._too_large():
                await self._refuse(ApiError(413, "too_large", "The request is too large."))
            else:
                await app(self._scope, self._receive_bounded, self._send_guarded)
        except Exception:
            log.exception("request %s failed: %s", self._id, self._what())
            if not self._status and self._scope["type"] == "http":
                await self._refuse(ApiError(500, "internal", "Something went wrong here; the log says what."))
        self._log()
        self._tell_audit()

    def _tell_audit(self) -> None:
        """What was done or refused by a route that changes something. Of the request only ids of its path are told."""
        told = self._scope.get(AUDITED)
        if told is None:
            return
        action, caller = told
        connection = HTTPConnection(self._scope)
        outcome = AuditOutcome.DONE
        if self._status >= 400:
            outcome = AuditOutcome.REFUSED if self._status < 500 else AuditOutcome.FAILED
        method = "token" if caller.token_id else "session"
        self._parts.audit.note(
            action,
            origin_of(connection, method),
            account_id=caller.account.id,
            actor=caller.name,
            subject=" ".join(str(value) for value in self._scope.get("path_params", {}).values()),
            outcome=outcome,
            detail=str(self._scope.get(DETAIL, "")),
        )

    def _too_large(self) -> bool:
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                return not value.isdigit() or int(value) > MAX_BODY_BYTES
        return False

    async def _receive_bounded(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._body_bytes += len(message.get("body", b""))
            if self._body_bytes > MAX_BODY_BYTES:
                raise HTTPException(413)
        return message

    async def _send_guarded(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            if self._slipped_through(message["status"]):
                self._blocked = True
                await self._refuse(ApiError(403, "forbidden", "This address may not be used."))
                return
            self._decorate(message)
            if kind == "http.response.start" and worth_packing(Headers(scope=self._scope), message):
                self._held = message
                return
        elif kind == "http.response.body" and self._held is not None and not self._blocked:
            start, message = pack(self._held, message)
            self._held = None
            await self._send(start)
        elif kind == "websocket.accept" and not self._scope.get(PASSED):
            raise RuntimeError(f"a live connection was accepted without passing the gate: {self._what()}")
        if not self._blocked:
            await self._send(message)

    def _slipped_through(self, status: int) -> bool:
        """A route answered although the gate never said yes. Refusals are always fine."""
        if status < 300 and not self._scope.get(PASSED):
            log.error("an answer that did not pass the gate was held back: %s", self._what())
            return True
        return False

    def _decorate(self, message: Message) -> None:
        self._status = message["status"]
        headers = MutableHeaders(raw=message.setdefault("headers", []))
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers["X-Request-Id"] = self._id
        if self._scope["scheme"] in ("https", "wss"):
            headers["Strict-Transport-Security"] = f"max-age={HSTS_S}"
        renewed = self._scope.get(RENEWED)
        if renewed and "set-cookie" not in headers:
            settings = self._parts.settings
            headers.append("Set-Cookie", cookie(renewed, settings.session_timeout_s, secure=settings.tls))
        message["headers"] = headers.raw

    async def _refuse(self, error: ApiError) -> None:
        response = error.response()
        start: dict[str, Any] = {
            "type": "http.response.start",
            "status": error.status,
            "headers": response.raw_headers,
        }
        self._decorate(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": response.body})

    def _what(self) -> str:
        # Never the query: it may hold a signature or the set-up token.
        return f"{self._scope.get('method', 'WS')} {self._scope['path'][:MAX_LOGGED_PATH]!r}"

    def _log(self) -> None:
        """What pages ask by themselves again and again (it renews no session) would push all else out of the log."""
        renews = getattr(self._scope.get("endpoint"), "__vigilar_renews__", True)
        by_itself = not renews and AUDITED not in self._scope
        level = logging.DEBUG
        if self._status >= 500:
            level = logging.WARNING
        elif self._scope.get("method", "GET") not in SAFE_METHODS and not by_itself:
            level = logging.INFO
        if log.isEnabledFor(level):
            client = (self._scope.get("client") or ("?",))[0]
            took_ms = (self._parts.clock.monotonic_s() - self._started_s) * 1000
            log.log(level, "%s %s %s -> %d in %.0f ms", self._id, client, self._what(), self._status, took_ms)
