"""`[health]`: disk limits, pruning and the daily digest."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import Percent, Section, TimeOfDay


class Health(Section):
    """Watching the system itself; pruning lives here."""

    enabled: bool = Field(True, title="Enabled", description="Watch disks, broker, clock and services.")
    disk_warn_pct: Percent = Field(
        85, title="Disk warning", description="Percent of the disk in use that warns."
    )
    disk_critical_pct: Percent = Field(
        95, title="Disk critical", description="Percent of the disk in use at which pruning begins."
    )
    auto_prune: bool = Field(
        True, title="Prune", description="Delete the oldest unstarred recordings when the disk is critical."
    )
    auto_prune_target_pct: Percent = Field(
        80, title="Prune target", description="Percent of the disk in use below which pruning stops."
    )
    daily_digest: bool = Field(True, title="Daily digest", description="Send a summary of the day.")
    daily_digest_time: TimeOfDay = Field(
        "08:00", title="Digest time", description="HH:MM in the time zone of [system]."
    )
