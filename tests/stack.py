"""The whole system as a user runs it: `vigilar demo` in a folder of its own, and a small client for its API."""

from __future__ import annotations

import http.cookiejar
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from patience import wait_until

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "demo-camera"
START_LIMIT_S = 120.0
T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], limit_s: float, pause_s: float = 0.1) -> T:
    """The first true value of `condition`; AssertionError naming `what` after `limit_s`."""
    return wait_until(condition, limit_s, what, pause_s)


class Api:
    """A logged-in client of the public API."""

    def __init__(self, url: str, username: str, password: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        kept = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(kept, urllib.request.HTTPSHandler(context=tls))
        form = urllib.parse.urlencode({"username": username, "password": password}).encode()
        self._open(urllib.request.Request(url + "/login", form, {"Origin": url}))
        self.csrf = self.get("/api/v1/session")["csrf"]

    def _open(self, request: urllib.request.Request | str) -> bytes:
        with self._opener.open(request, timeout=20) as response:
            data: bytes = response.read()
            return data

    def get(self, path: str) -> Any:
        return json.loads(self._open(self.url + path))

    def get_bytes(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        return self._open(urllib.request.Request(self.url + path, headers=headers or {}))

    def send(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf, "Origin": self.url, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method)
        try:
            with self._opener.open(request, timeout=30) as response:
                data = response.read()
                return response.status, json.loads(data) if data else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def events(self, kind: str = "motion") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/api/v1/events?type={kind}&limit=100")["items"]
        return items


class Stack:
    """A running demo; with `cameras` (id → address) of these instead of the demo camera; `more`: of its environment."""

    def __init__(
        self,
        home: Path,
        port: int,
        cameras: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.home, self.port, self.cameras, self.more = home, port, cameras or {}, more or {}
        self.log = home.parent / f"{home.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "VIGILAR_DEMO_CACHE": str(CACHE), **self.more}
        command = [
            sys.executable,
            "-m",
            "vigilar_supervisor",
            "demo",
            "--home",
            str(self.home),
            "--port",
            str(self.port),
        ]
        for camera_id, url in self.cameras.items():
            command += ["--camera", f"{camera_id}={url}"]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        wait_for("demo.json", self._is_up, START_LIMIT_S)

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return (self.home / "demo.json").exists()

    @property
    def info(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return data

    def api(self) -> Api:
        return Api(self.info["url"], self.info["username"], self.info["password"])

    def truth(self, event: str) -> list[int]:
        """Wall times (ms) at which the camera showed an onset (or end) to somebody."""
        path = self.home / "run" / "demo-camera-truth.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [row["wall_ms"] for row in rows if row["event"] == event and row["watched"]]

    def logs(self) -> str:
        return "\n".join(
            path.read_text(errors="replace") for path in sorted((self.home / "run" / "log").glob("*.log*"))
        )

    def stop(self) -> float:
        """Seconds it took; AssertionError when it did not end by itself."""
        assert self.process is not None
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        return time.monotonic() - began
