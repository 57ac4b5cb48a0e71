"""What the host gets to see: its request, the script that carries it out, and the files of NUT."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from vigilar_ups.adapters.host import FIRST_LINE, REQUEST, WATCHED, Host

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "scripts" / "host_shutdown.sh"
SETUP = ROOT / "deploy" / "scripts" / "setup_nut.sh"


class Machine:
    """A folder, and a `systemctl` that only notes what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shutdown"
        self.folder.mkdir()
        (self.folder / WATCHED).touch()
        self._bin, self._told = folder / "bin", folder / "told"
        self._bin.mkdir()
        program = self._bin / "systemctl"
        program.write_text(f'#!/bin/sh\necho "$@" >>"{self._told}"\n')
        program.chmod(0o755)

    def look(self) -> int:
        env = {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        return subprocess.run([SCRIPT, self.folder], env=env, capture_output=True, timeout=10).returncode

    @property
    def told(self) -> str:
        return self._told.read_text().strip() if self._told.exists() else ""


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_host_goes_down_when_it_is_asked_and_only_once(machine: Machine) -> None:
    host = Host(str(machine.folder))
    assert host.problem() == ""
    host.ask("the battery lasts 12 s more; $(reboot)")
    assert not host.taken()
    assert machine.look() == 0
    assert machine.told == "poweroff"
    assert host.taken()
    assert machine.look() == 0
    assert machine.told == "poweroff", "without a request nothing happens"


def test_a_request_that_was_taken_back_does_nothing(machine: Machine) -> None:
    host = Host(str(machine.folder))
    host.ask("low")
    host.withdraw()
    host.withdraw()
    assert machine.look() == 0
    assert machine.told == ""


def test_a_request_from_before_the_start_of_the_host_does_nothing_and_goes(machine: Machine) -> None:
    request = machine.folder / REQUEST
    request.write_text(f"{FIRST_LINE}\n")
    old = time.time() - 600
    os.utime(request, (old, old))
    assert machine.look() == 0
    assert machine.told == ""
    assert not request.exists()


@pytest.mark.parametrize(
    "content", ["", "poweroff\n", f"x{FIRST_LINE}\n", "vigilar-shutdown 2\n", "a" * 100_000]
)
def test_something_else_does_nothing_and_goes(machine: Machine, content: str) -> None:
    (machine.folder / REQUEST).write_text(content)
    assert machine.look() == 1
    assert machine.told == ""
    assert not (machine.folder / REQUEST).exists()


def test_a_link_is_removed_and_not_followed(machine: Machine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"{FIRST_LINE}\n")
    (machine.folder / REQUEST).symlink_to(other)
    assert machine.look() == 1
    assert machine.told == ""
    assert other.exists()
    assert not (machine.folder / REQUEST).is_symlink()


def test_a_folder_that_nobody_watches_is_no_way(machine: Machine, tmp_path: Path) -> None:
    (machine.folder / WATCHED).unlink()
    assert "does not watch" in Host(str(machine.folder)).problem()
    assert "is not there" in Host(str(tmp_path / "none")).problem()
    assert "is empty" in Host("").problem()
    with pytest.raises(OSError, match="empty"):
        Host("").ask("low")


def write(folder: Path) -> None:
    subprocess.run([SETUP, "--write-only", folder], check=True, capture_output=True, timeout=20)


def test_the_files_of_nut_are_as_the_guide_says(tmp_path: Path) -> None:
    write(tmp_path)
    text = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(text) == {"nut.conf", "ups.conf", "upsd.conf", "upsd.users", "upsmon.conf"}
    assert text["nut.conf"] == "MODE=standalone\n"
    assert re.search(r"^\[ups\]\n +driver = usbhid-ups\n +port = auto$", text["ups.conf"], re.MULTILINE)
    assert text["upsd.conf"] == "LISTEN 127.0.0.1 3493\n"
    password = re.search(r"^\[vigilar\]\n +password = (\w{20,})$", text["upsd.users"], re.MULTILINE)
    assert password
    assert f"MONITOR ups@localhost 1 vigilar {password[1]} primary" in text["upsmon.conf"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_a_second_run_keeps_the_password_and_the_file_that_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "ups.conf").write_text("[mine]\n")
    write(tmp_path)
    users = (tmp_path / "upsd.users").read_text()
    write(tmp_path)
    assert (tmp_path / "upsd.users").read_text() == users
    assert (tmp_path / "ups.conf.before-vigilar").read_text() == "[mine]\n"
    assert sorted(path.name for path in tmp_path.glob("*.before-vigilar")) == ["ups.conf.before-vigilar"]
