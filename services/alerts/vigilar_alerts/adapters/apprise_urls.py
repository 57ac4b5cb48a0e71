"""A hundred services through the library Apprise, its connections made by our own way out of the house."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import sys
import threading
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vigilar_common import logs
from vigilar_common.clock import Clock
from vigilar_common.egress import Deadline, Egress, EgressError
from vigilar_common.messages.alarm import Severity

from vigilar_alerts.adapters.http import of_error
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

TOTAL_S = 20.0
REASON_CHARACTERS = 200
_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")
_loading = threading.Lock()
_KINDS = {Severity.INFO: "info", Severity.ALERT: "warning", Severity.CRITICAL: "failure"}


def target_of(url: str) -> str:
    """How a URL is called in rows and logs: its service, and enough to tell two of them apart."""
    return f"{urlsplit(url).scheme}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


class AppriseUrls:
    """Thread-safe."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress, self._clock = egress, clock

    def warm_up(self, urls: tuple[str, ...]) -> None:
        """Load what is heavy (30 MB, 2 s) as soon as somebody is told this way, not during an alarm."""
        _load()
        for url in urls:
            logs.hide(url)
            _plugin(url)

    def send(self, alert: Alert, url: str, jpeg: bytes | None, link: str = "") -> Answer:
        """One attempt. Never raises for what the outside does."""
        _load()
        plugin = _plugin(url)
        if plugin is None:
            return Answer(400, "Apprise does not know a service with such a URL", problem="setup")
        if "requests" not in vars(sys.modules[type(plugin).__module__]):
            text = f"{plugin.service_name} is not reached over HTTP: only such services can be used"
            return Answer(400, text, problem="setup")
        sent_ms = self._clock.now_ms()
        text = "\n".join(filter(None, (alert.body or alert.title, link)))
        with ExitStack() as stack:
            _trip.way, _trip.heard = _Way(self._egress, self._clock, stack), []
            try:
                told = plugin.notify(
                    title=alert.title, body=text, notify_type=_KINDS[alert.severity],
                    attach=_attachment(jpeg) if plugin.attachment_support else None,
                )  # fmt: skip
                return Answer(202, sent_ms=sent_ms) if told else _failure(_trip.way, _trip.heard, sent_ms)
            finally:
                _trip.way, _trip.heard = None, None


def _load() -> None:
    with _loading:
        _hook()


@cache
def _hook() -> None:
    """Once per process. Apprise's plugins call `requests` by themselves: where they connect to is decided below that."""
    import apprise  # noqa: F401
    import urllib3.util.connection

    urllib3.util.connection.create_connection = _guarded(urllib3.util.connection.create_connection)
    heard = logging.getLogger("apprise")
    # What it says is our answer's reason; by itself it would tell more than a log should hold.
    heard.propagate = False
    heard.addHandler(_Ear())


class _Way:
    """Where the connections of one notification go."""

    def __init__(self, egress: Egress, clock: Clock, stack: ExitStack) -> None:
        self._egress, self._clock, self._stack = egress, clock, stack
        self._until_s = clock.monotonic_s() + TOTAL_S
        self.error: EgressError | None = None

    def connect(self, host: str, port: int) -> socket.socket:
        """Raises OSError, as those who connect expect it."""
        try:
            connection = self._egress.connect(host, port)
        except EgressError as error:
            self.error = error
            raise OSError(str(error)) from error
        left_s = max(0.0, self._until_s - self._clock.monotonic_s())
        self._stack.enter_context(Deadline(connection, left_s))
        return connection


class _Trip(threading.local):
    """What this thread is sending now."""

    way: _Way | None = None
    heard: list[str] | None = None


_trip = _Trip()


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if _trip.heard is not None and len(_trip.heard) < 20 and record.levelno >= logging.WARNING:
            _trip.heard.append(record.getMessage())


def _guarded(original: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    def create_connection(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        way = _trip.way
        return way.connect(address[0], address[1]) if way else original(address, *args, **kwargs)

    return create_connection


def _plugin(url: str) -> Any:
    """Apprise's object for the URL; None when it knows no such service."""
    import apprise

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _attachment(jpeg: bytes | None) -> Any:
    if jpeg is None:
        return None
    from apprise import AppriseAttachment
    from apprise.attachment.memory import AttachMemory

    memory: Any = AttachMemory  # the package's types have a hole here
    return AppriseAttachment(memory(content=jpeg, name="picture.jpg", mimetype="image/jpeg"))


def _failure(way: _Way, heard: list[str], sent_ms: int) -> Answer:
    if way.error:
        return of_error(way.error)
    said = "; ".join(heard) or "Apprise says no and not why"
    text = logs.mask("".join(c if c.isprintable() else " " for c in said))[:REASON_CHARACTERS]
    found = _STATUS.search(said)
    return Answer(int(found[1]) if found else 0, text, sent_ms=sent_ms)
