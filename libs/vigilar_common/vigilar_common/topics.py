"""Every topic, declared once: name, payload, kind, and who may publish and subscribe.

From this table come the broker's ACL and users, the reference page, the AsyncAPI file and the contract tests.
`camera-worker` as a party means each camera's own user, with `{camera_id}` bound to its own camera.
"""

from __future__ import annotations

from vigilar_common.messages import (
    Fact,
    Message,
    Reply,
    alarm,
    alerts,
    camera,
    power,
    presence,
    rules,
    sensor,
    system,
)
from vigilar_common.topic import ALL_SERVICES as ALL_SERVICES
from vigilar_common.topic import OUTSIDERS as OUTSIDERS
from vigilar_common.topic import SERVICES as SERVICES
from vigilar_common.topic import Kind as Kind
from vigilar_common.topic import Topic as Topic
from vigilar_common.topics_alerts import ALERTS_STATE as ALERTS_STATE
from vigilar_common.topics_alerts import CMD_ALERT as CMD_ALERT
from vigilar_common.topics_alerts import CMD_ALERT_ASK as CMD_ALERT_ASK
from vigilar_common.topics_facts import FACTS
from vigilar_common.topics_homeassistant import BRIDGE_STATE as BRIDGE_STATE
from vigilar_common.topics_homeassistant import CMD_ASK_SWITCH as CMD_ASK_SWITCH
from vigilar_common.topics_homeassistant import CMD_SWITCH as CMD_SWITCH
from vigilar_common.topics_homeassistant import HOUSE_EVENT as HOUSE_EVENT
from vigilar_common.topics_homeassistant import HOUSE_IMAGE as HOUSE_IMAGE


def _fact(pattern: str, model: type[Fact], publisher: str, subscribers: tuple[str, ...], doc: str) -> Topic:
    return Topic(pattern, Kind.EVENT, model, (publisher,), subscribers, doc)


def _command(
    name: str, model: type[Message], senders: tuple[str, ...], receiver: str, doc: str, max_bytes: int = 2_048
) -> Topic:
    """The ACL `pattern write vigilar/cmd/%u/#` makes the topic the identity of the sender."""
    return Topic(f"vigilar/cmd/{{sender}}/{name}", Kind.COMMAND, model, senders, (receiver,), doc, max_bytes)


_CAMERA = "vigilar/camera/{camera_id}"

AVAILABLE = Topic(
    "vigilar/{service}/available",
    Kind.AVAILABILITY,
    None,
    ALL_SERVICES,
    ("events", "health", "homeassistant", "web", "home_automation"),
    "`online`, or `offline` by last will.",
    16,
)
CAMERA_AVAILABLE = Topic(
    "vigilar/camera-worker/{camera_id}/available",
    Kind.AVAILABILITY,
    None,
    ("camera-worker",),
    ("health", "web", "events", "storage", "home_automation"),
    "`online`, or `offline` by last will.",
    16,
)
HEARTBEAT = Topic(
    "vigilar/heartbeat/{service}",
    Kind.EVENT,
    system.Heartbeat,
    ALL_SERVICES,
    ("health", "web"),
    "Every 10 s: readiness, memory, outbox, configuration revision.",
)
SYSTEM_HEALTH = Topic(
    "vigilar/system/health",
    Kind.STATE,
    system.SystemHealth,
    ("health",),
    ("web", "alerts", "home_automation"),
    "Every 10 s: services, disks, broker, findings.",
    262_144,
)
SYSTEM_EVENT = Topic(
    "vigilar/system/event/{service}",
    Kind.EVENT,
    system.SystemEvent,
    ALL_SERVICES,
    ("web", "alerts"),
    "Something the operator should read.",
)
FACTS_DROPPED = Topic(
    "vigilar/system/outbox-gap/{service}",
    Kind.EVENT,
    system.FactsDropped,
    ALL_SERVICES,
    ("health",),
    "A full outbox kept only the newest telemetry.",
)
FACTS_COMMITTED = Topic(
    "vigilar/storage/committed",
    Kind.FRAME,
    None,
    ("storage",),
    ("events", "alerts", "offsite", "web", "pets", "visitors", "highlights"),
    "Text `epoch:n` after a commit: a hint that the feed has news; losing it costs one poll.",
    64,
)
STORAGE_CHECKPOINT = Topic(
    "vigilar/storage/checkpoint",
    Kind.STATE,
    system.StorageCheckpoint,
    ("storage",),
    ("web", "health", "alerts", "offsite", "home_automation"),
    "The newest signed checkpoint of the ledger; keep copies outside this host.",
    8_192,
)

CAMERA_STATE = Topic(
    f"{_CAMERA}/state",
    Kind.STATE,
    camera.CameraState,
    ("camera-worker",),
    ("events", "health", "homeassistant", "web", "home_automation"),
    "The truth about one camera now.",
)
CAMERA_ONLINE = _fact(
    f"{_CAMERA}/online", camera.CameraOnline, "camera-worker", ("events", "web"), "Frames arrive again."
)
CAMERA_OFFLINE = _fact(
    f"{_CAMERA}/offline",
    camera.CameraOffline,
    "camera-worker",
    ("events", "web"),
    "Frames no longer arrive, and why.",
)
MOTION_STARTED = _fact(
    f"{_CAMERA}/motion/started",
    camera.MotionStarted,
    "camera-worker",
    ("events", "web", "detector", "home_automation"),
    "Motion confirmed; its time is the onset.",
)
MOTION_ENDED = _fact(
    f"{_CAMERA}/motion/ended",
    camera.MotionEnded,
    "camera-worker",
    ("events", "web", "detector", "home_automation"),
    "Nothing has moved for the quiet time.",
)
PICTURE_TAKEN = _fact(
    f"{_CAMERA}/picture/taken",
    camera.PictureTaken,
    "camera-worker",
    ("storage", "web"),
    "A sealed picture lies in incoming.",
)
RECORDING_OPENED = _fact(
    f"{_CAMERA}/recording/opened",
    camera.RecordingOpened,
    "camera-worker",
    ("storage", "web", "events", "offsite"),
    "A recording grows.",
)
RECORDING_FINISHED = _fact(
    f"{_CAMERA}/recording/finished",
    camera.RecordingFinished,
    "camera-worker",
    ("storage", "web"),
    "A recording is whole.",
)
RECORDING_GAP = _fact(
    f"{_CAMERA}/recording/gap",
    camera.RecordingGap,
    "camera-worker",
    ("storage", "web", "health"),
    "Seconds that are missing, and why.",
)
PICTURE = Topic(
    f"{_CAMERA}/picture",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("alerts", "homeassistant", "web", "home_automation"),
    "JPEG; user properties kind (thumbnail|snapshot), picture_id, cause_id, ts_ms, width_px, height_px.",
    262_144,
)
LIVE = Topic(
    f"{_CAMERA}/live/{{stream}}",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("web",),
    "Fragmented MP4 (stream jpeg: one JPEG each); user properties kind (init|part), seq, key (0|1), codec. Only while leased.",
    8_388_608,
)
TUNE = Topic(
    f"{_CAMERA}/tune",
    Kind.FRAME,
    None,
    ("camera-worker",),
    ("web",),
    "JSON: one look of the motion detector (score, boxes, masks, why not); user properties seq, ts_ms. Only while leased.",
    32_768,
)

SENSOR_STATE = Topic(
    "vigilar/sensor/{sensor_id}/state",
    Kind.STATE,
    sensor.SensorState,
    ("sensors",),
    ("events", "homeassistant", "web", "home_automation"),
    "The truth about one sensor now; empty once it left the configuration.",
)

ALARM_STATE = Topic(
    "vigilar/alarm/state",
    Kind.STATE,
    alarm.AlarmState,
    ("events",),
    ("alerts", "web", "health", "sensors", "presence", "homeassistant", "offsite", "home_automation"),
    "The arm state now, what runs, and which sensors are open, left out or unknown.",
    65_536,
)
ALARM_SIREN = Topic(
    "vigilar/alarm/siren",
    Kind.STATE,
    alarm.SirenState,
    ("events",),
    ("web", "sensors", "home_automation"),
    "Whether the siren shall sound now.",
)
ALARM_CHANGED = _fact(
    "vigilar/alarm/changed", alarm.ArmStateChanged, "events", ("alerts", "offsite", "web"), "A transition."
)
ALARM_REFUSED = _fact(
    "vigilar/alarm/refused",
    alarm.ArmRefused,
    "events",
    ("alerts", "homeassistant", "web"),
    "A refused command.",
)
EVENT_OPENED = _fact(
    "vigilar/events/opened",
    alarm.EventOpened,
    "events",
    ("alerts", "homeassistant", "web", "home_automation"),
    "An event began.",
)
EVENT_ENDED = _fact(
    "vigilar/events/ended",
    alarm.EventEnded,
    "events",
    ("alerts", "web", "home_automation"),
    "An event is over.",
)
ALERT_DELIVERY = _fact(
    "vigilar/alerts/delivery", alerts.AlertDelivery, "alerts", ("web", "health"),
    "One attempt and its outcome.",
)  # fmt: skip
ALERT_NOTIFY = Topic(
    "vigilar/alerts/notify", Kind.EVENT, alerts.AlertNotify, ("alerts",), ("home_automation",),
    "An alert for home automation, where `[alerts.mqtt]` is on.",
)  # fmt: skip
PUSH_SUBSCRIBED = _fact(
    "vigilar/alerts/push/subscribed", alerts.PushSubscribed, "alerts", (), "A browser was added (log only)."
)
PUSH_REMOVED = _fact(
    "vigilar/alerts/push/removed", alerts.PushRemoved, "alerts", ("web",),
    "A subscription was removed, and why.",
)  # fmt: skip
PUSH_INFO = Topic(
    "vigilar/alerts/push/info", Kind.STATE, alerts.PushInfo, ("alerts",), ("web", "health"),
    "What a browser needs to subscribe.",
)  # fmt: skip

POWER_STATE = Topic(
    "vigilar/ups/state/{ups_id}",
    Kind.STATE,
    power.PowerStatus,
    ("ups",),
    ("events", "homeassistant", "web", "home_automation"),
    "The UPS now: state, flags, charge, runtime, and whether the host is about to go down.",
)
PERSON_STATE = Topic(
    "vigilar/presence/person/{person_id}",
    Kind.STATE,
    presence.PersonStatus,
    ("presence",),
    ("events", "web", "home_automation"),
    "Whether a person is home; the id is made of the name. Empty once the person left the configuration.",
)
HOUSEHOLD_STATE = Topic(
    "vigilar/presence/state",
    Kind.STATE,
    presence.HouseholdStatus,
    ("presence",),
    ("events", "web", "home_automation"),
    "Who is home, taken together.",
)

CMD_ALARM = _command(
    "alarm", alarm.ArmCommand, ("web", "home_automation", "presence"), "events", "Arm or disarm."
)
CMD_RESET_PIN = _command(
    "alarm/reset-pin", alarm.ResetPin, ("web",), "events", "A new PIN for who knows the recovery passphrase."
)
CMD_RULES = _command(
    "rules", rules.RulesCommand, ("web",), "events", "List the rules, or try one out against the log."
)
CMD_LIVE = _command(
    "camera/{camera_id}/live", camera.LiveLease, ("web",), "camera-worker", "Renew the lease on live parts."
)
CMD_RECORD = _command(
    "camera/{camera_id}/record",
    camera.RecordCommand,
    ("web", "events"),
    "camera-worker",
    "Record now, for a time, or stop; each sender has one order per camera.",
)
CMD_FIND_CAMERAS = _command(
    "camera/{camera_id}/find",
    camera.FindCameras,
    ("web",),
    "camera-worker",
    "Ask the network for cameras; any camera's worker can, one search at a time.",
    16_384,
)
CMD_SNAPSHOT = _command(
    "camera/{camera_id}/snapshot",
    camera.TakeSnapshot,
    ("web", "homeassistant", "events"),
    "camera-worker",
    "Send a picture of now; at most one a second is made.",
)
CMD_TUNE = _command(
    "camera/{camera_id}/tune",
    camera.TuneLease,
    ("web",),
    "camera-worker",
    "Renew the lease on what the motion detector sees.",
)
CMD_PUSH_SUBSCRIBE = _command(
    "alerts/subscribe", alerts.PushSubscribe, ("web",), "alerts", "Add a browser.", 4_096
)
CMD_PUSH_UNSUBSCRIBE = _command(
    "alerts/unsubscribe", alerts.PushUnsubscribe, ("web",), "alerts", "Remove a browser.", 4_096
)
CMD_ALERT_TEST = _command(
    "alerts/test",
    alerts.AlertTest,
    ("web", "alerts"),
    "alerts",
    "Send a test; as `alerts`: `vigilar alerts test`.",
)
CMD_SHUTDOWN = _command(
    "shutdown", power.ShutdownNotice, ("ups",), "*", "The host goes down: put on disk what must survive."
)
REPLY = Topic(
    "vigilar/reply/{sender}/{request}",
    Kind.REPLY,
    Reply,
    ("events", "alerts", "camera-worker"),
    ALL_SERVICES,
    "The answer to a command; each sender reads only its own.",
    65_536,
)


def may_publish(user: str, topic: Topic) -> bool:
    """Whether the table lets this broker user speak on the topic; a camera's user has the role `camera-worker`."""
    role = "camera-worker" if user.startswith("camera-worker-") else user
    return role in topic.publishers or (topic.publishers == ALL_SERVICES and role not in OUTSIDERS)


def _plain_facts() -> list[Topic]:
    """Facts that are told with the first sentence of their model."""
    return [
        _fact(pattern, model, publisher, subscribers, (model.__doc__ or model.TYPE).partition("\n")[0])
        for pattern, model, publisher, subscribers in FACTS
    ]


TOPICS: tuple[Topic, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Topic)),
    *_plain_facts(),
)
FACT_TOPICS: dict[str, Topic] = {
    topic.model.TYPE: topic for topic in TOPICS if topic.model is not None and issubclass(topic.model, Fact)
}
FACT_MODELS: dict[str, type[Fact]] = {
    kind: topic.model
    for kind, topic in FACT_TOPICS.items()
    if topic.model is not None and issubclass(topic.model, Fact)
}
