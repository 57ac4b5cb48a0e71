"""Who watches through the tunnel: how many people, how much bandwidth, and what they get."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any

from vigilar_common.clock import Clock

from vigilar_web.errors import ApiError
from vigilar_web.settings import RemoteSettings

log = logging.getLogger(__name__)

BURST_S = 1.0
"""So much of the allowed rate may go out at once."""
MAX_DELAY_S = 10.0
HOLD_S = 15.0
"""A player of plain HLS that asks for nothing for so long has gone."""
RATE_WINDOW_S = 5.0


@dataclass(eq=False)
class Ticket:
    """One picture that is shown at the other end of the tunnel; `leave` gives its place back."""

    gate: RemoteGate
    session: str
    until_s: float | None = None
    left: bool = field(default=False)

    def leave(self) -> None:
        self.left = True
        self.gate.leave(self)

    def delay_s(self, size_bytes: int) -> float:
        """How long to wait before so much is sent, so that the uplink is not asked for more than is allowed."""
        return self.gate.spend(size_bytes)


class RemoteGate:
    """Lives on the event loop."""

    def __init__(self, settings: Callable[[], RemoteSettings], clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tickets: set[Ticket] = set()
        self._held: dict[tuple[str, str], Ticket] = {}
        self._free_s = 0.0
        """When everything that was let through has gone out at the allowed rate."""
        self._window: tuple[float, int] = (clock.monotonic_s(), 0)
        self._rate_mbps = 0.0
        self.refused = 0
        self.sent_bytes = 0

    def is_remote(self, address: str) -> bool:
        """Whether a client with this address comes through the tunnel and so gets the remote profile."""
        settings = self._settings()
        if not settings.enabled:
            return False
        try:
            client = ip_address(address)
        except ValueError:
            return False
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client.version == network.version and client in network for network in settings.networks)

    def enter(self, address: str, session: str) -> Ticket | None:
        """None for a client at home. Raises ApiError 503 that says which limit is reached."""
        if not self.is_remote(address):
            return None
        settings = self._settings()
        people = {ticket.session for ticket in self._tickets}
        if settings.max_viewers and session not in people and len(people) >= settings.max_viewers:
            raise self._refusal(
                "too_many_remote_viewers",
                f"{len(people)} of at most {settings.max_viewers} people are watching from outside already "
                "(max_remote_viewers).",
            )
        if (len(self._tickets) + 1) * settings.bitrate_kbps > settings.upload_bandwidth_mbps * 1000:
            raise self._refusal(
                "remote_bandwidth",
                f"The uplink of {settings.upload_bandwidth_mbps:g} Mbit/s is used up by {len(self._tickets)} "
                "remote pictures; close one of them.",
            )
        ticket = Ticket(self, session)
        self._tickets.add(ticket)
        return ticket

    def hold(self, address: str, session: str, camera_id: str) -> Ticket | None:
        """For players that ask again and again: the place stays theirs for HOLD_S after each request."""
        if not self.is_remote(address):
            return None
        key = (session, camera_id)
        ticket = self._held.get(key)
        if ticket is None:
            ticket = self.enter(address, session)
            if ticket is None:
                return None
            self._held[key] = ticket
        ticket.until_s = self._clock.monotonic_s() + HOLD_S
        return ticket

    def expire(self) -> None:
        """Called every few seconds."""
        now_s = self._clock.monotonic_s()
        for key, ticket in list(self._held.items()):
            if ticket.until_s is not None and now_s > ticket.until_s:
                del self._held[key]
                ticket.leave()

    def leave(self, ticket: Ticket) -> None:
        self._tickets.discard(ticket)

    def spend(self, size_bytes: int) -> float:
        """Takes so much of the allowed rate; how long it takes until there was room for it, in seconds."""
        now_s = self._clock.monotonic_s()
        self.sent_bytes += size_bytes
        began_s, counted = self._window
        if now_s - began_s >= RATE_WINDOW_S:
            self._rate_mbps = counted * 8 / (now_s - began_s) / 1e6
            began_s, counted = now_s, 0
        self._window = (began_s, counted + size_bytes)
        takes_s = size_bytes * 8 / (self._settings().upload_bandwidth_mbps * 1e6)
        self._free_s = max(self._free_s, now_s - BURST_S) + takes_s
        return min(MAX_DELAY_S, max(0.0, self._free_s - now_s))

    @property
    def people(self) -> int:
        return len({ticket.session for ticket in self._tickets})

    @property
    def pictures(self) -> int:
        return len(self._tickets)

    def item(self, address: str) -> dict[str, Any]:
        """As the API gives it."""
        settings = self._settings()
        idle = self._clock.monotonic_s() - self._window[0] > 2 * RATE_WINDOW_S
        return {
            "enabled": settings.enabled,
            "you_are_remote": self.is_remote(address),
            "tunnel_ip": settings.tunnel_ip,
            "tunnel_networks": [str(network) for network in settings.networks],
            "profile": {
                "width_px": settings.width_px,
                "height_px": settings.height_px,
                "fps": settings.fps,
                "bitrate_kbps": settings.bitrate_kbps,
            },
            "upload_bandwidth_mbps": settings.upload_bandwidth_mbps,
            "used_mbps": 0.0 if idle else round(self._rate_mbps, 2),
            "max_viewers": settings.max_viewers,
            "viewers": self.people,
            "pictures": self.pictures,
            "refused": self.refused,
        }

    def _refusal(self, code: str, message: str) -> ApiError:
        self.refused += 1
        log.warning("a remote viewer was refused: %s", message)
        return ApiError(503, code, message, retry_after_s=10)
