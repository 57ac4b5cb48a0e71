"""Ping. Without rights where the kernel lets everybody, with CAP_NET_RAW otherwise."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from vigilar_presence.adapters.probe import Answers, ProbeError

TRIES = 3
TRY_EVERY_S = 0.7
TIMEOUT_S = 2.0
AT_ONCE = 64


class Icmp:
    name = "icmp"

    def ask(self, addresses: Sequence[str]) -> Answers:
        """Three echo requests each; a phone in its sleep often misses the first. Raises ProbeError."""
        from icmplib import multiping  # type: ignore[attr-defined]
        from icmplib.exceptions import ICMPLibError

        answers = Answers()
        reachable = []
        for address in addresses:
            reason = _no_route(address)
            if reason:
                answers.blind[address] = reason
            else:
                reachable.append(address)
        if not reachable:
            return answers
        privileged = _privileged()
        try:
            hosts = multiping(  # type: ignore[no-untyped-call]
                reachable, count=TRIES, interval=TRY_EVERY_S, timeout=TIMEOUT_S, concurrent_tasks=AT_ONCE,
                privileged=privileged,
            )  # fmt: skip
        except (ICMPLibError, OSError) as error:
            raise ProbeError(f"ping does not work: {error}") from error
        answers.heard = {address for address, host in zip(reachable, hosts, strict=True) if host.is_alive}
        return answers


def _privileged() -> bool:
    """Whether a raw socket is needed. Asked each round: rights can change. Raises ProbeError."""
    for privileged, kind in ((False, socket.SOCK_DGRAM), (True, socket.SOCK_RAW)):
        try:
            with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP):
                return privileged
        except PermissionError:
            continue
        except OSError as error:
            raise ProbeError(f"ping does not work: {error.strerror}") from error
    raise ProbeError(
        "this process may not ping: widen net.ipv4.ping_group_range to its group, or give it CAP_NET_RAW"
    )


def _no_route(address: str) -> str:
    """Why a packet could not even leave; empty when it could. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError as error:
        return error.strerror or str(error)
    return ""
