"""What can be wrong with a camera, in words for its owner. No message ever holds user, password or query."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from vigilar_common.errors import VigilarError

DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class CameraError(VigilarError):
    """Base: the text is the reason shown for an offline camera."""


class UnreachableError(CameraError):
    """Nothing answers at this address."""


class LoginRefusedError(CameraError):
    """The camera wants another user or password."""


class NoSuchStreamError(CameraError):
    """The camera is there, this path is not."""


class UnusableStreamError(CameraError):
    """What arrives is no video that can be recorded."""


class StreamLostError(CameraError):
    """Pictures came and then stopped."""


def address(url: str) -> str:
    """`host:port/path` of a camera URL, without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or "?"
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}{parts.path}"
