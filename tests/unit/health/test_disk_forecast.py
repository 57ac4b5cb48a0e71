"""What health says of a disk that is not full yet, and of how recordings go by themselves."""

from __future__ import annotations

import pytest
from vigilar_common.config import Config
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import DiskUsage, Finding
from vigilar_health.checks.disks import disk_space
from vigilar_health.domain.board import Board, Forecast, Usage

GB = 10**9


def disk(used_pct: float, total_gb: int = 1000) -> DiskUsage:
    total = total_gb * GB
    used = round(total * used_pct / 100)
    return DiskUsage(
        path="/d", total_bytes=total, used_bytes=used, free_bytes=total - used, used_pct=used_pct
    )


def found(forecast: Forecast | None, *, auto_prune: bool = True, **disks: DiskUsage) -> list[Finding]:
    config = Config.model_validate({"health": {"auto_prune": auto_prune}})
    return list(disk_space(Board(config, 0.0, usage=Usage(disks, 0.0, "", forecast))))


@pytest.mark.parametrize(
    ("days", "prunable_gb", "auto_prune", "told"),
    [
        (2.5, 5, True, True),
        (2.5, 500, True, False),
        (2.5, 500, False, True),
        (3.5, 5, False, False),
        (None, 5, False, False),
    ],
)
def test_a_disk_that_is_soon_critical_is_told_when_pruning_cannot_help(
    days: float | None, prunable_gb: int, auto_prune: bool, told: bool
) -> None:
    findings = found(Forecast(days, 10 * GB, prunable_gb * GB), auto_prune=auto_prune, recordings=disk(60))
    assert [(item.code, item.severity) for item in findings] == [("disk_filling", Severity.ALERT)] * told


def test_the_cure_says_that_recordings_go_by_themselves_only_where_they_do() -> None:
    (pruned,) = found(None, recordings=disk(96))
    assert "deleted by themselves" in pruned.cure
    (kept,) = found(None, auto_prune=False, recordings=disk(96))
    assert "auto_prune is off" in kept.cure


def test_deleting_recordings_is_no_cure_for_a_data_disk_of_its_own() -> None:
    (own,) = found(None, data=disk(96, 20), recordings=disk(10))
    assert "does not help" in own.cure
