"""`[storage]`: how recordings are kept."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import FilePath, Section


class Storage(Section):
    """Encryption and durability of recordings."""

    encrypt_recordings: bool = Field(
        True,
        title="Encrypt recordings",
        description="Encrypt new .vge files; existing ones stay as they are.",
    )
    key_file: FilePath = Field(
        "/etc/vigilar/secrets/storage.key",
        min_length=1,
        title="Key file",
        description="32 raw bytes; without them no recording can be read.",
    )
    max_disk_usage_gb: float = Field(
        200,
        ge=0,
        title="Most disk use",
        description="GB; holds once `vigilar storage enforce-limits` confirmed it. See [health].",
    )
    free_space_floor_gb: float = Field(
        10,
        ge=0,
        title="Free space floor",
        description="GB; holds once `vigilar storage enforce-limits` confirmed it. See [health].",
    )
    sync_interval_s: float = Field(
        1.0,
        gt=0,
        le=60,
        title="Sync interval",
        description="Seconds between forced writes of a growing recording: the most that a power cut costs.",
    )
