"""Is there room, and will there be? Storage measures, because only storage sees both partitions."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import DiskUsage, Finding

from vigilar_health.domain.board import Board

RECORDINGS = "recordings"
SOON_DAYS = 3.0


def disk_space(board: Board) -> Iterator[Finding]:
    limits = board.config.health
    for name, disk in sorted(board.usage.disks.items()):
        if disk.used_pct >= limits.disk_critical_pct:
            severity, limit_pct = Severity.CRITICAL, limits.disk_critical_pct
        elif disk.used_pct >= limits.disk_warn_pct:
            severity, limit_pct = Severity.ALERT, limits.disk_warn_pct
        else:
            if name == RECORDINGS:
                yield from _soon(board, disk)
            continue
        free_gb = disk.free_bytes / 1e9
        yield Finding(
            code="disk_full" if severity is Severity.CRITICAL else "disk_filling",
            severity=severity,
            subject=name,
            title=f"The disk of {name} is more than {limit_pct:g} % full ({free_gb:.1f} GB are free at {disk.path})",
            cure=_cure(board, name),
        )


def _soon(board: Board, disk: DiskUsage) -> Iterator[Finding]:
    """Within SOON_DAYS the disk is critical, and deleting by itself will not help."""
    expected = board.usage.forecast
    if expected is None or expected.days_until_critical is None or expected.days_until_critical >= SOON_DAYS:
        return
    # Pruning helps while it finds enough to delete for the same days ahead.
    enough = expected.prunable_bytes >= SOON_DAYS * expected.bytes_per_day
    if board.config.health.auto_prune and enough:
        return
    yield Finding(
        code="disk_filling",
        severity=Severity.ALERT,
        subject=RECORDINGS,
        title=f"The disk of {RECORDINGS} ({disk.path}) is critically full within {SOON_DAYS:g} days",
        cure=_cure(board, RECORDINGS),
    )


def _cure(board: Board, name: str) -> str:
    limits = board.config.health
    if name != RECORDINGS and not _same_disk(board, name):
        return "Remove other files from that disk, or move [system] data_dir to a larger one; deleting recordings does not help."
    if not limits.auto_prune:
        return "Nothing is deleted by itself, for auto_prune is off: shorten retention_days, delete recordings, or add a disk."
    begins = f"At {limits.disk_critical_pct:g} % the oldest unstarred recordings are deleted by themselves"
    return f"{begins}. To keep more: unstar what need not stay, shorten retention_days of other cameras, or add a disk."


def _same_disk(board: Board, name: str) -> bool:
    """Two folders of one partition have the same size and use; of two partitions that would be a rare chance."""
    one, other = board.usage.disks.get(name), board.usage.disks.get(RECORDINGS)
    if one is None or other is None:
        return False
    return (
        one.total_bytes == other.total_bytes
        and abs(one.used_bytes - other.used_bytes) < one.total_bytes / 1000
    )
