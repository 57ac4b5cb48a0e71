"""`[mqtt]`, `[zigbee2mqtt]` and `[zwave]`: the broker and the bridges that share it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from vigilar_common.config.base import Host, Port, Section, secret
from vigilar_common.topics_foreign import prefix_problem


def _foreign(prefix: str) -> str:
    if problem := prefix_problem(prefix):
        raise ValueError(problem)
    return prefix


Prefix = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=r"^[^+#\x00-\x1f/][^+#\x00-\x1f]*$"),
    AfterValidator(_foreign),
]
"""Below which a bridge publishes."""


def _foreign_filter(text: str) -> str:
    """A filter of topics that are not ours: nobody may be let into `vigilar/` or `$SYS` by a setting."""
    levels = text.split("/")
    if any(("+" in level or "#" in level) and len(level) > 1 for level in levels) or "#" in levels[:-1]:
        raise ValueError("+ and # stand alone in a level, # only in the last")
    if levels[0] in ("", "+", "#", "vigilar", "homeassistant") or levels[0].startswith("$"):
        raise ValueError("must begin with a name of its own, not with vigilar, homeassistant, $, + or #")
    return text


def topic_allowed(topic: str, allowed: str) -> bool:
    """Whether the filter `allowed` matches the topic, as the broker would."""
    levels, wanted = topic.split("/"), allowed.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or level not in ("+", levels[at]):
            return False
    return len(levels) == len(wanted)


class Mqtt(Section):
    """Where the broker listens."""

    host: Host = Field(
        "127.0.0.1", title="Broker host", description="Host name or address of the MQTT broker."
    )
    port: Port = Field(1883, title="Broker port", description="TCP port of the MQTT broker.")
    username: str = Field(
        "",
        max_length=120,
        title="User name",
        description="For a broker of your own: all services log in with it. Empty: each has its own user.",
    )
    password: str = secret("Password", "Password that belongs to username, for a broker of your own.")
    publish_topics: tuple[
        Annotated[
            str,
            Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x20]+$"),
            AfterValidator(_foreign_filter),
        ],
        ...,
    ] = Field(
        (),
        max_length=32,
        title="Topics to publish to",
        description="Topic filters of other devices that the alarm and rules may send commands to, for example "
        "zigbee2mqtt/siren/set; the broker allows no other.",
    )


class Zigbee2mqtt(Section):
    """An existing Zigbee2MQTT bridge."""

    mqtt_topic_prefix: Prefix = Field(
        "zigbee2mqtt",
        title="Topic prefix",
        description="Base topic that the Zigbee2MQTT bridge publishes its devices under.",
    )


class Zwave(Section):
    """An existing Z-Wave JS UI with its MQTT gateway on."""

    mqtt_topic_prefix: Prefix = Field(
        "zwave",
        title="Topic prefix",
        description="Prefix that Z-Wave JS UI publishes its nodes under.",
    )
