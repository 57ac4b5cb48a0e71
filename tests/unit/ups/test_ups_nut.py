"""A server that lies, floods, hangs or goes: no reading, and a reason."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from vigilar_common.clock import SystemClock
from vigilar_ups.adapters.nut import MAX_BYTES, NutError, NutUps

GOOD = b'BEGIN LIST VAR ups\nVAR ups battery.charge "100"\nVAR ups ups.status "OL"\nEND LIST VAR ups\n'
Serve = Callable[[bytes], NutUps]
LIMIT_S = 0.5


@pytest.fixture(name="serve")
def _serve() -> Iterator[Serve]:
    """A server that answers any question with these bytes and then says no more; an empty answer closes at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()
    threads: list[threading.Thread] = []

    def serve(answer: bytes) -> NutUps:
        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                try:
                    connection.sendall(answer)
                except OSError:
                    return  # the client has had enough of it
                if answer:
                    done.wait(5)

        threads.append(threading.Thread(target=talk))
        threads[-1].start()
        return NutUps("127.0.0.1", listener.getsockname()[1], "ups", SystemClock(), LIMIT_S)

    yield serve
    done.set()
    for thread in threads:
        thread.join(5)
    listener.close()


def test_an_honest_answer_is_read(serve: Serve) -> None:
    assert serve(GOOD).variables() == {"battery.charge": "100", "ups.status": "OL"}


@pytest.mark.parametrize(
    ("answer", "reason", "cure"),
    [
        (b"ERR UNKNOWN-UPS\n", "UNKNOWN-UPS", "ups_name"),
        (b"ERR DATA-STALE\n", "DATA-STALE", "cable"),
        (b"ERR DRIVER-NOT-CONNECTED\n", "DRIVER-NOT-CONNECTED", "driver"),
        (b"ERR ACCESS-DENIED\n", "ACCESS-DENIED", "LISTEN"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400", "nut-server"),
        (b"\x00\xff\xfe\n", "no list of variables", "nut-server"),
        (b"BEGIN LIST VAR ups\nEND LIST VAR ups\n", "no list of variables", "nut-server"),
        (b"BEGIN LIST VAR ups\nVAR ups battery.charge\nEND LIST VAR ups\n", "no list of variables", "nut-server"),
        (b"BEGIN LIST VAR ups\n\xff\xff\nEND LIST VAR ups\n", "no list of variables", "nut-server"),
        (b"BEGIN LIST VAR other\nEND LIST VAR other\n", "BEGIN LIST VAR other", "nut-server"),
        (b"", "closed", "nut-server"),
        (GOOD[:40], "timed out", "nut-server"),
        (b"x" * 10, "timed out", "nut-server"),
        (b"x" * (MAX_BYTES + 100_000), "longer than", "nut-server"),
        (b"BEGIN LIST VAR ups\n" + b"VAR ups a \"1\"\n" * 40_000, "longer than", "nut-server"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_tell_is_a_reason_with_a_cure(
    serve: Serve, answer: bytes, reason: str, cure: str
) -> None:
    with pytest.raises(NutError) as caught:
        serve(answer).variables()
    assert reason in str(caught.value)
    assert cure in caught.value.cure
    assert len(str(caught.value)) < 300


def test_no_server_is_a_reason_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NutError, match="does not answer: Connection refused"):
        NutUps("127.0.0.1", port, "ups", SystemClock(), LIMIT_S).variables()


def test_a_server_that_sends_a_byte_now_and_then_holds_nobody() -> None:
    """Each byte comes in time, the whole answer never does."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"B")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    clock = SystemClock()
    began_s = clock.monotonic_s()
    with pytest.raises(NutError, match=r"too long|timed out"):
        NutUps("127.0.0.1", listener.getsockname()[1], "ups", clock, LIMIT_S).variables()
    assert clock.monotonic_s() - began_s < 10 * LIMIT_S
    stop.set()
    thread.join(5)
    listener.close()
