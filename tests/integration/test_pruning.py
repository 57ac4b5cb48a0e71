"""A small disk that fills: storage deletes the oldest, keeps the starred, and recording goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_rig import Rig, make_film, now_ms, wait_for
from vigilar_common.config import load, slices

MB = 1024 * 1024
DISK_MB = 24
HOUR_MS = 3_600_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Recordings on a tmpfs of their own, where 95 % are soon reached."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    built = Rig(tmp_path)
    built.recordings.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(built.recordings)],
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip(f"tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    built.configure()
    try:
        yield built
    finally:
        built.stop()
        subprocess.run(["umount", "-l", str(built.recordings)], check=True)


def used_pct(rig: Rig) -> float:
    total, _, free = shutil.disk_usage(rig.recordings)
    return 100 * (total - free) / total


def there(rig: Rig, ids: list[str]) -> list[bool]:
    """By answer and by file, which must agree."""
    found = [rig.state_of(item) == "complete" for item in ids]
    assert found == [bool(list(rig.recordings.glob(f"front/*/*/*/{item}.vge"))) for item in ids]
    return found


def findings(rig: Rig) -> set[str]:
    assert rig.app is not None
    return {finding.code for finding in rig.app.reporter.findings()}


def fill(rig: Rig, film: bytes) -> list[str]:
    """Recordings an hour apart, oldest first, until the disk is over 95 %."""
    began_ms = now_ms() - 48 * HOUR_MS
    ids: list[str] = []
    while used_pct(rig) < 95:
        ids.append(rig.recorded(film, began_ms + len(ids) * HOUR_MS // 4))
    return ids


def test_a_full_disk_is_pruned_starred_ones_stay_and_recording_resumes(rig: Rig) -> None:
    app = rig.start()
    app.housekeeper.stop()  # its looks are made by hand here, so that nothing depends on their moment
    app.housekeeper._stopping.clear()
    film = make_film(8)
    ids = fill(rig, film)
    assert len(ids) > 25
    rig.send("PATCH", f"/v1/recordings/{ids[0]}", {"starred": True})
    assert rig.get("/v1/usage").json()["disks"]["recordings"]["used_pct"] >= 95

    app.housekeeper.look()

    kept = there(rig, ids)
    assert used_pct(rig) < 80
    assert kept[0], "starred"
    assert kept[1:] == sorted(kept[1:]), "oldest first"
    assert kept.count(False) % 20 == 0, "twenty at a time"
    assert rig.state_of(rig.recorded(film, now_ms() - 60_000)) == "complete", "recording goes on"
    assert findings(rig) == set()


def test_when_everything_is_starred_nothing_goes_and_a_finding_says_why(rig: Rig) -> None:
    app = rig.start()
    app.housekeeper.stop()
    app.housekeeper._stopping.clear()
    ids = fill(rig, make_film(16))
    for item in ids:
        rig.send("PATCH", f"/v1/recordings/{item}", {"starred": True})

    app.housekeeper.look()

    assert all(there(rig, ids))
    assert "prune_nothing_left" in findings(rig)


def test_a_disk_that_something_else_fills_loses_one_batch_at_most(rig: Rig) -> None:
    """Hard links keep the bytes, as a snapshot would."""
    app = rig.start()
    app.housekeeper.stop()
    app.housekeeper._stopping.clear()
    ids = fill(rig, make_film(8))
    shadow = rig.recordings / "snapshot"
    shadow.mkdir()
    for item in ids:
        os.link(rig.file_of(item), shadow / item)

    app.housekeeper.look()
    app.housekeeper.look()

    assert there(rig, ids).count(False) == 20
    assert "prune_frees_nothing" in findings(rig)
    shutil.rmtree(shadow)
    app.housekeeper.look()
    assert "prune_frees_nothing" not in findings(rig)


def test_the_running_service_prunes_by_itself_and_says_who_deleted(rig: Rig) -> None:
    config = rig.config.read_text()
    app = rig.start()
    ids = fill(rig, make_film(16))
    app.housekeeper.wake()
    wait_for(lambda: used_pct(rig) < 80, what="the disk has room again")
    assert rig.state_of(ids[0]) is None, "the oldest is gone"
    spans = rig.get(
        "/v1/cameras/front/coverage", params={"from_ms": now_ms() - 49 * HOUR_MS, "to_ms": now_ms()}
    ).json()["spans"]
    deleted = [span for span in spans if span["state"] == "deleted"]
    assert deleted
    assert deleted[0]["reason"].startswith("deleted by storage: the disk was")
    assert rig.config.read_text() == config


def test_enforce_limits_shows_what_goes_asks_and_then_storage_deletes(rig: Rig) -> None:
    app = rig.start()
    film = make_film(8)
    ids = [rig.recorded(film, now_ms() - (20 - hour) * HOUR_MS) for hour in range(10)]
    size = rig.file_of(ids[0]).stat().st_size
    rig.config.write_text(rig.config.read_text() + f"[storage]\nmax_disk_usage_gb = {4.5 * size / 1e9:.9f}\n")
    slices.apply(load.load(rig.config, {}), rig.folder / "config-run")
    app.housekeeper.look()
    assert all(there(rig, ids))
    assert "limits_not_confirmed" in findings(rig)

    asked = storage_command(rig, "enforce-limits")
    assert asked.returncode == 1
    assert "front: 6 recordings" in asked.stdout
    assert "give --yes" in asked.stderr
    assert all(there(rig, ids))

    assert storage_command(rig, "enforce-limits", "--yes").returncode == 0
    app.housekeeper.wake()
    wait_for(lambda: rig.state_of(ids[5]) is None, what="the limit holds")
    wait_for(lambda: not list(rig.recordings.glob(f"front/*/*/*/{ids[5]}.vge")))
    assert there(rig, ids) == [False] * 6 + [True] * 4

    assert "nothing any more" in storage_command(rig, "enforce-limits", "--off").stdout
    app.housekeeper.look()
    assert "limits_not_confirmed" in findings(rig)
    assert storage_command(rig, "confirm-time", "--yes").returncode == 0
    entries = rig.get("/v1/ledger?limit=200").json()["items"]
    limits = [entry["body"]["values"] for entry in entries if entry["type"] == "limits-confirmed"]
    assert [list(values) for values in limits] == [["max_disk_usage_gb"], []]
    assert [entry["body"]["actor"] for entry in entries if entry["type"] == "time-confirmed"] != [""]


def test_gaps_are_printed_with_their_reasons(rig: Rig) -> None:
    rig.start()
    began_ms = now_ms() - HOUR_MS
    rig.recorded(make_film(4), began_ms)
    printed = storage_command(rig, "gaps", "--camera", "front", "--from", "2020-01-01", "--to", "2020-01-02")
    assert printed.returncode == 0
    assert "the camera was not configured yet" in printed.stdout
    assert "idle 86400.0 s" in printed.stdout
    wrong = storage_command(rig, "gaps", "--camera", "back", "--from", "2020-01-01", "--to", "2020-01-02")
    assert (wrong.returncode, wrong.stderr) == (1, "vigilar: there is no camera back\n")
    wrong = storage_command(rig, "gaps", "--camera", "front", "--from", "noon", "--to", "2020-01-02")
    assert "is no time" in wrong.stderr


def storage_command(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    import sys

    return subprocess.run(
        [sys.executable, "-m", "vigilar_storage", "storage", *words],
        env={**os.environ, **rig.env}, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
