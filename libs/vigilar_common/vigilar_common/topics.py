"""Every topic, declared once: name, payload, kind, and who may publish and subscribe.

From this table come the broker's ACL and users, the reference page, the AsyncAPI file and the contract tests.
`camera-worker` as a party means each camera's own user, with `{camera_id}` bound to its own camera.
"""

from __future__ import annotations

from vigilar_common.messages import (
    Fact,
    Reply,
    alarm,
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
from vigilar_common.topic import command, fact
from vigilar_common.topics_alerts import ALERT_DELIVERY as ALERT_DELIVERY
from vigilar_common.topics_alerts import ALERT_NOTIFY as ALERT_NOTIFY
from vigilar_common.topics_alerts import ALERTS_STATE as ALERTS_STATE
from vigilar_common.topics_alerts import CMD_ALERT as CMD_ALERT
from vigilar_common.topics_alerts import CMD_ALERT_ASK as CMD_ALERT_ASK
from vigilar_common.topics_alerts import CMD_ALERT_TEST as CMD_ALERT_TEST
from vigilar_common.topics_alerts import CMD_PUSH_SUBSCRIBE as CMD_PUSH_SUBSCRIBE
from vigilar_common.topics_alerts import CMD_PUSH_UNSUBSCRIBE as CMD_PUSH_UNSUBSCRIBE
from vigilar_common.topics_alerts import PUSH_INFO as PUSH_INFO
from vigilar_common.topics_alerts import PUSH_REMOVED as PUSH_REMOVED
from vigilar_common.topics_alerts import PUSH_SUBSCRIBED as PUSH_SUBSCRIBED
from vigilar_common.topics_camera import CAMERA_OBJECTS as CAMERA_OBJECTS
from vigilar_common.topics_camera import CAMERA_OFFLINE as CAMERA_OFFLINE
from vigilar_common.topics_camera import CAMERA_ONLINE as CAMERA_ONLINE
from vigilar_common.topics_camera import CAMERA_STATE as CAMERA_STATE
from vigilar_common.topics_camera import CMD_FIND_CAMERAS as CMD_FIND_CAMERAS
from vigilar_common.topics_camera import CMD_LIVE as CMD_LIVE
from vigilar_common.topics_camera import CMD_MARK as CMD_MARK
from vigilar_common.topics_camera import CMD_RECORD as CMD_RECORD
from vigilar_common.topics_camera import CMD_SNAPSHOT as CMD_SNAPSHOT
from vigilar_common.topics_camera import CMD_TRY_CAMERA as CMD_TRY_CAMERA
from vigilar_common.topics_camera import CMD_TUNE as CMD_TUNE
from vigilar_common.topics_camera import LIVE as LIVE
from vigilar_common.topics_camera import MOTION_ENDED as MOTION_ENDED
from vigilar_common.topics_camera import MOTION_STARTED as MOTION_STARTED
from vigilar_common.topics_camera import PICTURE as PICTURE
from vigilar_common.topics_camera import PICTURE_TAKEN as PICTURE_TAKEN
from vigilar_common.topics_camera import RECORDING_FINISHED as RECORDING_FINISHED
from vigilar_common.topics_camera import RECORDING_GAP as RECORDING_GAP
from vigilar_common.topics_camera import RECORDING_OPENED as RECORDING_OPENED
from vigilar_common.topics_camera import TUNE as TUNE
from vigilar_common.topics_detection import CROP as CROP
from vigilar_common.topics_detection import CROP_SEEN as CROP_SEEN
from vigilar_common.topics_detection import DETECTOR_LEASE as DETECTOR_LEASE
from vigilar_common.topics_detection import DETECTOR_STATE as DETECTOR_STATE
from vigilar_common.topics_detection import PETS_LEASE as PETS_LEASE
from vigilar_common.topics_detection import TRACK_CROP as TRACK_CROP
from vigilar_common.topics_detection import VISITORS_LEASE as VISITORS_LEASE
from vigilar_common.topics_facts import FACTS
from vigilar_common.topics_homeassistant import BRIDGE_STATE as BRIDGE_STATE
from vigilar_common.topics_homeassistant import CMD_ASK_SWITCH as CMD_ASK_SWITCH
from vigilar_common.topics_homeassistant import CMD_SWITCH as CMD_SWITCH
from vigilar_common.topics_homeassistant import HOUSE_EVENT as HOUSE_EVENT
from vigilar_common.topics_homeassistant import HOUSE_IMAGE as HOUSE_IMAGE
from vigilar_common.topics_packages import CMD_PACKAGE as CMD_PACKAGE
from vigilar_common.topics_packages import PACKAGES_STATE as PACKAGES_STATE
from vigilar_common.topics_pets import CMD_PETS as CMD_PETS
from vigilar_common.topics_pets import PETS_STATE as PETS_STATE
from vigilar_common.topics_vehicles import CMD_VEHICLE as CMD_VEHICLE
from vigilar_common.topics_vehicles import VEHICLES_STATE as VEHICLES_STATE
from vigilar_common.topics_visitors import CMD_VISITORS as CMD_VISITORS
from vigilar_common.topics_visitors import VISITORS_STATE as VISITORS_STATE

AVAILABLE = Topic(
    "vigilar/{service}/available",
    Kind.AVAILABILITY,
    None,
    ALL_SERVICES,
    ("events", "health", "homeassistant", "web", "camera-worker", "home_automation"),
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
LOG_LEASE = Topic(
    "vigilar/logs/lease",
    Kind.FRAME,
    system.LogLease,
    ("web",),
    ALL_SERVICES,
    "Every 3 s while an admin looks at the logs.",
    1_024,
)
LOG_LINES = Topic(
    "vigilar/logs/lines/{service}",
    Kind.FRAME,
    system.LogLines,
    ALL_SERVICES,
    ("web",),
    "The newest lines of a service's log, secrets masked at the source. Only while leased; 40 lines, 3 messages a second.",
    131_072,
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
ALARM_CHANGED = fact(
    "vigilar/alarm/changed", alarm.ArmStateChanged, "events", ("alerts", "offsite", "web"), "A transition."
)
ALARM_REFUSED = fact(
    "vigilar/alarm/refused",
    alarm.ArmRefused,
    "events",
    ("alerts", "homeassistant", "web"),
    "A refused command.",
)
EVENT_OPENED = fact(
    "vigilar/events/opened",
    alarm.EventOpened,
    "events",
    ("alerts", "homeassistant", "web", "home_automation"),
    "An event began.",
)
EVENT_ENDED = fact(
    "vigilar/events/ended",
    alarm.EventEnded,
    "events",
    ("alerts", "web", "home_automation"),
    "An event is over.",
)

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

CMD_ALARM = command(
    "alarm", alarm.ArmCommand, ("web", "home_automation", "presence"), "events", "Arm or disarm."
)
CMD_RESET_PIN = command(
    "alarm/reset-pin", alarm.ResetPin, ("web",), "events", "A new PIN for who knows the recovery passphrase."
)
CMD_PINS = command(
    "alarm/pins",
    alarm.PinsCommand,
    ("web",),
    "events",
    "List, set and remove PINs, set the recovery passphrase.",
)
CMD_RULES = command(
    "rules",
    rules.RulesCommand,
    ("web",),
    "events",
    "List the rules, or try one out against the log.",
    32_768,
)
CMD_SHUTDOWN = command(
    "shutdown", power.ShutdownNotice, ("ups",), "*", "The host goes down: put on disk what must survive."
)
REPLY = Topic(
    "vigilar/reply/{sender}/{request}",
    Kind.REPLY,
    Reply,
    ("events", "alerts", "camera-worker", "scout", "detector", "pets", "visitors"),
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
        fact(pattern, model, publisher, subscribers, (model.__doc__ or model.TYPE).partition("\n")[0])
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
