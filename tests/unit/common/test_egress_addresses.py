"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from vigilar_common.egress.addresses import literal, why_not


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "203.0.114.9", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_the_internet_may_be_reached(address: str) -> None:
    assert why_not(ip_address(address), "example.org", ()) == ""


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.1.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::1",
        "2002:c0a8:101::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)
def test_nothing_inside_the_house_or_this_machine_may_be_reached_however_it_is_written(address: str) -> None:
    assert why_not(ip_address(address), "example.org", ())


@pytest.mark.parametrize(
    ("address", "host", "entry", "allowed"),
    [
        ("192.168.1.5", "192.168.1.5", "192.168.1.5/32", True),
        ("192.168.1.5", "nas.lan", "192.168.1.0/24", True),
        ("::ffff:192.168.1.5", "nas.lan", "192.168.1.0/24", True),
        ("192.168.2.5", "nas.lan", "192.168.1.0/24", False),
        ("192.168.1.5", "nas.lan", "nas.lan", True),
        ("192.168.1.5", "NAS.lan.", "nas.lan", True),
        ("192.168.1.5", "evil.example", "nas.lan", False),
        ("127.0.0.1", "nas.lan", "nas.lan", False),
        ("127.0.0.1", "localhost", "localhost", True),
        ("169.254.169.254", "nas.lan", "nas.lan", False),
        ("169.254.169.254", "x", "169.254.0.0/16", True),
        ("0.0.0.0", "x", "0.0.0.0/0", False),
        ("224.0.0.1", "x", "0.0.0.0/0", False),
    ],
)
def test_of_the_house_only_what_is_named(address: str, host: str, entry: str, allowed: bool) -> None:
    assert (why_not(ip_address(address), host, (entry,)) == "") is allowed


def test_a_host_that_is_an_address_is_told_from_a_name() -> None:
    assert str(literal("[::1]")) == "::1"
    assert literal("example.org") is None
    assert literal("127.1") is None, "looked up like a name, and then checked"
