"""Cameras on the network and their streams, as a table, as JSON and as blocks for `vigilar.toml`."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from vigilar_common.clock import Clock

from vigilar_camera_worker.adapters import onvif
from vigilar_camera_worker.adapters.onvif import Device, Stream
from vigilar_camera_worker.domain.onvif import Login, OnvifError, OnvifLoginError, main_and_sub

log = logging.getLogger(__name__)

LISTEN_S: Final = 4.0
MAX_LISTEN_S: Final = 30.0
MAX_ASKED: Final = 64
ASKED_AT_ONCE: Final = 8
PLACEHOLDER: Final = ("USER", "PASSWORD")


@dataclass(frozen=True)
class Camera:
    """A device and what it offers; ``problem`` says why no streams are known."""

    host: str
    name: str
    main: Stream | None = None
    sub: Stream | None = None
    streams: Sequence[Stream] = field(default_factory=tuple)
    problem: str = ""
    needs_login: bool = False

    def to_json(self) -> dict[str, Any]:
        """No address in it holds user or password."""
        return {
            "host": self.host,
            "name": self.name,
            "problem": self.problem,
            "needs_login": self.needs_login,
            "main": _told(self.main),
            "sub": _told(self.sub),
            "streams": [_told(stream) for stream in self.streams],
        }


def find(
    clock: Clock,
    *,
    listen_s: float = LISTEN_S,
    hosts: Iterable[str] = (),
    interface: str = "",
    login: Login | None = None,
    port: int = onvif.GROUP[1],
    device_limit_s: float = onvif.DEVICE_LIMIT_S,
) -> list[Camera]:
    """Raises OnvifError when nothing can be asked at all."""
    devices = onvif.discover(clock, listen_s, hosts, interface, port)[:MAX_ASKED]
    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="onvif") as pool:
        return list(pool.map(lambda device: _camera(device, login, clock, device_limit_s), devices))


def _camera(device: Device, login: Login | None, clock: Clock, limit_s: float) -> Camera:
    session = onvif.Session(device, login, clock, limit_s)
    try:
        streams = session.streams()
    except OnvifError as error:
        needs_login = isinstance(error, OnvifLoginError)
        problem = (
            f"{device.host} wants a user and a password" if needs_login and login is None else str(error)
        )
        return Camera(device.host, _name(device, ""), problem=problem, needs_login=needs_login)
    main, sub = main_and_sub([stream.profile for stream in streams])
    by_profile = {id(stream.profile): stream for stream in streams}
    problem = "" if main else f"{device.host} offers no H.264 or H.265 stream"
    return Camera(
        device.host,
        _name(device, session.name()),
        by_profile.get(id(main)),
        by_profile.get(id(sub)),
        streams,
        problem,
    )


def _name(device: Device, told: str) -> str:
    return told or " ".join(part for part in (device.name, device.hardware) if part) or device.host


def _told(stream: Stream | None) -> dict[str, Any] | None:
    if stream is None:
        return None
    profile = stream.profile
    return {
        "url": with_login(stream.url, None),
        "codec": profile.codec,
        "width_px": profile.width_px,
        "height_px": profile.height_px,
        "fps": profile.fps,
        "gop_s": round(profile.gop_frames / profile.fps, 1) if profile.fps and profile.gop_frames else 0.0,
        "audio": profile.audio,
    }


def with_login(url: str, login: Login | None, *, placeholder: bool = False) -> str:
    """The address with this login instead of the one it came with (None: without any)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if login is not None:
        host = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{host}"
    elif placeholder:
        host = f"{':'.join(PLACEHOLDER)}@{host}"
    # Some devices put the login into the query.
    query = re.sub(r"(?i)(^|&)(user(?:name)?|usr|password|passwd|pwd)=[^&]*", "", parts.query).lstrip("&")
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def snippet(cameras: Iterable[Camera], login: Login | None, taken: Iterable[str] = ()) -> str:
    """`[[cameras]]` blocks. Without ``login`` the addresses hold USER:PASSWORD, to be replaced."""
    used, blocks = set(taken), []
    for camera in cameras:
        if camera.main is None:
            continue
        camera_id = _free_id(camera.name, used)
        lines = [
            "[[cameras]]",
            f"id = {json.dumps(camera_id)}",
            f"display_name = {json.dumps(camera.name, ensure_ascii=False)}",
            f"rtsp_url = {json.dumps(with_login(camera.main.url, login, placeholder=True))}",
        ]
        if camera.sub is not None:
            lines.append(f"detect_url = {json.dumps(with_login(camera.sub.url, login, placeholder=True))}")
        profile = camera.main.profile
        if profile.width_px and profile.height_px:
            lines.append(f"resolution_capture = [{profile.width_px}, {profile.height_px}]")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def _free_id(name: str, used: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "camera"
    found, number = base, 2
    while found in used:
        found, number = f"{base}-{number}", number + 1
    used.add(found)
    return found
