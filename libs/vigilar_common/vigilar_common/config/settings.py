"""`settings.toml`: what was changed in the UI, laid over the operator's vigilar.toml.

One writer (storage). Every write is validated together with everything else first, is atomic, and leaves
a copy in `settings.history/`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.files import sync_dir, write_atomic
from vigilar_common.config.layers import read_text
from vigilar_common.config.load import LoadedConfig, assemble
from vigilar_common.config.overlay import REMOVED
from vigilar_common.config.root import KEYED_LISTS
from vigilar_common.errors import ConfigError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

LOGIN = (("web", "password_hash"), ("web", "username"), ("security",), ("system", "arm_pin_hash"))
"""Sections and keys that only a page that asks for the old secret may change."""
HISTORY_LIMIT = 200
_HISTORY_NAME = re.compile(r"^\d{8}T\d{9}Z-[0-9a-f]+\.toml$")
_HEAD = (
    "# Changes made in the UI; they win over vigilar.toml. `vigilar config merge` folds the two together.\n"
)


def history_dir(path: Path) -> Path:
    return path.with_name("settings.history")


@dataclass(frozen=True)
class Edit:
    """A change that is valid and not written yet."""

    before: str | None
    """The text of settings.toml; None when there is no such file."""
    after: str
    loaded: LoadedConfig
    """The whole configuration as it would be."""


def edited(
    path: Path, changes: Mapping[str, Any], vigilar_toml: Path, env: Mapping[str, str] = os.environ
) -> Edit:
    """What `write_settings` would write. Raises ConfigError when the whole would not be valid."""
    before = _present(path)
    document = _parse(before if before is not None else _HEAD, path)
    for dotted, names in (changes.get(REMOVED) or {}).items():
        _drop_entries(document, tuple(dotted.split(".")), names or [])
    _change_table(document, changes, ())
    return _edit(path, before, document.as_string(), vigilar_toml, env)


def earlier(path: Path, name: str, vigilar_toml: Path, env: Mapping[str, str] = os.environ) -> Edit:
    """Going back to the kept version of this name, but for the keys of `LOGIN`: an old password stays past.

    Raises ConfigError when it is not kept or not valid any more.
    """
    kept = next((file for file in history(path) if file.name == name), None)
    if kept is None:
        raise ConfigError("this version of the settings is not kept any more")
    before = _present(path)
    document, present = _parse(read_text(kept), kept), _parse(before or "", path)
    for keys in LOGIN:
        wanted = _at(present, keys)
        if _at(document, keys) is not None:
            _change_table(document, _nested(keys, None), ())
        if wanted is not None:
            _change_table(document, _nested(keys, wanted), ())
    return _edit(path, before, document.as_string(), vigilar_toml, env)


def _at(table: Any, keys: tuple[str, ...]) -> Any:
    """The plain value at a path of keys; None when there is none."""
    for key in keys:
        table = table.get(key) if isinstance(table, Mapping) else None
    return table.unwrap() if hasattr(table, "unwrap") else table


def _nested(keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def write(path: Path, edit: Edit, clock: Clock | None = None) -> None:
    """Raises OSError when the disk refuses; then nothing changed."""
    clock = clock or SystemClock()
    folder = history_dir(path)
    folder.mkdir(mode=0o750, exist_ok=True)
    if not any(folder.iterdir()):
        _remember(folder, edit.before if edit.before is not None else _HEAD, "0", clock.now_ms() - 1)
    _remember(folder, edit.after, edit.loaded.revision, clock.now_ms())
    write_atomic(path, edit.after)


def write_settings(
    path: Path,
    changes: Mapping[str, Any],
    vigilar_toml: Path,
    env: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> LoadedConfig:
    """Change keys of settings.toml and return the whole configuration as it then is.

    ``changes`` is nested like the file: `{"web": {"port": 8443}}`. None takes a key out again, so that
    vigilar.toml or the default counts. Arrays of tables take partial entries with their id or name:
    `{"cameras": [{"id": "front", "enabled": False}]}`; `{"removed": {"cameras": ["shed"]}}` deletes
    entries of settings.toml and hides those of vigilar.toml (None or a shorter list brings these back).
    GPIO is `sensors_gpio`.
    Raises ConfigError when the whole would not be valid and OSError when the disk refuses; then nothing changed.
    """
    edit = edited(path, changes, vigilar_toml, env)
    write(path, edit, clock)
    return edit.loaded


def _present(path: Path) -> str | None:
    return read_text(path) if path.exists() else None


def _edit(path: Path, before: str | None, after: str, vigilar_toml: Path, env: Mapping[str, str]) -> Edit:
    return Edit(before, after, assemble(vigilar_toml, read_text(vigilar_toml), env, path, after))


def history(path: Path) -> list[Path]:
    """The kept versions of settings.toml, oldest first; the newest is the file as it is."""
    folder = history_dir(path)
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if _HISTORY_NAME.match(file.name))


def written(file: Path) -> tuple[int, str]:
    """When a kept version was written, in milliseconds, and the revision of the whole at that time."""
    stamp, _, revision = file.name.removesuffix(".toml").partition("-")
    at = datetime.strptime(stamp[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return int(at.timestamp()) * 1000 + int(stamp[15:18]), revision


def _remember(folder: Path, text: str, revision: str, now_ms: int) -> None:
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S") + f"{now_ms % 1000:03d}Z"
    write_atomic(folder / f"{stamp}-{revision}.toml", text, 0o640)
    kept = sorted(file for file in folder.iterdir() if _HISTORY_NAME.match(file.name))
    for file in kept[: max(0, len(kept) - HISTORY_LIMIT)]:
        file.unlink()
    sync_dir(folder)


def merge(vigilar_toml: str, settings_toml: str) -> str:
    """One text that means what the two mean together; comments of vigilar.toml stay.

    Raises ConfigError when either is not valid or the result would not mean the same.
    """
    import tomllib

    name, over = Path("vigilar.toml"), Path("settings.toml")
    wanted = assemble(name, vigilar_toml, {}, over, settings_toml)
    document = _parse(vigilar_toml, name)
    changes = tomllib.loads(settings_toml)
    removed = changes.pop(REMOVED, {})
    _hoist(changes)
    for dotted, names in removed.items():
        _drop_entries(document, tuple(dotted.split(".")), names)
    _change_table(document, changes, ())
    text = document.as_string()
    got = assemble(name, text, {})
    if got.revision != wanted.revision:
        raise ConfigError("vigilar.toml and settings.toml cannot be merged without changing their meaning")
    return text


def set_value(text: str, table: str, key: str, value: str, shown: str) -> str:
    """The TOML text with one key of one section set, everything else as it was. Raises ConfigError."""
    import tomllib

    document = _parse(text, Path(shown))
    _change_table(document, {table: {key: value}}, ())
    after = document.as_string()
    wanted = tomllib.loads(text)
    wanted.setdefault(table, {})[key] = value
    if tomllib.loads(after) != wanted:
        raise ConfigError(
            f"{shown}: [{table}] {key} cannot be set without changing something else; paste it yourself"
        )
    return after


def _parse(text: str, path: Path) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except (TOMLKitError, ValueError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error


def _hoist(changes: dict[str, Any]) -> None:
    """Find `[sensors.gpio]` where TOML puts it and name it `sensors_gpio`."""
    sensors = changes.get("sensors")
    if isinstance(sensors, dict) and "gpio" in sensors:
        changes["sensors_gpio"] = sensors["gpio"]
        del changes["sensors"]
    for entry in sensors if isinstance(sensors, list) else ():
        if "gpio" in entry:
            changes["sensors_gpio"] = entry.pop("gpio")


def _gpio_table(document: Any) -> Any:
    """The `[sensors.gpio]` that stands in a document, wherever TOML put it; None when there is none."""
    sensors = document.get("sensors")
    if isinstance(sensors, dict):
        return sensors.get("gpio")
    return next((entry["gpio"] for entry in sensors or () if "gpio" in entry), None)


def _change_table(table: Any, changes: Mapping[str, Any], path: tuple[str, ...]) -> None:
    import tomlkit

    for key, value in changes.items():
        here = (*path, key)
        if here == ("sensors_gpio",) and isinstance(value, Mapping):
            gpio = _gpio_table(table)
            if gpio is not None:
                _change_table(gpio, value, here)
                continue
        if value is None:
            if key in table:
                del table[key]
        elif isinstance(value, Mapping):
            if not isinstance(table.get(key), Mapping):
                table[key] = tomlkit.table()
            _change_table(table[key], value, here)
        elif here in KEYED_LISTS and isinstance(value, list):
            _change_entries(table, key, value, here)
        else:
            table[key] = value


def _change_entries(table: Any, key: str, entries: list[Any], path: tuple[str, ...]) -> None:
    import tomlkit

    name = KEYED_LISTS[path]
    if not table.get(key):
        if key in table:  # an empty inline array cannot hold blocks
            del table[key]
        table[key] = tomlkit.aot()
    for entry in entries:
        if not isinstance(entry, Mapping) or name not in entry:
            raise ConfigError(f"[[{'.'.join(path)}]]: a change needs the {name} of its entry")
        found = next((old for old in table[key] if old.get(name) == entry[name]), None)
        if found is None:
            found = tomlkit.table() if not _is_inline(table[key]) else tomlkit.inline_table()
            for below, value in entry.items():
                if value is not None:
                    found[below] = value
            table[key].append(found)
        else:
            _change_table(found, entry, path)


def _is_inline(array: Any) -> bool:
    from tomlkit.items import AoT

    return not isinstance(array, AoT)


def _drop_entries(document: Any, path: tuple[str, ...], names: list[str]) -> None:
    parent = document
    for part in path[:-1]:
        parent = parent.get(part, {})
    entries = parent.get(path[-1])
    if not entries:
        return
    gpio = _gpio_table(document) if path == ("sensors",) else None
    for index in range(len(entries) - 1, -1, -1):
        if entries[index].get(KEYED_LISTS[path]) in names:
            del entries[index]
    if not entries:
        del parent[path[-1]]
    if gpio is not None and _gpio_table(document) is None:
        document["sensors_gpio"] = gpio  # it stood in a sensor that went
