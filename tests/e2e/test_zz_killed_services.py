"""Any one service is killed and heals by itself; no onset of the demo's ground truth is lost."""

from __future__ import annotations

import os
import signal
import time

import pytest
from stack import Stack, wait_for

HEAL_LIMIT_S = 30.0
SERVICES = ("broker", "storage", "events", "alerts", "health", "web", "camera-worker-demo")


def pid_of(stack: Stack, name: str) -> int:
    pid = stack.info["services"][name]["pid"]
    assert isinstance(pid, int), f"{name} does not run"
    return pid


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_comes_back(stack: Stack, name: str) -> None:
    before = pid_of(stack, name)
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    wait_for(
        f"{name} runs again",
        lambda: (pid := stack.info["services"][name]["pid"]) and pid != before,
        HEAL_LIMIT_S,
    )
    assert time.monotonic() - began < 10
    wait_for("the whole answers again", lambda: _all_ready(stack), HEAL_LIMIT_S)


def _all_ready(stack: Stack) -> bool:
    import urllib.error
    import urllib.request

    for service in stack.info["services"].values():
        if not service["health_url"]:
            continue
        try:
            with urllib.request.urlopen(service["health_url"] + "/health/ready", timeout=3) as response:
                if response.status != 200:
                    return False
        except (urllib.error.URLError, OSError):
            return False
    return True


@pytest.mark.timeout(180)
def test_every_onset_that_a_running_worker_saw_became_an_event(stack: Stack) -> None:
    """The worker's own restart may cost the onset that falls into it; everything else must be there."""
    shown = stack.truth("onset")
    wait_for("another onset after the kills", lambda: len(stack.truth("onset")) > len(shown), 60)
    onsets = stack.truth("onset")
    api = stack.api()
    wait_for("its event", lambda: _near(onsets[-1], [e["started_ms"] for e in api.events()]), 20)
    started = [event["started_ms"] for event in api.events()]
    missing = [onset for onset in onsets if not _near(onset, started)]
    assert len(missing) <= 1, f"{len(missing)} of {len(onsets)} onsets have no event"
    assert len(started) == len({round(ms / 1000) for ms in started}), "an event stands twice"
    wait_for("health reaches storage again", lambda: api.get("/api/v1/health")["storage_reachable"], 40, 1)


def _near(onset_ms: int, started: list[int]) -> bool:
    return any(abs(ms - onset_ms) < 3_000 for ms in started)


def test_the_recordings_made_during_the_kills_play(stack: Stack) -> None:
    api = stack.api()
    recordings = api.get("/api/v1/recordings?limit=50")["items"]
    assert recordings
    for recording in recordings:
        assert recording["state"] in ("growing", "complete", "recovered"), recording
        head = api.get_bytes(f"/api/v1/recordings/{recording['id']}/content", {"Range": "bytes=0-1023"})
        assert head[4:8] == b"ftyp"


def test_no_secret_stands_in_any_log(stack: Stack) -> None:
    text = stack.logs()
    info = stack.info
    secrets = [info["password"], info["pin"], info["broker"]["home_automation"]["password"]]
    secrets += [
        path.read_text().strip()
        for path in (stack.home / "secrets").rglob("*")
        if path.name in ("broker_password", "storage_token", "media_key", "session_key")
    ]
    found = [number for number, secret in enumerate(secrets) if secret in text]
    assert found == []
