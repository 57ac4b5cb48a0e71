"""One check per function, each with its cure. A check reads the board and decides nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vigilar_common.messages.system import Finding

from vigilar_health.checks import alerting, broker, cameras, clock, disks, heartbeats, storage
from vigilar_health.domain.board import Board

Check = Callable[[Board], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    broker.broker,
    storage.unreachable,
    storage.outbox_large,
    storage.telemetry_dropped,
    disks.disk_space,
    heartbeats.silent,
    heartbeats.not_ready,
    heartbeats.bad_configuration,
    heartbeats.reported,
    cameras.offline,
    cameras.not_recording,
    cameras.own_findings,
    cameras.gaps,
    clock.clock,
    alerting.failing_channels,
)
