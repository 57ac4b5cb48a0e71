"""The way out: a name is resolved once, its address is checked, and exactly that address is connected to."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3

from vigilar_offsite.domain.errors import TargetError, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_S: Final = 10.0
IO_S: Final = 20.0
"""A target that is silent for so long is given up and connected to anew."""
MAX_ANSWER_BYTES: Final = 64 * 1024


class Egress:
    """Where this service may connect to. `allow_private`: also inside the house, and plain http there."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private

    def address(self, host: str, port: int) -> str:
        """The address to connect to. Raises TargetError."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TargetError(Why.UNREACHABLE, f"{host} cannot be resolved: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [text for text in addresses if self._may(text)]
        if not allowed:
            raise TargetError(
                Why.NOT_ALLOWED, f"{host} is {', '.join(addresses[:4])}: an address inside the house, or none to connect to"
            )  # fmt: skip
        return allowed[0]

    def connect(self, host: str, port: int) -> socket.socket:
        """An open connection. Raises TargetError."""
        address = self.address(host, port)
        try:
            return socket.create_connection((address, port), timeout=CONNECT_S)
        except OSError as error:
            raise TargetError(
                Why.UNREACHABLE, f"{host} port {port} cannot be reached: {error.strerror or error}"
            ) from error

    def _may(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        reserved = address.is_reserved and not address.is_loopback
        if address.is_multicast or address.is_unspecified or address.is_link_local or reserved:
            return False
        return address.is_global or self._allow_private


class PinnedPool(urllib3.PoolManager):
    """HTTP to checked addresses: certificates are checked for the name, redirects are answers like others."""

    def __init__(self, egress: Egress, ca_file: str) -> None:
        """Raises TargetError when the CA file cannot be read."""
        context = ssl.create_default_context()
        if ca_file:
            try:
                context.load_verify_locations(ca_file)
            except (OSError, ssl.SSLError) as error:
                raise TargetError(
                    Why.FAILED, f"[offsite] ca_file {ca_file} cannot be read: {error}"
                ) from error
        super().__init__(
            num_pools=2,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=IO_S),
            ssl_context=context,
        )
        self._egress = egress

    def connection_from_host(
        self,
        host: str | None,
        port: int | None = None,
        scheme: str | None = "http",
        pool_kwargs: dict[str, Any] | None = None,
    ) -> urllib3.HTTPConnectionPool:
        assert host is not None
        port = port or (443 if scheme == "https" else 80)
        named = {"server_hostname": host, "assert_hostname": host} if scheme == "https" else {}
        return super().connection_from_host(
            self._egress.address(host.strip("[]"), port), port, scheme, {**(pool_kwargs or {}), **named}
        )

    def urlopen(  # type: ignore[override]
        self,
        method: str,
        url: str,
        redirect: bool = True,  # noqa: ARG002 never followed, whoever asks
        **more: Any,
    ) -> urllib3.BaseHTTPResponse:
        headers: Mapping[str, str] = more.pop("headers", None) or {}
        if not any(name.lower() == "host" for name in headers):
            headers = {**headers, "Host": urlsplit(url).netloc.rpartition("@")[2]}
        return super().urlopen(method, url, redirect=False, headers=headers, **more)


def http_failure(target: str, error: Exception) -> TargetError:
    """For what urllib3 raises."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, (ssl.SSLError, urllib3.exceptions.SSLError)):
        return TargetError(Why.HOST_KEY, f"{target} has no certificate that is trusted: {cause}"[:400])
    return TargetError(Why.UNREACHABLE, f"{target} does not answer: {str(cause).rsplit(': ', 1)[-1]}"[:400])


def http_refusal(target: str, status: int, what: str) -> TargetError:
    """For an answer that is no success. `what` is the target's own word, possibly empty."""
    said = f"{target} answered {status}" + (f" {what}" if what else "")
    if 300 <= status < 400:
        return TargetError(Why.NOT_ALLOWED, f"{said}: redirects are not followed, name the place itself")
    if status in (401, 403):
        return TargetError(Why.REFUSED, said)
    if status in (413, 507):
        return TargetError(Why.FULL, said)
    return TargetError(Why.FAILED, said)
