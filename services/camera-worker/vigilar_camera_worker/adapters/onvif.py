"""Asks devices on the network: the probe by multicast, then SOAP over HTTP to those that answered and nobody else."""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import socket
import ssl
import struct
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vigilar_common.clock import Clock

from vigilar_camera_worker.domain import onvif
from vigilar_camera_worker.domain.onvif import Announced, Login, OnvifError, Profile

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

log = logging.getLogger(__name__)

GROUP: Final = ("239.255.255.250", 3702)
MAX_DEVICES: Final = 128
MAX_DATAGRAMS: Final = 1_000
ASK_TIMEOUT_S: Final = 4.0
DEVICE_LIMIT_S: Final = 12.0
"""One device, all questions together: a slow one must not hold up the rest."""
_AGAIN_S: Final = 0.5


@dataclass(frozen=True)
class Device:
    """Somebody who answered a probe from ``host``. ``service`` is the address of its device service there."""

    host: str
    service: str
    name: str = ""
    hardware: str = ""


@dataclass(frozen=True)
class Stream:
    profile: Profile
    url: str


def discover(
    clock: Clock, limit_s: float, hosts: Iterable[str] = (), interface: str = "", port: int = GROUP[1]
) -> list[Device]:
    """All that answer within ``limit_s``: to the multicast probe, or with ``hosts`` those alone, asked directly.

    ``interface``: the address of ours to ask from. Raises OnvifError when nothing can be sent.
    """
    asked = tuple(hosts)
    found: dict[str, Device] = {}
    message = onvif.probe(str(uuid.uuid4()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            asking.bind((interface, 0))
        except OSError as problem:
            raise OnvifError(f"{interface} is no address of this machine ({problem.strerror})") from None
        until_s = clock.monotonic_s() + limit_s
        # Datagrams get lost: the probe goes out twice.
        sends_s = [until_s - limit_s, until_s - limit_s + _AGAIN_S]
        for _ in range(MAX_DATAGRAMS):
            now_s = clock.monotonic_s()
            if now_s >= until_s or len(found) >= MAX_DEVICES or (asked and len(found) == len(asked)):
                break
            if sends_s and now_s >= sends_s[0]:
                sends_s.pop(0)
                _send(asking, message, asked, interface, port)
            asking.settimeout(min(until_s - now_s, _AGAIN_S))
            try:
                data, (host, _) = asking.recvfrom(65_535)
            except TimeoutError:
                continue
            except OSError as problem:
                log.debug("probe: %s", problem)  # nobody listens on that port of an asked host
                continue
            _note(found, data, host)
    return sorted(found.values(), key=lambda device: socket.inet_aton(device.host))


def _send(asking: socket.socket, message: bytes, hosts: tuple[str, ...], interface: str, port: int) -> None:
    """To the hosts, else to the group on the interface that was named, else on all of them."""
    problems, sent = [], 0
    for target in hosts:
        try:
            asking.sendto(message, (target, port))
            sent += 1
        except OSError as problem:
            problems.append(f"{target}: {problem.strerror or problem}")
    for option in () if hosts else _ways(interface):
        try:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, option)
            asking.sendto(message, (GROUP[0], port))
            sent += 1
        except OSError as problem:
            problems.append(problem.strerror or str(problem))
    if not sent:
        reason = problems[0] if problems else "there is no network"
        raise OnvifError(f"the probe cannot be sent ({reason}); name our address with --interface")


def _ways(interface: str) -> list[bytes]:
    """Values of IP_MULTICAST_IF: the named address, or every interface but the loopback (struct ip_mreqn)."""
    if interface:
        return [socket.inet_aton(interface)]
    return [struct.pack("@4s4si", b"", b"", index) for index, name in socket.if_nameindex() if name != "lo"]


def _note(found: dict[str, Device], data: bytes, host: str) -> None:
    try:
        answers: list[Announced] = onvif.announced(data)
    except OnvifError as error:
        log.info("%s %s", host, error)
        return
    for answer in answers:
        # Only where the answer came from: it must not make us ask somebody else.
        service = next((each for each in answer.services if onvif.same_host(each, host)), "")
        if service and host not in found:
            found[host] = Device(host, service, answer.name, answer.hardware)


class Session:
    """Questions to one device. Each raises OnvifError with the device's address in front."""

    def __init__(
        self, device: Device, login: Login | None, clock: Clock, limit_s: float = DEVICE_LIMIT_S
    ) -> None:
        self._device, self._login, self._clock = device, login, clock
        self._limit_s = limit_s
        self._until_s = clock.monotonic_s() + limit_s
        self._ahead = timedelta()

    def streams(self) -> list[Stream]:
        """All profiles with the addresses of their streams."""
        try:
            return self._streams()
        except OnvifError as error:
            raise type(error)(f"{self._device.host} {error}") from None

    def name(self) -> str:
        """Maker and model; "" where it does not tell."""
        try:
            answer = self._ask(self._device.service, onvif.device_information(self._security()))
            return onvif.device_name(answer)
        except OnvifError as error:
            log.debug("%s %s", self._device.host, error)
            return ""

    def _streams(self) -> list[Stream]:
        self._read_clock()
        capabilities = self._ask(self._device.service, onvif.capabilities(self._security()))
        media = onvif.media_service(capabilities)
        if not onvif.same_host(media, self._device.host):
            raise OnvifError("names no media service of its own")
        streams = []
        for profile in onvif.parse_profiles(self._ask(media, onvif.profiles(self._security()))):
            uri = onvif.parse_stream_uri(self._ask(media, onvif.stream_uri(self._security(), profile.token)))
            if onvif.same_host(uri, self._device.host):
                streams.append(Stream(profile, uri))
            else:
                log.warning("%s names a stream that is not its own; left out", self._device.host)
        return streams

    def _read_clock(self) -> None:
        """Its digests are checked by its own clock, which is often wrong."""
        try:
            told = onvif.device_time(self._ask(self._device.service, onvif.system_date()))
            if told is not None:
                self._ahead = datetime(*told, tzinfo=UTC) - self._now()
        except (OnvifError, ValueError) as error:
            log.debug("%s tells no time: %s", self._device.host, error)

    def _security(self) -> str:
        created = (self._now() + self._ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        return onvif.security_header(self._login, os.urandom(16), created)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)

    def _ask(self, url: str, body: bytes) -> Element:
        left_s = self._until_s - self._clock.monotonic_s()
        if left_s <= 0:
            raise OnvifError(f"is slow: it has not told its streams within {self._limit_s:g} s")
        parts = urlsplit(url)
        path = parts.path or "/"
        if parts.query:
            path += f"?{parts.query}"
        limit_s = min(ASK_TIMEOUT_S, left_s)
        connection = _connection(parts.scheme, self._device.host, parts.port, limit_s)
        # The socket's own limit holds for each byte anew: a slow device could take for ever.
        watchdog = threading.Timer(limit_s, _hang_up, (connection,))
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", path, body, {"Content-Type": "application/soap+xml; charset=utf-8"})
            answer = connection.getresponse()
            data = _read(answer)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or type(problem).__name__
            raise OnvifError(f"does not answer ({reason})") from None
        finally:
            watchdog.cancel()
            connection.close()
        if answer.status == 401:
            raise onvif.OnvifLoginError("refuses user or password (401)")
        if 300 <= answer.status < 400:
            raise OnvifError("sends us elsewhere; nobody is followed")
        if not data:
            raise OnvifError(f"answers {answer.status} and nothing else")
        return onvif.parse(data)


def _connection(scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
    if scheme == "https":
        # Devices carry certificates of their own making.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(host, port, timeout=timeout_s)


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):  # it ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body, bounded in size. Raises OnvifError."""
    data = b""
    while chunk := answer.read1(65_536):
        data += chunk
        if len(data) > onvif.MAX_ANSWER_BYTES:
            raise OnvifError(f"answers with more than {onvif.MAX_ANSWER_BYTES} bytes")
    return data
