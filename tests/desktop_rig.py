"""A desktop for tests: a notification daemon (python-dbusmock's) on a private D-Bus, whose notifications can be pressed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from patience import wait_until

DEBIAN_PYTHON = "/usr/bin/python3"
NAME = "org.freedesktop.Notifications"
PLACE = "/org/freedesktop/Notifications"
STOP_S = 5.0


@dataclass(frozen=True)
class Shown:
    """A notification as the daemon was told of it. `buttons`: what stands on them → the word by which they are pressed."""

    number: int
    line: str
    buttons: dict[str, str]


class Desk:
    """One session bus with a daemon on it; `log` is what the daemon was told."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "daemon.log"
        config = folder / "bus.conf"
        config.write_text(
            '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"'
            ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n'
            f"<busconfig><type>session</type><listen>unix:dir={folder}</listen><policy context='default'>"
            "<allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>"
            "</policy></busconfig>"
        )
        self._processes: list[subprocess.Popen[str]] = []
        try:
            bus = subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--print-address=1", "--nofork"],
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            self._processes.append(bus)
            assert bus.stdout
            self.address = bus.stdout.readline().strip()
            bus.stdout.close()
            with self.log.open("w") as out:
                daemon = subprocess.Popen(
                    [DEBIAN_PYTHON, "-m", "dbusmock", "--template", "notification_daemon",
                     "--parameters", '{"capabilities": "actions body body-markup"}'],
                    env=dict(os.environ) | {"DBUS_SESSION_BUS_ADDRESS": self.address},
                    stdout=out, stderr=out, text=True,
                )  # fmt: skip
            self._processes.append(daemon)
            wait_until(self._there, 5, "the notification daemon")
        except BaseException:
            self.close()
            raise

    def _there(self) -> bool:
        asked = self._call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", f"string:{NAME}")
        return "boolean true" in asked

    def _call(self, to: str, place: str, method: str, *values: str) -> str:
        asked = subprocess.run(
            ["dbus-send", f"--bus={self.address}", f"--dest={to}", "--print-reply", place, method, *values],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return asked.stdout

    def shown(self) -> list[Shown]:
        """In the order in which they were asked for; one that replaces another has that one's number."""
        found: list[Shown] = []
        for line in re.split(r"(?m)^(?=\d+\.\d+ \w)", self.log.read_text()):  # a text may have several lines
            if called := re.match(r"\S+ Notify \S+ (\d+) ", line):
                texts = re.findall(r'"((?:[^"\\]|\\.)*)"', line[line.rindex(" [") :].partition("]")[0])
                number = int(called[1]) or max((one.number for one in found), default=0) + 1
                found.append(Shown(number, line, dict(zip(texts[1::2], texts[::2], strict=False))))
        return found

    def press(self, notification: Shown, button: str) -> None:
        """As a hand would: the daemon says which one it was."""
        pressed = f"[<uint32 {notification.number}>, <'{notification.buttons[button]}'>]"
        subprocess.run(
            ["gdbus", "call", "--address", self.address, "--dest", NAME, "--object-path", PLACE,
             "--method", "org.freedesktop.DBus.Mock.EmitSignal", NAME, "ActionInvoked", "us", pressed],
            check=True, timeout=STOP_S, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def close(self) -> None:
        """Whatever happened: nothing that was started stays behind."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def skip_without_desktop() -> None:
    """Loudly, and never in CI."""
    if what := _missing():
        assert not os.environ.get("CI"), f"{what} is missing"
        pytest.skip(f"{what} is missing: deploy/scripts/setup.sh test installs it")


def _missing() -> str:
    for program in ("dbus-daemon", "notify-send", "gdbus"):
        if not shutil.which(program):
            return program
    found = subprocess.run([DEBIAN_PYTHON, "-c", "import dbusmock"], capture_output=True, check=False)
    return "" if found.returncode == 0 else "python3-dbusmock"
