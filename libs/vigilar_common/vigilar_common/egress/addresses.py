"""Which addresses may be connected to: the whole internet, and of the house only what the operator named."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def why_not(address: Address, host: str, private: Iterable[str]) -> str:
    """Why nothing may be sent to an address that `host` resolved to; empty when it may.

    `private` holds addresses, networks (`192.168.1.0/24`) and names. A name lets its own host lie in the house's
    networks, `localhost` on this machine; never on addresses of one link, where clouds keep their secrets.
    """
    for real in _meant(address):
        if real.is_multicast or real.is_unspecified or real == IPv4Address("255.255.255.255"):
            return f"{real} is no address of a single host"
        if real.is_global or _listed(real, host, private):
            continue
        return f"{real} is a private address"
    return ""


def _meant(address: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 address inside it where there is one: routers on the way send to that."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.teredo:
        return (address, *address.teredo)
    if address.sixtofour:
        return (address, address.sixtofour)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address in _COMPATIBLE and int(address) > 1:
        return (address, IPv4Address(int(address) & 0xFFFFFFFF))
    return (address,)


def _listed(address: Address, host: str, private: Iterable[str]) -> bool:
    name = host.rstrip(".").lower()
    for entry in private:
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            if entry.rstrip(".").lower() != name or address.is_link_local or address.is_reserved:
                continue
            if not address.is_loopback or name == "localhost" or name.endswith(".localhost"):
                return True
        else:
            if address.version == network.version and address in network:
                return True
    return False


def literal(host: str) -> Address | None:
    """The address that `host` is, if it is one."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
