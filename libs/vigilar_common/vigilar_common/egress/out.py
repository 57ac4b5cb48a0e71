"""The one way out of the house: for webhooks, pushes, mail and uploads.

A name is resolved once, every address is checked, and the connection goes to a checked address: a name that answers
differently the next time changes nothing. Certificates are verified against the name. Redirects and proxies are not
followed. Time and the size of an answer are bounded, however slowly the other side drips.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from vigilar_common.clock import Clock
from vigilar_common.egress.addresses import literal, why_not
from vigilar_common.egress.errors import EgressError, Problem, of_connecting, of_talking

CONNECT_S = 4.0
TOTAL_S = 12.0
SPARE_S = 1.0
"""A socket's own timeout is only there in case: the deadline ends it before."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_LOOKUPS = 16
"""Names that are looked up at the same time: a name server that is silent holds a thread for half a minute."""
MAX_ADDRESSES = 8

Lookup = Callable[[str, int], list[str]]
"""(host, port) → addresses as text. Raises OSError."""


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """At most as many bytes as were asked for; the rest of a longer answer was not read."""
    sent_ms: int
    """When the request was on the wire, UTC."""


@dataclass
class Deadline:
    """Cuts a connection when its time is over, whatever it is doing: a socket's own timeout begins anew with each byte."""

    connection: socket.socket
    seconds: float
    over: bool = False
    _timer: threading.Timer | None = field(default=None, init=False)

    def __enter__(self) -> Deadline:
        # A duplicate, because TLS takes the connection over. Shutting one down ends all of them.
        self._twin = self.connection.dup()
        self._timer = threading.Timer(self.seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer.join()
        self._twin.close()

    def _cut(self) -> None:
        self.over = True
        with contextlib.suppress(OSError):  # it ended by itself in the same moment
            self._twin.shutdown(socket.SHUT_RDWR)


class Egress:
    """Thread-safe. `private`: addresses, networks and names inside the house that may be reached.

    `section` is the configuration's whose private_targets and ca_file these are, for texts.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        private: tuple[str, ...] = (),
        ca_file: str = "",
        section: str = "alerts",
        lookup: Lookup | None = None,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._clock, self._private, self._ca_file, self._section = clock, private, ca_file, section
        self._lookup = lookup or system_lookup
        self._connect_s = connect_s
        self._lookups = threading.BoundedSemaphore(MAX_LOOKUPS)
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies name and certificate; trusts the system's authorities and `ca_file`. Raises EgressError."""
        with self._lock:
            if self._context is None:
                context = ssl.create_default_context()
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                if self._ca_file:
                    try:
                        context.load_verify_locations(self._ca_file)
                    except OSError as error:  # SSLError is one
                        reason = error.strerror or type(error).__name__
                        why = f"cannot be used as [{self._section}] ca_file ({reason})"
                        raise EgressError(Problem.SETUP, self._ca_file, why) from error
                self._context = context
            return self._context

    def addresses(self, host: str, port: int, private: tuple[str, ...] = ()) -> list[str]:
        """What the name stands for and may be reached, first choice first. Raises EgressError."""
        found = [str(fixed)] if (fixed := literal(host)) else self._resolved(host, port)
        allowed, reasons = [], []
        for text in dict.fromkeys(found):
            try:
                address = ip_address(text)
            except ValueError:
                reasons.append("an answer of the name server is no address")
                continue
            if reason := why_not(address, host, (*self._private, *private)):
                reasons.append(reason)
            else:
                allowed.append(str(address))
        if not allowed:
            why = reasons[0] if reasons else "the name server knows no address"
            if "private" in why:
                why = f"{why}; name it in [{self._section}] private_targets if it is yours"
            raise EgressError(Problem.FORBIDDEN if reasons else Problem.DNS, host, why)
        return allowed[:MAX_ADDRESSES]

    def connect(self, host: str, port: int, private: tuple[str, ...] = ()) -> socket.socket:
        """TCP to one of the checked addresses. Raises EgressError."""
        give_up_s = self._clock.monotonic_s() + self._connect_s
        failed: EgressError | None = None
        for address in self.addresses(host, port, private):
            left_s = give_up_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            try:
                return socket.create_connection((address, port), timeout=left_s)
            except OSError as error:
                failed = of_connecting(host, port, error)
        raise failed or EgressError(Problem.TIMEOUT, host, f"no connection within {self._connect_s:g} s")

    @contextlib.contextmanager
    def opened(
        self, host: str, port: int, *, tls: bool, total_s: float = TOTAL_S, private: tuple[str, ...] = ()
    ) -> Iterator[socket.socket]:
        """A connection that is closed at the end and cut after `total_s`. Raises EgressError for what happens on it."""
        context = self.tls if tls else None
        connection = self.connect(host, port, private)
        with Deadline(connection, total_s) as deadline:
            try:
                connection.settimeout(total_s + SPARE_S)
                if context:
                    connection = context.wrap_socket(connection, server_hostname=host)
                yield connection
                if deadline.over:
                    raise TimeoutError
            except EgressError:
                raise
            except (OSError, http.client.HTTPException, EOFError) as error:
                if deadline.over or isinstance(error, TimeoutError):
                    why = f"no answer on port {port} within {total_s:g} s"
                    raise EgressError(Problem.TIMEOUT, host, why) from error
                raise of_talking(host, error) from error
            finally:
                connection.close()

    def request(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        total_s: float = TOTAL_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        only_refusals: bool = False,
        private: tuple[str, ...] = (),
    ) -> HttpAnswer:
        """One HTTP request to `url`; a redirect is an answer like any other. Raises EgressError.

        `only_refusals`: the body of a yes is not read, so that it may come as slowly as it likes.
        """
        target = _target(url)
        sent_ms = 0
        try:
            with self.opened(
                target.host, target.port, tls=target.tls, total_s=total_s, private=private
            ) as opened:
                connection = http.client.HTTPConnection(target.host, target.port)
                connection.sock = opened
                connection.request(
                    method,
                    target.path,
                    body or None,
                    {**target.headers, "Connection": "close", **(headers or {})},
                )
                sent_ms = self._clock.now_ms()
                response = connection.getresponse()
                wanted = max_answer_bytes and (response.status >= 400 or not only_refusals)
                data = response.read(max_answer_bytes) if wanted else b""
                received = {name.lower(): value for name, value in response.getheaders()}
                response.close()
                return HttpAnswer(response.status, received, data, sent_ms)
        except EgressError as error:
            error.sent_ms = sent_ms
            raise

    def _resolved(self, host: str, port: int) -> list[str]:
        """Names are looked up on a thread of their own: the system's resolver cannot be told to hurry."""
        if not self._lookups.acquire(blocking=False):
            raise EgressError(Problem.DNS, host, f"{MAX_LOOKUPS} names wait for the name server already")
        answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._lookup(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)
            finally:
                self._lookups.release()

        threading.Thread(target=look_up, name="egress-lookup", daemon=True).start()
        try:
            answer = answers.get(timeout=self._connect_s)
        except queue.Empty:
            why = f"the name server did not answer within {self._connect_s:g} s"
            raise EgressError(Problem.DNS, host, why) from None
        if isinstance(answer, OSError):
            why = f"the name cannot be resolved ({answer.strerror or type(answer).__name__})"
            raise EgressError(Problem.DNS, host, why) from answer
        if isinstance(answer, UnicodeError):
            raise EgressError(Problem.DNS, host, "is not a name that can be looked up") from answer
        return answer


def system_lookup(host: str, port: int) -> list[str]:
    """As the machine resolves names. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]).partition("%")[0] for *_, address in found]


@dataclass(frozen=True)
class _Target:
    host: str
    port: int
    tls: bool
    path: str
    headers: Mapping[str, str]


def _target(url: str) -> _Target:
    """Raises EgressError; the URL, which may be a secret, is not repeated."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise EgressError(Problem.PROTOCOL, "URL", "host or port cannot be read") from error
    if parts.scheme not in ("http", "https") or not host:
        raise EgressError(
            Problem.PROTOCOL, host or "URL", "only http and https URLs with a host can be reached"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise EgressError(Problem.PROTOCOL, "URL", "it holds characters that do not belong into a URL")
    headers = {"Host": parts.netloc.rpartition("@")[2]}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    tls = parts.scheme == "https"
    return _Target(host, port or (443 if tls else 80), tls, path, headers)
