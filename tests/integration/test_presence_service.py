"""The presence service as a process on a real broker: real pings, a tracker of Home Assistant, an alarm that answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from service_rig import ServiceRig, until
from vigilar_common.bus import Received
from vigilar_common.messages.alarm import AlarmState, ArmAction, ArmCommand, ArmState
from vigilar_common.messages.presence import Household, HouseholdStatus, PersonStatus
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import ALARM_STATE, CMD_ALARM, HOUSEHOLD_STATE, PERSON_STATE
from vigilar_presence.adapters.icmp import Icmp
from vigilar_presence.handlers import tracker_topic

PREFIX = "homeassistant_states"
CONFIG = """
[presence]
enabled = true
ping_interval_s = 5
departure_delay_m = 0
[presence.actions]
adults_home = "ARMED_AWAY"
ALL_HOME = "disarmed"
[[presence.members]]
name = "Ann"
ip = "127.0.0.21"
role = "adult"
[[presence.members]]
name = "Kim"
device_tracker = "device_tracker.kims_phone"
role = "child"
"""


def test_everything_on_the_loopback_answers_and_an_address_of_nobody_does_not() -> None:
    answers = Icmp().ask(["127.0.0.1", "127.12.34.56", "240.0.0.1"])
    assert answers.heard == {"127.0.0.1", "127.12.34.56"}


def test_people_come_by_ping_and_by_tracker_and_the_alarm_is_asked(
    tmp_path: Path, broker: TestBroker
) -> None:
    rig = ServiceRig(tmp_path, broker, CONFIG)
    web, events, home = broker.bus("web"), broker.bus("events"), broker.bus("home_automation")
    people: dict[str, bool | None] = {}
    households: list[Household | None] = []
    commands: list[tuple[str, ArmAction]] = []

    def hear(received: Received) -> None:
        match received.message:
            case PersonStatus() as person:
                people[person.member] = person.home
            case HouseholdStatus() as household:
                households.append(household.state)

    def alarm(received: Received) -> None:
        assert isinstance(received.message, ArmCommand)
        commands.append((received.ids["sender"], received.message.action))
        received.reply(ok=True, message="The alarm is armed_away.")

    def tracked(state: bytes) -> None:
        home.publish_frame(tracker_topic(PREFIX, "device_tracker.kims_phone"), state)

    events.set_state(ALARM_STATE, AlarmState(state=ArmState.DISARMED, since_ms=1))
    events.subscribe(CMD_ALARM, alarm)
    web.subscribe(PERSON_STATE, hear)
    web.subscribe(HOUSEHOLD_STATE, hear)
    tracked(b"home")
    service = rig.service("presence").start()
    try:
        until(lambda: households and households[-1] is Household.ALL_HOME, 20, "both are home")
        assert people == {"Ann": True, "Kim": True}
        tracked(b"not_home")
        until(lambda: households[-1] is Household.ADULTS_HOME, 20, "Kim left")
        until(lambda: commands, what="the alarm is asked")
        assert commands == [("presence", ArmAction.ARM_AWAY)]
        assert service.rss_bytes() < 60_000_000
        assert "vigilar_presence" in service.get("/metrics")
    finally:
        assert service.stop() == 0
        for bus in (web, events, home):
            bus.stop()


ASK = """
import json, sys
from vigilar_common.clock import SystemClock
from vigilar_presence.adapters.arp import Arp
answers = Arp(SystemClock()).ask(sys.argv[1:])
print(json.dumps([sorted(answers.heard), sorted(answers.blind)]))
"""
TWO_MACHINES = """
set -e
unshare -n sleep 30 & other=$!
trap 'kill $other' EXIT
for _ in $(seq 100); do [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && break; sleep 0.02; done
ip link add here type veth peer name there
ip link set there netns $other
ip addr add 10.99.1.1/24 dev here
ip link set here up
nsenter -t $other -n ip addr add 10.99.1.2/24 dev there
nsenter -t $other -n ip link set there up
"$@"
"""


def test_a_phone_on_the_same_wire_answers_arp() -> None:
    """Two network namespaces joined by a cable; only root may make them."""
    tools = [tool for tool in ("unshare", "nsenter", "ip") if not shutil.which(tool)]
    if tools or os.geteuid() != 0:
        pytest.skip(f"needs root and {tools or 'nothing else'}")
    allowed = subprocess.run(
        ["unshare", "-n", "ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0"]
    )
    if allowed.returncode != 0:
        pytest.skip("this machine makes no network namespaces")
    asked = ["10.99.1.2", "10.99.1.77", "192.0.2.1"]
    argv = ["unshare", "-n", "bash", "-c", TWO_MACHINES, "bash", sys.executable, "-c", ASK, *asked]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=25)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["10.99.1.2"], ["192.0.2.1"]]
