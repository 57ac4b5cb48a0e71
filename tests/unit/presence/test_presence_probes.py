"""One round over several methods, and ARP on the wire."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common.testing import FakeClock
from vigilar_presence.adapters import arp
from vigilar_presence.adapters.arp import Arp, reply_of, request
from vigilar_presence.adapters.icmp import Icmp
from vigilar_presence.adapters.probe import Answers, ProbeError, Prober
from vigilar_presence.domain.people import Seen, Sign

A, B = "192.0.2.1", "192.0.2.2"


class Method:
    def __init__(self, name: str, answers: Answers | str) -> None:
        self.name, self._answers = name, answers
        self.asked: list[list[str]] = []

    def ask(self, addresses: Sequence[str]) -> Answers:
        self.asked.append(list(addresses))
        if isinstance(self._answers, str):
            raise ProbeError(self._answers)
        return self._answers


def test_only_who_is_silent_is_asked_the_other_way() -> None:
    first, second = Method("icmp", Answers({A})), Method("arping", Answers({B}))
    result = Prober([first, second]).round([A, B])
    assert (first.asked, second.asked) == ([[A, B]], [[B]])
    assert result.seen == {A: Seen(Sign.HEARD, "icmp"), B: Seen(Sign.HEARD, "arping")}


def test_silent_to_both_is_silent() -> None:
    result = Prober([Method("icmp", Answers()), Method("arping", Answers())]).round([A])
    assert result.seen == {A: Seen(Sign.SILENT, "icmp")}
    assert result.problems == []


def test_a_second_method_that_may_not_work_is_no_problem() -> None:
    result = Prober([Method("icmp", Answers()), Method("arping", "no right")]).round([A])
    assert (result.seen[A].sign, result.problems) == (Sign.SILENT, [])


def test_a_configured_method_that_may_not_work_is_one_and_the_other_helps() -> None:
    result = Prober([Method("arping", "no right"), Method("icmp", Answers({A}))]).round([A, B])
    assert result.problems == ["no right"]
    assert (result.seen[A].sign, result.seen[B].sign) == (Sign.HEARD, Sign.SILENT)


def test_nobody_is_silent_when_nobody_could_ask() -> None:
    result = Prober([Method("icmp", "no ping"), Method("arping", "no right")]).round([A])
    assert (result.seen[A].sign, result.problems) == (Sign.BLIND, ["no ping", "no right"])


def test_who_cannot_be_asked_by_one_method_may_be_by_the_other() -> None:
    elsewhere = Answers(blind={A: "elsewhere", B: "elsewhere"})
    result = Prober([Method("arping", elsewhere), Method("icmp", Answers(blind={B: "no route"}))]).round(
        [A, B]
    )
    assert (result.seen[A].sign, result.seen[B].sign) == (Sign.SILENT, Sign.BLIND)
    assert set(result.blind) == {B}


def test_a_name_that_cannot_be_resolved_costs_only_itself() -> None:
    result = Prober([Method("icmp", Answers({A}))]).round([A, "phone.invalid"])
    assert (result.seen[A].sign, result.seen["phone.invalid"].sign) == (Sign.HEARD, Sign.BLIND)
    assert "cannot be resolved" in result.blind["phone.invalid"]


def test_two_names_of_one_address_are_told() -> None:
    result = Prober([Method("icmp", Answers({"127.0.0.1"}))]).round(["127.0.0.1", "localhost"])
    if "localhost" in result.blind:  # it may be ::1 here
        assert "has the address of" in result.blind["localhost"]


def test_ping_without_any_right_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    real = socket.socket

    def only_udp(family: int, kind: int, *rest: int) -> socket.socket:
        return real(family, kind) if not rest else refuse()

    monkeypatch.setattr(socket, "socket", only_udp)
    with pytest.raises(ProbeError, match="ping_group_range"):
        Icmp().ask(["127.0.0.1"])


def test_an_arp_request_asks_everybody_for_one_address() -> None:
    frame = request(b"\x02\0\0\0\0\x01", "192.0.2.9", A)
    assert len(frame) == 42
    assert frame[:6] == b"\xff" * 6
    assert frame[12:14] == b"\x08\x06"
    assert frame[20:22] == b"\0\x01"
    assert socket.inet_ntoa(frame[28:32]) == "192.0.2.9"
    assert socket.inet_ntoa(frame[38:42]) == A
    assert reply_of(frame) == "", "a question is no answer"


def answer(sender: str, operation: int = 2) -> bytes:
    header = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\x06"
    packet = (
        struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + b"\x02\0\0\0\0\x02" + socket.inet_aton(sender)
    )
    return header + packet + b"\x02\0\0\0\0\x01" + socket.inet_aton("192.0.2.9") + b"\0" * 18


def test_an_arp_reply_names_who_answers() -> None:
    assert reply_of(answer(A)) == A
    assert reply_of(answer(A, operation=1)) == ""
    assert reply_of(answer(A)[:41]) == ""


@given(st.binary(max_size=256))
def test_no_frame_breaks_the_reader(frame: bytes) -> None:
    assert isinstance(reply_of(frame), str)


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
wlan0\t800200C0\t00000000\t0001\t0\t0\t0\t80FFFFFF\t0\t0\t0
down0\t006433C6\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0
nonsense
eth9\tzz\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


@pytest.mark.skipif(
    struct.pack("=H", 1) != struct.pack("<H", 1), reason="the sample is of a little-endian machine"
)
@pytest.mark.parametrize(
    ("address", "interface"),
    [(A, "eth0"), ("192.0.2.200", "wlan0"), ("198.51.100.1", ""), ("203.0.113.5", ""), ("2001:db8::1", "")],
)
def test_the_interface_is_the_narrowest_network_that_the_address_is_on(
    tmp_path: Path, address: str, interface: str
) -> None:
    routes = tmp_path / "route"
    routes.write_text(ROUTES)
    assert arp._interface(address, list(arp._links(routes))) == interface


def test_an_address_behind_a_router_cannot_be_asked_by_arp(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(ROUTES.splitlines()[0] + "\n")
    answers = Arp(FakeClock(), routes).ask([A])
    assert answers.heard == set()
    assert "router" in answers.blind[A]


def test_an_unreadable_table_of_routes_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="No such file"):
        Arp(FakeClock(), tmp_path / "none").ask([A])
