"""Keys that root keeps: systemd hands them to the service as credentials (LoadCredential=), which no file of ours holds.

`LoadCredential=keys:/etc/vigilar/secrets` puts `keys_<name>` into $CREDENTIALS_DIRECTORY: memory that is never swapped, gone
with the service. Services look for their keys in their folder of secrets, so private keys become links there, and public
halves, which camera workers need as well, are copied.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vigilar_common.config.files import write_atomic
from vigilar_common.errors import StartupError

from vigilar_supervisor.bootstrap import CAMERA_FOLDER, SecretsLayout

log = logging.getLogger(__name__)

PREFIX: Final = "keys_"
PRIVATE: Final[Mapping[str, str]] = {
    "storage.key": "storage",
    "storage.ring": "storage",
    "storage_private.pem": "storage",
    "ledger_private.pem": "storage",
    "vapid_private.pem": "alerts",
}
"""Name of the file → service whose key it is."""
PUBLIC: Final[Mapping[str, str]] = {
    "storage_public.pem": "storage",
    "ledger_public.txt": "storage",
    "backup_recipient.txt": "storage",
    "recovery_public.pem": "recovery",
    "vapid_public.txt": "alerts",
}
OF_CAMERAS: Final = ("storage_public.pem", "recovery_public.pem")


def take_credentials(root: Path, environment: Mapping[str, str]) -> None:
    """Put what systemd handed over where services look for it. Does nothing without credentials.

    Raises StartupError, OSError.
    """
    given = environment.get("CREDENTIALS_DIRECTORY", "")
    if not given:
        return
    if not os.access(given, os.R_OK | os.X_OK):
        raise StartupError(
            f"{given}: systemd gave keys that this user may not read; LoadCredential= is for services of systemd only"
        )
    layout = SecretsLayout(root)
    for name, service in PRIVATE.items():
        _link(layout.folder(service) / name, Path(given) / (PREFIX + name))
    for name, service in PUBLIC.items():
        source = Path(given) / (PREFIX + name)
        if not source.exists():
            continue
        text = source.read_text("utf-8")
        _copy(layout.folder(service) / name, text)
        if name in OF_CAMERAS:
            for folder in sorted((root / CAMERA_FOLDER).glob("camera-worker-*")):
                _copy(folder / name, text)


def _link(place: Path, credential: Path) -> None:
    if place.is_symlink():
        if place.readlink() == credential and credential.exists():
            return
        place.unlink()  # of a credential that is gone, or of another place
    if not credential.exists():
        return
    if place.exists():
        if place.read_bytes() != credential.read_bytes():
            log.error(
                "%s is another key than root keeps as %s, and stays in use; remove the wrong one",
                place,
                credential.name.removeprefix(PREFIX),
            )
            return
        place.unlink()
    _folder(place.parent)
    place.symlink_to(credential)


def _copy(place: Path, text: str) -> None:
    _folder(place.parent)
    if not place.exists() or place.read_text("utf-8") != text:
        write_atomic(place, text, 0o644)


def _folder(path: Path) -> None:
    for folder in (*path.parents[1::-1], path):
        folder.mkdir(mode=0o700, exist_ok=True)
