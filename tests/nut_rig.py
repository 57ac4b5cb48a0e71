"""A real upsd with the driver dummy-ups, whose UPS says what a test writes into a file."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from vigilar_common.testing.broker import free_port

START_LIMIT_S = 10.0
FOLDERS = ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut", "/usr/lib/nut/driver")
"""Where Debian and others keep the drivers; Debian's upsd in PATH is a wrapper that asks /etc/nut."""


def nut_program(name: str) -> str:
    for folder in FOLDERS:
        if os.access(Path(folder, name), os.X_OK):
            return str(Path(folder, name))
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed: apt-get install nut-server"
    return found


class NutServer:
    """Start, stop, hang and start again; the port stays."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, free_port()
        self._device = folder / "ups.dev"
        (folder / "ups.conf").write_text(
            f"[ups]\ndriver = dummy-ups\nport = {self._device}\npollinterval = 1\n"
        )
        (folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {self.port}\nMAXAGE 10\n")
        (folder / "upsd.users").touch()
        for path in (folder, *folder.iterdir()):
            path.chmod(0o750)
        self._env = os.environ | {
            f"NUT_{name}": str(folder) for name in ("CONFPATH", "STATEPATH", "ALTPIDPATH")
        }
        self._driver: subprocess.Popen[bytes] | None = None
        self.server: subprocess.Popen[bytes] | None = None

    def says(self, variables: Mapping[str, str]) -> None:
        """From now on; the driver reads it within two seconds."""
        new = self.folder / "new"
        new.write_text("".join(f"{name}: {value}\n" for name, value in variables.items()))
        new.replace(self._device)

    def start(self, variables: Mapping[str, str]) -> None:
        self.says(variables)
        self._driver = self._run([nut_program("dummy-ups"), "-a", "ups", "-u", "root", "-F"])
        self._until(lambda: (self.folder / "dummy-ups-ups").exists(), "the driver's socket")
        self.start_server()

    def start_server(self) -> None:
        self.server = self._run([nut_program("upsd"), "-u", "root", "-F"])
        self._until(self._answers, "upsd")

    def stop_server(self) -> None:
        if self.server:
            self.server.kill()
            self.server.wait(5)

    def stop(self) -> None:
        self.stop_server()
        if self._driver:
            self._driver.kill()
            self._driver.wait(5)

    def _run(self, argv: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(argv, env=self._env, stdout=log, stderr=log)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _until(self, condition: object, what: str) -> None:
        assert callable(condition)
        deadline = time.monotonic() + START_LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {(self.folder / 'log').read_text()[-2000:]}"
            time.sleep(0.02)
