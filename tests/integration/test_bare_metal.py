"""A bare Debian: install.sh, the guide's table, a boot with its own systemd, a recorded event, backup and restore, removal.

The tests of this file share one machine and go in order: each begins where the one before left it.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bare_machine import ROOT, Machine, bare_debian, missing_tools, wheels
from camera_rig import QUICK_FILM
from footage import ensure_film, running_camera
from patience import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

CACHE = ROOT / ".cache"
NOT_COPIED = (
    ".git",
    ".venv",
    ".cache",
    ".vigilar",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
)
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
INSTALL = "/src/deploy/scripts/install.sh"
VIGILAR = "/opt/vigilar/venv/bin/vigilar"
CONFIG = "/etc/vigilar/vigilar.toml"
AS_VIGILAR = ("setpriv", "--reuid", "vigilar", "--regid", "vigilar", "--init-groups")
TABLE = {
    "/opt/vigilar": "vigilar:vigilar 755",
    "/opt/vigilar/venv": "vigilar:vigilar 755",
    "/etc/vigilar": "root:root 755",
    "/etc/vigilar/vigilar.toml": "root:vigilar 644",
    "/etc/vigilar/secrets": "root:root 700",
    "/etc/vigilar/secrets/storage.key": "root:root 600",
    "/etc/vigilar/secrets/vapid_private.pem": "root:root 600",
    "/etc/vigilar/secrets/vapid_public.txt": "root:vigilar 644",
    "/etc/vigilar/certs": "root:vigilar 750",
    "/etc/vigilar/certs/cert.pem": "root:vigilar 644",
    "/etc/vigilar/certs/key.pem": "root:vigilar 640",
    "/var/vigilar": "vigilar:vigilar 750",
    "/var/vigilar/data": "vigilar:vigilar 750",
    "/var/vigilar/data/vigilar.db": "vigilar:vigilar 640",
    "/var/vigilar/recordings": "vigilar:vigilar 750",
    "/var/vigilar/hls": "vigilar:vigilar 750",
    "/etc/systemd/system/vigilar.service": "root:root 644",
    "/etc/mosquitto/conf.d/vigilar.conf": "root:root 644",
}
"""The operator guide's table, whole."""
OURS = {
    "/opt/vigilar/scripts/backup.sh": "root:root 755",
    "/usr/local/lib/vigilar/broker_users.sh": "root:root 755",
    "/etc/vigilar/recovery": "root:root 700",
    "/etc/vigilar/recovery/recovery_private.pem": "root:root 600",
    "/etc/vigilar/recovery/backup_age.txt": "root:root 600",
    "/etc/vigilar/secrets/storage_private.pem": "root:root 600",
    "/etc/vigilar/secrets/ledger_private.pem": "root:root 600",
    "/var/vigilar/data/secrets": "vigilar:vigilar 700",
    "/var/vigilar/backups": "root:root 700",
    "/etc/mosquitto/vigilar": "root:mosquitto 750",
    "/etc/mosquitto/vigilar/passwd": "root:mosquitto 640",
    "/etc/mosquitto/vigilar/acl": "root:mosquitto 640",
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if missing := missing_tools():
        pytest.skip(f"needs {', '.join(missing)}")
    bare, packages = bare_debian(CACHE), wheels(CACHE)
    # The machine has no Node: the page is built here.
    subprocess.run([str(ROOT / "deploy/scripts/setup.sh"), "web"], check=True)
    work = Path(tempfile.mkdtemp(prefix="vigilar-bare-", dir=CACHE))
    # As it is now: the checkout may be worked on meanwhile.
    shutil.copytree(ROOT, work / "source", symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    made = Machine(bare, work, [(work / "source", "/src"), (packages, "/wheels")])
    try:
        yield made
    finally:
        made.off()
        shutil.rmtree(work)


def owners(machine: Machine, paths: list[str]) -> dict[str, str]:
    said = machine.run("stat", "-c", "%n %U:%G %a", *paths).stdout.splitlines()
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in said}


def journal(machine: Machine, unit: str = "vigilar") -> str:
    return machine.run("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout


def pids(machine: Machine) -> dict[str, int]:
    text = machine.run("cat", "/var/vigilar/data/run/services.json").stdout
    return {name: service["pid"] for name, service in json.loads(text)["services"].items()}


def shown(machine: Machine, name: str) -> str:
    """A property of the unit, as systemd knows it."""
    return machine.run("systemctl", "show", "vigilar", "-p", name, "--value").stdout.strip()


def until_ready(machine: Machine) -> None:
    wait_until(
        lambda: shown(machine, "StatusText") == "all services are ready", 60, "every service is ready", 0.5
    )


def hashes(machine: Machine) -> str:
    return machine.run("bash", "-c", "sha256sum /etc/vigilar/*/* /etc/vigilar/vigilar.toml").stdout


def test_a_bare_debian_gets_all_eight_phases_and_a_cut_off_run_is_taken_up(machine: Machine) -> None:
    empty = machine.chroot(INSTALL, check=False, env={"PIP_NO_INDEX": "1"})
    assert empty.returncode != 0
    assert "stopped in phase 4 (Python venv)" in empty.stderr
    done = machine.chroot(INSTALL, env=OFFLINE)
    assert re.findall(r"\[(\d)/8\]", done.stdout) == list("12345678")
    assert "all there: ffmpeg mosquitto" in done.stdout  # from the first run
    passwd = machine.chroot("getent", "passwd", "vigilar").stdout.strip().split(":")
    assert passwd[5:] == ["/opt/vigilar", "/usr/sbin/nologin"]


def test_a_second_run_changes_no_key_no_configuration_and_no_unit(machine: Machine) -> None:
    watched = ["find", "/etc/vigilar", "/etc/systemd/system", "/etc/mosquitto", "/opt/vigilar/scripts"]
    watched += ["-type", "f", "-printf", "%p %T@ %s %U:%G %m\\n"]
    before = machine.chroot(*watched).stdout
    machine.chroot(INSTALL, env=OFFLINE)
    assert machine.chroot(*watched).stdout == before


def test_pip_upgrade_in_the_source_works_as_the_guide_says(machine: Machine) -> None:
    words = ["sh", "-c", "cd /src && exec /opt/vigilar/venv/bin/pip install --upgrade ."]
    done = machine.chroot(*AS_VIGILAR, "env", "HOME=/opt/vigilar", *words, env=OFFLINE)
    assert "Successfully installed vigilar-" in done.stdout
    names = machine.chroot("ls", "/opt/vigilar/venv/lib/python3.11/site-packages").stdout.split()
    there = {path.parent.name for path in ROOT.glob("*/*/vigilar_*/__init__.py")}
    assert there <= set(names)
    assert (
        "index.html"
        in machine.chroot("ls", "/opt/vigilar/venv/lib/python3.11/site-packages/vigilar_web/static").stdout
    )
    assert "usage: vigilar" in machine.chroot(VIGILAR, "--help").stdout


def test_it_boots_with_its_own_systemd_and_every_service_is_ready(machine: Machine) -> None:
    machine.chroot("/opt/vigilar/scripts/gen_cert.sh", "--ip", "192.168.7.20")
    machine.chroot("apt-get", "-qq", "-y", "--no-install-recommends", "install", "nut-server", "usbutils")
    machine.boot()
    status = machine.run(
        "systemctl", "show", "vigilar", "-p", "ActiveState", "-p", "StatusText", "-p", "NRestarts"
    ).stdout
    assert "ActiveState=active" in status
    assert "StatusText=all services are ready" in status
    assert "NRestarts=0" in status
    assert {"storage", "events", "alerts", "health", "web"} <= set(pids(machine))
    assert "open https://" in journal(machine)
    assert "took over passwd acl" in journal(machine, "vigilar-broker")


def test_every_path_of_the_guide_has_its_owner_and_mode(machine: Machine) -> None:
    assert owners(machine, [*TABLE, *OURS]) == TABLE | OURS
    assert machine.run("stat", "-c", "%s", "/etc/vigilar/secrets/storage.key").stdout.strip() == "32"


def test_the_services_user_cannot_read_a_key_and_the_service_has_them_in_memory(machine: Machine) -> None:
    denied = machine.run(*AS_VIGILAR, "ls", "/etc/vigilar/secrets", check=False)
    assert "Permission denied" in denied.stderr
    assert (
        machine.run(*AS_VIGILAR, "cat", "/etc/vigilar/recovery/recovery_private.pem", check=False).returncode
        != 0
    )
    kept = machine.run("find", "/var/vigilar", "-type", "f", "-name", "*private*").stdout
    assert kept == ""
    given = machine.run("ls", "/run/credentials/vigilar.service").stdout.split()
    assert "keys_storage_private.pem" in given
    assert not [name for name in given if "recovery_private" in name or "backup_age" in name]
    done = machine.run(*AS_VIGILAR, VIGILAR, "verify", "-c", CONFIG)
    assert "ledger:" in done.stdout


def test_the_unit_may_write_nowhere_else_and_systemd_finds_no_fault(machine: Machine) -> None:
    pid = shown(machine, "MainPID")
    inside = ["nsenter", "--target", pid, "--mount", "--setuid", "0", "--setgid", "0", "--", "touch"]
    for place in ("/etc/vigilar/x", "/opt/vigilar/x", "/usr/x", "/var/lib/x", "/var/vigilar/backups/x"):
        assert "Read-only" in machine.run(*inside, place, check=False).stderr, place
    for place in ("data", "recordings", "hls"):
        machine.run(*inside, f"/var/vigilar/{place}/x")
        machine.run("rm", f"/var/vigilar/{place}/x")
    units = ["vigilar.service", "vigilar-broker.service", "vigilar-broker.path", "vigilar-backup.service"]
    verified = machine.run("systemd-analyze", "verify", *units, "vigilar-backup.timer")
    assert verified.stdout + verified.stderr == ""
    folder = "/etc/systemd/system/vigilar.service.d"
    machine.run("cp", "-r", "/opt/vigilar/systemd/vigilar.service.d", folder)
    verified = machine.run("systemd-analyze", "verify", "vigilar.service")
    machine.run("rm", "-r", folder)
    assert verified.stdout + verified.stderr == "", "the drop-ins"
    for unit in ("vigilar.service", "vigilar-backup.service", "vigilar-broker.service"):
        said = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout.splitlines()[-1]
        exposure = re.search(r"(\d+\.\d+)", said)
        assert exposure, said
        assert float(exposure[1]) < 2.5, said


def test_the_broker_lets_nobody_in_without_a_name_and_listens_on_this_host_only(machine: Machine) -> None:
    listening = machine.run("ss", "-Hltn", "sport", "=", ":1883").stdout
    assert "127.0.0.1:1883" in listening
    assert "0.0.0.0:1883" not in listening
    assert "persistence" not in machine.run("ls", "/var/lib/mosquitto").stdout


def test_a_camera_added_while_it_runs_is_recorded_and_its_motion_is_an_event(
    machine: Machine, tmp_path: Path
) -> None:
    before = pids(machine)
    film = ensure_film(**QUICK_FILM)
    within = ("nsenter", f"--net=/proc/{machine.pid}/ns/net")
    with running_camera({"front": film}, tmp_path, within=within) as camera:
        url = camera.urls["front"]
        text = f'\n[[cameras]]\nid = "front"\ndisplay_name = "Front"\nrtsp_url = "{url}"\n'
        machine.run("sh", "-c", f"cat >>{CONFIG} <<'EOF'\n{text}EOF")
        wait_until(lambda: "camera-worker-front" in pids(machine), 15, "the camera has a worker", 0.5)
        wait_until(lambda: broker_knows(machine, "camera-worker-front"), 10, "the broker has its user", 0.5)
        for table in ("events", "recordings"):
            wait_until(lambda table=table: rows(machine, table), 60, f"a row of {table}", 1)  # type: ignore[misc]
    after = pids(machine)
    assert {name: after[name] for name in before} == before, "nothing was restarted"
    stored = machine.run("find", "/var/vigilar/recordings", "-name", "*.vge", "-printf", "%U:%G %m\\n").stdout
    assert stored


def broker_knows(machine: Machine, user: str) -> bool:
    return f"{user}:" in machine.run("cat", "/etc/mosquitto/vigilar/passwd").stdout


def rows(machine: Machine, table: str) -> int:
    """Counted in a copy: this test must not hold the house's own database."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            source = machine.files / f"var/vigilar/data/vigilar.db{suffix}"
            if source.exists():
                shutil.copy(source, Path(folder) / f"copy.db{suffix}")
        with sqlite3.connect(Path(folder) / "copy.db") as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 a table of ours


def test_a_new_pair_for_recordings_reaches_the_camera_workers(machine: Machine) -> None:
    where = ["env", f"VIGILAR_CONFIG={CONFIG}", "VIGILAR_SECRETS_DIR=/etc/vigilar/secrets"]
    machine.run(*where, "/opt/vigilar/venv/bin/python", "-m", "vigilar_storage", "keys", "rotate")
    machine.run("systemctl", "restart", "vigilar")
    ring = "/etc/vigilar/secrets/storage.ring"
    assert owners(machine, [ring])[ring].startswith("root:root")
    told = machine.run(
        "cat", "/var/vigilar/data/secrets/cameras/camera-worker-front/storage_public.pem"
    ).stdout
    assert told == machine.run("cat", "/etc/vigilar/secrets/storage_public.pem").stdout
    assert "keys_storage.ring" in machine.run("ls", "/run/credentials/vigilar.service").stdout
    done = machine.run(*AS_VIGILAR, VIGILAR, "verify", "-c", CONFIG)
    assert "ledger:" in done.stdout


def test_systemd_restarts_the_whole_when_storage_no_longer_lives(
    machine: Machine,
) -> None:
    """With a watchdog of four seconds instead of two minutes."""
    machine.run("mkdir", "-p", "/etc/systemd/system/vigilar.service.d")
    drop_in = "/etc/systemd/system/vigilar.service.d/test.conf"
    machine.run("sh", "-c", f"printf '[Service]\\nWatchdogSec=4\\nRestartSec=1\\n' >{drop_in}")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "vigilar")
    first = shown(machine, "MainPID")
    machine.run("chmod", "0", "/opt/vigilar/venv/lib/python3.11/site-packages/vigilar_storage")
    machine.run("kill", "-9", str(pids(machine)["storage"]))
    try:
        wait_until(lambda: shown(machine, "MainPID") != first, 60, "systemd ended it", 0.5)
        assert "storage does not live: the watchdog of systemd is not answered" in journal(machine)
    finally:
        machine.run("chmod", "755", "/opt/vigilar/venv/lib/python3.11/site-packages/vigilar_storage")
        machine.run("rm", drop_in)
        machine.run("systemctl", "daemon-reload")
    until_ready(machine)
    assert shown(machine, "NRestarts") != "0"


def test_nut_is_set_up_and_the_power_reaches_vigilar(machine: Machine) -> None:
    """With NUT's own dummy in place of a UPS, which this machine has not."""
    said = machine.run("/opt/vigilar/scripts/setup_nut.sh").stdout
    assert "NUT is installed" in said
    assert "no UPS was found on USB" in said
    written = machine.run(
        "sh", "-c", "cd /etc/nut && cat nut.conf ups.conf upsd.conf upsd.users upsmon.conf"
    ).stdout
    for line in (
        "MODE=standalone",
        "driver = usbhid-ups",
        "LISTEN 127.0.0.1 3493",
        "[vigilar]",
        "MONITOR ups@localhost 1 vigilar",
    ):
        assert line in written
    assert set(owners(machine, ["/etc/nut/upsd.users", "/etc/nut/upsmon.conf"]).values()) == {"root:nut 640"}
    machine.run(
        "sed", "-i", "s/usbhid-ups/dummy-ups/; s|port = auto|port = /etc/nut/dummy.dev|", "/etc/nut/ups.conf"
    )
    machine.run(
        "sh", "-c", "printf 'ups.status: OL\nbattery.charge: 87\nbattery.runtime: 1800\n' >/etc/nut/dummy.dev"
    )
    machine.run("upsdrvctl", "start")
    machine.run("systemctl", "restart", "nut-server")
    wait_until(
        lambda: "battery.charge: 87" in machine.run("upsc", "ups@localhost", check=False).stdout,
        20,
        "upsd answers",
        0.5,
    )
    wait_until(lambda: "UPS ups is heard again" in journal(machine), 60, "Vigilar has read it", 1)


def test_the_nightly_backup_holds_everything_is_roots_and_can_be_put_back(machine: Machine) -> None:
    machine.run("systemctl", "start", "vigilar-backup.service")
    said = journal(machine, "vigilar-backup")
    assert "encrypted" in said
    assert "drill: restored" in said
    name = machine.run("ls", "/var/vigilar/backups").stdout.split()[-1]
    archive = f"/var/vigilar/backups/{name}"
    assert owners(machine, [archive]) == {archive: "root:root 600"}
    foreign = machine.run("find", "/var/vigilar/data", "-not", "-user", "vigilar").stdout
    assert foreign == "", "storage must be able to read what the backup leaves behind"
    before = hashes(machine)
    events = rows(machine, "events")
    machine.run("rm", "/etc/vigilar/secrets/storage.key", "/etc/vigilar/secrets/ledger_private.pem", CONFIG)
    machine.run("cp", "/src/config/vigilar.toml", CONFIG)
    machine.run("/opt/vigilar/scripts/restore.sh", archive, "--yes")
    machine.run("sh", "-c", "rm -f /etc/vigilar/*.before-restore-* /etc/vigilar/*/*.before-restore-*")
    assert hashes(machine) == before
    assert owners(machine, [*TABLE, *OURS]) == TABLE | OURS
    until_ready(machine)
    assert rows(machine, "events") >= events


def test_removal_keeps_what_is_yours_and_a_new_installation_takes_it_up(machine: Machine) -> None:
    machine.run("/opt/vigilar/scripts/install.sh", "--uninstall")
    gone = [
        "/opt/vigilar",
        "/etc/systemd/system/vigilar.service",
        "/etc/mosquitto/conf.d/vigilar.conf",
        "/usr/local/lib/vigilar",
    ]
    assert machine.run("ls", "-d", *gone, check=False).stdout == ""
    assert machine.run("systemctl", "is-active", "mosquitto").stdout.strip() == "active"
    kept = hashes(machine)
    assert "storage.key" in kept
    machine.run("env", *(f"{name}={value}" for name, value in OFFLINE.items()), INSTALL)
    assert hashes(machine) == kept
    machine.run("systemctl", "start", "vigilar")
    assert rows(machine, "events") > 0


def test_purging_leaves_nothing(machine: Machine) -> None:
    refused = machine.run(INSTALL, "--uninstall", "--purge", check=False)
    assert "without a terminal add --yes" in refused.stderr
    machine.run(INSTALL, "--uninstall", "--purge", "--yes")
    left = ["/etc/vigilar", "/var/vigilar", "/opt/vigilar"]
    assert machine.run("ls", "-d", *left, check=False).stdout == ""
    assert machine.run("getent", "passwd", "vigilar", check=False).stdout == ""


def test_arch_with_a_stand_in_for_pacman(machine: Machine) -> None:
    """No Arch: this Debian with another package manager, and a mosquitto.conf that includes no folder, as Arch's."""
    machine.run("mv", "/usr/bin/apt-get", "/usr/bin/apt-get.hidden")
    machine.run(
        "sh",
        "-c",
        "printf '#!/bin/sh\\necho \"$@\" >>/var/tmp/pacman\\n' >/usr/bin/pacman; chmod +x /usr/bin/pacman",
    )
    machine.run("sed", "-i", "/^include_dir/d", "/etc/mosquitto/mosquitto.conf")
    install = ["env", *(f"{name}={value}" for name, value in OFFLINE.items()), INSTALL]
    machine.run(*install)
    machine.run(*install)
    asked = machine.run("cat", "/var/tmp/pacman").stdout.splitlines()
    assert asked == ["-S --needed --noconfirm ffmpeg mosquitto python python-virtualenv nut openssl"] * 2
    included = machine.run(
        "grep", "-c", "^include_dir /etc/mosquitto/conf.d$", "/etc/mosquitto/mosquitto.conf"
    ).stdout
    assert included.strip() == "1"
    assert machine.run("systemctl", "is-active", "mosquitto").stdout.strip() == "active"
    machine.run("systemctl", "start", "vigilar")
