"""ARP requests on the wire (RFC 826): a phone that answers no ping answers these, even asleep. The same network only.

A raw socket of our own instead of the program `arping`: one packet for everybody at once, and no program to find.
"""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from vigilar_common.clock import Clock

from vigilar_presence.adapters.probe import Answers, ProbeError

TRIES = 3
TRY_EVERY_S = 0.7
TIMEOUT_S = 2.0
ETHERTYPE_ARP = 0x0806
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
FRAME = struct.Struct("!6s6sH HHBBH 6s4s6s4s")
"""Ethernet header and ARP packet for IPv4."""
ROUTES = Path("/proc/net/route")
UP = 0x1
NO_RIGHT = "this process may not send ARP requests: give it CAP_NET_RAW and the house's network (docs/guide/presence.md)"
ELSEWHERE = "it is not on a network of this machine, and ARP does not pass a router"


class Arp:
    name = "arping"

    def __init__(self, clock: Clock, routes: Path = ROUTES) -> None:
        self._clock, self._routes = clock, routes

    def ask(self, addresses: Sequence[str]) -> Answers:
        """Three requests each. Raises ProbeError without the right to send any."""
        answers = Answers()
        by_interface: dict[str, list[str]] = {}
        links = list(_links(self._routes))
        for address in addresses:
            name = _interface(address, links)
            if name:
                by_interface.setdefault(name, []).append(address)
            else:
                answers.blind[address] = ELSEWHERE
        for name, wanted in by_interface.items():
            try:
                answers.heard |= self._ask_on(name, wanted)
            except PermissionError as error:
                raise ProbeError(NO_RIGHT) from error
            except OSError as error:
                answers.blind |= dict.fromkeys(wanted, f"{name}: {error.strerror or error}")
        return answers

    def _ask_on(self, interface: str, wanted: Sequence[str]) -> set[str]:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_ARP)) as wire:
            wire.bind((interface, ETHERTYPE_ARP))
            mac = wire.getsockname()[4]
            if len(mac) != 6:
                raise OSError(0, "has no Ethernet address")
            heard: set[str] = set()
            began_s = self._clock.monotonic_s()
            for number in range(TRIES):
                for address in wanted:
                    if address not in heard:
                        wire.send(request(mac, _own_address(address), address))
                last = number == TRIES - 1
                until_s = began_s + number * TRY_EVERY_S + (TIMEOUT_S if last else TRY_EVERY_S)
                self._listen(wire, until_s, set(wanted), heard)
                if heard >= set(wanted):
                    break
            return heard

    def _listen(self, wire: socket.socket, until_s: float, wanted: set[str], heard: set[str]) -> None:
        """A busy network is full of other people's ARP: the end is a moment, not a count."""
        while heard < wanted and (left_s := until_s - self._clock.monotonic_s()) > 0:
            if not select.select([wire], [], [], left_s)[0]:
                return
            sender = reply_of(wire.recv(256))
            if sender in wanted:
                heard.add(sender)


def request(mac: bytes, own: str, wanted: str) -> bytes:
    """Who has `wanted`? Tell `own`."""
    return FRAME.pack(
        BROADCAST, mac, ETHERTYPE_ARP, 1, 0x0800, 6, 4, REQUEST, mac, socket.inet_aton(own), b"\0" * 6,
        socket.inet_aton(wanted),
    )  # fmt: skip


def reply_of(frame: bytes) -> str:
    """The address whose owner answers in this frame; empty when it is no answer."""
    if len(frame) < FRAME.size:
        return ""
    _, _, kind, hardware, protocol, hlen, plen, operation, _, sender, _, _ = FRAME.unpack_from(frame)
    if (kind, hardware, protocol, hlen, plen, operation) != (ETHERTYPE_ARP, 1, 0x0800, 6, 4, REPLY):
        return ""
    return socket.inet_ntoa(sender)


def _links(routes: Path) -> Iterator[tuple[ipaddress.IPv4Network, str]]:
    """Networks that this machine is on itself: routes without a gateway. Raises ProbeError."""
    try:
        lines = routes.read_text("ascii", "replace").splitlines()[1:1025]
    except OSError as error:
        raise ProbeError(f"{routes}: {error.strerror}") from error
    for line in lines:
        fields = line.split()
        try:
            target, gateway, flags, mask = (int(fields[number], 16) for number in (1, 2, 3, 7))
        except (ValueError, IndexError):
            continue
        if flags & UP and not gateway and mask:
            network = f"{_dotted(target)}/{_dotted(mask)}"
            yield ipaddress.ip_network(network, strict=False), fields[0]  # type: ignore[misc]


def _dotted(number: int) -> str:
    """The kernel writes addresses as numbers of this machine's byte order."""
    return socket.inet_ntoa(struct.pack("=L", number))


def _interface(address: str, links: Sequence[tuple[ipaddress.IPv4Network, str]]) -> str:
    target = ipaddress.ip_address(address)
    fitting = [(network.prefixlen, name) for network, name in links if target in network]
    return max(fitting)[1] if fitting else ""


def _own_address(address: str) -> str:
    """Which of this machine's addresses would speak to that one. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])
