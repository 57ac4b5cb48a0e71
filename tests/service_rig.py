"""Any service as a child process on a real broker: folders, slices and secrets as `vigilar init` makes them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from patience import wait_until
from vigilar_common.config.load import assemble
from vigilar_common.config.slices import apply
from vigilar_common.testing.broker import TestBroker, free_port

START_LIMIT_S = 15.0
NO_STORAGE = "http://127.0.0.1:9"
"""The discard port: nobody listens."""

T = TypeVar("T")


def until(condition: Callable[[], T], limit_s: float = 10.0, what: str = "it") -> T:
    """The first true result of `condition`. Raises AssertionError when there is none in time."""
    return wait_until(condition, limit_s, what)


def vapid_pem() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class ServiceRig:
    """One folder with the configuration `toml`; `service(name)` gives a process that can be killed and started."""

    __test__ = False

    def __init__(self, folder: Path, broker: TestBroker, toml: str, storage_url: str = NO_STORAGE) -> None:
        self.folder, self.broker, self.storage_url = folder, broker, storage_url
        self.media_key = secrets.token_hex(32)
        self._toml = ""
        self.configure(toml)

    def configure(self, toml: str) -> None:
        """Write slices of this configuration; running services take it over by themselves."""
        head = f"[mqtt]\nhost = '127.0.0.1'\nport = {self.broker.port}\n"
        loaded = assemble(self.folder / "vigilar.toml", head + toml, {})
        apply(loaded, self.folder / "config")

    def service(self, name: str) -> ServiceProcess:
        folder = self.folder / "secrets" / name
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "broker_password": self.broker.passwords[name].encode(),
            "storage_token": f"token-of-{name}".encode(),
            "media_key": self.media_key.encode(),
        }
        if name == "visitors" and not (folder / "face_key").exists():
            files["face_key"] = secrets.token_hex(32).encode()
        if name == "alerts" and not (folder / "vapid_private.pem").exists():
            files["vapid_private.pem"] = vapid_pem()
        for file, content in files.items():
            (folder / file).write_bytes(content)
            (folder / file).chmod(0o600)
        return ServiceProcess(self, name)


class ServiceProcess:
    def __init__(self, rig: ServiceRig, name: str) -> None:
        self.name, self._rig = name, rig
        self.health_port = free_port()
        self.log = rig.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> ServiceProcess:
        """Returns once it is ready."""
        env = dict(os.environ) | {
            "VIGILAR_CONFIG_RUN": str(self._rig.folder / "config"),
            "VIGILAR_STATE_DIR": str(self._rig.folder / "state" / self.name),
            "VIGILAR_SECRETS_DIR": str(self._rig.folder / "secrets" / self.name),
            "VIGILAR_STORAGE_URL": self._rig.storage_url,
            "VIGILAR_HEALTH_HOST": "127.0.0.1",
            "VIGILAR_HEALTH_PORT": str(self.health_port),
        }
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"vigilar_{self.name}"], env=env, stdout=out, stderr=out
            )
        until(self._ready, START_LIMIT_S, f"{self.name} ready")
        return self

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """The exit code of an orderly stop."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        return self.process.wait(10)

    def rss_bytes(self) -> int:
        assert self.process
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}{path}", timeout=2) as answer:
            body = answer.read().decode()
        return json.loads(body) if body.startswith("{") else body

    def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            self.get("/health/ready")
        except (urllib.error.URLError, OSError):
            return False
        return True
