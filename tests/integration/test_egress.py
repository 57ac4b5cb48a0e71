"""The one way out, against servers and names that mean harm: everything real but the name server."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from odd_server import OddServer, answers, drips, request_of, says_nothing
from own_authority import Authority
from vigilar_common.clock import SystemClock
from vigilar_common.egress import Egress, EgressError, Problem
from vigilar_common.testing.broker import free_port

HOME = ("127.0.0.1",)


def egress(
    *answers: str, private: tuple[str, ...] = HOME, ca_file: str = "", connect_s: float = 4.0
) -> tuple[Egress, list[str]]:
    """One that resolves every name to the given addresses; the list fills with the names that were asked for."""
    asked: list[str] = []

    def lookup(host: str, _port: int) -> list[str]:
        asked.append(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(answers)

    return Egress(SystemClock(), private=private, ca_file=ca_file, lookup=lookup, connect_s=connect_s), asked


def speaks_something_else(connection: socket.socket, _over: threading.Event) -> None:
    request_of(connection)
    connection.sendall(b"SSH-2.0-odd\r\n")


def problem_of(out: Egress, url: str, total_s: float = 3.0) -> EgressError:
    with pytest.raises(EgressError) as found:
        out.request("POST", url, b"{}", total_s=total_s)
    return found.value


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::ffff:127.0.0.1",),
        ("::1",),
        ("169.254.169.254",),
        ("10.0.0.1", "192.168.0.1"),
        ("0.0.0.0",),
        ("rubbish",),
    ],
)
def test_a_name_that_points_into_the_house_is_never_connected_to(addresses: tuple[str, ...]) -> None:
    with OddServer(answers(b"200 OK")) as server:
        out, _ = egress(*addresses, private=())
        error = problem_of(out, f"http://attacker.example:{server.port}/")
        assert error.problem is Problem.FORBIDDEN
        assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "127.1", "2130706433", "0x7f000001", "localhost"])
def test_an_address_in_the_url_is_checked_however_it_is_spelt(host: str) -> None:
    with OddServer(answers(b"200 OK")) as server:
        assert problem_of(Egress(SystemClock()), f"http://{host}:{server.port}/").problem in (
            Problem.FORBIDDEN,
            Problem.DNS,
        )
        assert server.connections == 0


def test_a_name_that_changes_its_answer_is_asked_once_and_the_checked_address_is_used() -> None:
    """DNS rebinding: the second answer would be another machine."""
    with OddServer(answers(b"200 OK")) as server:
        turns = iter([["127.0.0.1"], ["192.0.2.1"]])
        asked = []

        def lookup(host: str, _port: int) -> list[str]:
            asked.append(host)
            return next(turns)

        out = Egress(SystemClock(), private=HOME, lookup=lookup)
        assert out.request("GET", f"http://rebind.example:{server.port}/").status == 200
        assert (asked, server.connections) == (["rebind.example"], 1)


def test_of_several_answers_the_private_ones_are_left_out() -> None:
    out, _ = egress("10.0.0.1", "127.0.0.1", "192.168.0.1")
    assert out.addresses("mixed.example", 80) == ["127.0.0.1"]


def test_a_redirect_into_the_house_is_an_answer_and_is_not_followed() -> None:
    with OddServer(answers(b"200 OK")) as inside:
        location = b"Location: http://127.0.0.1:%d/secret\r\n" % inside.port
        with OddServer(answers(b"307 Temporary Redirect", location)) as server:
            out, _ = egress("127.0.0.1")
            answer = out.request("POST", f"http://hook.example:{server.port}/", b"{}")
            assert (answer.status, inside.connections) == (307, 0)


@pytest.mark.parametrize("talk", [drips, says_nothing], ids=["drips", "says nothing"])
def test_a_server_that_drips_or_says_nothing_is_cut_off_in_time(talk: object) -> None:
    with OddServer(talk) as server:  # type: ignore[arg-type]
        out, _ = egress("127.0.0.1")
        began_s = time.monotonic()
        error = problem_of(out, f"http://slow.example:{server.port}/", total_s=0.4)
        assert (error.problem, time.monotonic() - began_s < 3) == (Problem.TIMEOUT, True)
        assert error.sent_ms, "the request was out: it may have been handled"


def test_a_hanging_handshake_is_cut_off_in_time() -> None:
    with OddServer(says_nothing) as server:
        out, _ = egress("127.0.0.1")
        assert problem_of(out, f"https://slow.example:{server.port}/", 0.3).problem is Problem.TIMEOUT


def test_of_an_answer_of_ten_megabytes_no_more_is_read_than_was_asked_for() -> None:
    sent = threading.Event()

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
        try:
            for _ in range(160):
                connection.sendall(bytes(65536))
        except OSError:
            return
        sent.set()

    with OddServer(talk) as server:
        out, _ = egress("127.0.0.1")
        answer = out.request("GET", f"http://big.example:{server.port}/", max_answer_bytes=1000)
        assert (answer.status, len(answer.body)) == (200, 1000)
        assert not sent.wait(0.2), "the rest was not taken"


def test_the_yes_of_a_server_that_drips_its_body_is_a_yes_where_the_body_is_nothing_to_us() -> None:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b"x")

    with OddServer(talk) as server:
        out, _ = egress("127.0.0.1")
        answer = out.request("POST", f"http://h.example:{server.port}/", b"{}", total_s=2, only_refusals=True)
        assert (answer.status, answer.body) == (200, b"")
        assert problem_of(out, f"http://h.example:{server.port}/", 0.3).problem is Problem.TIMEOUT


def test_certificates_are_checked_against_the_name_and_an_own_authority_can_be_trusted(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    for context, good in (
        (authority.server("hook.example"), True),
        (authority.server("other.example"), False),
        (authority.server("hook.example", expired=True), False),
    ):
        with OddServer(answers(b"204 No Content"), context) as server:
            url = f"https://hook.example:{server.port}/"
            trusting, _ = egress("127.0.0.1", ca_file=str(authority.ca_file))
            if good:
                assert trusting.request("POST", url, b"{}").status == 204
                assert problem_of(egress("127.0.0.1")[0], url).problem is Problem.CERTIFICATE, (
                    "unknown authority"
                )
            else:
                assert problem_of(trusting, url).problem is Problem.CERTIFICATE
    with OddServer(lambda connection, _over: connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as plain:
        error = problem_of(trusting, f"https://hook.example:{plain.port}/")
        assert error.problem in (Problem.TLS, Problem.UNREACHABLE)


def test_every_failure_has_its_word_and_names_the_host_but_not_the_path() -> None:
    nobody, _ = egress()
    there, _ = egress("127.0.0.1")
    closed = free_port()
    with (
        OddServer(speaks_something_else) as odd,
        OddServer(lambda _connection, _over: None) as silent,
    ):
        found = {
            Problem.DNS: problem_of(nobody, "http://no.example/token"),
            Problem.REFUSED: problem_of(there, f"http://no.example:{closed}/token"),
            Problem.PROTOCOL: problem_of(there, f"http://no.example:{odd.port}/token"),
            Problem.UNREACHABLE: problem_of(there, f"http://no.example:{silent.port}/token"),
        }
    assert {problem: error.problem for problem, error in found.items()} == {
        problem: problem for problem in found
    }
    assert all("no.example" in str(error) and "token" not in str(error) for error in found.values())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "http://",
        "http://a b/",
        "http://x:99999/",
        "http://[::1",
        "http://é.example/",
        "",
    ],
)
def test_what_is_no_url_for_the_web_is_refused(url: str) -> None:
    assert problem_of(egress("127.0.0.1")[0], url).problem is Problem.PROTOCOL


def test_a_name_server_that_says_nothing_costs_neither_the_caller_nor_threads_without_end() -> None:
    over = threading.Event()

    def silent(_host: str, _port: int) -> list[str]:
        over.wait(30)
        return []

    out = Egress(SystemClock(), lookup=silent, connect_s=0.02)
    before = threading.active_count()
    errors = [problem_of(out, "http://slow.example/") for _ in range(30)]
    assert {error.problem for error in errors} == {Problem.DNS}
    assert "wait for the name server already" in str(errors[-1])
    assert threading.active_count() <= before + 16
    over.set()


def test_a_login_in_the_url_goes_as_a_header_and_the_host_without_it() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        heard.append(request_of(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with OddServer(talk) as server:
        out, _ = egress("127.0.0.1")
        assert out.request("POST", f"http://me:p%40ss@h.example:{server.port}/in?a=1", b"{}").status == 204
        assert heard[0].startswith(b"POST /in?a=1 HTTP/1.1\r\n")
        assert f"Host: h.example:{server.port}\r\n".encode() in heard[0]
        assert b"Authorization: Basic bWU6cEBzcw==\r\n" in heard[0]
