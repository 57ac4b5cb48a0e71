"""Everything that can be wrong with a house, in one running house: each fault is named with its place, the rest
keeps running, and nothing already recorded is lost."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from footage import RunningCamera, ensure_film, running_camera
from stack import ROOT, Api, Stack, wait_for
from vigilar_common.testing.broker import free_port

USER, PASSWORD = "viewer", secrets.token_urlsafe(9)
WRONG_PASSWORD = secrets.token_urlsafe(9)
FILM: dict[str, Any] = {
    "width": 320,
    "height": 240,
    "lead_s": 2.0,
    "idle_s": 6.0,
    "busy_s": 2.0,
    "cycles": 4,
    "gop_s": 1.0,
}
ONSET_EVERY_S = FILM["idle_s"] + FILM["busy_s"]
GOOD_NAME = "Yard"
ROOM_MB = 64
FOUND_LIMIT_S = 30.0
"""From a fault to its finding, on a busy machine."""


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCamera]:
    film = ensure_film(**FILM)
    folder = tmp_path_factory.mktemp("camera")
    films = {"good": film, "garbage": film}
    with running_camera(films, folder, faults=["garbage=garbage@0"], user=USER, password=PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of its own and little room for the recordings, where this user may mount one."""
    folder = tmp_path_factory.mktemp("house") / "home" / "recordings"
    folder.mkdir(parents=True)
    options = f"size={ROOM_MB}m,mode=0750"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def house(camera: RunningCamera, recordings: Path) -> Iterator[Stack]:
    def address(mount: str, password: str = PASSWORD, port: int = camera.port) -> str:
        return f"rtsp://{USER}:{password}@127.0.0.1:{port}/{mount}"

    cameras = {
        "good": address("good"),
        "port": address("good", port=free_port()),
        "password": address("good", password=WRONG_PASSWORD),
        "path": address("nothing"),
        "garbage": address("garbage"),
    }
    stack = Stack(recordings.parent, free_port(), cameras)
    stack.start()
    yield stack
    try:
        stack.stop()
    finally:
        keep = Path(os.environ.get("VIGILAR_TEST_RESULTS", str(ROOT / "test-results")))
        shutil.copytree(stack.home / "run" / "log", keep / "bad-input-logs", dirs_exist_ok=True)


@pytest.fixture(scope="module")
def api(house: Stack) -> Api:
    return house.api()


def state_of(api: Api, camera_id: str) -> dict[str, Any]:
    cameras = api.get("/api/v1/cameras")["items"]
    return next((item["state"] or {} for item in cameras if item["id"] == camera_id), {})


def finding(api: Api, code: str, subject: str) -> Callable[[], dict[str, Any]]:
    """Asks for the finding, {} when there is none; for `wait_for`."""

    def ask() -> dict[str, Any]:
        found: list[dict[str, Any]] = api.get("/api/v1/health")["findings"]
        return next((f for f in found if (f["code"], f["subject"]) == (code, subject)), {})

    return ask


def written_bytes(recordings: Path) -> int:
    """Of the good camera, finished or not."""
    return sum(path.stat().st_size for path in recordings.rglob("good/**/*.vge") if path.exists())


def grows(recordings: Path, what: str) -> None:
    before = written_bytes(recordings)
    wait_for(f"the good camera records {what}", lambda: written_bytes(recordings) > before, 15)


def recorded(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/v1/recordings?limit=100&camera=good")["items"]
    return items


def finished(api: Api) -> list[dict[str, Any]]:
    return [item for item in recorded(api) if item["state"] == "complete"]


def content(api: Api, recording_id: str) -> bytes:
    return api.get_bytes(f"/api/v1/recordings/{recording_id}/content")


def plays(api: Api, recording_id: str) -> bool:
    """The whole of it can be read and is a film."""
    return content(api, recording_id)[4:8] == b"ftyp"


def refusal_of(api: Api, recording_id: str) -> tuple[int, str]:
    """Status and text of the error that its content is answered with; (0, "") when it plays."""
    try:
        plays(api, recording_id)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    return 0, ""


def kill(house: Stack, name: str) -> None:
    """`kill -9`, and wait until another process of this name runs."""
    before = house.info["services"][name]["pid"]
    os.kill(before, signal.SIGKILL)
    wait_for(f"{name} runs again", lambda: house.info["services"][name]["pid"] not in (before, None), 30)


# -- configuration ----------------------------------------------------------------------------------------------


def test_a_bad_edit_is_named_with_file_line_and_key_and_changes_nothing(
    house: Stack, api: Api, recordings: Path
) -> None:
    wait_for("the good camera records", lambda: state_of(api, "good").get("recording"), 40)
    path = house.home / "vigilar.toml"
    good = path.read_text()
    pids = {name: service["pid"] for name, service in house.info["services"].items()}
    path.write_text(good.replace("[ups]\n", "[ups]\nnut_prot = 3493\n"))
    line = path.read_text().splitlines().index("nut_prot = 3493") + 1
    message = f'{path}:{line}: [ups] nut_prot: unknown key; did you mean "nut_port"?'
    found = wait_for("health says so", finding(api, "config_refused", "configuration"), FOUND_LIMIT_S)
    assert message in found["title"]
    assert message in house.log.read_text()
    grows(recordings, "under a bad configuration")
    assert {name: service["pid"] for name, service in house.info["services"].items()} == pids

    path.write_text(
        good.replace('id = "good"\n', 'id = "good"\nrecord_continuous = true\n').replace(
            'display_name = "good"', f'display_name = "{GOOD_NAME}"'
        )
    )
    wait_for(
        "the repaired file is taken over",
        lambda: GOOD_NAME in {item["name"] for item in api.get("/api/v1/cameras")["items"]},
        FOUND_LIMIT_S,
    )
    wait_for(
        "the finding is gone", lambda: not finding(api, "config_refused", "configuration")(), FOUND_LIMIT_S
    )
    wait_for("the worker finished its recording for the restart", lambda: finished(api), FOUND_LIMIT_S)
    wait_for("the good camera records always", lambda: state_of(api, "good").get("recording"), FOUND_LIMIT_S)


# -- cameras ----------------------------------------------------------------------------------------------------


def test_each_bad_camera_says_what_is_wrong_and_the_good_one_records(
    house: Stack, api: Api, camera: RunningCamera, recordings: Path
) -> None:
    address = f"127.0.0.1:{camera.port}"
    reasons = {
        "port": "/good: connection refused; nothing listens on this port",
        "password": f"{address}/good refuses user or password (401)",
        "path": f"{address}/nothing: no such stream (404)",
        "garbage": f"{address}/garbage sends data that cannot be decoded as h264",
    }
    for camera_id, reason in reasons.items():

        def told(camera_id: str = camera_id, reason: str = reason) -> bool:
            state = state_of(api, camera_id)
            return state.get("condition") == "offline" and reason in state["reason"]

        wait_for(f"camera {camera_id} says {reason!r}", told, 40)
        found = wait_for(f"a finding of {camera_id}", finding(api, "camera_offline", camera_id), 40)
        assert reason in found["title"]
        assert found["cure"]
    grows(recordings, "beside bad cameras")
    assert state_of(api, "good")["condition"] == "online"
    shown = (
        house.logs()
        + house.log.read_text()
        + str(api.get("/api/v1/health"))
        + str(api.get("/api/v1/cameras"))
    )
    assert PASSWORD not in shown
    assert WRONG_PASSWORD not in shown


# -- the broker -------------------------------------------------------------------------------------------------


def test_without_a_broker_the_page_says_so_recording_goes_on_and_no_motion_is_lost(
    house: Stack, api: Api, camera: RunningCamera, recordings: Path
) -> None:
    conf = house.home / "secrets" / "broker" / "mosquitto.conf"
    aside = conf.with_suffix(".aside")
    conf.rename(aside)  # so that no restart succeeds
    try:
        os.kill(house.info["services"]["broker"]["pid"], signal.SIGKILL)
        gone_ms = time.time_ns() // 1_000_000
        said = wait_for("the page says so", lambda: api.get("/system/status")["troubles"], 10)
        assert any("message broker is away" in text for text in said)
        grows(recordings, "without a broker")

        def onsets() -> list[int]:
            shown = [row["wall_ms"] for row in camera.truth("onset") if row["mount"] == "good"]
            return [ms for ms in shown if ms > gone_ms]

        onset_ms = wait_for("somebody walks by", onsets, 2 * ONSET_EVERY_S)[0]
        wait_for("some seconds pass", lambda: time.time_ns() // 1_000_000 - gone_ms > 5_000, 10)
    finally:
        aside.rename(conf)
    wait_for("the broker is back", lambda: not api.get("/system/status")["troubles"], FOUND_LIMIT_S)
    event = wait_for(
        "the motion is told later",
        lambda: [e for e in api.events() if abs(e["started_ms"] - onset_ms) < 2_000],
        FOUND_LIMIT_S,
    )[0]
    assert event["camera_id"] == "good"
    assert event["recording_id"]


# -- recordings -------------------------------------------------------------------------------------------------


def test_a_flipped_bit_is_named_with_its_place_and_costs_one_recording(
    house: Stack, api: Api, recordings: Path
) -> None:
    damaged = finished(api)[-1]["id"]
    file = next(recordings.glob(f"good/*/*/*/{damaged}.vge"))
    assert plays(api, damaged)
    whole = file.read_bytes()
    place = len(whole) // 2
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(bytes([whole[place] ^ 1]))
    try:
        status, text = refusal_of(api, damaged)
        assert status == 500
        assert "recording_damaged" in text
        assert re.search(rf"{damaged}\.vge: chunk \d+ at byte \d+ .*[\d.]+ s", text), text
        others = [item["id"] for item in recorded(api) if item["id"] != damaged]
        assert others
        assert all(plays(api, other) for other in others)
        assert api.get("/system/status")["troubles"] == []
    finally:
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(whole[place : place + 1])
    assert plays(api, damaged)


def test_lost_and_damaged_key_files_are_named_with_a_cure_and_the_alarm_still_arms(
    house: Stack, api: Api, recordings: Path
) -> None:
    folder = house.home / "secrets" / "storage"
    private, master = folder / "storage_private.pem", folder / "storage.key"
    kept = {path: path.read_bytes() for path in (private, master)}
    recording_id = wait_for("a whole recording", lambda: finished(api), FOUND_LIMIT_S)[-1]["id"]
    private.write_bytes(kept[private][:20])
    master.unlink()
    kill(house, "storage")
    for code, path in (("private_key", private), ("key_file", master)):
        found = wait_for(f"a finding about {path.name}", finding(api, code, "storage"), FOUND_LIMIT_S)
        assert str(path) in found["title"]
        assert "backup" in found["cure"]
    status, text = refusal_of(api, recording_id)
    assert (status, "wrong_key" in text) == (500, True)
    status, answer = api.send("POST", "/api/v1/alarm", {"action": "ARM_HOME", "pin": house.info["pin"]})
    assert (status, answer["state"]) == (200, "armed_home")
    grows(recordings, "without keys")

    for path, data in kept.items():
        path.write_bytes(data)
        path.chmod(0o600)
    kill(house, "storage")
    wait_for("recordings play again", lambda: refusal_of(api, recording_id) == (0, ""), FOUND_LIMIT_S)
    wait_for("the findings are gone", lambda: not finding(api, "private_key", "storage")(), FOUND_LIMIT_S)
    assert all(plays(api, item["id"]) for item in recorded(api)), (
        "what was recorded without keys plays with them"
    )


def fill(filler: Path) -> None:
    """Write until the disk takes no more."""
    with filler.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(bytes(1024 * 1024))


# -- disk -------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_named_alerts_still_arrive_and_recording_resumes(
    house: Stack, api: Api, recordings: Path
) -> None:
    if not recordings.is_mount():
        assert os.environ.get("CI") != "true", "a full disk must be tested here: run as root, with mount"
        pytest.skip("A FULL DISK IS NOT TESTED: mounting a small disk needs root")
    earlier = {item["id"]: content(api, item["id"]) for item in recorded(api)}
    assert any(item["state"] == "growing" for item in recorded(api))
    filler = recordings / "filler"
    fill(filler)
    full_ms = time.time_ns() // 1_000_000
    found = wait_for("health says so", finding(api, "not_recording", "good"), FOUND_LIMIT_S)
    assert found["severity"] == "critical"
    assert "No space left on device" in found["title"]
    wait_for(
        "an alert of a motion on a full disk",
        lambda: [
            row
            for row in api.get("/api/v1/alerts")["items"]
            if row["ts_ms"] > full_ms and row["outcome"] == "delivered" and row["event_id"]
        ],
        2 * ONSET_EVERY_S + 10,
    )
    filler.unlink()
    wait_for("recording resumes", lambda: state_of(api, "good").get("recording"), FOUND_LIMIT_S)
    grows(recordings, "again")
    wait_for("the finding is gone", lambda: not finding(api, "not_recording", "good")(), FOUND_LIMIT_S)

    def gaps() -> list[tuple[int, int, str]]:
        with sqlite3.connect(f"file:{house.home / 'data' / 'vigilar.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute(
                "SELECT from_ms, to_ms, reason FROM recording_gaps WHERE to_ms > ?", (full_ms,)
            )
            return [row for row in rows if "No space left" in row[2]]

    wait_for("the gap is in the log with its reason", gaps, FOUND_LIMIT_S)
    there = {item["id"] for item in recorded(api)}
    for recording_id in there & earlier.keys():
        data = earlier[recording_id]
        assert data[4:8] == b"ftyp"
        assert content(api, recording_id).startswith(data), "something already recorded is lost"
    if earlier.keys() - there:  # storage made room, and says so
        coverage = api.get(f"/api/v1/cameras/good/coverage?from_ms={full_ms - 600_000}&to_ms={full_ms}")
        deleted = [span["reason"] for span in coverage["spans"] if span["state"] == "deleted"]
        assert deleted
        assert all(reason.startswith("deleted by storage: the disk was") for reason in deleted), deleted


# -- PIN --------------------------------------------------------------------------------------------------------


def test_a_wrong_pin_changes_nothing_and_too_many_tries_have_to_wait(house: Stack, api: Api) -> None:
    pin = house.info["pin"]
    wrong = "000000" if pin != "000000" else "111111"
    before = api.get("/api/v1/alarm")["state"]
    answers = [api.send("POST", "/api/v1/alarm", {"action": "ARM_AWAY", "pin": wrong}) for _ in range(6)]
    assert [(status, body["error"]["code"]) for status, body in answers[:5]] == [(403, "wrong_pin")] * 5
    status, body = answers[5]
    assert (status, body["error"]["code"]) == (429, "too_many_tries")
    assert body["error"]["retry_after_s"] > 0
    # Even the right one waits: else the limit would tell a guesser that it was right.
    assert api.send("POST", "/api/v1/alarm", {"action": "ARM_AWAY", "pin": pin})[0] == 429
    assert api.get("/api/v1/alarm")["state"] == before
    assert pin not in house.logs()
