"""What has to go, decided from figures alone: percentages of [health], and the two limits of [storage].

Only the partition that holds the recordings can be helped by deleting recordings, so only that one is judged here;
a full data partition on another disk is a finding of health.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vigilar_common.config.health import Health
from vigilar_common.messages.system import DiskUsage

BATCH_RECORDINGS = 20
CHECK_S = 60.0
"""Oftener than every five minutes: a look costs nothing, and between two of them a disk should not fill."""
SOON_S = 2.0
RATE_WINDOW_S = 600.0
MAX_SAMPLES = 120
FREED_SHARE = 0.5
"""Of the bytes deleted, the share by which free space must have grown; else deleting stops."""
WRITTEN_SHARE = 0.25
"""What cameras write meanwhile excuses this much of it at most: it is an estimate, and deleting in vain is worse."""
GB = 1_000_000_000


@dataclass(frozen=True)
class Limits:
    """The two limits of [storage] in bytes, 0: not in force."""

    max_bytes: int = 0
    floor_bytes: int = 0


@dataclass(frozen=True)
class Need:
    """Why recordings have to go, as kept with each of them."""

    policy: str
    reason: str


def begins(disk: DiskUsage, recordings_bytes: int, health: Health, limits: Limits) -> Need | None:
    """Whether pruning has to begin now."""
    if health.auto_prune and disk.used_pct >= health.disk_critical_pct:
        return Need("disk_critical", f"the disk was {disk.used_pct:g} % full")
    return _over(disk, recordings_bytes, limits)


def goes_on(need: Need, disk: DiskUsage, recordings_bytes: int, health: Health, limits: Limits) -> bool:
    """Whether one more batch has to go for the need that began it."""
    if need.policy == "disk_critical":
        return disk.used_pct >= health.auto_prune_target_pct
    if need.policy == "max_disk_usage":
        return bool(limits.max_bytes) and recordings_bytes > limits.max_bytes
    return disk.free_bytes < limits.floor_bytes


def excess_bytes(need: Need, disk: DiskUsage, recordings_bytes: int, limits: Limits) -> int | None:
    """How much a limit is passed by, so that no more goes than has to; None: percentages go by whole batches."""
    if need.policy == "max_disk_usage":
        return recordings_bytes - limits.max_bytes
    if need.policy == "free_space_floor":
        return limits.floor_bytes - disk.free_bytes
    return None


def _over(disk: DiskUsage, recordings_bytes: int, limits: Limits) -> Need | None:
    if limits.max_bytes and recordings_bytes > limits.max_bytes:
        return Need("max_disk_usage", f"recordings took more than {limits.max_bytes / GB:g} GB")
    if disk.free_bytes < limits.floor_bytes:
        return Need("free_space_floor", f"less than {limits.floor_bytes / GB:g} GB were free")
    return None


def frees(deleted_bytes: int, free_before: int, free_after: int, written_bytes: float) -> bool:
    """Whether deleting had an effect; `written_bytes` is what cameras are believed to have written meanwhile."""
    believed = min(written_bytes, WRITTEN_SHARE * deleted_bytes)
    return free_after - free_before + believed >= FREED_SHARE * deleted_bytes


class Growth:
    """How fast a partition fills, from looks at it. Pure."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=MAX_SAMPLES)

    def note(self, monotonic_s: float, used_bytes: int) -> None:
        while self._seen and monotonic_s - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.popleft()
        self._seen.append((monotonic_s, used_bytes))

    def restart(self) -> None:
        """After deleting, older figures tell nothing about growth."""
        self._seen.clear()

    @property
    def bytes_per_s(self) -> float:
        """Never negative; 0 when there are too few looks."""
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return max(0.0, (last - first) / (last_s - first_s)) if last_s > first_s else 0.0


def next_check_s(disk: DiskUsage, health: Health, bytes_per_s: float) -> float:
    """Seconds until the next look: CHECK_S, and sooner when the critical mark comes first."""
    room = disk.total_bytes * health.disk_critical_pct / 100 - disk.used_bytes
    if bytes_per_s <= 0 or room <= 0:
        return CHECK_S if room > 0 else SOON_S * 15
    return min(CHECK_S, max(SOON_S, room / bytes_per_s / 2))
