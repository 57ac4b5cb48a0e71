"""Is there room? Storage measures, because only storage sees both partitions."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_health.domain.board import Board


def disk_space(board: Board) -> Iterator[Finding]:
    limits = board.config.health
    for name, disk in sorted(board.usage.disks.items()):
        if disk.used_pct >= limits.disk_critical_pct:
            severity, limit_pct = Severity.CRITICAL, limits.disk_critical_pct
        elif disk.used_pct >= limits.disk_warn_pct:
            severity, limit_pct = Severity.ALERT, limits.disk_warn_pct
        else:
            continue
        free_gb = disk.free_bytes / 1e9
        pruning = "The oldest unstarred recordings are deleted by themselves; " if limits.auto_prune else ""
        yield Finding(
            code="disk_full" if severity is Severity.CRITICAL else "disk_filling",
            severity=severity,
            subject=name,
            title=f"The disk of {name} is more than {limit_pct:g} % full ({free_gb:.1f} GB are free at {disk.path})",
            cure=f"{pruning}shorten retention_days, unstar recordings, or add a disk."[:500],
        )
