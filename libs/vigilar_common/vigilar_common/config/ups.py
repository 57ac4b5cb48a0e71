"""`[ups]`: the uninterruptible power supply, read through NUT."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import FilePath, Host, Port, Section


class Ups(Section):
    """Where NUT answers and when the machine shuts down."""

    enabled: bool = Field(True, title="Enabled", description="Watch the UPS.")
    nut_host: Host = Field("127.0.0.1", title="NUT host", description="Host on which upsd listens.")
    nut_port: Port = Field(3493, title="NUT port", description="TCP port of upsd.")
    ups_name: str = Field(
        "ups",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        title="UPS name",
        description="Name of the block in NUT's ups.conf.",
    )
    poll_interval_s: int = Field(
        30, ge=1, le=3600, title="Poll interval", description="Seconds between two looks at the UPS."
    )
    low_battery_threshold_pct: int = Field(
        20,
        ge=5,
        le=95,
        title="Low battery",
        description="Charge in percent below which the battery counts as low.",
    )
    critical_runtime_threshold_s: int = Field(
        300,
        ge=0,
        le=86_400,
        title="Critical runtime",
        description="Seconds of remaining runtime below which the orderly shutdown begins.",
    )
    shutdown_delay_s: int = Field(
        60,
        ge=0,
        le=3600,
        title="Shutdown delay",
        description="Seconds between the announcement and the shutdown.",
    )
    shutdown_request_dir: FilePath = Field(
        "/run/vigilar-shutdown",
        title="Shutdown request folder",
        description="Folder in which the host is asked to go down (setup_nut.sh --host-shutdown). Empty: never ask.",
    )
