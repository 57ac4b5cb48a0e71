"""The desktop channel with the real notify-send and a notification daemon (python-dbusmock's) on a private D-Bus."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import wait_until
from vigilar_alerts.adapters.local import Desktop
from vigilar_alerts.domain.alert import Alert
from vigilar_common.messages.alarm import Severity

DEBIAN_PYTHON = "/usr/bin/python3"
NAME = "org.freedesktop.Notifications"
ALERT = Alert("a" * 36, None, Severity.CRITICAL, "--Motion at <Front door>", "<b>in</b> drive & yard", "t", 0)


def missing() -> str:
    for program in ("dbus-daemon", "notify-send"):
        if not shutil.which(program):
            return program
    found = subprocess.run([DEBIAN_PYTHON, "-c", "import dbusmock"], capture_output=True, check=False)
    return "" if found.returncode == 0 else "python3-dbusmock"


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
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--print-address=1", "--nofork"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._bus.stdout
        self.address = self._bus.stdout.readline().strip()
        env = dict(os.environ) | {"DBUS_SESSION_BUS_ADDRESS": self.address}
        with self.log.open("wb") as out:
            self._daemon = subprocess.Popen(
                [DEBIAN_PYTHON, "-m", "dbusmock", "--template", "notification_daemon"],
                env=env,
                stdout=out,
                stderr=out,
            )
        wait_until(self._there, 5, "the notification daemon")

    def _there(self) -> bool:
        asked = subprocess.run(
            ["dbus-send", f"--bus={self.address}", "--dest=org.freedesktop.DBus", "--print-reply",
             "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", f"string:{NAME}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return "boolean true" in asked.stdout

    def close(self) -> None:
        for process in (self._daemon, self._bus):
            process.send_signal(signal.SIGTERM)
            process.wait(5)
        if self._bus.stdout:
            self._bus.stdout.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    if what := missing():
        assert not os.environ.get("CI"), f"{what} is missing"
        pytest.skip(f"{what} is missing")
    found = Desk(tmp_path)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.address)
    yield found
    found.close()


def test_the_desktop_shows_title_text_and_urgency_and_takes_no_name_for_an_option(desk: Desk) -> None:
    assert Desktop().send(ALERT).status == 204
    told = wait_until(lambda: desk.log.read_text() if "Notify" in desk.log.read_text() else "", 5, "the call")
    line = next(line for line in told.splitlines() if " Notify " in line)
    assert '"Vigilar"' in line
    assert "--Motion at <Front door>" in line
    assert "&lt;b&gt;in&lt;/b&gt; drive &amp; yard" in line
    assert '"urgency": 2' in line


def test_without_a_desktop_the_answer_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    answer = Desktop().send(ALERT)
    assert answer.status == 0
    assert "notify-send failed" in answer.error
