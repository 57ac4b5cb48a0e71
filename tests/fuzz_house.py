"""Every service that listens, as processes on one real broker, and somebody who may publish anything."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from acl_house import settled
from camera_rig import NearbyStorage, Rig
from camera_rig import rss_bytes as rss_of
from fuzz import Fuzz
from mqtt_wire import Wire, expiry, publish, response, user_properties
from service_rig import ServiceProcess, ServiceRig
from vigilar_common import broker as broker_files
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.messages import Message
from vigilar_common.messages.alarm import AlarmState, ArmAction, ArmCommand, ArmState
from vigilar_common.messages.alerts import AlertTest
from vigilar_common.messages.camera import RecordAction, RecordCommand
from vigilar_common.messages.sensor import SensorState
from vigilar_common.messages.system import Heartbeat
from vigilar_common.testing.broker import TestBroker, free_port
from vigilar_common.topics import TOPICS, Kind, Topic
from web_rig import WebProcess

FUZZER = "fuzzer"
PROBE_LIMIT_S = 60.0
BATCH, GROUP = 100, 10
"""Payloads before each valid message; valid messages whose answers are awaited together."""
SENTINEL = "sentinel"
SHOWN = "shown"
"""Sensors that only the page knows: nobody but the test says anything of it."""


def _sensor(name: str, kind: str, protocol: str, address: str) -> str:
    return (
        f'[[sensors]]\nid = "{name}"\ndisplay_name = "{name}"\ntype = "{kind}"\n'
        f'protocol = "{protocol}"\ndevice_address = "{address}"\n'
    )


SENSORS = "".join(
    _sensor(*row)
    for row in (
        ("door", "CONTACT", "ZIGBEE", "door"), ("hall", "MOTION", "ZIGBEE", "<b>hall</b>/{0}"),
        ("smoke", "SMOKE", "ZIGBEE", "smoke"),
        ("gate", "CONTACT", "ZWAVE", "7"), (SENTINEL, "TEMPERATURE", "ZIGBEE", SENTINEL),
    )
)  # fmt: skip
CAMERA = '[[cameras]]\nid = "front"\ndisplay_name = "Front"\nrtsp_url = "rtsp://127.0.0.1:9/x"\n'
PRESENCE = """
[presence]
enabled = true
departure_delay_m = 0
[[presence.members]]
name = "Ann"
device_tracker = "person.ann"
role = "adult"
[homeassistant]
enabled = true
[offsite]
enabled = true
url = "https://127.0.0.1:9/x"
username = "nobody"
password = "nothing"
private_targets = ["127.0.0.1/32"]
"""
ZIGBEE = {
    "contact": True, "occupancy": False, "temperature": 21.5, "humidity": 40, "battery": 90, "linkquality": 100, "smoke": False,
    "tamper": False, "vibration": False, "action": "single", "state": "online", "last_seen": 1_750_000_000_000, "water_leak": 0,
}  # fmt: skip
BRIDGE_INFO = {
    "permit_join": True,
    "network": {"extended_pan_id": "0xdddd"},
    "config": {"advanced": {"network_key": [1, 2]}},
}
ZIGBEE_TOPICS = (
    "door", "<b>hall</b>/{0}", "smoke", "door/availability", "smoke/set", "door/get", "nobody", "bridge/devices", "bridge/info",
    "bridge/state", "bridge/event", "bridge/groups", "bridge/logging", "", "door/", "/door", "%s/x/y/z", "smoke/availability",
)  # fmt: skip
ZWAVE = {"time": 1_750_000_000_000, "value": True, "nodeId": 7, "status": "Alive", "ready": True}
ZWAVE_TOPICS = (
    "7/48/0/Any", "7/status", "7/nodeinfo", "7/113/0/Access_Control/Door_state", "7/128/0/level", "7", "7/49/0/Air_temperature",
    "8/48/0/Any", "_CLIENTS/x/status", "driver/status", "7/48/zero/Any", "7/48/0/Any/set", "-1/48/0/Any", "7/999999/0/x",
)  # fmt: skip
TRACKER_TOPICS = ("person/ann/state", "person/bob/state", "person/ann/attributes", "x")
IDS = {
    "camera_id": ("front", "front", "ghost"),
    "service": ("sensors", "camera-worker-front", "events", "ghost"),
    "sender": ("web", "home_automation", "presence", "ups", "ghost"),
    "sensor_id": ("door", "smoke", "ghost"),
    "stream": ("main", "sub", "jpeg", "x"),
}
COUNTED = {"health", "presence", "homeassistant", "offsite"}
"""Those that answer nobody: their counters tell that a valid message was handled."""
ALL = (
    "events",
    "alerts",
    "sensors",
    "presence",
    "health",
    "ups",
    "homeassistant",
    "offsite",
    "web",
    "camera-worker",
)
FEW = ("events", "alerts", "sensors", "health")
"""Those that decide: enough for a form that takes seconds."""
CLASSES = (*(kind.value for kind in Kind), "zigbee2mqtt", "zwave", "tracker")


class FuzzHouse:
    def __init__(self, folder: Path, seed: int, names: tuple[str, ...] = ALL) -> None:
        self.fuzz, self.rng = Fuzz(seed), Fuzz(seed + 1).rng
        self.clock = SystemClock()
        self.broker = TestBroker(folder / "broker", ("front",))
        _let_in(self.broker)
        self.broker.start()
        self.storage = NearbyStorage()
        rig = ServiceRig(folder / "house", self.broker, SENSORS + CAMERA + PRESENCE, self.storage.url)
        self.services: dict[str, ServiceProcess] = {
            name: rig.service(name) for name in names if name not in ("web", "camera-worker")
        }
        self.ports = {name: service.health_port for name, service in self.services.items()}
        shown = "".join(_sensor(f"{SHOWN}{n}", "CONTACT", "ZIGBEE", f"{SHOWN}{n}") for n in range(GROUP))
        self.camera = Rig(folder / "camera", self.broker)
        if "camera-worker" in names:
            self.camera.configure("rtsp://127.0.0.1:9/x")
            self.camera.start()
            self.ports["camera-worker"] = self.camera.health_port
        with ThreadPoolExecutor(2) as starters:
            list(starters.map(lambda service: service.start(), self.services.values()))
        self.web: WebProcess | None = None
        if "web" in names:
            self.web = WebProcess(folder / "web", self.broker, free_port(), toml=shown)
            self.web.wait()
            self.cookie = self.web.login()
            self.ports["web"] = self.web.health_port
        self.wire = Wire(self.broker.host, self.broker.port, FUZZER, self.broker.passwords[FUZZER])
        self.wire.open()
        self.wire.subscribe(["vigilar/reply/web/+", "vigilar/sensors/reading"])
        self.sent = 0
        for name in self.ports:
            self._await(partial(self._counted, name, "connects", 0), f"{name} is connected")

    # -- what is sent -------------------------------------------------------------------------------

    def _batch(self, kind: str, count: int) -> None:
        self.wire.send(b"".join(self._packet(kind) for _ in range(count)))
        self.sent += count

    def _packet(self, kind: str) -> bytes:
        path, model, qos, limit = self._target(kind)
        # A worker told to switch privacy on restarts, as it should: such commands come too late here.
        late_ms = 60_000 if path.endswith("/switch") else 0
        payload, rng = self.fuzz.payload(model, self.clock.now_ms() - late_ms), self.rng
        properties = b""
        if rng.random() < 0.3:
            properties += expiry(rng.choice((1, 30, 4_000_000_000)))
        if kind == Kind.COMMAND and rng.random() < 0.5:
            to = rng.choice(
                (
                    "vigilar/reply/web/x",
                    "vigilar/reply/events/x",
                    "vigilar/alarm/state",
                    "x",
                    "vigilar/cmd/web/alarm",
                )
            )
            properties += response(to, b"\x00" * rng.choice((0, 5, 300)))
        if kind == Kind.FRAME or rng.random() < 0.05:
            properties += user_properties(
                [
                    (name, self._property(name))
                    for name in ("kind", "picture_id", "ts_ms", "seq", "key", "codec")
                ]
            )
        if rng.random() < 0.01:
            payload = payload[:1] * (limit + rng.choice((0, 1, 50_000)))
        qos = 1 - qos if rng.random() < 0.03 else qos
        return publish(
            path,
            payload,
            qos=qos,
            packet_id=rng.randint(1, 65_000),
            retain=rng.random() < 0.04,
            properties=properties,
        )

    def _property(self, name: str) -> str:
        usual = {
            "kind": ("init", "part", "snapshot", "thumbnail"),
            "ts_ms": (str(self.clock.now_ms()), "-1", "²", "9" * 30),
        }
        return str(
            self.rng.choice((*usual.get(name, ("1", "0", "avc1.64001f")), "", "x" * 300, "<b>", "None"))
        )

    def _target(self, kind: str) -> tuple[str, type[Message] | dict[str, Any] | None, int, int]:
        """Topic, what it usually carries, QoS, the size that is allowed."""
        rng = self.rng
        if kind == "zigbee2mqtt":
            return (
                f"zigbee2mqtt/{rng.choice(ZIGBEE_TOPICS)}",
                rng.choice((ZIGBEE, ZIGBEE, BRIDGE_INFO)),
                0,
                70_000,
            )
        if kind == "zwave":
            return f"zwave/{rng.choice(ZWAVE_TOPICS)}", ZWAVE, 0, 70_000
        if kind == "tracker":
            path = f"homeassistant_states/{rng.choice(TRACKER_TOPICS)}"
            return path, rng.choice((None, {"state": "home"})), 1, 256
        topic = rng.choice([one for one in TOPICS if one.kind == kind])
        return path_of(topic, rng.choice), topic.model, topic.qos, min(topic.max_bytes, 300_000)

    # -- whether it is still there ------------------------------------------------------------------

    def attack(self, kind: str, numbers: range) -> None:
        """A hundred payloads and then a valid message to every service that listens, once per number.

        Raises AssertionError unless each of these messages was handled.
        """
        listening, waiting = self.listeners(kind), dict[str, str]()
        before = {name: self.counters(name)["handled"] for name in listening & COUNTED}
        for n in numbers:
            self._batch(kind, BATCH)
            waiting |= self._sentinels(listening, n)
        self._hear(waiting)
        if "web" in listening:
            self._await(lambda: self._web_knows(numbers), "web showed every sensor's state")
        for name, count in before.items():
            self._await(partial(self._idle, name), f"{name} worked off what came")
            handled = self.counters(name)["handled"]
            assert handled >= count + len(numbers), f"{name} handled {handled - count} {self.why()}"
            self._to_counted(name)
            self._await(partial(self._counted, name, "handled", handled), f"{name} handled a message")

    def _sentinels(self, listening: set[str], n: int) -> dict[str, str]:
        """Topics or numbers that will come as answers, and whose they are."""
        waiting = {}
        for name, topic, message in (
            ("events", "vigilar/cmd/web/alarm", ArmCommand(action=ArmAction.ARM_HOME, user="admin")),
            ("alerts", "vigilar/cmd/web/alerts/test", AlertTest(channel="desktop", user="admin")),
            (
                "camera-worker",
                "vigilar/cmd/web/camera/front/record",
                RecordCommand(action=RecordAction.STOP),
            ),
        ):
            if name in listening:
                answer = f"vigilar/reply/web/{uuid7(self.clock)}"
                waiting[answer] = name
                self._say(topic, message, response(answer, b"x"))
        if "sensors" in listening:
            value = n % 400 / 10
            waiting[f'"value":{value}'] = "sensors"
            self.wire.send(publish(f"zigbee2mqtt/{SENTINEL}", json.dumps({"temperature": value}).encode()))
        if "web" in listening:
            shown = f"{SHOWN}{n % GROUP}"
            state = SensorState(sensor_id=shown, type="CONTACT", known=True, heard_ms=n + 1)
            self._say(f"vigilar/sensor/{shown}/state", state)
        for name in listening & COUNTED:
            self._to_counted(name)
        return waiting

    def _to_counted(self, name: str) -> None:
        """A valid message for a service that answers nobody: its counter must move."""
        if name == "health":
            self._say("vigilar/heartbeat/ups", _beat())
        else:
            self._say("vigilar/alarm/state", AlarmState(state=ArmState.DISARMED, since_ms=1))

    def listeners(self, kind: str) -> set[str]:
        if kind in ("zigbee2mqtt", "zwave"):
            return {"sensors"} & set(self.ports)
        if kind == "tracker":
            return {"presence"} & set(self.ports)
        heard = {party for topic in TOPICS if topic.kind == kind for party in topic.subscribers}
        return set(self.ports) if "*" in heard and kind != Kind.COMMAND else heard & set(self.ports)

    def _say(self, topic: str, message: Message, properties: bytes = b"") -> None:
        full = message.model_copy(
            update={"id": uuid7(self.clock), "ts_ms": self.clock.now_ms(), "source": "web", "seq": 1}
        )
        self.wire.send(publish(topic, full.model_dump_json().encode(), qos=1, properties=properties))

    def _hear(self, waiting: dict[str, str]) -> None:
        """Until every answer came."""
        deadline = time.monotonic() + PROBE_LIMIT_S
        while waiting:
            for packet in settled(self.wire):
                waiting.pop(packet.topic, None)
                if b'"sentinel"' in packet.payload:
                    waiting.pop(f'"value":{json.loads(packet.payload)["value"]}', None)
            if waiting:
                assert time.monotonic() < deadline, f"no answer of {', '.join(waiting.values())} {self.why()}"
                time.sleep(0.002)

    def _web_knows(self, numbers: range) -> bool:
        assert self.web
        items = json.loads(self._get("page", self.web.port, "/api/v1/sensors"))["items"]
        heard = {item["heard_ms"] for item in items}
        return {n + 1 for n in numbers} <= heard

    def _counted(self, name: str, what: str, more_than: int) -> bool:
        return self.counters(name)[what] > more_than

    def _idle(self, name: str) -> bool:
        first, text = self.counters(name), self.metrics(name)
        return "vigilar_bus_waiting 0.0" in text and first["received"] == self.counters(name)["received"]

    def counters(self, name: str) -> dict[str, int]:
        found = re.findall(r'vigilar_bus_total\{what="(\w+)"\} ([0-9.e+]+)', self.metrics(name))
        return {what: int(float(value)) for what, value in found}

    def metrics(self, name: str) -> str:
        return self._get(name, self.ports[name], "/metrics").decode()

    def live(self, name: str) -> bool:
        return bool(json.loads(self._get(name, self.ports[name], "/health/live"))["status"] == "ok")

    def _get(self, name: str, port: int, path: str) -> bytes:
        """Tried again when a starved process closes the connection. Raises AssertionError for any other answer than 200."""
        deadline = time.monotonic() + PROBE_LIMIT_S
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("GET", path, headers={"Cookie": self.cookie} if name == "page" else {})
                answer = connection.getresponse()
                body = answer.read()
            except (http.client.HTTPException, OSError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} {path}: {error!r} {self.why()}") from error
                time.sleep(0.1)
                continue
            finally:
                connection.close()
            assert answer.status == 200, f"{name} {path}: {answer.status} {body[:300]!r} {self.why()}"
            return body

    def _await(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PROBE_LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {PROBE_LIMIT_S:g} s: {what} {self.why()}"
            time.sleep(0.003)

    # -- the end ------------------------------------------------------------------------------------

    def pids(self) -> dict[str, int]:
        found = {name: service.process for name, service in self.services.items()}
        if self.web:
            found["web"] = self.web.process
        if self.camera.process:
            found["camera-worker"] = self.camera.process
        return {name: process.pid for name, process in found.items() if process and process.poll() is None}

    def rss_mb(self) -> dict[str, int]:
        return {name: rss_of(pid) // 1_000_000 for name, pid in self.pids().items()}

    def why(self) -> str:
        """The last lines of every log, for whoever reads the failure."""
        return "".join(
            f"\n--- {name}\n{log.read_text(errors='replace')[-800:]}" for name, log in self.logs().items()
        )

    def logs(self) -> dict[str, Path]:
        found = {name: service.log for name, service in self.services.items()}
        if self.web:
            found["web"] = self.web.log
        if self.camera.process:
            found["camera-worker"] = self.camera.folder / "worker.log"
        return found

    def close(self) -> None:
        self.wire.close()
        for service in self.services.values():
            if service.process and service.process.poll() is None:
                service.kill()
        if self.web:
            self.web.process.kill()
            self.web.process.wait()
        self.camera.close()
        self.storage.stop()
        self.broker.stop()


def path_of(topic: Topic, choose: Callable[[tuple[str, ...]], str]) -> str:
    names = re.findall(r"\{(\w+)\}", topic.pattern)
    return topic.path(**{name: choose(IDS.get(name, ("x1", "ups"))) for name in names})


def _beat() -> Heartbeat:
    return Heartbeat(
        service="ups", pid=1, started_ms=1, ready=True, config_revision="x", rss_bytes=1, cpu_s=0
    )


def _let_in(broker: TestBroker) -> None:
    broker.passwords[FUZZER] = "f" * 16
    for name, more in (
        ("passwd", broker_files.password_line(FUZZER, "f" * 16)),
        ("acl", f"\nuser {FUZZER}\ntopic readwrite #"),
    ):
        file = broker.folder / name
        file.write_text(file.read_text() + more + "\n")
