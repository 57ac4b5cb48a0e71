"""The main stream's pictures of moments of late: each is decoded once, for all who want it."""

from __future__ import annotations

from typing import Protocol

from vigilar_camera_worker.adapters.decoder import Picture


class MainPictures(Protocol):
    """The main stream's pictures of a moment ago."""

    @property
    def stream_id(self) -> str: ...
    def picture(self, wall_ms: int) -> Picture | None: ...


class Moments:
    """MainPictures that remember the newest one until `forget`: who forgets often holds no pixels."""

    def __init__(self, view: MainPictures) -> None:
        self._view = view
        self._held: tuple[int, Picture | None] | None = None

    @property
    def stream_id(self) -> str:
        return self._view.stream_id

    def picture(self, wall_ms: int) -> Picture | None:
        if self._held is None or self._held[0] != wall_ms:
            self._held = (wall_ms, self._view.picture(wall_ms))
        return self._held[1]

    def forget(self) -> None:
        self._held = None
