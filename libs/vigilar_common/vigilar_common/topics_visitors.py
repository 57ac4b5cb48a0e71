"""Topics of faces: a part of the table in `vigilar_common.topics`."""

from __future__ import annotations

from vigilar_common.messages import visitors
from vigilar_common.topic import Kind, Topic, command

VISITORS_STATE = Topic(
    "vigilar/visitors/state",
    Kind.STATE,
    visitors.VisitorsState,
    ("visitors",),
    ("homeassistant", "web", "home_automation"),
    "Who is recognised by face and has not gone; whether faces are looked for at all, and why not.",
    65_536,
)
CMD_VISITORS = command(
    "visitors",
    visitors.VisitorsCommand,
    ("web",),
    "visitors",
    "Name, enrol, merge, split, forget a person known by face; ask for a picture.",
    524_288,
)
