"""Log lines for people: one line each, secrets masked, journal priorities when a journal reads them."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
KEPT_LINES = 300
"""Of each service, in memory."""
MAX_KEPT_CHARS = 1_500
"""Of a line that is kept; the end of a longer one, such as of a long trace, is in the full log."""

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)[^/\s@'\"]+@")
"""A longer scheme is found from its middle on: without a bound a long word would cost the square of its length."""
_MASK = "***"
_secrets: set[str] = set()
_service: ContextVar[str] = ContextVar("service")
"""Whose thread it is, where one process runs several services."""
_secrets_lock = threading.Lock()

# sd-daemon(3): a "<N>" prefix sets the journal's priority for that line.
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def hide(secret: str) -> None:
    """Never let this string appear in a log line. Strings under 4 characters are ignored: they would blot out words."""
    if len(secret) >= 4:
        with _secrets_lock:
            _secrets.add(secret)


def mask(text: str) -> str:
    """The text without the userinfo of URLs and without any hidden secret."""
    text = _USERINFO.sub(rf"\g<scheme>{_MASK}@", text)
    with _secrets_lock:
        for secret in _secrets:
            if secret in text:
                text = text.replace(secret, _MASK)
    return text


class _Formatter(logging.Formatter):
    def __init__(self, service: str, journal: bool) -> None:
        super().__init__(
            "%(levelname)-7s %(name)s: %(message)s"
            if journal
            else "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            "%Y-%m-%dT%H:%M:%S%z",
        )
        self._service = service
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        # A newline from outside (a camera's name, a payload) must not forge a second log line.
        text = mask(super().format(record))
        head, *rest = text.splitlines() or [""]
        if rest and not record.exc_info:
            text = " | ".join([head, *rest])
        text = f"[{_service.get(self._service)}] {text}"
        if self._journal:
            priority = f"<{_PRIORITY.get(record.levelno, 6)}>"
            text = "\n".join(priority + line for line in text.splitlines())
        return text


@dataclass(frozen=True)
class Kept:
    """One line of the newest few, masked."""

    number: int
    """Counts the lines of its service since the process began, from 1."""
    ts_ms: int
    level: str
    logger: str
    text: str


class Newest(logging.Handler):
    """The newest lines of each service of this process, for whoever asks; bounded in lines and in their length."""

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._default = service
        self._lines: dict[str, deque[Kept]] = {}
        self._numbers: dict[str, int] = {}
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _plain(" | ".join(mask(self.format(record)).splitlines()))
        except Exception:
            self.handleError(record)  # as every handler: a line that cannot be written ends nothing
            return
        service = _service.get(self._default)
        number = self._numbers[service] = self._numbers.get(service, 0) + 1
        lines = self._lines.setdefault(service, deque(maxlen=KEPT_LINES))
        lines.append(
            Kept(number, round(record.created * 1000), record.levelname[:16], record.name[:80], text)
        )

    def after(self, service: str, number: int) -> list[Kept]:
        """Those of this service with a greater number, oldest first; masked again: a secret may be known since."""
        with self.lock or nullcontext():
            found = [line for line in self._lines.get(service, ()) if line.number > number]
        return [replace(line, text=_plain(mask(line.text))) for line in found]


def _plain(text: str) -> str:
    """Short, and without halves of characters, which file names may hold and no message can."""
    return text[:MAX_KEPT_CHARS].encode("utf-8", "replace").decode()


newest = Newest()
"""Of this process, as `setup` made it."""


def setup(service: str, level: str = "INFO") -> None:
    """Send the root logger to stdout. `level` is one of LEVELS."""
    global newest
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(service, journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    if newest not in root.handlers or newest._default != service:
        newest = Newest(service)
    root.handlers[:] = [handler, newest]
    root.setLevel(level)
    # Third-party libraries at DEBUG print request headers and payloads; ours are what the operator asked for.
    for noisy in ("urllib3", "httpx", "httpcore", "asyncio", "multipart", "libav", "PIL", "pywebpush"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread_death


def speak_for(service: str) -> None:
    """What this thread, and each `threads.Thread` that it makes, says is this service's."""
    _service.set(service)


class Sparing:
    """For lines that a stranger can cause by the thousand: so many a minute, then how many more there were. Thread-safe."""

    def __init__(self, log: logging.Logger, monotonic_s: Callable[[], float], per_minute: int = 20) -> None:
        self._log, self._monotonic_s, self._per_minute = log, monotonic_s, per_minute
        self._lock = threading.Lock()
        self._minute_s = float("-inf")
        self._said = self._held_back = 0

    def tell(self, level: int, text: str, *arguments: object, exc_info: bool = False) -> None:
        with self._lock:
            now_s, held_back = self._monotonic_s(), 0
            if now_s - self._minute_s >= 60:
                held_back, self._held_back = self._held_back, 0
                self._minute_s, self._said = now_s, 0
            self._said += 1
            quiet = self._said > self._per_minute
            self._held_back += quiet
        if held_back:
            self._log.warning("%d more lines of this kind were held back", held_back)
        if not quiet:
            self._log.log(level, text, *arguments, exc_info=exc_info)


def _log_uncaught(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("vigilar").critical("stopped by an unexpected error", exc_info=error)


def _log_thread_death(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    logging.getLogger("vigilar").critical("thread %s died", name, exc_info=args.exc_value)
