"""What the newest backup and the newest drill came to: written by the commands, read by storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vigilar_common.state_file import StateFile

from vigilar_storage.places import Places

REMEMBERED_ARCHIVES = 400


def read(places: Places) -> dict[str, Any]:
    """`{"backup": {…}, "drill": {…}, "sha256": {name: hash}}`, each part only if there was one."""
    return StateFile(places.status).load().value or {}


def note(places: Places, **parts: Any) -> None:
    """Replace these parts. Raises OSError."""
    file = StateFile(places.status)
    known = file.load().value or {}
    hashes = {**known.get("sha256", {}), **parts.pop("sha256", {})}
    known |= parts
    known["sha256"] = dict(sorted(hashes.items())[-REMEMBERED_ARCHIVES:])
    file.save(known)
    for path in places.status.parent.glob(f"{places.status.name}*"):  # the one before is kept beside it
        like_its_folder(path)


def like_its_folder(path: Path) -> None:
    """What root wrote belongs to whom the folder belongs: storage, which runs as a user of its own, is to read it."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
