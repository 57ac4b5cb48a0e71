"""Storage's internal API for services: pooled connections, timeouts, two kinds of failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from vigilar_common.errors import StorageRefusedError, StorageUnavailableError

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 15.0
_NO_HEADERS: Mapping[str, str] = {}
RETRYABLE = (408, 425, 429, 500, 502, 503, 504, 507)


class StorageClient:
    """Thread-safe. `token` authenticates this service."""

    def __init__(self, url: str, token: str, pool: int = 4) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = urllib3.PoolManager(
            maxsize=pool,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        )
        self.last_error = "not asked yet"

    def get(self, path: str, **query: Any) -> Any:
        """JSON of `GET path`. Raises StorageUnavailableError (try later) or StorageRefusedError (do not)."""
        params = {key: value for key, value in query.items() if value is not None}
        return self._json("GET", path + (f"?{urlencode(params)}" if params else ""))

    def send(self, method: str, path: str, body: Any) -> Any:
        return self._json(method, path, json.dumps(body, separators=(",", ":")).encode())

    def get_bytes(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """The whole, or ``size`` bytes from ``offset``. Raises as `get`."""
        part = {} if size is None else {"Range": f"bytes={offset}-{offset + size - 1}"}
        return self._raw("GET", path, more=part).data

    def post_facts(self, source: str, facts: list[tuple[int, str, str, dict[str, Any]]]) -> dict[str, Any]:
        """Returns after storage's COMMIT."""
        answer = self.send("POST", "/v1/facts", {"source": source, "facts": facts})
        if not isinstance(answer, dict):
            raise StorageUnavailableError(
                "storage answered POST /v1/facts with something that is not an object"
            )
        return answer

    def problem(self) -> str:
        """ "" when the last call got through."""
        return self.last_error

    def _json(self, method: str, path: str, body: bytes | None = None) -> Any:
        data = self._raw(method, path, body).data
        try:
            return json.loads(data) if data else None
        except ValueError as error:
            raise StorageUnavailableError(
                f"storage answered {method} {path.split('?')[0]} with broken JSON"
            ) from error

    def _raw(
        self, method: str, path: str, body: bytes | None = None, more: Mapping[str, str] = _NO_HEADERS
    ) -> urllib3.BaseHTTPResponse:
        headers = (
            self._headers | ({"Content-Type": "application/json"} if body is not None else {}) | dict(more)
        )
        where = f"{method} {path.split('?')[0]}"
        try:
            response = self._http.request(method, self.url + path, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            self.last_error = f"storage at {self.url} does not answer {where}: {_reason(error)}"
            raise StorageUnavailableError(self.last_error) from error
        if response.status < 400:
            self.last_error = ""
            return response
        text = f"storage answered {response.status} to {where}: {_error_text(response.data)}"
        if response.status in RETRYABLE:
            self.last_error = text
            raise StorageUnavailableError(text)
        self.last_error = "" if response.status == 404 else text
        raise StorageRefusedError(text)


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    return str(cause).rsplit(": ", 1)[-1]


def _error_text(data: bytes) -> str:
    try:
        error = json.loads(data)["error"]
        return f"{error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return data[:200].decode("utf-8", "replace")
