"""One round: every address asked by the configured method, those that stay silent by the other one too."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vigilar_presence.domain.people import Seen, Sign

log = logging.getLogger("vigilar.presence.probe")


class ProbeError(Exception):
    """A method cannot be used at all now; the text says why and what to do."""


class Method(Protocol):
    """Asks addresses in one go; `heard` are those that answered, `blind` those that could not be asked, with the reason."""

    name: str

    def ask(self, addresses: Sequence[str]) -> Answers: ...


@dataclass
class Answers:
    heard: set[str] = field(default_factory=set)
    blind: dict[str, str] = field(default_factory=dict)


@dataclass
class Round:
    seen: dict[str, Seen]
    problems: list[str]
    """Why the configured method, or both, could not be used."""
    blind: dict[str, str]


class Prober:
    """`methods`: the configured one first. Not thread-safe."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self._methods = methods

    def round(self, hosts: Iterable[str]) -> Round:
        """Ask all of them. Never raises for what the network does."""
        addresses, blind = _resolved(hosts)
        result = Round({}, [], dict(blind))
        missing = dict(addresses)  # address → host
        asked: set[str] = set()
        for number, method in enumerate(self._methods):
            if not missing:
                break
            try:
                answers = method.ask(list(missing))
            except ProbeError as error:
                if number == 0 or not asked:
                    result.problems.append(str(error))
                continue
            for address in answers.heard & missing.keys():
                result.seen[missing.pop(address)] = Seen(Sign.HEARD, method.name)
            for address, host in missing.items():
                if address in answers.blind:
                    result.blind.setdefault(host, answers.blind[address])
                else:
                    asked.add(host)
                    result.seen[host] = Seen(Sign.SILENT, self._methods[0].name)
        for host in asked:
            result.blind.pop(host, None)
        for host in result.blind:
            result.seen.setdefault(host, Seen(Sign.BLIND))
        for host in addresses.values():
            result.seen.setdefault(host, Seen(Sign.BLIND))
        return result


def _resolved(hosts: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Address → host, and why there is none for some. Names cost a question to DNS each round."""
    found: dict[str, str] = {}
    failed: dict[str, str] = {}
    for host in hosts:
        try:
            address = str(ipaddress.ip_address(host))
        except ValueError:
            try:
                address = str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])
            except OSError as error:
                failed[host] = f"its name cannot be resolved ({error.strerror})"
                continue
        if found.setdefault(address, host) != host:
            failed[host] = f"it has the address of {found[address]}, {address}"
    return found, failed
