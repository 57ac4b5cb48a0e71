"""Alarm, footage and ledger from a real storage to a real SFTP server, and back: what a recovery can prove."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from offsite_rig import House, feed, film, finish
from offsite_targets import SftpServer, key_pair
from service_rig import ServiceRig, until
from storage_rig import Rig, fact, finished, now_ms, opened, wait_for
from vigilar_common.testing.broker import TestBroker

pytestmark = pytest.mark.slow


def arm(rig: Rig, before: str, after: str) -> None:
    body = {"from_state": before, "to_state": after, "changed_by": "test", "method": "web"}
    assert rig.post([fact("alarm.changed", body)], "events").status_code == 200


def test_a_recovered_recording_is_in_the_signed_ledger_and_strangers_are_not(
    tmp_path: Path, broker: TestBroker
) -> None:
    rig = Rig(tmp_path / "storage")
    rig.folder.mkdir()
    rig.configure(broker=broker)
    rig.spawn()
    house = House(rig.recordings, rig.private)
    services = ServiceRig(tmp_path / "offsite", broker, "", rig.url)
    secrets = services.folder / "secrets" / "offsite"
    secrets.mkdir(parents=True)
    server = SftpServer(tmp_path / "sftp", key_pair(secrets / "ssh_key")).start()
    services.configure(
        f"[system]\nrecordings_dir = '{rig.recordings}'\n[offsite]\nenabled = true\nprivate_targets = ['127.0.0.1']\n"
        f"url = 'sftp://vigilar@127.0.0.1:{server.port}/house'\nhost_key = '{server.host_key}'\n"
    )
    service = services.service("offsite").start()
    root = server.root / "house"

    def documents() -> list[Path]:
        return sorted((root / "ledger").glob("*.json"))

    started_ms = now_ms()
    recording_id, file = house.begin(created_ms=started_ms)
    rig.post([opened(recording_id, started_ms)])
    arm(rig, "armed_away", "triggered")
    feed(file, film(4))
    until(documents, 20, "what the ledger says of its opening")
    key = ("--key", str(house.key_file), "--public-key", str(rig.folder / "secrets" / "ledger_public.txt"))
    cut = recover(root, *key)
    assert cut.returncode == 0, cut.stdout + cut.stderr
    assert "the signed ledger says that it was opened at" in cut.stdout

    size = finish(file)
    rig.post([finished(recording_id, started_ms, seconds=4, size=size)])
    wait_for(lambda: rig.state_of(recording_id) == "complete", what="storage has it")
    arm(rig, "triggered", "disarmed")
    until(lambda: len(documents()) == 2, 20, "what the ledger says of its end")
    until(lambda: service_detail(service)["unanchored"] == 0, 20, "nothing waits any more")
    whole = recover(root, *key)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "the signed ledger registers exactly these bytes" in whole.stdout
    told = "".join(path.read_text() for path in documents())
    assert "changed_by" not in told
    assert '"arm"' not in told
    assert service.stop() == 0
    server.kill()
    rig.kill()


def service_detail(service: Any) -> dict[str, float]:
    """From /metrics."""
    lines = [line for line in service.get("/metrics").splitlines() if line.startswith("vigilar_offsite_now{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


def recover(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    out = root.parent.parent / f"out{now_ms()}"
    return subprocess.run(
        [sys.executable, "-m", "vigilar_supervisor", "recover", str(root), "--out", str(out), *more],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
