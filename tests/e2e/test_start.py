"""`vigilar start` as on a host without containers: a broker of the host, secrets made by `vigilar init`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import wait_for
from vigilar_common import broker
from vigilar_common.testing.broker import free_port
from vigilar_supervisor.children import find_mosquitto

CONFIG = """
[system]
name = "Test house"
data_dir = "{home}/data"
recordings_dir = "{home}/recordings"
hls_dir = "{home}/hls"
[mqtt]
port = {mqtt_port}
[web]
host = "127.0.0.1"
port = {web_port}
[ups]
enabled = false
[storage]
key_file = "{home}/secrets/storage/storage.key"
[[cameras]]
id = "door"
display_name = "Door"
rtsp_url = "rtsp://127.0.0.1:{nothing_port}/stream"
"""


def vigilar(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vigilar_supervisor", *arguments]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    mqtt_port = free_port()
    text = CONFIG.format(home=tmp_path, mqtt_port=mqtt_port, web_port=free_port(), nothing_port=free_port())
    (tmp_path / "vigilar.toml").write_text(text)
    subprocess.run(
        vigilar("init", "-c", str(tmp_path / "vigilar.toml")), check=True, timeout=60, capture_output=True
    )
    files = tmp_path / "secrets" / "broker"
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(
        broker.mosquitto_conf(
            listeners=[f"{mqtt_port} 127.0.0.1"],
            password_file=files / "passwd",
            acl_file=files / "acl",
            extra=["user root"] if os.geteuid() == 0 else [],
        )
    )
    with (tmp_path / "mosquitto.log").open("wb") as log:
        mosquitto = subprocess.Popen([find_mosquitto(), "-c", str(conf)], stdout=log, stderr=log)
    yield tmp_path
    mosquitto.terminate()
    mosquitto.wait(5)


def test_start_runs_everything_says_what_it_runs_and_stops_in_order(home: Path) -> None:
    log = home / "vigilar.log"
    environment = {**os.environ, "JOURNAL_STREAM": "1:1"}
    with log.open("wb") as out:
        command = vigilar("start", "-c", str(home / "vigilar.toml"))
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        wait_for("every service is ready", lambda: "web is ready" in log.read_text() and _ready(log), 60)
        listed = json.loads((home / "data" / "run" / "services.json").read_text())["services"]
        assert set(listed) == {"storage", "events", "alerts", "health", "web", "scout", "camera-worker-door"}
        assert all(service["pid"] for service in listed.values())
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = process.wait(40)
    assert code == 0
    assert time.monotonic() - began < 15
    text = log.read_text()
    assert "Cameras: 1" in text
    assert "Sensors: 0" in text
    assert "UPS: disabled" in text
    assert "connection refused" in text, "the camera that does not exist is named with its reason"
    assert all(line.startswith("<") for line in text.splitlines()), "every journal line carries its priority"
    assert not (home / "data" / "run" / "services.json").exists()


def _ready(log: Path) -> bool:
    text = log.read_text()
    return all(
        f"{name} is ready" in text for name in ("storage", "events", "alerts", "health", "camera-worker-door")
    )
