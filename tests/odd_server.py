"""A server on a loopback port that does with each connection what a test says: speaks, drips, hangs, breaks off."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Talk = Callable[[socket.socket, threading.Event], None]
"""(connection, set when the test is over)"""


class OddServer:
    """`talk` runs per connection on a thread of its own; the connection is closed after it."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        self._talk, self._context = talk, context
        self.over = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(2)

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._talk(connection, self.over)
        except OSError:
            pass  # the client went away: that is what some tests want
        finally:
            connection.close()


def request_of(connection: socket.socket) -> bytes:
    """Headers and body of one HTTP request."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    wanted = int(lengths[0]) if lengths else 0
    while len(body) < wanted and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


def answers(status: bytes, headers: bytes = b"", body: bytes = b"") -> Talk:
    """Always the same answer."""

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        request_of(connection)
        length = b"Content-Length: %d\r\n" % len(body)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n" + length + headers + b"\r\n" + body)

    return talk


def says_nothing(connection: socket.socket, over: threading.Event) -> None:
    over.wait(60)


def drips(connection: socket.socket, over: threading.Event) -> None:
    """A header without end, one byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not over.wait(0.05):
        connection.sendall(b"x")
