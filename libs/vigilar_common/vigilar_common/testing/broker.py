"""A real Mosquitto on a free loopback port, with our generated users and ACL."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from vigilar_common import broker
from vigilar_common.bus import BrokerAddress, MqttBus
from vigilar_common.clock import SystemClock
from vigilar_common.topics_foreign import Prefixes

START_LIMIT_S = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


class TestBroker:
    """Start, stop, kill and start again; the port stays."""

    __test__ = False

    def __init__(
        self,
        folder: Path,
        camera_ids: Iterable[str] = ("front",),
        prefixes: Prefixes = broker.DEFAULT_PREFIXES,
    ) -> None:
        self.folder = folder
        self.host, self.port = "127.0.0.1", free_port()
        self.passwords = {user: secrets.token_urlsafe(12) for user in broker.users(camera_ids)}
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        passwd, acl = folder / "passwd", folder / "acl"
        passwd.write_text("".join(broker.password_line(u, p) + "\n" for u, p in self.passwords.items()))
        acl.write_text(broker.acl(camera_ids, prefixes))
        for path in (passwd, acl):
            path.chmod(0o644)
        self.conf = folder / "mosquitto.conf"
        self.conf.write_text(
            broker.mosquitto_conf(
                listeners=[f"{self.port} 127.0.0.1"], password_file=passwd, acl_file=acl, extra=["user root"]
            )
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        assert program, "mosquitto is not installed: apt-get install mosquitto"
        log = (self.folder / "mosquitto.log").open("ab")
        self.process = subprocess.Popen([program, "-c", str(self.conf)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
            time.sleep(0.02)
        raise AssertionError(f"mosquitto did not listen within {START_LIMIT_S} s")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(5)

    def address(self, user: str) -> BrokerAddress:
        return BrokerAddress(self.host, self.port, user, self.passwords[user])

    def bus(self, user: str) -> MqttBus:
        """A connected bus of that user."""
        bus = MqttBus(self.address(user), user, SystemClock())
        bus.start()
        deadline = time.monotonic() + START_LIMIT_S
        while not bus.connected:
            assert time.monotonic() < deadline, bus.connection_problem()
            time.sleep(0.01)
        return bus
