"""The drill: whether the newest backup could be restored, tried without touching anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from vigilar_common.clock import Clock
from vigilar_common.errors import VigilarError

from vigilar_storage import backup, backup_status, restore
from vigilar_storage.places import Places

Level = Literal["restored", "bytes", "unknown", "failed"]


@dataclass(frozen=True)
class Result:
    """`restored`: taken apart and verified whole. `bytes`: it cannot be opened here, its bytes are those written.

    `unknown`: it cannot be opened here and was made elsewhere. `failed`: it could not be restored.
    """

    level: Level
    archive: str
    ts_ms: int
    detail: str


def run(places: Places, clock: Clock, identity_file: str = "") -> Result:
    """Try the newest archive and remember the result. Raises ConfigError, OSError (nowhere to note it)."""
    result = _tried(places, clock.now_ms(), identity_file)
    backup_status.note(places, drill=asdict(result))
    return result


def _tried(places: Places, now_ms: int, identity_file: str) -> Result:
    found = backup.archives(places.backups)
    if not found:
        return Result("failed", "", now_ms, f"there is no backup in {places.backups}")
    newest = found[-1]
    identity = backup.identity_on_box(places, identity_file)
    if newest.suffix == ".age" and not identity:
        return _bytes_only(places, newest, now_ms)
    try:
        with restore.unpacked(newest, identity, places.data_dir) as checked:
            counts = checked.manifest.counts
            detail = (
                f"{len(checked.manifest.members)} files, {sum(counts.values())} rows in {len(counts)} tables"
            )
    except (VigilarError, OSError) as error:
        return Result("failed", newest.name, now_ms, str(error)[:300])
    return Result("restored", newest.name, now_ms, detail)


def _bytes_only(places: Places, newest: Path, now_ms: int) -> Result:
    known = backup_status.read(places).get("sha256", {}).get(newest.name)
    if known is None:
        return Result(
            "unknown", newest.name, now_ms, "it is encrypted and was not made here: nothing could be checked"
        )
    try:
        same = backup.hash_file(newest) == known
    except OSError as error:
        return Result("failed", newest.name, now_ms, str(error))
    if not same:
        return Result("failed", newest.name, now_ms, "its bytes are not those that were written")
    return Result(
        "bytes", newest.name, now_ms, "its bytes are those written; opening it needs the owner's identity"
    )
