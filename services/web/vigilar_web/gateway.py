"""Storage's internal API for many requests at once: pooled, timed out, bounded, streamed through."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from vigilar_web.errors import ApiError, not_found

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 24
MAX_WAIT_S = 5.0
"""How long a request waits for its turn when that many are under way."""
TIMEOUT = httpx.Timeout(connect=2.0, read=20.0, write=5.0, pool=MAX_WAIT_S)
MAX_ERROR_BYTES = 16 * 1024
ABOUT_ONE_FILE = ("recording_damaged", "wrong_key")
"""Errors with status 500 that concern one recording: storage itself is well."""
MAX_JSON_BYTES = 8 * 1024 * 1024
PROBE_INTERVAL_S = 10.0
PROBE_RETRY_S = 1.0
"""While storage does not answer: everybody waits for it at a start."""
PASSED_HEADERS = ("content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified")
CAMERA_HEADER = "x-vigilar-camera"
STILL_WORKS = "Live pictures, the alarm and alerts keep working."


def unavailable() -> ApiError:
    return ApiError(
        503,
        "storage_unavailable",
        f"Storage does not answer: recordings and past events are out of reach. {STILL_WORKS}",
    )


class Streamed(StreamingResponse):
    """An upstream answer passed through; the upstream is closed however this one ends."""

    def __init__(self, upstream: httpx.Response, slot: asyncio.Semaphore, headers: Mapping[str, str]) -> None:
        passed = {name: upstream.headers[name] for name in PASSED_HEADERS if name in upstream.headers}
        super().__init__(self._chunks(), upstream.status_code, {**passed, **headers})
        self._upstream = upstream
        self.camera_id = upstream.headers.get(CAMERA_HEADER, "")
        """Of which camera it is, where storage says so."""
        self._slot = slot

    async def discard(self) -> None:
        """Instead of being sent."""
        self._slot.release()
        await self._upstream.aclose()

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._upstream.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            # The head is out: the only honest end is a broken connection, which the raise causes.
            log.warning("storage broke off %s: %s", self._upstream.url.path, error)
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.discard()


class StorageGateway:
    """Use from the event loop only, after `start`."""

    def __init__(self, url: str, token: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._token = token
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self.problem = "storage was not asked yet"

    def start(self) -> None:
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS, max_keepalive_connections=8, keepalive_expiry=30
        )
        self._client = httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=TIMEOUT,
            limits=limits,
            follow_redirects=False,
            trust_env=False,
            transport=self._transport,
        )

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()

    async def probe(self) -> None:
        """Ask something cheap, so that readiness is known without anybody looking."""
        try:
            await self.json("GET", "/v1/events", {"limit": 1})
        except ApiError as error:
            log.debug("storage probe: %s", error)

    async def json(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """The JSON of an answer; None for an empty one. Raises ApiError (404, 503, or storage's own refusal)."""
        query = {name: value for name, value in (params or {}).items() if value is not None}
        response = await self._ask(method, path, query, body=body)
        async with _slot_of(self._slots, response):
            data = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_JSON_BYTES:
                        raise self._failed(f"more than {MAX_JSON_BYTES} bytes of JSON on {path}")
            except httpx.HTTPError as error:
                raise self._failed(f"{method} {path}: {error!r}") from error
        if response.status_code >= 400:
            raise self._refusal(response.status_code, path, bytes(data))
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError as error:
            raise self._failed(f"broken JSON on {path}") from error

    async def stream(
        self, path: str, headers: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Streamed:  # fmt: skip
        """Pass an answer through, Range included. Raises ApiError as `json` does."""
        response = await self._ask("GET", path, params or {}, headers=headers)
        if response.status_code >= 400 and response.status_code != 416:
            async with _slot_of(self._slots, response):
                raise self._refusal(response.status_code, path, await _error_body(response))
        return Streamed(response, self._slots, extra or {})

    async def bytes_of(self, path: str, max_bytes: int) -> bytes:
        """A small body whole. Raises ApiError."""
        response = await self._ask("GET", path, {})
        async with _slot_of(self._slots, response):
            if response.status_code >= 400:
                raise self._refusal(response.status_code, path, await _error_body(response))
            data = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > max_bytes:
                        raise self._failed(f"{path} is larger than {max_bytes} bytes")
            except httpx.HTTPError as error:
                raise self._failed(f"GET {path}: {error!r}") from error
            return bytes(data)

    async def _ask(
        self, method: str, path: str, params: Mapping[str, Any], *, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """An open answer that holds one slot."""
        if self._client is None:
            raise unavailable()
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise ApiError(503, "busy", "Too many recordings are being watched at once; try again.") from None
        try:
            request = self._client.build_request(
                method, path, params=dict(params), json=body, headers=dict(headers or {})
            )
            response = await self._send(request)
        except httpx.HTTPError as error:
            self._slots.release()
            raise self._failed(f"{method} {path}: {error!r}") from error
        except BaseException:
            self._slots.release()
            raise
        if response.status_code < 500:
            if self.problem:
                log.info("storage answers")
            self.problem = ""
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        assert self._client is not None
        try:
            return await self._client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if request.method != "GET":
                raise
            # A pooled connection that storage had closed: a fresh one tells whether it is really away.
            return await self._client.send(request, stream=True)

    def _failed(self, reason: str) -> ApiError:
        if not self.problem or self.problem == "storage was not asked yet":
            log.warning("storage does not answer: %s", reason)
        self.problem = f"storage does not answer: {reason}"[:300]
        return unavailable()

    def _refusal(self, status: int, path: str, data: bytes) -> ApiError:
        if status == 404:
            return not_found("There is nothing with this id.")
        if status in (401, 403):
            log.error("storage refuses this service's token for %s: check secrets/web/storage_token", path)
            self.problem = "storage refuses this service's token"
            return unavailable()
        code, message, field = _told(data)
        if code in ABOUT_ONE_FILE:
            return ApiError(status, code, message)
        if status >= 500 or status in (408, 429):
            return self._failed(f"{status} {code} on {path}")
        return ApiError(status, code, message, field=field)


async def _error_body(response: httpx.Response) -> bytes:
    """The beginning of what an error says; nothing when it breaks off."""
    data = b""
    try:
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MAX_ERROR_BYTES:
                break
    except httpx.HTTPError as error:
        log.debug("storage broke off an error: %s", error)
    return data


def _told(data: bytes) -> tuple[str, str, str]:
    """Code, message and field of an error of storage."""
    try:
        error = json.loads(data)["error"]
        return str(error["code"]), str(error["message"]), str(error.get("field") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "refused", "Storage refused this request.", ""


class _slot_of:  # noqa: N801 reads as a function
    """Gives the slot back and closes the answer."""

    def __init__(self, slots: asyncio.Semaphore, response: httpx.Response) -> None:
        self._slots = slots
        self._response = response

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()
        await self._response.aclose()
