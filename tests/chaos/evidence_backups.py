"""Backups of a working storage that are killed where one likes.

Run as a program: `python evidence_backups.py <house> <backups> <recipient> <identity> <boundary>…` makes one backup per
boundary and kills it there; paths come from the environment, as for `vigilar backup`.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.evidence_kill import Operation, die_at_each
from vigilar_common.clock import SystemClock
from vigilar_storage import archive, backup, places

Rows = dict[str, list[tuple[Any, ...]]]
STEP_MS = 10_000


class LaterClock(SystemClock):
    """Now, and some steps more: a name of its own for every backup."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._later_ms = steps * STEP_MS

    def now_ms(self) -> int:
        return super().now_ms() + self._later_ms


def kill_backups(
    env: dict[str, str], boundaries: Sequence[int], recipient: str = ""
) -> Iterator[tuple[int, str]]:
    """(boundary, "killed" or "done") for each, as it happens."""
    words = [sys.executable, __file__, recipient, *map(str, boundaries)]
    with subprocess.Popen(words, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            at, ending = line.strip().split(" ", 1)
            yield int(at), ending
    assert child.returncode == 0


def rows(path: Path, *tables: str) -> Rows:
    connection = sqlite3.connect(path)
    found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}  # noqa: S608
    connection.close()
    return found


def check_moment(saved: Path, live: Path) -> int:
    """The oracle: the log is a beginning of what is there now, and the table shows just what that log says.

    Gives the number of facts.
    """
    connection = sqlite3.connect(saved)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    then, now = rows(saved, "facts", "events"), rows(live, "facts", "events")
    assert then["facts"] == now["facts"][: len(then["facts"])], "the log, row for row"
    causes = {row[3] for row in then["facts"] if row[4] == "event.opened"}
    known = {row[0]: row for row in now["events"]}
    assert all(row == known[row[0]] for row in then["events"]), "the table, row for row"
    assert len(then["events"]) == len(causes), "table and log of one moment"
    return len(then["facts"])


def _main(recipient: str, boundaries: Sequence[int]) -> None:
    where = places.find(None, None)
    operations: list[Operation] = [
        (Path, "rename"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync"), (gzip.GzipFile, "write"), (archive, "_header"),
    ]  # fmt: skip
    die_at_each(
        boundaries,
        operations,
        lambda at: backup.make(where, LaterClock(at), recipient=recipient, keep_days=0),
    )


if __name__ == "__main__":
    _main(sys.argv[1], [int(word) for word in sys.argv[2:]])
