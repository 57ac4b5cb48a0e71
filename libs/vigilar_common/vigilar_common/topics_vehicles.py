"""Topics of known vehicles: a part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import vehicles
from vigilar_common.topic import Kind, Topic, command

VEHICLES_STATE = Topic(
    "vigilar/vehicles/state",
    Kind.STATE,
    vehicles.VehiclesState,
    ("events",),
    ("homeassistant", "web", "home_automation"),
    "The vehicles of `[[vehicles.known]]`: which are at home, and when each was seen last.",
    131_072,
)
CMD_VEHICLE = command(
    "vehicle",
    vehicles.VehicleCommand,
    ("web",),
    "detector",
    "Learn how a known vehicle looks, or forget it.",
    4_096,
)
