"""Which URLs a push may be sent to: a subscription's endpoint is text from a browser, so it could name anything."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

EXACT_HOSTS = frozenset({"fcm.googleapis.com", "web.push.apple.com"})
HOST_SUFFIXES = (".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com")
"""The push services of Chrome and its kin, Firefox, Safari and Edge. All speak https on the usual port."""
MAX_LENGTH = 2048

_SAFE = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def why_not(endpoint: str, extra_prefixes: tuple[str, ...] = ()) -> str:
    """Why nothing may be sent there; empty when it may. The endpoint, which is a secret, is not repeated."""
    if len(endpoint) > MAX_LENGTH:
        return f"the address is longer than {MAX_LENGTH} characters"
    if not _SAFE.fullmatch(endpoint):
        return "the address holds characters that do not belong into a URL"
    parts = _split(endpoint)
    if parts is None:
        return "the address is not a URL"
    if "@" in parts.netloc:
        return "the address names a user"
    if parts.fragment or _climbs(parts.path):
        return "the address has a fragment or a path that climbs"
    if any(_under(parts, prefix) for prefix in extra_prefixes):
        return ""
    if parts.scheme != "https" or parts.port not in (None, 443):
        return "only https on port 443 is allowed for the browsers' push services"
    host = parts.hostname or ""
    # The authority must be the host and nothing else: no empty port, no second reading by another parser.
    if parts.netloc not in (host, f"{host}:443") or not _HOST.fullmatch(host):
        return "the host is not a plain name in lower case"
    if host not in EXACT_HOSTS and not host.endswith(HOST_SUFFIXES):
        return "the host is no known push service; see [alerts.web_push] extra_endpoints"
    return ""


def named(endpoint: str, extra_prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """The endpoint's host where an operator's prefix allows it: only such a one may lie inside the house."""
    parts = _split(endpoint)
    if parts is None or not any(_under(parts, prefix) for prefix in extra_prefixes):
        return ()
    return (parts.hostname or "",)


def audience(endpoint: str) -> str:
    """The origin that a VAPID token is made for. Only for endpoints that passed `why_not`."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(endpoint: str) -> str:
    """Host and port, for logs and for limits per push service."""
    return urlsplit(endpoint).netloc


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _climbs(path: str) -> bool:
    decoded = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    return any(segment in (".", "..") for segment in decoded.split("/"))


def _under(parts: SplitResult, prefix: str) -> bool:
    """Whether the URL lies under an operator's prefix: same origin, same path or below it.

    A loopback prefix without a port means every port: a push service on this host may take any free one.
    """
    allowed = _split(prefix)
    if allowed is None or "@" in allowed.netloc:
        return False
    if allowed.scheme == "http" and not _is_loopback(allowed.hostname or ""):
        return False
    any_port = allowed.port is None and _is_loopback(allowed.hostname or "")
    same_host = parts.hostname == allowed.hostname if any_port else parts.netloc == allowed.netloc
    if parts.scheme != allowed.scheme or not same_host:
        return False
    base = allowed.path.rstrip("/")
    return parts.path == base or parts.path.startswith(base + "/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
