"""Stands between FFmpeg and an RTSP camera while they shake hands (see docs/adr/0005).

FFmpeg follows every redirect (its password with it), reads heads and bodies without a bound and cannot be
interrupted. So FFmpeg is given an address on loopback. What it asks goes to the one address that the camera's name
has, what the camera answers passes `domain.rtsp`. With PLAY the camera's own socket is put in the place of FFmpeg's:
from then on nothing stands between them and nothing is copied. Where that cannot be (TLS, HTTP tunnels) bytes go
through to the end.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import logging
import os
import select
import socket
import ssl
import struct
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from vigilar_common.clock import Clock
from vigilar_common.threads import Thread

from vigilar_camera_worker.adapters.verdict import verdict
from vigilar_camera_worker.domain import rtsp
from vigilar_camera_worker.errors import (
    DEFAULT_PORTS,
    BrokenAnswerError,
    BusyError,
    CameraError,
    RedirectedError,
    UnreachableError,
    address,
)

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 2.5
"""A second packet asks after one second; a camera that takes longer is tried again anyway."""
HAND_OVER_MARGIN_S: Final = 1.5
"""FFmpeg may give up at its time limit and close its socket: near it, that is not touched any more."""
MAX_CONNECTIONS: Final = 8
"""An HTTP tunnel takes two, and two more for each login that is refused first."""
CHUNK_BYTES: Final = 65_536
RECEIVE_BYTES: Final = 1 << 20
"""What a camera sends while nobody reads (a lull, a busy machine) has room here."""
_IDLE_S: Final = 1.0
_INT: Final = struct.Struct("=i")


class Gate:
    """One attempt to reach one camera. ``url`` is what FFmpeg opens; ``verdict`` says more than FFmpeg's error."""

    def __init__(self, url: str, clock: Clock, limit_s: float, *, tunnel: bool = False) -> None:
        """Connects. Raises UnreachableError."""
        parts = urlsplit(url)
        self._where, self._clock, self._tunnel = address(url), clock, tunnel
        self._deadline_s = clock.monotonic_s() + limit_s
        self._limit_s = limit_s
        self._tls = parts.scheme == "rtsps"
        self._host = parts.hostname or ""
        self._has_login = "@" in parts.netloc
        self._port = parts.port or DEFAULT_PORTS[parts.scheme]
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._closed = False
        self._playing = threading.Event()
        self.handed_over = False
        self._handed: socket.socket | None = None
        self.verdict: CameraError | None = None
        self._peer: tuple[Any, ...] | None = None
        self._first: socket.socket | None = self._connect()
        self._listener = _listen(six=":" in self._peer_host())
        host, port = self._listener.getsockname()[:2]
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        login = parts.netloc.rpartition("@")[0]
        query = f"?{parts.query}" if parts.query else ""
        self.url: str = f"rtsp://{login}{'@' if login else ''}{at}{parts.path}{query}"
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._path = parts.path + query
        self._addresses = rtsp.Addresses(
            f"rtsp://{at}",
            f"{parts.scheme}://{name}:{self._port}",
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
        Thread(target=self._accept, name="gate").start()

    def close(self) -> None:
        """Ends every connection, from any thread; a read of FFmpeg returns at once."""
        with self._lock:
            self._closed = True
            sockets, self._sockets = self._sockets, []
            listener = self._listener
        for each in (*sockets, listener):
            with contextlib.suppress(OSError):  # the other side was faster
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def gathered(self) -> tuple[int, int] | None:
        """(bytes that the camera sent and FFmpeg did not read yet, size of that buffer); None where FFmpeg does not
        read the camera itself, or all is over."""
        camera = self._handed
        if camera is None:
            return None
        try:
            waiting = fcntl.ioctl(camera, termios.FIONREAD, bytes(_INT.size))
            return _INT.unpack(waiting)[0], camera.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        except (OSError, ValueError):
            return None  # closed meanwhile

    # -- connecting ---------------------------------------------------------------------------------

    def _connect(self) -> socket.socket:
        """To the address that was found at first, and to no other. Raises UnreachableError."""
        try:
            places = [self._peer] if self._peer else self._places()
        except (OSError, UnicodeError) as problem:
            words = getattr(problem, "strerror", None) or "not a name"
            raise UnreachableError(
                f"{self._where}: the name {self._host} cannot be resolved ({words})"
            ) from None
        reason = ""
        for place in places:
            made = socket.socket(socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
            try:
                made.settimeout(min(CONNECT_TIMEOUT_S, self._limit_s))
                # The kernel takes less where its own limit is lower.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
                made.connect(place)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if self._tls:
                    made = _without_verification().wrap_socket(made, server_hostname=self._host)
            except TimeoutError:
                made.close()
                reason = f"{self._where} does not answer within {min(CONNECT_TIMEOUT_S, self._limit_s):g} s"
            except ConnectionRefusedError:
                made.close()
                reason = f"{self._where}: connection refused; nothing listens on this port"
            except OSError as problem:
                made.close()
                reason = f"{self._where} cannot be reached: {_words(problem)}"
            else:
                self._peer = place
                self._keep(made)
                return made
        raise UnreachableError(reason or f"{self._where}: the name {self._host} has no address")

    def _places(self) -> list[Any]:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(place for *_, place in found))[:4]

    def _peer_host(self) -> str:
        return str(self._peer[0]) if self._peer else ""

    def _keep(self, made: socket.socket) -> None:
        with self._lock:
            if not self._closed:
                self._sockets.append(made)
                return
        made.close()
        raise UnreachableError(f"{self._where}: given up")

    # -- on threads of its own ----------------------------------------------------------------------

    def _accept(self) -> None:
        count = 0
        while not self._closed and count < MAX_CONNECTIONS:
            try:
                client, peer = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                break  # closed
            own = _own_fd(peer)
            if own is None:
                client.close()
                log.warning("a connection from another process to the gate of %s was refused", self._where)
                continue
            count += 1
            Thread(target=self._serve, args=(client, own), name="gate").start()
            if not self._tunnel:
                break
        self._listener.close()

    def _serve(self, client: socket.socket, own_fd: int) -> None:
        camera: socket.socket | None = None
        try:
            self._keep(client)
            camera, self._first = self._first or self._connect(), None
            self._shake_hands(client, camera, own_fd)
        except CameraError as error:
            self.verdict = error
        except OSError as problem:
            log.debug("gate of %s: %s", self._where, problem)
        finally:
            if not self.handed_over and camera is not None:
                camera.close()
            client.close()

    def _shake_hands(self, client: socket.socket, camera: socket.socket, own_fd: int) -> None:
        requests, answers = rtsp.Requests(), rtsp.Answers()
        for speaker, data in self._chunks(client, camera):
            if speaker is camera:
                self._from_camera(data, answers, client)
            elif self._tunnel:
                request = rtsp.untunnelled(data)
                wire = base64.b64encode(self._addresses.to_camera(request)) if request else data
                self._to_camera(camera, wire)
                if rtsp.method(request) == "PLAY":
                    self._playing.set()
            else:
                for request in map(self._addresses.to_camera, requests.feed(data)):
                    if rtsp.method(request) == "PLAY":
                        if self._hand_over(camera, own_fd):
                            self._to_camera(camera, request + requests.rest)
                            return
                        self._playing.set()
                    self._to_camera(camera, request)
            if self._playing.is_set():
                self._pump(client, camera)
                return

    def _to_camera(self, camera: socket.socket, data: bytes) -> None:
        try:
            camera.sendall(data)
        except ConnectionError:
            self._hung_up()
            raise

    def _hung_up(self) -> None:
        """The camera ended the connection before it played."""
        if self.verdict is None and not self._playing.is_set():
            words = f"{self._where} closes the connection at once; it may allow one viewer only"
            self.verdict = BusyError(words)

    def _from_camera(self, data: bytes, answers: rtsp.Answers, client: socket.socket) -> None:
        try:
            found = answers.feed(data)
        except BrokenAnswerError as error:
            raise BrokenAnswerError(f"{self._where} {error}") from None
        for item in found:
            if isinstance(item, bytes):
                continue  # media before PLAY concern nobody
            self._judge(item)
            client.sendall(self._addresses.described(item, self._path).wire(source=self._peer_host()))

    def _judge(self, answer: rtsp.Answer) -> None:
        """Remembers what went wrong; raises where FFmpeg must not hear of it."""
        self.verdict = verdict(answer, self._where, has_login=self._has_login)
        if isinstance(self.verdict, RedirectedError):
            raise self.verdict

    def _chunks(self, client: socket.socket, camera: socket.socket) -> Iterator[tuple[socket.socket, bytes]]:
        """What either side says, until one of them ends, or (before PLAY) the time is over."""
        poll = select.poll()
        by_fd = {each.fileno(): each for each in (client, camera)}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        while not self._closed:
            left_s = self._deadline_s - self._clock.monotonic_s()
            if left_s <= 0 and not self._playing.is_set():
                raise UnreachableError(
                    f"{self._where} accepts the connection but does not answer within {self._limit_s:g} s"
                )
            waiting = isinstance(camera, ssl.SSLSocket) and camera.pending()
            ready = (
                [camera.fileno()]
                if waiting
                else [fd for fd, _ in poll.poll(1000 * min(_IDLE_S, max(left_s, 0.01)))]
            )
            for fd in ready:
                try:
                    data = by_fd[fd].recv(CHUNK_BYTES)
                except (TimeoutError, ssl.SSLWantReadError):
                    continue
                except ConnectionError:
                    data = b""
                if not data:
                    if by_fd[fd] is camera:
                        self._hung_up()
                    return
                yield by_fd[fd], data
                if self._playing.is_set():
                    return

    def _pump(self, client: socket.socket, camera: socket.socket) -> None:
        """Bytes from one to the other until one ends."""
        self._deadline_s = float("inf")
        client.settimeout(_IDLE_S * 4)
        camera.settimeout(_IDLE_S * 4)
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(camera, select.POLLIN)
        other = {client.fileno(): (client, camera), camera.fileno(): (camera, client)}
        while not self._closed:
            waiting = isinstance(camera, ssl.SSLSocket) and camera.pending()
            ready = [camera.fileno()] if waiting else [fd for fd, _ in poll.poll(int(_IDLE_S * 1000))]
            for fd in ready:
                speaker, listener = other[fd]
                try:
                    data = speaker.recv(CHUNK_BYTES)
                except (TimeoutError, ssl.SSLWantReadError):
                    continue
                if not data:
                    return
                listener.sendall(data)

    def _hand_over(self, camera: socket.socket, own_fd: int) -> bool:
        """Put the camera's socket where FFmpeg's was. FFmpeg waits for the answer to a request that was not sent
        yet, so nothing is under way; its time limit is far, so it does not close the socket meanwhile."""
        left_s = self._deadline_s - self._clock.monotonic_s()
        if isinstance(camera, ssl.SSLSocket) or left_s < HAND_OVER_MARGIN_S:
            return False
        camera.setblocking(False)  # as FFmpeg's own sockets are
        os.dup2(camera.fileno(), own_fd, inheritable=False)
        self.handed_over, self._handed = True, camera
        return True


def _listen(*, six: bool) -> socket.socket:
    family = socket.AF_INET6 if six else socket.AF_INET
    listener = socket.create_server(("::1" if six else "127.0.0.1", 0), family=family)
    listener.settimeout(_IDLE_S)
    return listener


def _own_fd(peer: Any) -> int | None:
    """The descriptor of this process whose socket has this local address: the other end of a loopback connection."""
    for link in Path("/proc/self/fd").iterdir():
        try:
            if not str(link.readlink()).startswith("socket:"):
                continue
            copy = os.dup(int(link.name))
        except OSError:
            continue  # closed meanwhile
        with socket.socket(fileno=copy) as looked_at:
            if looked_at.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            try:
                if looked_at.getsockname()[:2] == peer[:2]:
                    return int(link.name)
            except OSError:
                continue
    return None


def _without_verification() -> ssl.SSLContext:
    """Cameras carry certificates of their own making: encrypted, not authenticated. The guide says so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _words(problem: OSError) -> str:
    if isinstance(problem, ssl.SSLError):
        return f"no TLS ({problem.reason})"
    return problem.strerror or str(problem)
