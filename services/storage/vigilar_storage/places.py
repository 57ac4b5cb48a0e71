"""Where the things lie that a backup saves, from the environment that storage itself is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vigilar_common.config.load import find_config_path, load
from vigilar_common.config.settings import history_dir
from vigilar_common.errors import ConfigError
from vigilar_common.service import Environment

from vigilar_storage.keyring_file import RING_FILE, ring_path

DATABASE_FILE = "vigilar.db"
SETTINGS_FILE = "settings.toml"
BACKUP_DIR = "VIGILAR_BACKUP_DIR"
DEFAULT_BACKUP_DIR = "/var/vigilar/backups"
DEFAULT_RETENTION_DAYS = 30
RECIPIENT_FILE = "backup_recipient.txt"
IDENTITY_FILE = "backup_age.txt"
STATUS_FILE = "backup.json"


@dataclass(frozen=True)
class Places:
    config: Path
    """vigilar.toml; its folder is the configuration folder."""
    settings: Path
    secrets: Path
    """Folder with the secrets of every service (in a container: of storage alone, unless told otherwise)."""
    own_secrets: Path
    key_file: Path
    data_dir: Path
    recordings: Path
    state_dir: Path
    backups: Path
    excluded: tuple[Path, ...]
    """Folders that may lie inside the configuration folder and do not belong to it."""

    @property
    def database(self) -> Path:
        return self.data_dir / DATABASE_FILE

    @property
    def status(self) -> Path:
        return self.state_dir / STATUS_FILE


def find(config: str | None, out: str | None, env: Mapping[str, str] = os.environ) -> Places:
    """Raises ConfigError."""
    environment = Environment.read(env)
    path = find_config_path(config, env).resolve()
    settings = Path(env.get("VIGILAR_SETTINGS") or environment.state_dir / SETTINGS_FILE)
    system = (loaded := load(path, env, settings).config).system
    own = environment.secrets_dir
    shared = env.get("VIGILAR_BACKUP_SECRETS")
    secrets = Path(shared) if shared else own.parent if own.name == "storage" else own
    data = Path(system.data_dir).resolve()
    recordings = Path(system.recordings_dir).resolve()
    backups = Path(out or env.get(BACKUP_DIR) or DEFAULT_BACKUP_DIR)
    state = environment.state_dir.resolve()
    slices = environment.config_run.resolve()
    outside = (data, recordings, Path(system.hls_dir).resolve(), secrets.resolve(), backups.resolve(), state)
    apart = (path.parent / "state", path.parent / "run", slices)
    return Places(
        config=path,
        settings=settings,
        secrets=secrets,
        own_secrets=own,
        key_file=Path(loaded.storage.key_file),
        data_dir=data,
        recordings=recordings,
        state_dir=state,
        backups=backups,
        excluded=(*outside, *apart),
    )


def target(places: Places, name: str) -> Path:
    """Where a member of an archive belongs. Raises ConfigError."""
    part, _, rest = name.partition("/")
    if name == "database/vigilar.db":
        return places.database
    if name == "settings/settings.toml":
        return places.settings
    if part == "settings":
        return history_dir(places.settings).parent / rest
    if part == "config":
        return places.config.parent / rest
    if part == "secrets":
        return places.secrets / rest
    if name == "keys/storage.key":
        return places.key_file
    if name == f"keys/{RING_FILE}":
        return ring_path(places.key_file)
    raise ConfigError(f"{name} has no place here")


def retention_days(given: str | None, env: Mapping[str, str] = os.environ) -> int:
    """Days that archives are kept, 0 for ever. Raises ConfigError."""
    text = (
        given
        if given is not None
        else env.get("VIGILAR_BACKUP_RETENTION_DAYS") or str(DEFAULT_RETENTION_DAYS)
    )
    if not text.isdigit() or int(text) > 36_500:
        raise ConfigError(f"retention of {text!r} days: must be 0 (for ever) to 36500")
    return int(text)


def encrypted(plain: bool, env: Mapping[str, str] = os.environ) -> bool:
    """Raises ConfigError."""
    word = env.get("VIGILAR_BACKUP_ENCRYPT", "1")
    if word not in ("0", "1"):
        raise ConfigError(f"VIGILAR_BACKUP_ENCRYPT={word!r}: must be 0 or 1")
    return not plain and word == "1"
