"""A whole web application without a network: fake bus, fake clock, storage answered by a function."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from vigilar_common.config import Config
from vigilar_common.passwords import hash_password
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_web.accounts.book import AccountBook
from vigilar_web.accounts.passkeys import Passkeys
from vigilar_web.accounts.second import SecondFactor
from vigilar_web.accounts.used import Used
from vigilar_web.application import create_api
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
from vigilar_web.middleware import Shell
from vigilar_web.parts import Parts
from vigilar_web.pictures import PictureCache
from vigilar_web.readmodel import ReadModel
from vigilar_web.sessions import COOKIE, Sessions
from vigilar_web.settings import settings_of
from vigilar_web.static_files import StaticFiles
from vigilar_web.stream import EventStream

PASSWORD = "correct horse battery"
BASE = "http://house.lan:49735"
SESSION_KEY = b"s" * 32
T = TypeVar("T")


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


class Once(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


@dataclass
class StorageDouble:
    """Answers by path (without query); a function gets the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.down:
            raise httpx.ConnectError("refused")
        answer = self.answers.get(request.url.path)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx.Response):
            # A body that is still to be read, as it is from a network.
            headers = httpx.Headers(answer.headers) if answer.headers else None
            return httpx.Response(answer.status_code, headers=headers, stream=Once(answer.content))
        if answer is None:
            return httpx.Response(404, json={"error": {"code": "not_found", "message": "no", "field": None}})
        return httpx.Response(200, json=answer)


class Web:
    """One application, driven synchronously on a loop of its own."""

    def __init__(self, folder: Path, clock: FakeClock | None = None, password: str | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = folder
        self.clock = clock or FakeClock()
        self.bus = FakeBus(self.clock, "web")
        self.facts = FakeFacts(self.clock)
        self.bridge = Bridge()
        self.bridge.open(self.loop)
        self.storage = StorageDouble()
        self.parts = self._wire(password_hash() if password is None else password)
        self.parts.storage.start()
        Listeners(
            lambda: self.parts.settings,
            self.parts.model,
            self.parts.pictures,
            self.parts.live,
            self.parts.stream,
            self.bridge,
        ).subscribe(self.bus)
        self.parts.tuning.start()
        self.parts.logs.start()
        self.api = create_api(self.parts, self.bridge)
        self.client = self.browser()

    def _wire(self, stored: str) -> Parts:
        config = Config.model_validate(
            {
                "system": {
                    "hls_dir": str(self.folder / "hls"),
                    "timezone": "Europe/Vienna",
                    "name": "Our <House>",
                },
                "web": {"password_hash": stored},
                "cameras": [
                    {"id": "front", "display_name": "Front door", "rtsp_url": "rtsp://127.0.0.1/f"},
                    {"id": "yard", "display_name": "Yard", "rtsp_url": "rtsp://127.0.0.1/y"},
                ],
            }
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = Database(self.folder / "web.db")
        settings = settings_of(config)
        live = LiveHub(self.bus, "web", self.clock, self.bridge)
        pictures = PictureCache()
        holder: list[Parts] = []

        def current() -> Any:
            return holder[0].settings if holder else settings

        storage = StorageGateway("http://storage", "token", httpx.MockTransport(self.storage))
        accounts = AccountBook(self.database, storage, current)
        sessions = Sessions(self.database, SESSION_KEY, self.clock, current, accounts)
        accounts.on_changed = sessions.revoke_stale
        limiter, used = LoginLimiter(self.database, self.clock), Used(self.database, self.clock)
        parts = Parts(
            settings=settings,
            clock=self.clock,
            bus=self.bus,
            user="web",
            version="1.2.3",
            media_key=b"m" * 32,
            session_key=SESSION_KEY,
            accounts=accounts,
            sessions=sessions,
            callers=Callers(sessions, accounts, used, SESSION_KEY, self.clock),
            used=used,
            second=SecondFactor(accounts, used, limiter, SESSION_KEY, self.clock),
            passkeys=Passkeys(accounts, used, self.clock),
            audit=Audit(self.facts.emit),
            login=Login(limiter, accounts, current),
            setup_token=SetupToken(),
            signed_limiter=RateLimiter(self.clock, 60, 1.0),
            model=ReadModel(),
            stream=EventStream(),
            pictures=pictures,
            live=live,
            hls=HlsWriters(live, lambda: self.folder / "hls", self.clock),
            mjpeg=MjpegViewers(live),
            snapshots=Snapshots(self.bus, pictures, self.clock),
            tuning=Tuning(self.bus, self.clock, self.bridge),
            logs=LogLinesKept(self.bus, self.clock, self.bridge),
            remote=RemoteGate(lambda: current().remote, self.clock),
            storage=storage,
            films=Films(storage),
            static=StaticFiles(self.folder / "static"),
            closing=asyncio.Event(),
        )
        holder.append(parts)
        return parts

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def settle(self) -> None:
        """Let everything that was posted to the loop happen."""

        async def turn() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.run(turn())

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 what is waited for has no event
                await asyncio.sleep(0.01)

    def browser(self, base: str = BASE, address: str = "192.0.2.7") -> httpx.AsyncClient:
        shell = Shell(self.api, self.parts)
        transport = httpx.ASGITransport(shell, raise_app_exceptions=True, client=(address, 1234))
        return httpx.AsyncClient(transport=transport, base_url=base)

    def ask(
        self, method: str, path: str, client: httpx.AsyncClient | None = None, **options: Any
    ) -> httpx.Response:
        return self.run((client or self.client).request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def login(
        self, password: str = PASSWORD, client: httpx.AsyncClient | None = None, **form: str
    ) -> httpx.Response:
        data = {"username": "admin", "password": password, **form}
        return self.ask("POST", "/login", client, data=data, headers={"Origin": BASE})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As our own page does: origin, CSRF token and JSON."""
        csrf = self.get("/api/v1/session").json()["csrf"]
        sent = {"Origin": BASE, "X-CSRF-Token": csrf, "Content-Type": "application/json", **headers}
        return self.ask(method, path, content=json.dumps({} if body is None else body), headers=sent)

    def change(self, **settings: Any) -> None:
        self.parts.settings = replace(self.parts.settings, **settings)

    def build_frontend(self) -> None:
        static = self.folder / "static"
        (static / "assets").mkdir(parents=True)
        (static / "icons").mkdir()
        for name, text in (
            ("index.html", "<!doctype html><title>app</title>"),
            ("sw.js", "// worker"),
            ("manifest.webmanifest", "{}"),
            ("icons/icon.svg", "<svg/>"),
            ("assets/index-abc.js", "let a"),
            ("assets/index-abc.js.gz", "packed"),
        ):
            (static / name).write_text(text)
        (self.folder / "secret.txt").write_text("secret")
        (static / "assets/link.js").symlink_to(self.folder / "secret.txt")

    def close(self) -> None:
        self.parts.hls.close()
        self.parts.login.close()
        self.parts.audit.close()
        self.run(self.client.aclose())
        self.run(self.parts.storage.close())
        self.database.close()
        self.loop.close()


@pytest.fixture
def new_web(tmp_path: Path) -> Iterator[Callable[..., Web]]:
    """Makes applications; called twice with the same folder it is a restart."""
    made: list[Web] = []

    def make(folder: str = "a", **options: Any) -> Web:
        made.append(Web(tmp_path / folder, **options))
        return made[-1]

    yield make
    for web in made:
        web.close()


@pytest.fixture
def web(new_web: Callable[..., Web]) -> Web:
    """Not logged in."""
    return new_web()


@pytest.fixture
def home(web: Web) -> Web:
    """Logged in (without the cost of a password hash)."""
    web.client.cookies.set(COOKIE, web.parts.sessions.open("owner"))
    return web


def error_of(response: httpx.Response) -> str:
    """The code of an error; asserts its shape."""
    error = response.json()["error"]
    assert set(error) >= {"code", "message"}
    assert re.fullmatch(r"[a-z_]+", error["code"])
    return str(error["code"])


@pytest.fixture
def error() -> Callable[[httpx.Response], str]:
    return error_of
