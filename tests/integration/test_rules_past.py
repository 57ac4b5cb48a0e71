"""A dry run of a rule on the log of a real storage."""

from __future__ import annotations

import threading
from pathlib import Path

from rule_house import config_of, rule
from storage_rig import motion, now_ms, running, token
from vigilar_common.clock import SystemClock
from vigilar_common.storage_client import StorageClient
from vigilar_events.rule_dry_run import dry_run

DAY_MS = 86_400_000
A_DAY = 120
DAYS = 10


def test_a_rule_is_tried_on_the_days_that_were_asked_for_and_on_no_fact_before_them(tmp_path: Path) -> None:
    first_ms = now_ms() - DAYS * DAY_MS + 600_000
    with running(tmp_path) as rig:
        for day in range(DAYS):
            step_ms = DAY_MS // A_DAY
            begin_ms = first_ms + day * DAY_MS
            facts = [
                motion(ts_ms=begin_ms + number * step_ms, zones=["gate"] if number % 10 == 0 else [])
                for number in range(A_DAY)
            ]
            assert rig.post(facts).json()["accepted"] == A_DAY
        log = StorageClient(rig.url, token("events"))
        config = config_of(
            rule({"type": "camera_motion", "camera_id": "front", "zone": "gate"}, cooldown_s=60)
        )
        found = {
            days: dry_run(config.rules[0], config, {}, days, log, SystemClock(), threading.Event())
            for days in (3, 7)
        }
    for days, result in found.items():
        assert (result["complete"], result["unreadable"]) == (True, 0)
        assert result["count"] == A_DAY // 10 * days
        assert result["facts"] <= A_DAY * days + 1, "the beginning is looked for, not read up to"
