"""The broker's container: new users get in without a restart, and nobody else is cut off (deploy/scripts/broker.sh)."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from mqtt_wire import Wire
from patience import wait_until
from vigilar_common import broker
from vigilar_common.testing.broker import free_port
from vigilar_supervisor.bootstrap import SecretsLayout, make_secrets

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "scripts" / "broker.sh"


def let_in(port: int, layout: SecretsLayout, user: str) -> bool:
    try:
        with Wire("127.0.0.1", port, user, layout.broker_password(user)):
            return True
    except (OSError, AssertionError):
        return False


def test_users_that_come_and_go_are_read_while_others_stay_connected(tmp_path: Path) -> None:
    port, layout = free_port(), SecretsLayout(tmp_path / "secrets")
    make_secrets(layout.root, ["front"])
    folder = layout.root / "broker"
    conf = broker.mosquitto_conf(
        listeners=[f"{port} 127.0.0.1"],
        password_file=folder / "passwd",
        acl_file=folder / "acl",
        extra=["user root"] if os.geteuid() == 0 else [],
    )
    (folder / "mosquitto.conf").write_text(conf)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([str(SCRIPT), str(folder)], stdout=log, stderr=log)
    try:
        wait_until(lambda: let_in(port, layout, "camera-worker-front"), 10, "the broker runs")
        with Wire("127.0.0.1", port, "events", layout.broker_password("events")) as stays:
            make_secrets(layout.root, ["front", "yard"])
            wait_until(lambda: let_in(port, layout, "camera-worker-yard"), 10, "the new camera gets in")
            make_secrets(layout.root, ["front"])
            wait_until(lambda: not let_in(port, layout, "camera-worker-yard"), 10, "the removed one does not")
            stays.subscribe(["vigilar/heartbeat/+"])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
