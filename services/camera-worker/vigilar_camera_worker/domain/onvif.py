"""What is said to ONVIF devices and what their answers mean (WS-Discovery 2005/04, ONVIF Core and Media 1).

Answers come from strangers: XML without DTD and entities, bounded in size and depth, unknown parts passed over.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from vigilar_common.errors import VigilarError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_ANSWER_BYTES: Final = 262_144
MAX_PROFILES: Final = 32
MAX_TEXT: Final = 300
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_NETWORK: Final = "http://www.onvif.org/ver10/network/wsdl"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"


class OnvifError(VigilarError):
    """A device that does not answer as ONVIF says; the text has its address and no password."""


class OnvifLoginError(OnvifError):
    """It wants another user or password."""


@dataclass(frozen=True)
class Announced:
    """An answer to a probe. ``services`` are addresses of its device service, as it gave them."""

    services: tuple[str, ...]
    name: str = ""
    hardware: str = ""


@dataclass(frozen=True)
class Profile:
    """One stream of a device; numbers are 0 where it did not tell."""

    token: str
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    fps: float = 0
    gop_frames: int = 0
    audio: str = ""


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(repr=False)


def probe(message_id: str) -> bytes:
    """Asks all devices that send video to say where they are."""
    return _envelope(
        f'<d:Probe><d:Types xmlns:dn="{_NETWORK}">dn:NetworkVideoTransmitter</d:Types></d:Probe>',
        f"<a:MessageID>urn:uuid:{message_id}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        f"<a:Action>{_DISCOVERY}/Probe</a:Action>",
    )


def system_date() -> bytes:
    """The only request that needs no login: its answer tells how far the device's clock is off."""
    return _envelope(f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>')


def capabilities(security: str) -> bytes:
    return _envelope(
        f'<GetCapabilities xmlns="{_DEVICE}"><Category>Media</Category></GetCapabilities>', security
    )


def device_information(security: str) -> bytes:
    return _envelope(f'<GetDeviceInformation xmlns="{_DEVICE}"/>', security)


def profiles(security: str) -> bytes:
    return _envelope(f'<GetProfiles xmlns="{_MEDIA}"/>', security)


def stream_uri(security: str, token: str) -> bytes:
    return _envelope(
        f'<GetStreamUri xmlns="{_MEDIA}"><StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
        f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
        f"<ProfileToken>{escape(token)}</ProfileToken></GetStreamUri>",
        security,
    )


def security_header(login: Login | None, nonce: bytes, created: str) -> str:
    """WS-UsernameToken with a digest: SHA-1 of nonce, time (the device's, ``…Z``) and password. "" without login."""
    if login is None:
        return ""
    digest = hashlib.sha1(nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    return (
        f'<s:Security xmlns:s="{_WSS}-wssecurity-secext-1.0.xsd" xmlns:u="{_WSS}-wssecurity-utility-1.0.xsd">'
        f"<s:UsernameToken><s:Username>{escape(login.user)}</s:Username>"
        f'<s:Password Type="{_WSS}-username-token-profile-1.0#PasswordDigest">{_base64(digest)}</s:Password>'
        f'<s:Nonce EncodingType="{_WSS}-soap-message-security-1.0#Base64Binary">{_base64(nonce)}</s:Nonce>'
        f"<u:Created>{created}</u:Created></s:UsernameToken></s:Security>"
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _envelope(body: str, header: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<e:Envelope xmlns:e="{_SOAP}" xmlns:a="{_ADDRESSING}" xmlns:d="{_DISCOVERY}">'
        f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


def parse(data: bytes) -> Element:
    """The root of an answer. Raises OnvifError for anything that is no plain, small XML."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    if len(data) > MAX_ANSWER_BYTES:
        raise OnvifError(f"answers with more than {MAX_ANSWER_BYTES} bytes")
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise OnvifError("answers with XML that defines entities; it is not read") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise OnvifError("answers with something that is no XML") from None
    _check_fault(root)
    return root


def _check_fault(root: Element) -> None:
    fault = _first(root, "Fault")
    if fault is None:
        return
    # NotAuthorized is what the specification says, the others are what devices send.
    text = " ".join(part.strip() for part in fault.itertext())[:MAX_TEXT]
    words = re.sub(r"[^\x20-\x7e]", "?", text)
    if re.search(r"NotAuthorized|FailedAuthentication|InvalidSecurity|[Uu]nauthorized|not authorized", words):
        raise OnvifLoginError(
            "refuses user or password (ONVIF users may be others than those of its web page)"
        )
    raise OnvifError(f"refuses: {words or 'no reason given'}")


def announced(data: bytes) -> list[Announced]:
    """Devices of one answer to a probe. Raises OnvifError."""
    found = []
    for match in _all(parse(data), "ProbeMatch"):
        services = tuple(_text(match, "XAddrs").split()[:8])
        scopes = _text(match, "Scopes", 4_000).split()
        if services:
            found.append(Announced(services, _scope(scopes, "name"), _scope(scopes, "hardware")))
    return found


def _scope(scopes: list[str], kind: str) -> str:
    mark = f"onvif://www.onvif.org/{kind}/"
    found = next((scope[len(mark) :] for scope in scopes if scope.lower().startswith(mark)), "")
    return printable(unquote(found))


def device_time(root: Element) -> tuple[int, int, int, int, int, int] | None:
    """(year, month, day, hour, minute, second) in UTC."""
    utc = _first(root, "UTCDateTime")
    if utc is None:
        return None
    values = [_number(utc, name) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    year, month, day, hour, minute, second = values
    return (year, month, day, hour, minute, second) if 1970 <= year <= 9999 and month and day else None


def media_service(root: Element) -> str:
    """The address of the media service; "" when there is none."""
    media = _first(root, "Media")
    return "" if media is None else _text(media, "XAddr")


def device_name(root: Element) -> str:
    return printable(f"{_text(root, 'Manufacturer')} {_text(root, 'Model')}".strip())


def parse_profiles(root: Element) -> list[Profile]:
    found = []
    for profile in _all(root, "Profiles")[:MAX_PROFILES]:
        token = profile.get("token", "")[:200]
        video = _first(profile, "VideoEncoderConfiguration")
        if not token or video is None:
            continue
        resolution = _first(video, "Resolution")
        audio = _first(profile, "AudioEncoderConfiguration")
        found.append(
            Profile(
                token,
                _codec(_text(video, "Encoding")),
                _number(resolution, "Width"),
                _number(resolution, "Height"),
                float(_number(video, "FrameRateLimit")),
                _number(video, "GovLength"),
                printable(_text(audio, "Encoding")) if audio is not None else "",
            )
        )
    return found


def parse_stream_uri(root: Element) -> str:
    return _text(root, "Uri", 2_000)


def _codec(text: str) -> str:
    known = {"H264": "h264", "H265": "hevc", "HEVC": "hevc", "JPEG": "mjpeg", "MPEG4": "mpeg4"}
    return known.get(text.upper().replace(".", ""), printable(text).lower()[:20])


def main_and_sub(offered: list[Profile]) -> tuple[Profile | None, Profile | None]:
    """The largest stream that can be recorded, and the one that motion is best searched in: the smallest that is at
    least 320 pixels wide and clearly smaller than the main one."""
    usable = [profile for profile in offered if profile.codec in ("h264", "hevc")]
    if not usable:
        return None, None
    main = max(usable, key=lambda profile: (profile.width_px * profile.height_px, profile.fps))
    smaller = [
        profile
        for profile in usable
        if profile.width_px >= 320
        and profile.width_px * profile.height_px * 2 <= main.width_px * main.height_px
    ]
    return main, min(smaller, key=lambda profile: profile.width_px * profile.height_px, default=None)


def same_host(url: str, host: str) -> bool:
    """Whether an address that a device gave leads to the device itself; everything else is not asked."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https", "rtsp", "rtsps") and parts.hostname == host and parts.port != 0
        )
    except ValueError:
        return False


def printable(text: str) -> str:
    """One short line that is safe in a terminal, a page and TOML."""
    return "".join(c for c in text if c.isprintable() and c not in "\"'\\<>&`$")[:80].strip()


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _all(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if _local(element) == name]


def _first(root: Element | None, name: str) -> Element | None:
    if root is None:
        return None
    return next((element for element in root.iter() if _local(element) == name), None)


def _text(root: Element | None, name: str, longest: int = MAX_TEXT) -> str:
    element = _first(root, name)
    return "" if element is None else (element.text or "").strip()[:longest]


def _number(root: Element | None, name: str) -> int:
    text = _text(root, name)
    return min(int(float(text)), 100_000) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text) else 0
