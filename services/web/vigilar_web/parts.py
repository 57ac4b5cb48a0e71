"""Everything that routes work with, wired in `app.py`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from vigilar_common.bus import Bus
from vigilar_common.clock import Clock

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.passkeys import Passkeys
from vigilar_web.accounts.second import SecondFactor
from vigilar_web.accounts.used import Used
from vigilar_web.audit import Audit
from vigilar_web.callers import Callers
from vigilar_web.errors import not_found
from vigilar_web.films import Films
from vigilar_web.gateway import StorageGateway
from vigilar_web.limiter import RateLimiter
from vigilar_web.live.hls import HlsWriters
from vigilar_web.live.hub import LiveHub
from vigilar_web.live.log_lines import LogLinesKept
from vigilar_web.live.mjpeg import MjpegViewers
from vigilar_web.live.remote import RemoteGate
from vigilar_web.live.snapshots import Snapshots
from vigilar_web.live.tuning import Tuning
from vigilar_web.login import Login, SetupToken
from vigilar_web.pictures import PictureCache
from vigilar_web.readmodel import ReadModel
from vigilar_web.sessions import Sessions
from vigilar_web.settings import CameraInfo, Settings
from vigilar_web.static_files import StaticFiles
from vigilar_web.stream import EventStream


@dataclass
class Parts:
    settings: Settings
    clock: Clock
    bus: Bus
    user: str
    version: str
    media_key: bytes = field(repr=False)
    session_key: bytes = field(repr=False)
    accounts: AccountBook
    sessions: Sessions
    callers: Callers
    used: Used
    second: SecondFactor
    passkeys: Passkeys
    audit: Audit
    login: Login
    setup_token: SetupToken
    signed_limiter: RateLimiter
    model: ReadModel
    stream: EventStream
    pictures: PictureCache
    live: LiveHub
    hls: HlsWriters
    mjpeg: MjpegViewers
    snapshots: Snapshots
    tuning: Tuning
    logs: LogLinesKept
    remote: RemoteGate
    storage: StorageGateway
    films: Films
    static: StaticFiles
    closing: asyncio.Event

    def camera(self, camera_id: str) -> CameraInfo:
        """Raises ApiError 404 for a camera that is not configured."""
        found = self.settings.cameras.get(camera_id)
        if found is None:
            raise not_found("There is no such camera.")
        return found
