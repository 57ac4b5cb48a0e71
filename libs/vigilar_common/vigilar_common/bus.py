"""The broker connection: the only importer of paho.

Handlers never run on paho's network thread: an exception there kills the thread while `is_connected()`
stays true. Messages go through bounded queues to two dispatcher threads, frames apart from the rest.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from vigilar_common import logs
from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import BadMessageError, VigilarError
from vigilar_common.incoming import CommandGuard, Handler, Received, parse
from vigilar_common.messages import Message, Reply
from vigilar_common.threads import Thread
from vigilar_common.topics import AVAILABLE, CAMERA_AVAILABLE, REPLY, Kind, Topic

log = logging.getLogger(__name__)

KEEPALIVE_S = 15
RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 5
EVENT_QUEUE = 4_000
FRAME_QUEUE = 256
MAX_INFLIGHT = 200
MAX_QUEUED = 2_000
MAX_REQUESTS = 256
OUTSIDE_EXPIRY_S = 30
__all__ = ["BrokerAddress", "Bus", "BusUnavailableError", "Handler", "MqttBus", "Received", "parse"]

NO_PROPERTIES: Mapping[str, str] = {}
OWN_TOPICS = "vigilar/"


class BusUnavailableError(VigilarError):
    """Not connected to the broker, or nobody answered in time."""


class Bus(Protocol):
    """What a service may do with the broker; `testing.FakeBus` is the other implementation."""

    @property
    def connected(self) -> bool: ...
    @property
    def lost(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def problem(self) -> str: ...
    def publish(self, topic: Topic, message: Message, **ids: str) -> bool: ...
    def publish_frame(
        self, topic: Topic, payload: bytes, properties: Mapping[str, str] = NO_PROPERTIES, **ids: str
    ) -> bool: ...
    def set_state(self, topic: Topic, message: Message, **ids: str) -> None: ...
    def clear_state(self, topic: Topic, **ids: str) -> None: ...
    def subscribe(self, topic: Topic, handler: Handler, **ids: str) -> None: ...
    def request(self, topic: Topic, message: Message, timeout_s: float = 5.0, **ids: str) -> Reply: ...
    def publish_outside(self, path: str, payload: bytes) -> bool: ...
    def send_command(self, topic: Topic, message: Message, **ids: str) -> bool: ...
    def on_connect(self, callback: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class BrokerAddress:
    host: str
    port: int
    username: str
    password: str = field(repr=False)


class MqttBus:
    """A Bus on a real broker, MQTT 5. `guest`: a command line beside the service of the same name, whose presence it
    neither tells nor ends.
    """

    def __init__(self, address: BrokerAddress, user: str, clock: Clock, guest: bool = False) -> None:
        self._address = address
        self.user = user
        self._clock = clock
        self._routes: list[tuple[Topic, str, Handler]] = []
        self._states: dict[str, tuple[bytes, int]] = {}
        self._requests: dict[str, queue.SimpleQueue[Reply]] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._guard = CommandGuard(clock)
        self._lock = threading.Lock()
        self._seq = 0
        self._stopping = threading.Event()
        self._events: queue.Queue[mqtt.MQTTMessage | None] = queue.Queue(EVENT_QUEUE)
        self._frames: queue.Queue[mqtt.MQTTMessage | None] = queue.Queue(FRAME_QUEUE)
        self._connected = threading.Event()
        self._last_error = "not connected yet"
        self._threads: list[threading.Thread] = []
        self._refusals = logs.Sparing(log, clock.monotonic_s)
        self._failures = logs.Sparing(log, clock.monotonic_s)
        self.counters: dict[str, int] = dict.fromkeys(
            (
                "received",
                "handled",
                "bad_messages",
                "handler_errors",
                "events_dropped",
                "frames_dropped",
                "unsent",
                "refused_commands",
                "connects",
            ),
            0,
        )
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"vigilar-{user}-{uuid7(clock)}" if guest else f"vigilar-{user}",
            protocol=mqtt.MQTTv5,
        )
        self._client.username_pw_set(address.username, address.password)
        self._client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        self._client.max_inflight_messages_set(MAX_INFLIGHT)
        self._client.max_queued_messages_set(MAX_QUEUED)
        self._client.connect_timeout = 5.0
        self._client.on_connect_fail = self._on_unreachable
        self._available, ids = _availability(user)
        self._available_path = self._available.path(**ids)
        self._guest = guest
        if not guest:
            self._client.will_set(self._available_path, b"offline", qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    # -- life ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def start(self) -> None:
        logs.hide(self._address.password)
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0
        self._client.connect_async(
            self._address.host, self._address.port, KEEPALIVE_S, clean_start=True, properties=properties
        )
        # Before the threads: once the network is up, only the routes that are there are subscribed.
        self._routes.append((REPLY, REPLY.filter(sender=self.user), self._on_reply))
        for name, target in (
            ("mqtt-network", self._network_loop),
            ("mqtt-events", lambda: self._dispatch(self._events)),
            ("mqtt-frames", lambda: self._dispatch(self._frames)),
        ):
            thread = Thread(target=target, name=name)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopping.set()
        if self.connected and not self._guest:
            info = self._client.publish(self._available_path, b"offline", qos=1, retain=True)
            try:
                info.wait_for_publish(1.0)
            except (RuntimeError, ValueError) as error:
                log.debug("goodbye not sent: %s", error)
        self._client.disconnect()
        for pending in (self._events, self._frames):
            try:
                pending.put_nowait(None)
            except queue.Full:
                log.debug("a full queue at stop: its dispatcher ends by the stop flag")
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(2.0)

    def problem(self) -> str:
        """ "" while the connection's threads live; a dead one means: restart me."""
        dead = [t.name for t in self._threads if not t.is_alive()]
        return f"thread died: {', '.join(dead)}" if dead and not self._stopping.is_set() else ""

    def connection_problem(self) -> str:
        return (
            "" if self.connected else f"broker {self._address.host}:{self._address.port}: {self._last_error}"
        )

    def _on_unreachable(self, _client: Any, _userdata: Any) -> None:
        self._last_error = "nothing answers at this address"

    def _network_loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.loop_forever(timeout=1.0, retry_first_connection=True)
            except Exception as error:
                self._connected.clear()
                self._last_error = str(error)
                log.exception("broker connection failed; trying again")
                self._stopping.wait(RECONNECT_MIN_S)

    def _on_connect(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._last_error = f"refused: {reason}"
            log.error(
                "broker %s:%d refused user %s: %s", self._address.host, self._address.port, self.user, reason
            )
            return
        with self._lock:
            filters = sorted({path for _, path, _ in self._routes})
        self.counters["connects"] += 1
        self._last_error = ""
        for path in filters:
            self._subscribe(path)
        with self._lock:
            # Together: what is added after this sees "connected" and goes out by itself, what came before is here.
            self._connected.set()
            late = sorted({path for _, path, _ in self._routes} - set(filters))
            states = list(self._states.items())
        for path in late:
            self._subscribe(path)
        if not self._guest:
            self._client.publish(self._available_path, b"online", qos=1, retain=True)
        for path, (payload, qos) in states:
            self._client.publish(path, payload, qos=qos, retain=True)
        log.info("connected to the broker at %s:%d as %s", self._address.host, self._address.port, self.user)
        for callback in self._callbacks:
            callback()

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if self._connected.is_set():  # a refusal to connect has already said why
            self._last_error = str(reason)
        self._connected.clear()
        if not self._stopping.is_set():
            log.warning("lost the broker: %s", reason)

    def _subscribe(self, path: str) -> None:
        self._client.subscribe([(path, SubscribeOptions(qos=1))])

    def _on_subscribe(self, _c: Any, _u: Any, _mid: Any, reasons: Any, _p: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.error("the broker refused a subscription of %s: %s", self.user, reason)

    # -- out ----------------------------------------------------------------------------------------

    def stamp(self, message: Message) -> Message:
        """The message with its envelope filled; what is already set stays."""
        with self._lock:
            self._seq += 1
            seq = self._seq
        return message.model_copy(
            update={
                "id": message.id or uuid7(self._clock),
                "ts_ms": message.ts_ms or self._clock.now_ms(),
                "source": message.source or self.user,
                "seq": message.seq or seq,
                "v": message.VERSION,
            }
        )

    def publish(self, topic: Topic, message: Message, **ids: str) -> bool:
        """Send now. False (counted) when not connected or the client's queue is full: nothing is queued for later."""
        return self._send(topic, self.stamp(message).model_dump_json().encode(), NO_PROPERTIES, ids)

    def publish_frame(
        self, topic: Topic, payload: bytes, properties: Mapping[str, str] = NO_PROPERTIES, **ids: str
    ) -> bool:
        return self._send(topic, payload, properties, ids)

    def set_state(self, topic: Topic, message: Message, **ids: str) -> None:
        """Retained; asserted again after every reconnect."""
        payload = self.stamp(message).model_dump_json().encode()
        path = topic.path(**ids)
        with self._lock:
            self._states[path] = (payload, topic.qos)
        if self.connected:
            self._client.publish(path, payload, qos=topic.qos, retain=True)

    def clear_state(self, topic: Topic, **ids: str) -> None:
        path = topic.path(**ids)
        with self._lock:
            self._states[path] = (b"", topic.qos)
        if self.connected:
            self._client.publish(path, b"", qos=topic.qos, retain=True)

    def _send(
        self, topic: Topic, payload: bytes, properties: Mapping[str, str], ids: Mapping[str, str],
        response_topic: str = "", correlation: str = "",
    ) -> bool:  # fmt: skip
        if len(payload) > topic.max_bytes:
            raise BadMessageError(
                f"{len(payload)} bytes for {topic.pattern}: at most {topic.max_bytes} are allowed"
            )
        path = topic.path(**ids)
        if not self.connected:
            self.counters["unsent"] += 1
            return False
        props = _properties(PacketTypes.PUBLISH)
        if topic.expiry_s is not None:
            props.MessageExpiryInterval = topic.expiry_s
        if properties:
            props.UserProperty = list(properties.items())
        if response_topic:
            props.ResponseTopic = response_topic
            props.CorrelationData = correlation.encode()
        info = self._client.publish(path, payload, qos=topic.qos, retain=topic.retain, properties=props)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            self.counters["unsent"] += 1
            log.warning("not sent on %s: %s", path, mqtt.error_string(info.rc))
            return False
        if (
            log.isEnabledFor(logging.DEBUG)
            and topic.kind is not Kind.FRAME
            and topic.kind is not Kind.COMMAND
        ):
            log.debug("sent %s %s", path, payload[:400].decode("utf-8", "replace"))
        return True

    def publish_outside(self, path: str, payload: bytes) -> bool:
        """To a device that is not ours; the broker allows what `[mqtt] publish_topics` names. False as `publish`."""
        if not self.connected:
            self.counters["unsent"] += 1
            return False
        props = _properties(PacketTypes.PUBLISH)
        props.MessageExpiryInterval = OUTSIDE_EXPIRY_S
        info = self._client.publish(path, payload, qos=1, properties=props)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            self.counters["unsent"] += 1
            log.warning("not sent on %s: %s", path, mqtt.error_string(info.rc))
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def request(self, topic: Topic, message: Message, timeout_s: float = 5.0, **ids: str) -> Reply:
        """Send a command and wait for its answer. Raises BusUnavailableError. Not from a handler."""
        stamped = self.stamp(message)
        inbox: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        with self._lock:
            if len(self._requests) >= MAX_REQUESTS:
                raise BusUnavailableError(f"{MAX_REQUESTS} requests already wait for an answer")
            self._requests[stamped.id] = inbox
        try:
            sent = self._send(
                topic, stamped.model_dump_json().encode(), NO_PROPERTIES, {"sender": self.user, **ids},
                REPLY.path(sender=self.user, request=stamped.id), stamped.id,
            )  # fmt: skip
            if not sent:
                raise BusUnavailableError(
                    f"not sent, {self.connection_problem() or 'the send queue is full'}"
                )
            return inbox.get(timeout=timeout_s)
        except queue.Empty as error:
            raise BusUnavailableError(f"no answer on {topic.pattern} within {timeout_s:g} s") from error
        finally:
            with self._lock:
                self._requests.pop(stamped.id, None)

    def send_command(self, topic: Topic, message: Message, **ids: str) -> bool:
        """A command that needs no answer."""
        return self._send(
            topic, self.stamp(message).model_dump_json().encode(), NO_PROPERTIES, {"sender": self.user, **ids}
        )

    # -- in -----------------------------------------------------------------------------------------

    @property
    def lost(self) -> int:
        """Messages (frames apart) that found no room on the way to the handlers, since the start."""
        return self.counters["events_dropped"]

    @property
    def waiting(self) -> int:
        """Messages in the queues to the handlers."""
        return self._events.qsize() + self._frames.qsize()

    def subscribe(self, topic: Topic, handler: Handler, **ids: str) -> None:
        path = topic.filter(**ids)
        with self._lock:
            self._routes.append((topic, path, handler))
        if self.connected:
            self._subscribe(path)

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Called on the network thread after each (re)connect: be quick, set an event."""
        self._callbacks.append(callback)

    def _on_message(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        # Other programs send what matters with QoS 0 too; only our own frames may be lost.
        frame = message.qos == 0 and message.topic.startswith(OWN_TOPICS)
        self.counters["received"] += 1
        try:
            (self._frames if frame else self._events).put_nowait(message)
        except queue.Full:
            key = "frames_dropped" if frame else "events_dropped"
            self.counters[key] += 1
            if self.counters[key] % 1000 == 1:
                log.warning("%s: %d so far, handlers are too slow", key, self.counters[key])

    def _dispatch(self, pending: queue.Queue[mqtt.MQTTMessage | None]) -> None:
        while not self._stopping.is_set():
            message = pending.get()
            if message is None:
                return
            with self._lock:
                routes = list(self._routes)
            for topic, path, handler in routes:
                if mqtt.topic_matches_sub(path, message.topic):
                    self._deliver(topic, handler, message)

    def _deliver(self, topic: Topic, handler: Handler, message: mqtt.MQTTMessage) -> None:
        ids = topic.match(message.topic)
        if ids is None:
            return
        try:
            received = self._received(topic, ids, message)
        except BadMessageError as error:
            self.counters["bad_messages"] += 1
            self._refusals.tell(logging.WARNING, "refused a message on %.200s: %s", message.topic, error)
            return
        if received is None:
            return
        try:
            handler(received)
        except Exception:
            self.counters["handler_errors"] += 1
            self._failures.tell(logging.ERROR, "handler of %s failed", topic.pattern, exc_info=True)
        else:
            self.counters["handled"] += 1

    def _received(self, topic: Topic, ids: Mapping[str, str], raw: mqtt.MQTTMessage) -> Received | None:
        payload = bytes(raw.payload)
        if topic.model is None:
            if len(payload) > topic.max_bytes:
                raise BadMessageError(f"{len(payload)} bytes: at most {topic.max_bytes} are allowed")
            properties = dict(getattr(raw.properties, "UserProperty", None) or [])
            return Received(topic, ids, None, payload, properties, bool(raw.retain))
        if not payload and topic.retain:
            return None  # a retained state was cleared
        message = parse(topic, payload)
        if log.isEnabledFor(logging.DEBUG) and topic.kind is not Kind.COMMAND:
            log.debug("got %s %s", raw.topic, payload[:400].decode("utf-8", "replace"))
        answer = self._answerer(ids, raw)
        if topic.kind is Kind.COMMAND:
            refusal = self._guard.refusal(topic, ids["sender"], message, bool(raw.retain))
            if refusal:
                self.counters["refused_commands"] += 1
                self._refusals.tell(logging.WARNING, "refused a %s command on %.200s", refusal, raw.topic)
                if answer:
                    answer(Reply(ok=False, code=refusal, message=f"The command was refused: {refusal}."))
                return None
        return Received(topic, ids, message, payload, {}, bool(raw.retain), answer)

    def _answerer(self, ids: Mapping[str, str], raw: mqtt.MQTTMessage) -> Callable[[Reply], None] | None:
        target = getattr(raw.properties, "ResponseTopic", "")
        if not target or "sender" not in ids:
            return None
        found = REPLY.match(target)
        if not found or found["sender"] != ids["sender"]:
            self._refusals.tell(
                logging.WARNING,
                "a command on %.200s asked for its answer elsewhere: none is sent",
                raw.topic,
            )
            return None

        def answer(reply: Reply) -> None:
            self._send(REPLY, self.stamp(reply).model_dump_json().encode(), NO_PROPERTIES, found)

        return answer

    def _on_reply(self, received: Received) -> None:
        with self._lock:
            inbox = self._requests.get(received.ids["request"])
        if inbox and isinstance(received.message, Reply):
            inbox.put(received.message)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped


def _availability(user: str) -> tuple[Topic, dict[str, str]]:
    prefix = "camera-worker-"
    if user.startswith(prefix):
        return CAMERA_AVAILABLE, {"camera_id": user.removeprefix(prefix)}
    return AVAILABLE, {"service": user}
