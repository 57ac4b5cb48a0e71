"""Topics of parcels beside their facts: a part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import packages
from vigilar_common.topic import Kind, Topic, command

PACKAGES_STATE = Topic(
    "vigilar/packages/state",
    Kind.STATE,
    packages.PackagesState,
    ("events",),
    ("homeassistant", "web", "home_automation"),
    "The parcels that lie outside now.",
    65_536,
)
CMD_PACKAGE = command(
    "package", packages.PackageCommand, ("web",), "events", "A parcel was collected, or is none."
)
