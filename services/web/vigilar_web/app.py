"""Wiring of the web service and its life under the shared run loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigilar_common import __version__, logs
from vigilar_common.config.slices import Slice
from vigilar_common.errors import StartupError
from vigilar_common.service import Context, run
from vigilar_common.signed_urls import media_key

from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.passkeys import Passkeys
from vigilar_web.accounts.second import SecondFactor
from vigilar_web.accounts.used import Used
from vigilar_web.application import create_app
from vigilar_web.audit import Audit
from vigilar_web.bridge import Bridge
from vigilar_web.callers import Callers
from vigilar_web.database import Database
from vigilar_web.films import Films
from vigilar_web.gateway import StorageGateway
from vigilar_web.limiter import LoginLimiter, RateLimiter
from vigilar_web.listeners import Listeners
from vigilar_web.live.hls import HlsWriters
from vigilar_web.live.hub import LiveHub
from vigilar_web.live.log_lines import LogLinesKept
from vigilar_web.live.mjpeg import MjpegViewers
from vigilar_web.live.remote import RemoteGate
from vigilar_web.live.snapshots import Snapshots
from vigilar_web.live.tuning import Tuning
from vigilar_web.login import Login, SetupToken
from vigilar_web.parts import Parts
from vigilar_web.pictures import PictureCache
from vigilar_web.readmodel import ReadModel
from vigilar_web.server import Server
from vigilar_web.sessions import Sessions
from vigilar_web.settings import Settings, settings_of
from vigilar_web.static_files import StaticFiles
from vigilar_web.stream import EventStream
from vigilar_web.tls import Certificate

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

SIGNED_PICTURES = 60
SIGNED_REFILL_S = 1.0
MIN_KEY_BYTES = 32


def build(context: Context) -> WebApp:
    return WebApp(context)


def main() -> int:
    return run("web", build)


class WebApp:
    """What the run loop starts and stops."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = settings_of(context.config)
        self._bridge = Bridge()
        self._parts: Parts | None = None
        self._database: Database | None = None
        self._server: Server | None = None
        self._certificate: Certificate | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        settings = self._settings
        if settings.tls:
            self._certificate = Certificate(Path(settings.tls_cert), Path(settings.tls_key))
        parts = self._parts = self._wire(settings)
        context = self._certificate.context if self._certificate else None
        self._server = Server(
            create_app(parts, self._bridge, self._tick), settings.host, settings.port, context
        )
        self._server.start()
        # After the loop runs: what is heard earlier could be told to nobody.
        Listeners(
            lambda: parts.settings, parts.model, parts.pictures, parts.live, parts.stream, self._bridge
        ).subscribe(self._context.bus)
        parts.tuning.start()
        parts.logs.start()
        self._context.health.live_when("web", self._server.problem)
        self._context.health.measure(lambda: _collector(parts))
        log.info("the user interface is at %s", self.url)
        if not settings.password_hash:
            self._offer_setup(parts)

    def stop(self) -> None:
        if self._parts and self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._say_goodbye, self._parts)
        if self._server:
            self._server.stop()
        if self._database:
            self._database.close()

    def not_ready_reason(self) -> str:
        """Why; pages are served all the same, with what still works."""
        reasons = []
        if self._parts is None:
            reasons.append("not started yet")
        elif self._parts.storage.problem:
            reasons.append(self._parts.storage.problem)
        if not self._context.bus.connected:
            reasons.append("no connection to the broker")
        return "; ".join(reasons)

    def reload(self, new: Slice) -> bool:
        """Names, password and timeout are taken over; a new listener needs a restart."""
        settings = settings_of(new.config)
        if settings.listener != self._settings.listener:
            return False
        self._settings = settings
        parts, loop = self._parts, self._loop
        if parts is None or loop is None or loop.is_closed():
            return False
        loop.call_soon_threadsafe(self._take_over, parts, settings)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        parts = self._parts
        if parts is None:
            return {}
        detail: dict[str, Any] = {
            "pages": len(parts.stream),
            "viewers": parts.live.counters.viewers,
            "watched": parts.live.watched[:16],
            "hls": parts.hls.running[:16],
            "remote_viewers": parts.remote.people,
            "sessions": len(parts.sessions),
            "dropped": self._bridge.dropped,
            "resyncs": parts.stream.resyncs,
        }
        if self._certificate and self._certificate.problem:
            detail["certificate"] = self._certificate.problem[:200]
        return detail

    @property
    def url(self) -> str:
        """Where people find it; the listening address "every" becomes this machine's name."""
        settings = self._settings
        host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 compared
        port = self._server.port if self._server else settings.port
        return f"{'https' if settings.tls else 'http'}://{host}:{port}"

    # -- inside -------------------------------------------------------------------------------------

    def _wire(self, settings: Settings) -> Parts:
        context = self._context
        self._database = database = Database(context.state_dir / "web.db")
        live = LiveHub(context.bus, context.user, context.clock, self._bridge)
        pictures = PictureCache()
        token = context.secrets.text("storage_token")

        def current() -> Settings:
            return parts.settings if parts else settings

        parts: Parts | None = None
        storage = StorageGateway(context.environment.storage_url, token)
        accounts = AccountBook(database, storage, current)
        key = _session_key(context)
        sessions = Sessions(database, key, context.clock, current, accounts)
        accounts.on_changed = sessions.revoke_stale
        limiter, used = LoginLimiter(database, context.clock), Used(database, context.clock)
        parts = Parts(
            settings=settings,
            clock=context.clock,
            bus=context.bus,
            user=context.user,
            version=__version__,
            media_key=_media_key(context),
            session_key=key,
            accounts=accounts,
            sessions=sessions,
            callers=Callers(sessions, accounts, used, key, context.clock),
            used=used,
            second=SecondFactor(accounts, used, limiter, key, context.clock),
            passkeys=Passkeys(accounts, used, context.clock),
            audit=Audit(context.facts.emit),
            login=Login(limiter, accounts, current),
            setup_token=SetupToken(),
            signed_limiter=RateLimiter(context.clock, SIGNED_PICTURES, SIGNED_REFILL_S),
            model=ReadModel(),
            stream=EventStream(),
            pictures=pictures,
            live=live,
            hls=HlsWriters(live, lambda: current().hls_dir, context.clock),
            mjpeg=MjpegViewers(live),
            snapshots=Snapshots(context.bus, pictures, context.clock),
            tuning=Tuning(context.bus, context.clock, self._bridge),
            logs=LogLinesKept(context.bus, context.clock, self._bridge),
            remote=RemoteGate(lambda: current().remote, context.clock),
            storage=storage,
            films=Films(storage),
            static=StaticFiles(Path(__file__).parent / "static"),
            closing=asyncio.Event(),
        )
        return parts

    def _tick(self) -> None:
        """On the event loop, every few seconds."""
        self._loop = asyncio.get_running_loop()
        if self._certificate:
            self._certificate.reload_if_renewed()

    def _take_over(self, parts: Parts, settings: Settings) -> None:
        parts.settings = settings
        parts.sessions.revoke_stale()
        known = set(settings.cameras)
        parts.pictures.keep_cameras(known)
        parts.live.drop_camera(known)
        parts.stream.resync()

    def _say_goodbye(self, parts: Parts) -> None:
        parts.closing.set()
        parts.stream.close()
        parts.live.close()

    def _offer_setup(self, parts: Parts) -> None:
        token = parts.setup_token.new()
        log.warning("no password is set: open %s/setup?token=%s to choose one", self.url, token)


def _collector(parts: Parts) -> Collector:
    from vigilar_web.metrics import LiveCollector

    return LiveCollector(parts)


def _session_key(context: Context) -> bytes:
    text = context.secrets.text("session_key")
    logs.hide(text)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise StartupError(
            f"secret session_key must be {MIN_KEY_BYTES} bytes in hexadecimal; remove it and run `vigilar init`"
        )
    return key


def _media_key(context: Context) -> bytes:
    try:
        return media_key(context.secrets.text("media_key"))
    except ValueError as error:
        raise StartupError(f"secret {error}; remove it and run `vigilar init`") from error
