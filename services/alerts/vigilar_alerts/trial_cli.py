"""`vigilar alerts test`: one message through each channel now, and in plain words what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from vigilar_common.bus import BrokerAddress, BusUnavailableError, MqttBus
from vigilar_common.clock import SystemClock
from vigilar_common.config.alert_channels import ORDERED_CHANNELS
from vigilar_common.config.slices import SliceReader
from vigilar_common.errors import VigilarError
from vigilar_common.messages.alerts import AlertTest
from vigilar_common.secrets import Secrets
from vigilar_common.service import Environment
from vigilar_common.topics import CMD_ALERT_TEST

if TYPE_CHECKING:
    Below = argparse._SubParsersAction[argparse.ArgumentParser]

USER = "alerts"
CHANNELS = (*ORDERED_CHANNELS, "syslog")
CONNECT_S = 5.0
ANSWER_S = 60.0
ALIVE_S = 5.0
"""To say that it is there."""
CURE = "is Vigilar running? In containers: docker compose exec alerts python -m vigilar_alerts alerts test CHANNEL"


class TrialError(VigilarError):
    """What was asked for cannot be done, and why."""


def register(below: Below) -> None:
    test = below.add_parser("test", help="one message through a channel now, and what came of it")
    test.add_argument("channel", nargs="?", choices=CHANNELS, help="which one (default: all that are on)")
    test.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(func=_test)


def _test(args: argparse.Namespace) -> int:
    """The service itself sends: what is tried is what an alarm would take, and each attempt has its row."""
    bus = _bus()
    bus.start()
    try:
        give_up_s = SystemClock().monotonic_s() + CONNECT_S
        while not bus.connected:
            if SystemClock().monotonic_s() > give_up_s:
                raise TrialError(f"{bus.connection_problem() or 'no connection to the broker'}; {CURE}")
            SystemClock().sleep(0.05)
        _ask(bus, "", ALIVE_S)
        found = {channel: _ask(bus, channel) for channel in ([args.channel] if args.channel else CHANNELS)}
    finally:
        bus.stop()
    if not args.channel:
        found = {channel: reply for channel, reply in found.items() if reply["code"] != "no_targets"}
    if args.json:
        _say(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for channel, reply in found.items():
            for line in lines(channel, reply):
                _say(line)
    return 0 if found and all(reply["ok"] for reply in found.values()) else 1


def _bus() -> MqttBus:
    environment = Environment.read()
    mqtt = SliceReader(environment.config_run, USER, SystemClock()).load().config.mqtt
    name, password = mqtt.username, mqtt.password
    if not name:
        name, password = USER, Secrets(environment.secrets_dir).text("broker_password")
    return MqttBus(BrokerAddress(mqtt.host, mqtt.port, name, password), USER, SystemClock(), guest=True)


def _ask(bus: MqttBus, channel: str, answer_s: float = ANSWER_S) -> dict[str, Any]:
    """No channel: only whether somebody is there."""
    try:
        reply = bus.request(CMD_ALERT_TEST, AlertTest(channel=channel, user="the command line"), answer_s)
    except BusUnavailableError as error:
        why = f"nothing came within {answer_s:g} s" if bus.connected else str(error)
        raise TrialError(f"the alerts service does not answer ({why}); {CURE}") from error
    return reply.model_dump(include={"ok", "code", "message", "data"})


def lines(channel: str, reply: dict[str, Any]) -> list[str]:
    """What a person reads of one channel's test."""
    results = reply["data"].get("results", [])
    if not results:
        return [f"{channel}: {reply['message']}"]
    said = []
    for found in results:
        said.append(f"{channel} to {found['target']}: {found['outcome']} in {found['took_ms']} ms")
        said += [f"  {found[key]}" for key in ("error", "cure") if found[key]]
    return said


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
