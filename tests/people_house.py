"""The web service with the real storage behind it: accounts, tokens and the audit log as they are in a house."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from storage_rig import Rig, running
from vigilar_common.testing.broker import TestBroker, free_port
from web_rig import PASSWORD, WebProcess


@dataclass
class PeopleHouse:
    web: WebProcess
    storage: Rig

    @property
    def url(self) -> str:
        """By name: passkeys belong to `localhost`, never to an address in numbers."""
        return f"http://localhost:{self.web.port}"

    def owner(self) -> Browserless:
        return Browserless(self.url, "admin", PASSWORD)


class Browserless:
    """Somebody signed in, as the pages do it."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Origin": url}, trust_env=False, timeout=30)
        form = {"username": username, "password": password}
        assert self.http.post("/login", data=form).status_code == 303
        self.csrf = self.http.get("/api/v1/session").json()["csrf"]

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf, "Content-Type": "application/json"}
        return self.http.request(method, path, headers=headers, content=json.dumps(body or {}))

    def token(self, *scopes: str) -> str:
        made = self.send("POST", "/api/v1/me/tokens", {"label": "test", "scopes": list(scopes)})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])


@contextmanager
def people_house(folder: Path, toml: str = "") -> Iterator[PeopleHouse]:
    (folder / "storage").mkdir(parents=True)
    (folder / "broker").mkdir()
    broker = TestBroker(folder / "broker")
    broker.start()
    with running(folder / "storage") as storage:
        web = WebProcess(folder / "web", broker, free_port(), toml=toml, storage_port=storage.port)
        try:
            web.wait()
            yield PeopleHouse(web, storage)
        finally:
            web.stop()
            broker.stop()
