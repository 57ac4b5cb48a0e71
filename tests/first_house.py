"""A house that is not set up yet: `vigilar start --with-broker` of a configuration without a camera and nothing else."""

from __future__ import annotations

import contextlib
import re
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import camera_media as media
from odd_camera import describe, odd_camera
from stack import Api, wait_for
from vigilar_common.testing.broker import free_port

PASSWORD = "three plain words"
CONFIG = """
[system]
data_dir = "{home}/data"
recordings_dir = "{home}/recordings"
hls_dir = "{home}/hls"
[mqtt]
port = {mqtt_port}
[web]
host = "127.0.0.1"
port = {web_port}
tls_cert = "{home}/secrets/web/cert.pem"
tls_key = "{home}/secrets/web/key.pem"
[ups]
enabled = false
[storage]
key_file = "{home}/secrets/storage/storage.key"
"""


class House:
    def __init__(self, home: Path) -> None:
        self.home, self.url = home, ""
        self.log = home / "vigilar.log"

    def start(self) -> subprocess.Popen[bytes]:
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        text = CONFIG.format(home=self.home, mqtt_port=free_port(), web_port=port)
        (self.home / "vigilar.toml").write_text(text)
        vigilar, named = [sys.executable, "-m", "vigilar_supervisor"], ["-c", str(self.home / "vigilar.toml")]
        init = [*vigilar, "init", "--certificate", *named]
        subprocess.run(init, check=True, timeout=60, capture_output=True)
        with self.log.open("wb") as out:
            return subprocess.Popen([*vigilar, "start", "--with-broker", *named], stdout=out, stderr=out)

    def tls(self) -> ssl.SSLContext:
        """Trusts the authority of this house and nothing else, as a phone does on which it was installed."""
        return ssl.create_default_context(cafile=str(self.home / "secrets" / "ca" / "ca.pem"))

    def setup_link(self) -> str:
        """Raises AssertionError when the log does not tell one in time."""
        found = wait_for(
            "the set-up link", lambda: re.search(r"/setup\?token=[\w-]+", self.log.read_text()), 60
        )
        assert found is not None
        wait_for("storage is there", lambda: "storage is ready" in self.log.read_text(), 60)
        return found[0]

    def first_password(self) -> Api:
        token = self.setup_link().partition("=")[2]
        form = urllib.parse.urlencode({"token": token, "password": PASSWORD, "repeat": PASSWORD}).encode()
        request = urllib.request.Request(f"{self.url}/setup", form, {"Origin": self.url})
        with urllib.request.urlopen(request, timeout=20, context=self.tls()) as answer:
            assert "The password is saved" in answer.read().decode()
        return Api(self.url, "admin", PASSWORD, self.tls())


@contextlib.contextmanager
def camera_in_test_colours() -> Iterator[str]:
    """The address of a camera that shows a film for ever."""
    units = media.access_units()

    def film() -> Iterator[tuple[bytes, float]]:
        while True:
            yield from ((data, 0.02) for data, _ in units)

    with odd_camera(sdp=describe("h264", units[0][0]), frames=film) as camera:
        yield camera.url
