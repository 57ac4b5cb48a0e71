"""`[mqtt]` and `[zigbee2mqtt]`: the broker and the bridge that shares it."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import Host, Port, Section, secret


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


class Zigbee2mqtt(Section):
    """An existing Zigbee2MQTT bridge."""

    mqtt_topic_prefix: str = Field(
        "zigbee2mqtt",
        min_length=1,
        max_length=120,
        pattern=r"^[^+#\x00-\x1f/][^+#\x00-\x1f]*$",
        title="Topic prefix",
        description="Base topic that the Zigbee2MQTT bridge publishes its devices under.",
    )
