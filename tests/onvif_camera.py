"""A small ONVIF device for tests, modelled on the published specifications (WS-Discovery, ONVIF Core, Media ver10,
WS-UsernameToken): no real device was at hand. It checks digests against its own clock, as devices do."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>'
)
NOT_AUTHORISED = (
    "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
    "<SOAP-ENV:Value>ter:NotAuthorized</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code>"
    "<SOAP-ENV:Reason><SOAP-ENV:Text>Sender not Authorized</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>"
)


@dataclass
class Behaviour:
    user: str = "admin"
    password: str = "onvif-secret"
    clock_ahead: timedelta = timedelta(hours=-3)
    """How wrong its clock is."""
    profiles: tuple[tuple[str, str, int, int, int], ...] = (
        ("main", "H264", 2560, 1440, 15),
        ("sub", "H264", 640, 360, 10),
        ("tiny", "H264", 160, 90, 5),
        ("still", "JPEG", 640, 360, 1),
    )
    service: str = ""
    """The address it announces instead of its own."""
    media: str = ""
    stream: str = ""
    raw: Mapping[str, bytes] = field(default_factory=dict)
    """Request name → bytes of the body instead of the answer."""
    probe_answer: bytes | None = None
    status: int = 200


class OnvifCamera:
    def __init__(self, behaviour: Behaviour, udp_port: int = 0) -> None:
        self.behaviour = behaviour
        self.asked: list[str] = []
        device = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, body = device.answer(request)
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml")
                self.send_header("Content-Length", str(len(body)))
                if status == 302:
                    self.send_header("Location", device.behaviour.media)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as in the base class
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.service = f"http://127.0.0.1:{self._http.server_address[1]}/onvif/device_service"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", udp_port))
        self.port: int = self._udp.getsockname()[1]
        threading.Thread(target=self._probes, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        with contextlib.suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        self._udp.close()

    def _probes(self) -> None:
        while True:
            try:
                data, who = self._udp.recvfrom(65535)
            except OSError:
                return
            if b"NetworkVideoTransmitter" in data:
                self._udp.sendto(self._match(), who)

    def _match(self) -> bytes:
        if self.behaviour.probe_answer is not None:
            return self.behaviour.probe_answer
        scopes = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Test%20Dome onvif://www.onvif.org/hardware/TD-1"
        addresses = f"{self.behaviour.service or self.service} http://192.0.2.7/onvif/device_service"
        match = f"<d:ProbeMatch><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch>"
        body = f"<d:ProbeMatches>{match}</d:ProbeMatches>"
        return ENVELOPE.format(body=body).encode()

    def answer(self, request: str) -> tuple[int, bytes]:
        found = re.search(r"<e:Body><(\w+)", request)
        name = found[1] if found else "?"
        self.asked.append(name)
        told = self.behaviour
        if name in told.raw:
            return told.status, told.raw[name]
        if name != "GetSystemDateAndTime" and told.user and not self._authorised(request):
            return 400, ENVELOPE.format(body=NOT_AUTHORISED).encode()
        return 200, ENVELOPE.format(body=self._body(name, request)).encode()

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.behaviour.clock_ahead

    def _authorised(self, request: str) -> bool:
        parts = [
            re.search(pattern, request)
            for pattern in (
                r"Username>(.*?)<",
                r"PasswordDigest\">(.*?)<",
                r"Nonce .*?>(.*?)<",
                r"Created>(.*?)<",
            )
        ]
        if any(part is None for part in parts):
            return False
        user, digest, nonce, created = (part[1] for part in parts if part)
        if abs(datetime.fromisoformat(created) - self._now()) > timedelta(seconds=30):
            return False
        whole = base64.b64decode(nonce) + created.encode() + self.behaviour.password.encode()
        wanted = base64.b64encode(hashlib.sha1(whole, usedforsecurity=False).digest()).decode()
        return user == self.behaviour.user and digest == wanted

    def _body(self, name: str, request: str) -> str:
        told = self.behaviour
        if name == "GetSystemDateAndTime":
            now = self._now()
            return (
                "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>"
                f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
                f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
                "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
            )
        if name == "GetCapabilities":
            return f"<tds:Capabilities><tt:Media><tt:XAddr>{told.media or self.service}</tt:XAddr></tt:Media></tds:Capabilities>"
        if name == "GetDeviceInformation":
            return '<tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>Dome "1" &lt;b&gt;</tds:Model>'
        if name == "GetProfiles":
            return "".join(
                f'<trt:Profiles token="{token}"><tt:VideoEncoderConfiguration><tt:Encoding>{codec}</tt:Encoding>'
                f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
                f"<tt:RateControl><tt:FrameRateLimit>{fps}</tt:FrameRateLimit></tt:RateControl>"
                f"<tt:{codec}><tt:GovLength>{fps * 2}</tt:GovLength></tt:{codec}></tt:VideoEncoderConfiguration>"
                "<tt:AudioEncoderConfiguration><tt:Encoding>AAC</tt:Encoding></tt:AudioEncoderConfiguration></trt:Profiles>"
                for token, codec, width, height, fps in told.profiles
            )
        if name == "GetStreamUri":
            found = re.search(r"ProfileToken>(.*?)<", request)
            assert found
            uri = told.stream or f"rtsp://127.0.0.1:554/{found[1]}?user=admin&amp;password=x&amp;channel=1"
            return f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
        return ""


@contextlib.contextmanager
def onvif_camera(udp_port: int = 0, **behaviour: Any) -> Iterator[OnvifCamera]:
    camera = OnvifCamera(Behaviour(**behaviour), udp_port)
    try:
        yield camera
    finally:
        camera.stop()
