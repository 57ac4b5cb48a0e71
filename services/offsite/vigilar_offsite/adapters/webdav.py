"""WebDAV: each part of a recording is a file of its own, in a folder for the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import urllib3

from vigilar_offsite.adapters.egress import (
    MAX_ANSWER_BYTES,
    PinnedPool,
    http_failure,
    http_refusal,
)
from vigilar_offsite.adapters.target import OBJECT_BYTES, part_name
from vigilar_offsite.domain.errors import TargetError, Why

if TYPE_CHECKING:
    from vigilar_common.config.offsite import Offsite
    from vigilar_common.egress import Egress

MISSING_FOLDER = (404, 409)
MADE_OR_THERE = (201, 301, 405)
"""MKCOL of a folder that is there: 405, of some servers 301."""


class WebdavTarget:
    most_bytes = OBJECT_BYTES
    in_parts = True

    def __init__(self, settings: Offsite, egress: Egress) -> None:
        parts = urlsplit(settings.url)
        netloc = parts.netloc.rpartition("@")[2]
        self._server = f"{parts.scheme}://{netloc}"
        self._root = parts.path.rstrip("/")
        self._settings, self._egress = settings, egress
        self._headers: dict[str, str] = {}
        self._pool: PinnedPool | None = None
        self.shown = f"{self._server}{self._root}"

    def open(self) -> None:
        settings = self._settings
        self._headers = (
            urllib3.util.make_headers(basic_auth=f"{settings.username}:{settings.password}")
            if settings.username
            else {}
        )
        self._pool = PinnedPool(self._egress)

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.clear()

    def has(self, name: str, sent_bytes: int) -> int:  # noqa: ARG002 as said below
        """What was answered with success is kept; asking for each part would cost as much as sending it."""
        return sent_bytes

    def append(self, name: str, offset: int, data: bytes) -> None:
        self.put(part_name(name, offset), data)

    def put(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{quote(name)}"
        status = self._ask("PUT", path, data)
        if status in MISSING_FOLDER:
            self._make_folders(path.rpartition("/")[0])
            status = self._ask("PUT", path, data)
        if not 200 <= status < 300:
            raise http_refusal(self.shown, status, f"to PUT {name}")

    def _make_folders(self, path: str) -> None:
        """From the outermost that is missing. Raises TargetError."""
        status = self._ask("MKCOL", path + "/")
        if status in MISSING_FOLDER and path.count("/") > 1:
            self._make_folders(path.rpartition("/")[0])
            status = self._ask("MKCOL", path + "/")
        if status not in MADE_OR_THERE:
            raise http_refusal(self.shown, status, "to MKCOL")

    def _ask(self, method: str, path: str, data: bytes | None = None) -> int:
        if self._pool is None:
            raise TargetError(Why.UNREACHABLE, f"{self.shown} is not connected")
        try:
            answer = self._pool.request(
                method, self._server + path, body=data, headers=self._headers, preload_content=False
            )
            try:
                answer.read(MAX_ANSWER_BYTES)
            finally:
                answer.release_conn() if answer.length_remaining in (0, None) else answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise http_failure(self.shown, error) from error
        return answer.status
