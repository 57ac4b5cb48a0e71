"""Other people's topics that Vigilar reads: Zigbee2MQTT and Z-Wave JS UI, below the prefixes that the configuration names."""

from __future__ import annotations

from dataclasses import dataclass

from vigilar_common.topics import Kind, Topic

MAX_BYTES = 9_000_000
"""As the broker allows; what a message of each kind may have is for its reader to judge."""
OWN_PREFIX = "vigilar"


@dataclass(frozen=True)
class ForeignTopic(Topic):
    """Everything below a prefix. `Received.ids["topic"]` is the whole topic, which may hold any character."""

    def filter(self, **ids: str) -> str:  # noqa: ARG002 the same for all
        return self.pattern

    def path(self, **ids: str) -> str:  # noqa: ARG002
        raise ValueError(f"{self.pattern} is only read")

    def match(self, topic: str) -> dict[str, str] | None:
        return {"topic": topic} if topic.startswith(self.pattern[:-1]) else None


@dataclass(frozen=True)
class Prefixes:
    """Of the bridges that share the broker. Who publishes there is the broker user of the same name."""

    zigbee2mqtt: str = "zigbee2mqtt"
    zwave: str = "zwave"
    publish: tuple[str, ...] = ()
    """Filters of topics that events may send commands to."""
    trackers: str = "homeassistant_states"
    """Where Home Assistant says who is home; its broker user is home_automation."""
    discovery: str = "homeassistant"
    """Where Home Assistant is told of devices."""
    birth: str = "homeassistant/status"
    """Where Home Assistant says that it came or went."""


def below(prefix: str, publisher: str) -> ForeignTopic:
    """The topic of everything that a bridge says."""
    return ForeignTopic(
        f"{prefix}/#", Kind.EVENT, None, (publisher,), ("sensors",), "Another program's own.", MAX_BYTES
    )


def prefix_problem(prefix: str) -> str:
    """Why a bridge may not publish below this prefix; empty when it may."""
    first = prefix.partition("/")[0]
    if first == OWN_PREFIX:
        return f'"{OWN_PREFIX}" is Vigilar\'s own: a bridge could speak for a service'
    if first.startswith("$"):
        return "topics that begin with $ belong to the broker"
    if prefix != prefix.strip() or prefix.endswith("/"):
        return "it begins or ends with a blank, or ends with /"
    return ""


def discovery(prefix: str) -> Topic:
    """One retained message per device; empty: the device is gone."""
    doc = "Home Assistant's discovery of one device."
    return Topic(
        f"{prefix}/device/{{device}}/config",
        Kind.STATE,
        None,
        ("homeassistant",),
        ("home_automation",),
        doc,
        131_072,
    )


def birth(topic: str) -> Topic:
    """`online` and `offline` of Home Assistant itself."""
    return Topic(
        topic, Kind.EVENT, None, ("home_automation",), ("homeassistant",), "Home Assistant's own.", 64
    )
