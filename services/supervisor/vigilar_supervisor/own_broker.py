"""A Mosquitto of our own on this host: for `vigilar demo` always, for `vigilar start` with `--with-broker`."""

from __future__ import annotations

import ipaddress
import os
import signal

from vigilar_common import broker
from vigilar_common.config.files import write_atomic
from vigilar_common.errors import StartupError

from vigilar_supervisor.children import LOOPBACK, Layout, Spec, find_mosquitto
from vigilar_supervisor.supervise import Supervisor

NAME = "broker"


class OwnBroker:
    """Runs as the same user as everything else, with the generated users and ACL, on loopback alone."""

    def __init__(self, layout: Layout, port: int, host: str = LOOPBACK) -> None:
        """Raises StartupError when services are to find it where it does not listen."""
        if not _loopback(host):
            raise StartupError(
                f"--with-broker serves this machine alone, but [mqtt] host is {host}: set it to {LOOPBACK}"
            )
        self._folder = layout.secrets / "broker"
        self._port = port

    def spec(self) -> Spec:
        """Raises StartupError without Mosquitto, OSError when its configuration cannot be written."""
        text = broker.mosquitto_conf(
            listeners=[f"{self._port} {LOOPBACK}"],
            password_file=self._folder / "passwd",
            acl_file=self._folder / "acl",
            # As root Mosquitto would change to a user who may not read this folder.
            extra=["user root"] if os.geteuid() == 0 else [],
        )
        conf = self._folder / "mosquitto.conf"
        write_atomic(conf, text, 0o600)
        return Spec(NAME, (find_mosquitto(), "-c", str(conf)), tcp_port=self._port)


def reload(supervisor: Supervisor) -> None:
    """Mosquitto reads its user and ACL files again on SIGHUP."""
    child = supervisor.children.get(NAME)
    if child:
        child.signal(signal.SIGHUP)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(LOOPBACK)
    except ValueError:
        return False
