"""What can be wrong with a camera, in words for its owner. No message ever holds user, password or query."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from vigilar_common.errors import VigilarError

DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class CameraError(VigilarError):
    """Base: the text is the reason shown for an offline camera.

    ``code`` tells programs the kind. ``longest_wait_s`` bounds the wait before the next try: short where a try
    costs nothing and the camera may be back any moment, long where it would do harm.
    """

    code: ClassVar[str] = "failed"
    longest_wait_s: ClassVar[float] = 2.5
    quick_tries: ClassVar[int] = 0
    """So many tries of the long kind are made as quickly as of the others: a camera that boots says anything."""


class UnreachableError(CameraError):
    """Nothing answers at this address."""

    code = "unreachable"


class LoginRefusedError(CameraError):
    """The camera wants another user or password. Cameras lock the account of those who keep trying."""

    code = "login_refused"
    longest_wait_s = 300.0
    quick_tries = 2


class NoSuchStreamError(CameraError):
    """The camera is there, this path is not."""

    code = "no_such_stream"
    longest_wait_s = 10.0
    quick_tries = 4


class BusyError(CameraError):
    """The camera serves no further viewer."""

    code = "busy"


class TransportRefusedError(CameraError):
    """The camera does not send over this transport."""

    code = "transport_refused"


class UnusableStreamError(CameraError):
    """What arrives is no video that can be recorded."""

    code = "unusable"
    longest_wait_s = 30.0
    quick_tries = 2


class RedirectedError(UnusableStreamError):
    """The camera sends us elsewhere; nobody is followed."""

    code = "redirected"


class BrokenAnswerError(UnusableStreamError):
    """What answers breaks the protocol; the text goes after the camera's address."""

    code = "broken_answer"


class StreamLostError(CameraError):
    """Pictures came and then stopped."""

    code = "lost"


class StalledError(StreamLostError):
    """The connection stands, but nothing comes any more."""

    code = "stalled"


def address(url: str) -> str:
    """`host:port/path` of a camera URL, without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or "?"
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}{parts.path}"
