"""Storage as a process of its own: killed in the midst of work, out of disk, started wrongly."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from storage_rig import (
    START_LIMIT_S,
    Rig,
    auth,
    finished,
    make_film,
    motion,
    new_id,
    now_ms,
    opened,
    wait_for,
)
from vigilar_common.clock import SystemClock
from vigilar_storage import migrate

KILLS = 2
PRODUCERS = ("camera-worker-front", "events")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    built = Rig(tmp_path)
    built.configure()
    migrate.prepare(built.database, SystemClock())  # a child would load the migrations anew in each test
    yield built
    if built.process is not None:
        built.kill()


def system_event() -> list[object]:
    return [
        0,
        new_id(),
        "system.event",
        {"ts_ms": now_ms(), "component": "x", "level": "info", "code": "c", "message": "m"},
    ]


class Producer(threading.Thread):
    """As an outbox: batches in order, repeated until acknowledged."""

    def __init__(self, rig: Rig, service: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.rig, self.service, self.stop = rig, service, stop
        self.intended: list[str] = []
        self.confirmed: list[str] = []

    def run(self) -> None:
        seq = itertools.count(1)
        with httpx.Client(headers=auth(self.service), timeout=3, verify=False) as client:  # noqa: S501 no TLS here
            while not self.stop.is_set():
                batch = [motion() if self.service.startswith("camera") else system_event() for _ in range(5)]
                for item in batch:
                    item[0] = next(seq)
                self.intended += [str(item[1]) for item in batch]
                while not self._sent(client, batch):
                    if self.stop.is_set():
                        return
                    time.sleep(0.05)
                self.confirmed += [str(item[1]) for item in batch]

    def _sent(self, client: httpx.Client, batch: list[list[object]]) -> bool:
        try:
            answer = client.post(f"{self.rig.url}/v1/facts", json={"source": self.service, "facts": batch})
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and not answer.json()["rejected"]


@pytest.mark.slow
def test_what_was_confirmed_survives_a_storm_of_kills_once_and_in_order(rig: Rig) -> None:
    rig.spawn()
    stop = threading.Event()
    producers = [Producer(rig, service, stop) for service in PRODUCERS]
    for producer in producers:
        producer.start()
    for number in range(KILLS):
        time.sleep(0.25 + number * 0.07)
        rig.kill()
        rig.spawn()
    time.sleep(0.2)
    stop.set()
    for producer in producers:
        producer.join(10)
    assert rig.kill(signal.SIGTERM) == 0

    with sqlite3.connect(rig.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for producer in producers:
            rows = connection.execute("SELECT id FROM facts WHERE source = ? ORDER BY n", (producer.service,))
            kept = [row[0] for row in rows]
            assert len(producer.confirmed) > 50
            assert kept[: len(producer.confirmed)] == producer.confirmed
            assert kept == producer.intended[: len(kept)]
            assert len(set(kept)) == len(kept)
        events = connection.execute("SELECT count(*) FROM system_events WHERE source = 'events'").fetchone()[
            0
        ]
        facts = connection.execute("SELECT count(*) FROM facts WHERE source = 'events'").fetchone()[0]
        assert events == facts


def test_recordings_survive_a_kill_while_one_grows(rig: Rig) -> None:
    film = make_film(4)
    rig.spawn()
    whole = rig.recorded(film, now_ms() - 60_000)
    growing = new_id()
    with rig.begin(growing, now_ms() - 20_000) as writer:
        rig.post([opened(growing, now_ms() - 20_000)])
        writer.write(film)
        rig.kill()
        late = rig.record(film, now_ms() - 90_000, tell=False)
        rig.spawn()

        assert rig.get(f"/v1/recordings/{whole}/content").content == film
        wait_for(lambda: rig.state_of(late) == "complete")
        assert rig.state_of(growing) == "growing"
        writer.finish({})
    rig.post([finished(growing, now_ms() - 20_000)])

    wait_for(lambda: rig.state_of(growing) == "complete")
    assert rig.get(f"/v1/recordings/{growing}/content").content == film


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_told_reads_go_on_and_nothing_confirmed_is_lost(rig: Rig) -> None:
    disk = rig.folder / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        rig.configure(data_dir=disk)
        migrate.prepare(disk / "vigilar.db", SystemClock())
        rig.spawn()
        confirmed: list[str] = []
        answer = None
        for _ in range(400):
            batch = [motion(zones=["z" * 400] * 20) for _ in range(20)]
            answer = rig.post(batch)
            if answer.status_code != 200:
                break
            confirmed += [str(item[1]) for item in batch]
        assert answer is not None
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
        page = rig.get("/v1/facts?limit=500", "events")
        assert page.status_code == 200
        assert len(page.json()["facts"]) > 20
        assert "disk of the database is full" in rig.log

        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        assert rig.post([motion()]).status_code == 200
        rig.kill()
        with sqlite3.connect(disk / "vigilar.db") as connection:
            kept = {row[0] for row in connection.execute("SELECT id FROM facts")}
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert set(confirmed) <= kept
    finally:
        if rig.process is not None:
            rig.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def failing_start(rig: Rig, **env: str) -> tuple[int, str]:
    rig.port = rig.port or 0
    done = subprocess.run(
        [sys.executable, "-m", "vigilar_storage"],
        env={**os.environ, **rig.env, **env},
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_start_that_cannot_work_ends_with_the_reason(rig: Rig) -> None:
    (rig.folder / "secrets" / "tokens.json").write_text("[]")
    exit_code, text = failing_start(rig)

    assert exit_code == 1
    assert "tokens.json is no list of tokens" in text
    assert "Traceback" not in text


def test_without_its_private_key_storage_still_takes_facts(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    (rig.folder / "secrets" / "storage_private.pem").unlink()
    rig.start()
    try:
        assert rig.post([motion()]).status_code == 200
        assert "storage_private.pem" in caplog.text
    finally:
        rig.stop()


def test_an_idle_storage_stays_small(rig: Rig) -> None:
    rig.spawn()
    for path in ("/v1/events", "/v1/usage", "/v1/settings"):
        assert rig.get(path).status_code == 200

    assert rig.process is not None
    status = Path(f"/proc/{rig.process.pid}/status").read_text()
    rss_kib = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert rss_kib < 100 * 1024, f"{rss_kib / 1024:.0f} MB"
    assert json.loads(rig.get("/v1/cameras").text)["items"]
