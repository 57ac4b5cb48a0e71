"""What each export is, beside its zip: a restart of storage keeps those that are done and makes the others anew."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from vigilar_common.config.files import write_atomic

log = logging.getLogger(__name__)

NOTE_SUFFIX, ZIP_SUFFIX = ".json", ".zip"
MAX_NOTE_BYTES = 1024 * 1024


class ExportState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class ExportOrder:
    """Either recordings by id, or what a camera recorded between two UTC times."""

    actor: str
    reason: str
    recording_ids: Sequence[str] = ()
    camera_id: str = ""
    from_ms: int = 0
    to_ms: int = 0


@dataclass
class Export:
    export_id: str
    order: ExportOrder
    created_ms: int
    state: ExportState = ExportState.RUNNING
    done_bytes: int = 0
    total_bytes: int = 0
    size_bytes: int = 0
    sha256: str = ""
    error: str = ""
    ended_ms: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0
    """How often it was begun: once more after each restart of storage."""


def write(folder: Path, export: Export) -> None:
    """Raises OSError."""
    write_atomic(folder / f"{export.export_id}{NOTE_SUFFIX}", json.dumps(asdict(export)), 0o600)


def read(folder: Path) -> list[Export]:
    """Those that are there, oldest first; what belongs to none of them is removed. Raises OSError."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.glob(f"*{NOTE_SUFFIX}")):
        export = _read(path)
        if export is None:
            continue
        if export.state is ExportState.DONE and not (folder / f"{export.export_id}{ZIP_SUFFIX}").is_file():
            continue  # removed a moment before the stop
        found.append(export)
    kept = {f"{export.export_id}{suffix}" for export in found for suffix in (NOTE_SUFFIX, ZIP_SUFFIX)}
    kept -= {f"{export.export_id}{ZIP_SUFFIX}" for export in found if export.state is not ExportState.DONE}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return sorted(found, key=lambda export: export.created_ms)


def _read(path: Path) -> Export | None:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(MAX_NOTE_BYTES))
        order, state = ExportOrder(**told.pop("order")), ExportState(told.pop("state"))
        export = Export(order=order, state=state, **told)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("%s says of no export what it is (%s): it is removed with what belongs to it", path, error)  # noqa: TRY400
        return None
    return export if path.name == f"{export.export_id}{NOTE_SUFFIX}" else None
