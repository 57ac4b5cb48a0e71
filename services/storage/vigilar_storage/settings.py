"""The effective configuration for people: shown without secrets, changed as one validated whole."""

from __future__ import annotations

import logging
import os
import threading
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from vigilar_common.clock import Clock
from vigilar_common.config import slices
from vigilar_common.config.difference import differences
from vigilar_common.config.load import InvalidConfigError, LoadedConfig, Problem, find_config_path, load
from vigilar_common.config.overlay import REMOVED
from vigilar_common.config.redact import REDACTED, shown
from vigilar_common.config.root import KEYED_LISTS
from vigilar_common.errors import ConfigError, VigilarError

from vigilar_storage.db import Database
from vigilar_storage.ledger.chain import EntryType, Ledger
from vigilar_storage.schema import settings_history

if TYPE_CHECKING:
    from vigilar_common.config.settings import Edit

log = logging.getLogger(__name__)

NEAR_MS = 60_000
"""A row of the history belongs to the file that was written at most this long before it."""
PLAIN = ("removed", "restored")
"""In changes: names of entries and of a kept version, no values."""
SETTINGS_FILE = "settings.toml"
FILE_ACTOR = "configuration file"
"""Who changed what was not changed by Vigilar: whoever can write that file."""


class StaleRevisionError(VigilarError):
    """Somebody else changed the settings in between."""


class SettingsService:
    """`env` is the process environment: it names vigilar.toml and settings.toml and may override keys."""

    def __init__(
        self, state_dir: Path, config_run: Path, database: Database, clock: Clock, env: Mapping[str, str] = os.environ
    ) -> None:  # fmt: skip
        # The same names as `vigilar start` and `vigilar init` read, or they would not see what people change here.
        self._settings_path = Path(env.get("VIGILAR_SETTINGS") or state_dir / SETTINGS_FILE)
        self._config_run = Path(env.get("VIGILAR_CONFIG_RUN_ROOT") or config_run)
        self._database = database
        self._clock = clock
        self._ledger = Ledger(clock)
        self._env = env
        self._turn = threading.Lock()
        self._read: tuple[object, LoadedConfig] | None = None
        self._noted = ""
        """The revision that the ledger knows."""

    def loaded(self) -> LoadedConfig:
        """The effective configuration with its origins. Raises ConfigError when it cannot be read."""
        return self._load()

    def show(self) -> dict[str, Any]:
        """Raises ConfigError when the configuration on disk cannot be read."""
        return self._answer(self._load())

    def change(self, changes: dict[str, Any], actor: str, revision: str) -> dict[str, Any]:
        """Validate, write settings.toml, hand every service its new slice, remember who did it.

        Raises ConfigError (nothing changed), StaleRevisionError, OSError, StorageUnavailableError.
        """
        return self._write(lambda path: self._edited(changes, path), changes, actor, revision)

    def try_out(self, changes: dict[str, Any]) -> dict[str, Any]:
        """What a change would do, without doing it: `{problems, warnings, differences, services}`.

        Raises ConfigError only when the configuration on disk cannot be read.
        """
        before = self._load()
        try:
            loaded = self._edited(changes, before.path).loaded
        except ConfigError as error:
            told = error.problems if isinstance(error, InvalidConfigError) else (str(error),)
            problems = [_told(text) for text in told]
            return {"problems": problems, "warnings": [], "differences": [], "services": []}
        return {
            "problems": [],
            "warnings": [text for text in loaded.warnings if text not in before.warnings],
            "differences": differences(before.config, loaded.config),
            "services": slices.disturbed(before.config, loaded.config),
        }

    def versions(self) -> list[dict[str, Any]]:
        """The kept versions of settings.toml, newest first: `{version, ts_ms, revision, actor, changes, current}`."""
        from vigilar_common.config.settings import history, written

        kept = [(file.name, *written(file)) for file in reversed(history(self._settings_path))]
        query = sa.select(settings_history).order_by(settings_history.c.n.desc()).limit(len(kept) + 1)
        with self._database.read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        found = []
        for index, (name, ts_ms, revision) in enumerate(kept):
            row = next(
                (row for row in rows if row["revision"] == revision and abs(row["ts_ms"] - ts_ms) < NEAR_MS),
                {},
            )
            found.append(
                {
                    "version": name,
                    "ts_ms": ts_ms,
                    "revision": revision,
                    "actor": row.get("actor", ""),
                    "changes": row.get("changes"),
                    "current": index == 0,
                }
            )
        return found

    def go_back(self, version: str, actor: str, revision: str) -> dict[str, Any]:
        """Put a kept version in force again; raises as `change` does. What it undoes stays in the history."""
        from vigilar_common.config.settings import earlier

        changes = {"restored": version}
        return self._write(
            lambda path: earlier(self._settings_path, version, path, self._env), changes, actor, revision
        )

    def _edited(self, changes: dict[str, Any], vigilar_toml: Path) -> Edit:
        from vigilar_common.config.settings import edited  # tomlkit, only when something is written

        if _holds(changes, REDACTED):
            raise ConfigError(
                f'"{REDACTED}" stands for a secret that is not shown: leave its key out to keep it'
            )
        return edited(self._settings_path, changes, vigilar_toml, self._env)

    def _write(
        self, edit: Callable[[Path], Edit], changes: dict[str, Any], actor: str, revision: str
    ) -> dict[str, Any]:
        from vigilar_common.config.settings import write

        with self._turn:
            before = self._load()
            if before.revision != revision:
                raise StaleRevisionError(
                    f"the settings are at revision {before.revision}, not {revision}: read them again"
                )
            wanted = edit(before.path)
            write(self._settings_path, wanted, self._clock)
            loaded = wanted.loaded
            changed = slices.apply(loaded, self._config_run, self._clock)
            log.info(
                "settings changed by %s: revision %s, new for %s", actor, loaded.revision, ", ".join(changed)
            )
            kept = {
                "ts_ms": self._clock.now_ms(),
                "actor": actor,
                "revision": loaded.revision,
                "changes": redacted(changes, shown(loaded.config)),
            }

            def remember(connection: sa.Connection) -> None:
                connection.execute(sa.insert(settings_history).values(**kept))
                # What changed is not in the ledger, which is handed out: only that it did, and by whom.
                told = {"actor": actor, "revision": loaded.revision}
                self._ledger.append(connection, EntryType.CONFIG, loaded.revision, told)

            self._database.write(remember)
        return self._answer(loaded) | {"services": changed}

    def note_revision(self) -> None:
        """An entry when the ledger does not know the present revision: somebody edited the operator's file.

        Raises StorageUnavailableError. A configuration that cannot be read is told elsewhere and changes nothing.
        """
        with self._turn:
            try:
                revision = self._load().revision
            except ConfigError as error:
                log.debug("the configuration on disk is not in force: %s", error)
                return
            if revision == self._noted:
                return

            def note(connection: sa.Connection) -> None:
                query = sa.text("SELECT subject FROM ledger WHERE type = 'config' ORDER BY seq DESC LIMIT 1")
                if connection.scalar(query) != revision:
                    told = {"actor": FILE_ACTOR, "revision": revision}
                    self._ledger.append(connection, EntryType.CONFIG, revision, told)

            self._database.write(note)
            self._noted = revision

    def _load(self) -> LoadedConfig:
        """Read again only when one of the two files changed: a page that asks often must not cost a parse."""
        path = find_config_path(None, self._env)
        stamp = tuple(_stamp(file) for file in (path, self._settings_path))
        read = self._read
        if read is not None and read[0] == stamp:
            return read[1]
        loaded = load(path, self._env, self._settings_path)
        self._read = (stamp, loaded)
        return loaded

    def _answer(self, loaded: LoadedConfig) -> dict[str, Any]:
        return {
            "revision": loaded.revision,
            "values": shown(loaded.config),
            "origins": {key: str(origin) for key, origin in loaded.origins.items()},
            "warnings": list(loaded.warnings),
            "removed": self._removed(),
        }

    def _removed(self) -> dict[str, Any]:
        """The entries of vigilar.toml that settings.toml hides: a change names these again, or they come back."""
        try:
            return dict(tomllib.loads(self._settings_path.read_text("utf-8")).get(REMOVED, {}))
        except FileNotFoundError:
            return {}


def redacted(changes: Any, visible: Any, path: tuple[str, ...] = ()) -> Any:
    """`changes` with every value as `visible` (the redacted whole) shows it; what it does not hold is hidden."""
    if isinstance(changes, Mapping):
        inside = visible if isinstance(visible, Mapping) else {}
        return {
            key: redacted(value, inside.get(key), (*path, key)) if key not in PLAIN else value
            for key, value in changes.items()
        }
    if isinstance(changes, list) and path in KEYED_LISTS and isinstance(visible, list):
        name = KEYED_LISTS[path]
        by_name = {entry.get(name): entry for entry in visible if isinstance(entry, Mapping)}
        return [
            redacted(entry, by_name.get(entry.get(name)), path) if isinstance(entry, Mapping) else REDACTED
            for entry in changes
        ]
    if changes is None:
        return None
    return REDACTED if visible is None else visible


def _told(problem: str) -> dict[str, str]:
    """For a form: without the file it would stand in, which nobody has written yet."""
    if isinstance(problem, Problem):
        return {"key": problem.key, "text": problem.reason}
    return {"key": "", "text": problem}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None  # not there, or unreadable: `load` tells
    return found.st_mtime_ns, found.st_ino, found.st_size


def _holds(value: Any, word: str) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(inner, word) for inner in value.values())
    if isinstance(value, list):
        return any(_holds(inner, word) for inner in value)
    return isinstance(value, str) and word in value
