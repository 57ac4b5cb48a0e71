"""A bridge as the broker sees one: its own user, retained messages, QoS 0, and any topic below its prefix."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

CONNECT_LIMIT_S = 10.0


class Reachable(Protocol):
    """A broker of a test or of a running house."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def passwords(self) -> Mapping[str, str]: ...


class Bridge:
    """`say` publishes below the prefix; `heard` has what came on `listen`ed topics."""

    def __init__(self, broker: Reachable, user: str, prefix: str, client_id: str = "") -> None:
        self.prefix = prefix
        self.heard: list[tuple[str, bytes]] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id or f"bridge-{user}", protocol=mqtt.MQTTv5
        )
        self._client.username_pw_set(user, broker.passwords[user])
        self._client.max_queued_messages_set(0)
        self._client.on_message = lambda _c, _u, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def __enter__(self) -> Bridge:
        deadline = time.monotonic() + CONNECT_LIMIT_S
        while not self._client.is_connected():
            assert time.monotonic() < deadline, "the bridge is not let in"
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def listen(self, topic: str) -> None:
        self._client.subscribe(topic, qos=1)

    def say(self, below: str, payload: Any, *, retain: bool = False, qos: int = 0) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.publish(f"{self.prefix}/{below}", data, retain=retain, qos=qos)

    def publish(self, topic: str, data: bytes, *, retain: bool = False, qos: int = 0) -> None:
        self._client.publish(topic, data, qos=qos, retain=retain).wait_for_publish(CONNECT_LIMIT_S)
