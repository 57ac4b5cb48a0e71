"""The copy of a database that is made before its schema changes, and stays beside it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from vigilar_common.config.files import sync_dir
from vigilar_common.errors import StartupError

from vigilar_storage.backup import SPARE_BYTES, hash_file, snapshot


def keep(path: Path, now_ms: int) -> Path:
    """`<name>.before-migration-<utc>-<hash>`; one that an interrupted start made of the same content is used again.

    Raises StartupError when the disk has no room for it, sqlite3.Error, OSError.
    """
    wal = path.with_name(f"{path.name}-wal")
    need = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0) + SPARE_BYTES
    free = shutil.disk_usage(path.parent).free
    temporary = path.with_name(f"{path.name}.before-migration.tmp")
    temporary.unlink(missing_ok=True)
    if free < need:
        raise StartupError(
            f"{path.parent} has {free >> 20} MiB free, the copy of {path.name} that is kept before an upgrade may need "
            f"{need >> 20} MiB: make room, nothing was changed"
        )
    snapshot(path, temporary)
    digest = hash_file(temporary)
    for earlier in sorted(path.parent.glob(f"{path.name}.before-migration-*")):
        if earlier.is_file() and hash_file(earlier) == digest:
            temporary.unlink()
            return earlier
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = path.with_name(f"{path.name}.before-migration-{stamp}-{digest[:8]}")
    temporary.rename(kept)
    sync_dir(path.parent)
    return kept
