"""All channels of the alerts service at once, as a process: a real broker, mail server, webhook, push and other services."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from mail_rig import MailServer
from odd_server import OddServer, request_of
from push_service import PushService
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import MqttBus, Received
from vigilar_common.messages import Message
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.alerts import AlertDelivery, AlertNotify, AlertTest, PushSubscribe
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import (
    ALERT_DELIVERY,
    ALERT_NOTIFY,
    AVAILABLE,
    CMD_ALERT_TEST,
    CMD_PUSH_SUBSCRIBE,
    EVENT_OPENED,
    PICTURE,
)

JPEG = b"\xff\xd8\xff\xe0" + bytes(20_000)
CHANNELS = ("web_push", "email", "webhook", "apprise", "mqtt")
MOST_PSS_MB = 70
MOST_LATENCY_MS = 200


class Taker:
    """A web server that answers 204, or nothing at all while it is `away`, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.away = False
        self.server = OddServer(self._talk)

    def _talk(self, connection: socket.socket, _over: threading.Event) -> None:
        if self.away:
            return
        self.bodies.append(request_of(connection).partition(b"\r\n\r\n")[2])
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


class House:
    def __init__(self, folder: Path, broker: TestBroker, push: PushService, mail: MailServer) -> None:
        self.push, self.mail, self.hook, self.other = push, mail, Taker(), Taker()
        self.broker = broker
        self.toml = f"""
[alerts]
private_targets = ["127.0.0.1"]
[alerts.web_push]
extra_endpoints = ["{push.origin}/push/"]
vapid_claim_email = "mailto:owner@example.org"
vapid_private_key_file = "{folder}/none.pem"
[alerts.email]
enabled = true
smtp_host = "127.0.0.1"
smtp_port = {mail.port}
use_tls = false
from_addr = "vigilar@example.org"
to_addr = "me@example.org"
[alerts.webhook]
enabled = true
url = "http://127.0.0.1:{self.hook.server.port}/canary-hook-path"
secret = "canary-hook-secret"
[alerts.apprise]
urls = ["json://127.0.0.1:{self.other.server.port}/canary-apprise-path"]
[alerts.mqtt]
enabled = true
[[cameras]]
id = "front"
display_name = "Front door"
rtsp_url = "rtsp://x/"
location = "EXTERIOR"
"""
        self.rig = ServiceRig(folder, broker, self.toml)
        self.alerts: ServiceProcess = self.rig.service("alerts")
        self.web: MqttBus = broker.bus("web")
        self.events: MqttBus = broker.bus("events")
        self.worker: MqttBus = broker.bus("camera-worker-front")
        self.home: MqttBus = broker.bus("home_automation")
        self.heard: list[Message] = []
        self.available: list[bytes] = []
        self.web.subscribe(AVAILABLE, lambda r: self.available.append(r.payload), service="alerts")
        self.web.subscribe(ALERT_DELIVERY, self._hear)
        self.home.subscribe(ALERT_NOTIFY, self._hear)
        self.alerts.start()
        browser = push.subscribe()
        command = PushSubscribe(endpoint=browser["endpoint"], **browser["keys"], user="admin", device="phone")
        assert self.web.request(CMD_PUSH_SUBSCRIBE, command).ok

    def _hear(self, received: Received) -> None:
        if received.message:
            self.heard.append(received.message)

    def motion(self, title: str = "Motion at Front door", picture: bool = False) -> EventOpened:
        event = EventOpened(
            event_id=str(uuid4()),
            type=EventType.ALARM_TRIGGERED,
            severity=Severity.CRITICAL,
            title=title,
            sensor_id=uuid4().hex,  # its own incident
            picture_id=str(uuid4()) if picture else None,
            arm_state=ArmState.DISARMED,
        )
        stamped = self.events.stamp(event)
        assert isinstance(stamped, EventOpened)
        if picture:
            properties = {"picture_id": str(event.picture_id), "cause_id": event.event_id, "ts_ms": "1"}
            self.worker.publish_frame(PICTURE, JPEG, properties, camera_id="front")
        self.events.publish(EVENT_OPENED, stamped)
        return stamped

    def rows(self, channel: str, outcome: str = "delivered", title: str = "") -> list[AlertDelivery]:
        found = [m for m in self.heard if isinstance(m, AlertDelivery) and m.channel == channel]
        return [m for m in found if m.outcome.value == outcome and title in m.title]

    def pss_mb(self) -> float:
        assert self.alerts.process
        lines = Path(f"/proc/{self.alerts.process.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`vigilar alerts …` with the folders of this service."""
        env = dict(os.environ) | {
            "VIGILAR_CONFIG_RUN": str(self.rig.folder / "config"),
            "VIGILAR_STATE_DIR": str(self.rig.folder / "state" / "alerts"),
            "VIGILAR_SECRETS_DIR": str(self.rig.folder / "secrets" / "alerts"),
        }
        return subprocess.run(
            [sys.executable, "-m", "vigilar_alerts", "alerts", *words],
            env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def close(self) -> None:
        if self.alerts.process and self.alerts.process.poll() is None:
            self.alerts.kill()
        for bus in (self.web, self.events, self.worker, self.home):
            bus.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    broker = TestBroker(tmp_path_factory.mktemp("broker"), ("front",))
    broker.start()
    with PushService() as push, MailServer() as mail:
        house = House(tmp_path_factory.mktemp("house"), broker, push, mail)
        with house.hook.server, house.other.server:
            yield house
            assert house.alerts.stop() == 0
            house.close()
    broker.stop()


def test_every_channel_can_be_tried_and_says_what_came_of_it(house: House) -> None:
    for channel in CHANNELS:
        reply = house.web.request(CMD_ALERT_TEST, AlertTest(channel=channel, user="admin"), timeout_s=20)
        assert reply.ok, (channel, reply.message)
        (result,) = reply.data["results"]
        assert (result["outcome"], result["error"], result["cure"]) == ("delivered", "", "")
    assert house.web.request(CMD_ALERT_TEST, AlertTest(channel="desktop", user="a")).code == "no_targets"
    assert house.web.request(CMD_ALERT_TEST, AlertTest(channel="\x00", user="a")).code == "no_targets"


def test_one_alarm_goes_through_all_channels_soon_each_proven_by_a_row(house: House) -> None:
    house.heard.clear()
    pictures = len(house.mail.letters)
    for n in range(10):
        event = house.motion(picture=True)
        until(lambda: all(len(house.rows(c)) == n + 1 for c in CHANNELS), what="all rows")  # noqa: B023
    letter = house.mail.letters[-1]
    assert len(house.mail.letters) == pictures + 10
    assert [part for part in letter.walk() if part.get_content_type() == "image/jpeg"]
    hooked = json.loads(house.hook.bodies[-1])
    assert hooked["alert"]["event_id"] == event.event_id
    assert json.loads(house.other.bodies[-1])["title"] == "Motion at Front door"
    told = [m for m in house.heard if isinstance(m, AlertNotify)]
    assert told[-1].event_id == event.event_id
    targets = {channel: house.rows(channel)[0].target for channel in CHANNELS}
    assert targets["email"] == "me@example.org"
    assert targets["webhook"] == "127.0.0.1"
    assert targets["apprise"].startswith("json-")
    slowest = sorted(max(house.rows(c)[n].sent_after_ms for c in CHANNELS) for n in range(10))
    print(
        f"event to request on the wire, all channels: median {slowest[4]} ms, worst of ten {slowest[-1]} ms"
    )
    assert slowest[8] < MOST_LATENCY_MS
    text = house.alerts.get("/metrics")
    for channel in CHANNELS:
        assert f'vigilar_alert_latency_ms{{channel="{channel}",quantile="0.95"}}' in text
    pss_mb = house.pss_mb()
    print(f"alerts with everything used: {pss_mb:.1f} MB PSS")
    assert pss_mb < MOST_PSS_MB
    assert "canary" not in house.alerts.log.read_text()
    assert "canary" not in "".join(fact.model_dump_json() for fact in house.heard)


@pytest.mark.slow
def test_the_command_line_says_in_plain_words_what_is_wrong(house: House) -> None:
    told = len(house.available)
    good = house.command("test", "email")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("email to me@example.org: delivered in ")
    everything = house.command("test", "--json")
    assert everything.returncode == 0, everything.stdout
    assert set(json.loads(everything.stdout)) == {*CHANNELS, "syslog"}

    assert house.available[-1:] == [b"online"], "who asks beside the service does not speak for it"
    assert len(house.available) == told
    house.hook.away = True
    bad = house.command("test", "webhook")
    house.hook.away = False
    assert bad.returncode == 1
    assert "127.0.0.1: closed the connection without an answer" in bad.stdout
    assert "Check this machine's network" in bad.stdout
    assert "canary" not in bad.stdout + bad.stderr
    off = house.command("test", "desktop")
    assert (off.returncode, "switched off" in off.stdout) == (1, True)
    assert house.command("test", "pigeon").returncode == 2
    assert house.alerts.get("/health/ready")["status"] == "ok", "the service was not disturbed"


@pytest.mark.slow
def test_without_the_service_the_command_says_so(tmp_path: Path, house: House) -> None:
    empty = ServiceRig(tmp_path, house.broker, "")
    empty.service("alerts")
    (tmp_path / "secrets" / "alerts" / "broker_password").write_text("wrong")
    env = dict(os.environ) | {
        "VIGILAR_CONFIG_RUN": str(tmp_path / "config"),
        "VIGILAR_SECRETS_DIR": str(tmp_path / "secrets" / "alerts"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "vigilar_alerts", "alerts", "test", "email"],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is Vigilar running?" in done.stderr


@pytest.mark.slow
def test_in_an_order_mail_goes_out_only_when_the_push_did_not(house: House) -> None:
    house.rig.configure(
        house.toml.replace("[alerts]\n", '[alerts]\nfallback = ["web_push", "email"]\nfallback_after_s = 5\n')
    )
    revision = house.alerts.get("/health/ready")
    assert revision["status"] == "ok"
    until(lambda: _spared(house), 20, "the order to hold")
    house.heard.clear()
    letters = len(house.mail.letters)
    house.push.answer_next(*[403] * 1)
    house.motion("Refused by the push service")
    until(lambda: house.rows("email", title="Refused"), what="mail")
    assert len(house.mail.letters) == letters + 1
    assert house.rows("web_push", "failed", "Refused")
    house.motion("Taken by the push service")
    until(lambda: house.rows("web_push", title="Taken"), what="the push")
    until(lambda: house.rows("webhook", title="Taken"), what="what stands in no order")
    assert len(house.mail.letters) == letters + 1
    house.rig.configure(house.toml)


def _spared(house: House) -> bool:
    """One alarm at a time, told to its end: the new configuration holds when mail is left out."""
    title = f"Which order? {uuid4()}"
    house.motion(title)
    until(
        lambda: house.rows("web_push", title=title) and house.rows("webhook", title=title), what="the alarm"
    )
    return 'outcome="spared"' in house.alerts.get("/metrics")
