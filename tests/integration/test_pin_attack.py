"""Guessing the PIN of a real events service through the real web service and from Home Assistant, with forged addresses."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from service_rig import ServiceRig
from vigilar_common.messages.alarm import ArmAction, ArmCommand
from vigilar_common.passwords import hash_pin
from vigilar_common.testing.broker import TestBroker, free_port
from vigilar_common.topics import CMD_ALARM
from web_rig import WebProcess

PIN = "5730"
TOML = f"""
[security]
pin_hash = "{hash_pin(PIN)}"
[alarm.modes]
home = {{ exit_delay_s = 0 }}
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_way_in_gives_more_guesses_and_the_owner_disarms(tmp_path: Path, broker: TestBroker) -> None:
    rng = random.Random(7)
    events = ServiceRig(tmp_path / "house", broker, TOML).service("events").start()
    web = WebProcess(tmp_path / "web", broker, free_port())
    web.wait()
    cookie = web.login()
    csrf = json.loads(web.ask("GET", "/api/v1/session", Cookie=cookie)[2])["csrf"]
    outside = broker.bus("home_automation")

    def by_web(pin: str) -> tuple[int, str]:
        forged = ".".join(str(rng.randrange(256)) for _ in range(4))
        status, _, body = web.ask(
            "POST", "/api/v1/alarm", json.dumps({"action": "ARM_HOME", "pin": pin}), Cookie=cookie, Origin=web.origin,
            X_CSRF_Token=csrf, Content_Type="application/json", X_Forwarded_For=forged, Forwarded=f"for={forged}",
            X_Real_IP=forged,
        )  # fmt: skip
        return status, str(json.loads(body).get("error", {}).get("code", "ok"))

    def from_outside(pin: str) -> str:
        action = rng.choice((ArmAction.ARM_HOME, ArmAction.DISARM))
        command = ArmCommand(action=action, pin=pin, user=f"user-{rng.randrange(1000)}")
        return outside.request(CMD_ALARM, command, timeout_s=20).code

    codes = []
    for number in range(60):
        codes.append(from_outside(f"{number:04}"))
        if number in (3, 30):
            events.kill()
            events.start()
    assert codes.count("wrong_pin") == 5, "then Home Assistant's user waits for a minute"
    assert by_web(PIN) == (200, "ok"), "who is logged in does not"
    assert from_outside(PIN) == "too_many_tries"

    answers = [by_web(f"{number:04}") for number in range(30)]
    assert answers.count((403, "wrong_pin")) == 5
    assert answers.count((429, "too_many_tries")) == 25
    events.kill()
    events.start()
    assert by_web("0000") == (429, "too_many_tries"), "a restart gives nothing back"
    assert web.stop() == 0
    assert events.stop() == 0
    outside.stop()
