"""One question to upsd, with an end to everything: time, bytes, and what its answer can do to this process."""

from __future__ import annotations

import socket
from typing import Protocol

from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError

LIMIT_S = 8.0
"""For one whole conversation: a server that sends a byte now and then must not hold it longer."""
MAX_BYTES = 256 * 1024
"""A large UPS has some 200 variables: 10 kB."""
READ_BYTES = 16 * 1024

CURES = {
    "UNKNOWN-UPS": "Set [ups] ups_name to a name that `upsc -l` shows.",
    "ACCESS-DENIED": "Let this host read the UPS: LISTEN in upsd.conf, and its firewall.",
    "DATA-STALE": "The driver does not reach the UPS: look at its cable, then at nut-driver.service.",
    "DRIVER-NOT-CONNECTED": "Start the driver of the UPS: nut-driver.service, or `upsdrvctl start`.",
}
CURE = "Look whether nut-server.service runs, and at [ups] nut_host and nut_port."


class NutError(VigilarError):
    """No reading this time; the text says why, `cure` what to do."""

    def __init__(self, reason: str, cure: str = CURE) -> None:
        super().__init__(reason)
        self.cure = cure


class Ups(Protocol):
    """Something that can be asked for the variables of one UPS."""

    def variables(self) -> dict[str, str]: ...


class NutUps:
    """A UPS behind upsd. A connection of its own for each question: upsd may restart at any time."""

    def __init__(self, host: str, port: int, name: str, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._host, self._port, self._name = host, port, name
        self._clock, self._limit_s = clock, limit_s

    def variables(self) -> dict[str, str]:
        """All variables with their values as text. Raises NutError."""
        from nut2 import PyNUTClient, PyNUTError

        where = f"{self._host}:{self._port}"
        try:
            line = _Line(self._host, self._port, self._clock, self._limit_s)
        except OSError as error:
            raise NutError(f"upsd at {where} does not answer: {error.strerror or error}") from error
        try:
            # Given its connection instead of opening one: telnetlib has no end to what it takes in.
            with PyNUTClient(connect=False) as client:  # type: ignore[no-untyped-call]
                client._srv_handler = line
                found = client.list_vars(self._name)
            return {str(name): str(value) for name, value in found.items()}
        except PyNUTError as error:
            said = "".join(c for c in str(error) if c.isprintable())[:80]
            code = said.removeprefix("ERR ").split(" ")[0]
            raise NutError(f"upsd at {where} says {said!r} to {self._name}", CURES.get(code, CURE)) from error
        except OSError as error:
            raise NutError(f"upsd at {where}: {error.strerror or error}") from error
        except (ValueError, IndexError) as error:
            raise NutError(f"upsd at {where} sent no list of variables ({type(error).__name__})") from error
        finally:
            line.close()


class _Line:
    """What nut2 needs of `telnetlib.Telnet`, with one deadline and one bound for all of it. Raises OSError."""

    def __init__(self, host: str, port: int, clock: Clock, limit_s: float) -> None:
        self._clock = clock
        self._end_s = clock.monotonic_s() + limit_s
        self._socket = socket.create_connection((host, port), timeout=limit_s)
        self._buffer = bytearray()
        self._taken_bytes = 0

    def write(self, data: bytes) -> None:
        self._socket.settimeout(self._left_s())
        self._socket.sendall(data)

    def read_until(self, match: bytes, _timeout_s: float | None = None) -> bytes:
        searched = 0
        while (at := self._buffer.find(match, searched)) < 0:
            searched = max(0, len(self._buffer) - len(match))
            self._socket.settimeout(self._left_s())
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionError("it closed the connection in the middle of its answer")
            self._taken_bytes += len(data)
            if self._taken_bytes > MAX_BYTES:
                raise ConnectionError(f"its answer is longer than {MAX_BYTES} bytes")
            self._buffer += data
        end = at + len(match)
        answer = bytes(self._buffer[:end])
        del self._buffer[:end]
        return answer

    def close(self) -> None:
        self._socket.close()

    def _left_s(self) -> float:
        left_s = self._end_s - self._clock.monotonic_s()
        if left_s <= 0:
            raise TimeoutError("its answer takes too long")
        return left_s
