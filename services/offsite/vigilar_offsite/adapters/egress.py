"""The way out to targets: the house's one egress, for the libraries that speak SSH, S3 and WebDAV."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3
from vigilar_common.egress import Egress, EgressError, Problem

from vigilar_offsite.domain.errors import TargetError, Why

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from vigilar_common.clock import Clock
    from vigilar_common.config.offsite import Offsite

CONNECT_S: Final = 10.0
IO_S: Final = 20.0
"""A target that is silent for so long is given up and connected to anew."""
MAX_ANSWER_BYTES: Final = 64 * 1024
WHYS: Final = {
    Problem.FORBIDDEN: Why.NOT_ALLOWED,
    Problem.CERTIFICATE: Why.HOST_KEY,
    Problem.AUTH: Why.REFUSED,
    Problem.PROTOCOL: Why.FAILED,
}


def way_out(settings: Offsite, clock: Clock) -> Egress:
    return Egress(
        clock,
        private=settings.private_targets,
        ca_file=settings.ca_file,
        connect_s=CONNECT_S,
        section="offsite",
    )


def connect(egress: Egress, host: str, port: int) -> socket.socket:
    """An open connection to a checked address. Raises TargetError."""
    try:
        return egress.connect(host, port)
    except EgressError as error:
        raise _target_error(error) from error


def _target_error(error: EgressError) -> TargetError:
    return TargetError(WHYS.get(error.problem, Why.UNREACHABLE), str(error))


class PinnedPool(urllib3.PoolManager):
    """HTTP to checked addresses: certificates are checked for the name, redirects are answers like others."""

    def __init__(self, egress: Egress) -> None:
        """Raises TargetError when the CA file cannot be used."""
        try:
            context = egress.tls
        except EgressError as error:
            raise TargetError(Why.FAILED, str(error)) from error
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
        try:
            address = self._egress.addresses(host.strip("[]"), port)[0]
        except EgressError as error:
            raise _target_error(error) from error
        if scheme != "https" and ip_address(address).is_global:
            raise TargetError(Why.NOT_ALLOWED, f"{host}: http would send the login in the clear; use https")
        return super().connection_from_host(address, port, scheme, {**(pool_kwargs or {}), **named})

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
