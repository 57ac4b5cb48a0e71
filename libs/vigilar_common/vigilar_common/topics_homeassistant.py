"""Topics of the bridge to Home Assistant: a part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import camera, homeassistant
from vigilar_common.topic import Kind, Topic

BRIDGE_STATE = Topic(
    "vigilar/homeassistant/state",
    Kind.STATE,
    homeassistant.BridgeState,
    ("homeassistant",),
    ("home_automation",),
    "The version that runs, and how much Home Assistant was told.",
)
HOUSE_EVENT = Topic(
    "vigilar/homeassistant/event/{device}",
    Kind.EVENT,
    homeassistant.HouseEvent,
    ("homeassistant",),
    ("home_automation",),
    "What happened, for the event entity of that device.",
)
HOUSE_IMAGE = Topic(
    "vigilar/homeassistant/image/{camera_id}",
    Kind.FRAME,
    None,
    ("homeassistant",),
    ("home_automation",),
    "JPEG for the image entity of that camera; not in privacy.",
    262_144,
)
CMD_ASK_SWITCH = Topic(
    "vigilar/cmd/{sender}/homeassistant/camera/{camera_id}/switch",
    Kind.COMMAND,
    camera.CameraSwitch,
    ("home_automation",),
    ("homeassistant",),
    "Ask the bridge for a switch of a camera; it decides whether that may be.",
    2_048,
)
CMD_SWITCH = Topic(
    "vigilar/cmd/{sender}/camera/{camera_id}/switch",
    Kind.COMMAND,
    camera.CameraSwitch,
    ("web", "homeassistant"),
    ("camera-worker",),
    "Switch recording, detection or privacy.",
    2_048,
)
