"""Who may say and hear what on the broker, told from the topic table and the written additions, not from the ACL.

The table says who speaks and who listens; a camera's user is `camera-worker` for its own camera alone.
Beside the table stand: everybody commands below `vigilar/cmd/<self>` and reads below `vigilar/reply/<self>`
(DESIGN section 2), and the bridges have their prefixes (docs/guide/broker.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from vigilar_common.topics import ALL_SERVICES, AVAILABLE, OUTSIDERS, REPLY, SERVICES, TOPICS, Kind, Topic
from vigilar_common.topics_foreign import Prefixes

CAMERAS = ("front", "back")
PREFIXES = Prefixes(publish=("zigbee2mqtt/siren/set", "shelly/+/command"))
CAMERA_ROLE = "camera-worker-"

SAYS_BELOW = {
    "zigbee2mqtt": ("zigbee2mqtt",),
    "zwave": ("zwave",),
    "home_automation": ("homeassistant_states",),
}
HEARS_BELOW = {
    "zigbee2mqtt": ("zigbee2mqtt",),
    "zwave": ("zwave",),
    "sensors": ("zigbee2mqtt", "zwave"),
    "presence": ("homeassistant_states",),
}
SAYS_OUTSIDE: dict[str, Callable[[str], object]] = {
    "events": re.compile(r"zigbee2mqtt/siren/set|shelly/[^/]*/command").fullmatch,
}
HEARS_OUTSIDE: dict[str, Callable[[str], object]] = {}
BRIDGE = {"homeassistant"} & set(SERVICES)
if BRIDGE:  # it announces devices to Home Assistant, which says when it was born
    SAYS_OUTSIDE["homeassistant"] = re.compile(r"homeassistant/device/[^/]*/config").fullmatch
    SAYS_OUTSIDE["home_automation"] = re.compile(r"homeassistant/status").fullmatch
    HEARS_OUTSIDE["homeassistant"] = re.compile(r"homeassistant/status").fullmatch
    HEARS_BELOW["home_automation"] = ("homeassistant",)

OUTSIDE_TOPICS = (
    "zigbee2mqtt", "zigbee2mqtt/door", "zigbee2mqtt/door/availability", "zigbee2mqtt/siren/set", "zigbee2mqtt/siren/get",
    "zigbee2mqtt/bridge/request/permit_join", "zigbee2mqttx/door", "zwave/7/48/0/Any", "zwave/7/37/0/targetValue/set",
    "shelly/gate/command", "shelly/command", "shelly/gate/other/command", "homeassistant_states/person/ann",
    "homeassistant_states", "homeassistant/status", "homeassistant/device/vigilar/config", "homeassistant/camera/x/config",
    "homeassistant",
    "other", "other/topic", "vigilar", "/vigilar/alarm/state", "vigilar//alarm/state", "vigilar/alarm/state/",
    "VIGILAR/alarm/state", "vigilar/cmd", "vigilar/reply", "vigilar/cmd/%u/alarm", "vigilar/reply/%u/r1",
    "$SYS/broker/uptime", "$SYS/broker/clients/connected", "$CONTROL/dynamic-security/v1", "$CONTROL/x",
)  # fmt: skip


def topics(users: list[str]) -> list[str]:
    """Every topic of the table with ids of ours and of nobody, what lies above, below and beside each, and what is outside."""
    found = dict.fromkeys(OUTSIDE_TOPICS)
    for topic in TOPICS:
        for path in _paths(topic, users):
            found[path] = None
        path = next(_paths(topic, users))
        found[f"{path}/below"] = found[path.rpartition("/")[0]] = None
        levels = path.split("/")
        for at in range(1, len(levels)):
            found["/".join([*levels[:at], "other", *levels[at + 1 :]])] = None
    return list(found)


def _paths(topic: Topic, users: list[str]) -> Iterator[str]:
    ids = {"camera_id": (*CAMERAS, "ghost"), "service": (*users, "ghost"), "sender": (*users, "ghost")}
    names = re.findall(r"\{(\w+)\}", topic.pattern)
    combined: list[dict[str, str]] = [{}]
    for name in names:
        combined = [one | {name: value} for one in combined for value in ids.get(name, ("main", "x1"))]
    return (topic.path(**one) for one in combined)


def may_say(user: str, path: str) -> bool:
    if path.startswith("$"):
        return False
    outside = SAYS_OUTSIDE.get(user)
    if _below(f"vigilar/cmd/{user}", path) or any(_below(p, path) for p in SAYS_BELOW.get(user, ())):
        return True
    if outside and outside(path):
        return True
    return any(_party(user, topic, topic.publishers, path, says=True) for topic in TOPICS)


def may_hear(user: str, path: str) -> bool:
    if path.startswith("$"):
        return False
    if _below(f"vigilar/reply/{user}", path) or any(_below(p, path) for p in HEARS_BELOW.get(user, ())):
        return True
    outside = HEARS_OUTSIDE.get(user)
    if outside and outside(path):
        return True
    return any(_party(user, topic, topic.subscribers, path, says=False) for topic in TOPICS)


def _party(user: str, topic: Topic, parties: tuple[str, ...], path: str, *, says: bool) -> bool:
    ids = topic.match(path)
    if ids is None or (topic.kind is Kind.COMMAND and says) or (topic is REPLY and not says):
        return False  # commands and answers: below one's own name alone, which stands above
    if user.startswith(CAMERA_ROLE):
        if ids.get("camera_id", camera := user.removeprefix(CAMERA_ROLE)) != camera:
            return False
        if topic is AVAILABLE and says:
            return False  # a camera says so on its own topic
        if "camera-worker" in parties:
            return True
    if parties == ALL_SERVICES:
        return user not in OUTSIDERS and ids.get("service", user) == user
    return user in parties


def _below(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


INVARIANTS: tuple[tuple[str, set[str], set[str]], ...] = (
    ("vigilar/alarm/siren", {"events"}, {"web", "sensors", "home_automation"}),
    ("vigilar/sensors/changed", {"sensors"}, {"events", "web", *BRIDGE}),
    ("vigilar/sensor/x1/state", {"sensors"}, {"events", "web", "home_automation", *BRIDGE}),
    ("vigilar/cmd/web/alarm", {"web"}, {"events"}),
    ("vigilar/cmd/web/alarm/reset-pin", {"web"}, {"events"}),
    ("vigilar/cmd/home_automation/alarm", {"home_automation"}, {"events"}),
    ("vigilar/cmd/web/camera/front/live", {"web"}, {"camera-worker-front"}),
    ("vigilar/camera/front/live/main", {"camera-worker-front"}, {"web"}),
    ("vigilar/camera/front/motion/started", {"camera-worker-front"}, {"events", "web", "detector", "home_automation"}),
    ("vigilar/camera-worker/back/available", {"camera-worker-back"}, {"health", "web", "events", "storage", "home_automation"}),
    ("vigilar/visitors/embedding/saved", {"visitors"}, set()),
    ("vigilar/pets/training/saved", {"pets"}, set()),
    ("vigilar/alerts/push/subscribed", {"alerts"}, set()),
    ("zigbee2mqtt/bridge/request/permit_join", {"zigbee2mqtt"}, {"zigbee2mqtt", "sensors"}),
    ("zigbee2mqtt/siren/set", {"zigbee2mqtt", "events"}, {"zigbee2mqtt", "sensors"}),
    ("$SYS/broker/uptime", set(), set()),
    ("other/topic", set(), set()),
)  # fmt: skip
"""Said once more by hand: topic, who speaks, who listens. A slip in the table itself shows here."""
