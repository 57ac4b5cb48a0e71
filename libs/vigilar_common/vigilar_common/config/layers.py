"""The layers under the effective configuration: files and environment, read and traced."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from vigilar_common.config.lines import Lines, Path
from vigilar_common.config.models import annotation_at, is_text, is_tree, table_name
from vigilar_common.config.root import KEYED_LISTS
from vigilar_common.errors import ConfigError

ENV_PREFIX = "VIGILAR__"
MAX_CONFIG_BYTES = 1024 * 1024
MAX_DEPTH = 16
MAX_ENV_VALUE_LENGTH = 64 * 1024


@dataclass(frozen=True)
class Origin:
    """Where a value comes from; `str()` is what people see."""

    layer: str
    """default, vigilar.toml, settings.toml or environment"""
    place: str = ""
    """`file:line`, or the name of the variable"""

    def __str__(self) -> str:
        return f"{self.layer} ({self.place})" if self.place else self.layer


@dataclass
class Layer:
    """One source of values. ``problems`` are complete lines of text, found while reading."""

    name: str
    shown: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))
    variables: dict[Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    readable: bool = True
    """False: no TOML at all; then nothing else can be said about the whole."""

    def origin(self, path: Path) -> Origin:
        if self.name == "environment":
            for length in range(len(path), 0, -1):
                if path[:length] in self.variables:
                    return Origin(self.name, self.variables[path[:length]])
            return Origin(self.name)
        line = self.lines.find(path)
        return Origin(self.name, f"{self.shown}:{line}" if line else self.shown)

    def complain(self, path: Path, text: str) -> None:
        self.problems.append(f"{self.origin(path).place}: {text}")


def read_text(path: FilePath) -> str:
    """The file's text. Raises ConfigError naming the file and the reason."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file; name the configuration with -c PATH or VIGILAR_CONFIG"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes; that is no configuration")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8 text") from error


def parse_layer(name: str, shown: str, text: str) -> Layer:
    """A layer from TOML text; what cannot be used is in its ``problems``."""
    lines = Lines(text)
    layer = Layer(name, shown, lines=lines)
    try:
        layer.data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        layer.readable = False
        layer.problems.append(_syntax_problem(shown, lines, str(error)))
        return layer
    except RecursionError:
        layer.readable = False
    if not layer.readable or not _shallow(layer.data, MAX_DEPTH):
        layer.readable = False
        layer.problems.append(f"{shown}: is nested deeper than {MAX_DEPTH} levels; that is no configuration")
        return layer
    _hoist_gpio(layer)
    _refuse_lone_tables(layer)
    return layer


def _shallow(value: Any, levels: int) -> bool:
    below: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(entry, levels - 1) for entry in below)


def _syntax_problem(shown: str, lines: Lines, said: str) -> str:
    names = {".".join(path) for path in KEYED_LISTS}
    # [sensors.gpio] makes `sensors` a plain table, to which [[sensors]] can no longer add entries.
    gpio = next((line for keys, _, line in lines.headers if keys == ("sensors", "gpio")), None)
    array = next((line for keys, double, line in lines.headers if keys == ("sensors",) and double), None)
    if gpio and array and gpio < array:
        return (
            f"{shown}:{gpio}: [sensors.gpio] stands before [[sensors]] (line {array}), which TOML does not "
            "allow; move it below the last [[sensors]] block"
        )
    for keys, double, line in lines.headers:
        if not double and (name := ".".join(keys)) in names:
            return f"{shown}:{line}: {_lone_table_cure(name)}"
    found = re.search(r"\s*\(at line (\d+), column (\d+)\)$", said)
    if found:
        return (
            f"{shown}:{found.group(1)}: is not valid TOML: {said[: found.start()]} (column {found.group(2)})"
        )
    return f"{shown}: is not valid TOML: {said}"


def _lone_table_cure(name: str) -> str:
    return f"[{name}] must be written [[{name}]], in double brackets: each entry is a block of its own"


def _hoist_gpio(layer: Layer) -> None:
    """`[sensors.gpio]` belongs to all sensors; TOML puts it into the last one or makes `sensors` a table."""
    sensors = layer.data.get("sensors")
    if isinstance(sensors, dict) and set(sensors) == {"gpio"}:
        found: list[tuple[Path, Any]] = [(("sensors", "gpio"), sensors["gpio"])]
        del layer.data["sensors"]
    elif isinstance(sensors, list):
        found = [
            (("sensors", index, "gpio"), entry.pop("gpio"))
            for index, entry in enumerate(sensors)
            if isinstance(entry, dict) and "gpio" in entry
        ]
    else:
        return
    for path, table in found:
        if "sensors_gpio" in layer.data:
            layer.complain(path, "[sensors.gpio] is there twice; keep one")
            continue
        layer.data["sensors_gpio"] = table
        layer.lines.moved(path, ("sensors_gpio",))


def _refuse_lone_tables(layer: Layer) -> None:
    for path in KEYED_LISTS:
        parent: Any = layer.data
        for part in path[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if isinstance(parent, dict) and isinstance(parent.get(path[-1]), dict):
            layer.complain(path, _lone_table_cure(".".join(path)))
            del parent[path[-1]]


def environment_layer(env: Mapping[str, str]) -> Layer:
    """`VIGILAR__SECTION__KEY` variables. Text is taken as it is, everything else by the type of its key."""
    layer = Layer("environment", "environment")
    for variable in sorted(env):
        if not variable.startswith(ENV_PREFIX):
            continue
        path: Path = tuple(variable[len(ENV_PREFIX) :].lower().split("__"))
        if path[:2] == ("sensors", "gpio"):
            path = ("sensors_gpio", *path[2:])
        layer.variables[path] = variable
        if problem := _misnamed(path):
            layer.problems.append(f"{variable}: {problem}")
            continue
        if len(env[variable]) > MAX_ENV_VALUE_LENGTH:
            layer.complain(path, f"is longer than {MAX_ENV_VALUE_LENGTH} characters")
            continue
        value: Any = env[variable]
        annotation = annotation_at(path)
        if is_tree(annotation):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                layer.complain(path, f"{table_name(path)} must be JSON here, and this is not")
                continue
        elif annotation is not None and not is_text(annotation):
            value = value.strip()
        _put(layer, path, value)
    return layer


def _misnamed(path: Path) -> str | None:
    if "" in path:
        return f"names no key; write {ENV_PREFIX}SECTION__KEY"
    for keyed in KEYED_LISTS:
        if path[: len(keyed)] == keyed and len(path) > len(keyed):
            whole = ENV_PREFIX + "__".join(keyed).upper()
            return f"[[{'.'.join(keyed)}]] can only be set whole, as JSON in {whole}"
    return None


def _put(layer: Layer, path: Path, value: Any) -> None:
    node = layer.data
    for part in path[:-1]:
        node = node.setdefault(str(part), {})
        if not isinstance(node, dict):
            layer.complain(path, "goes below a variable that is no table")
            return
    if isinstance(value, dict) and isinstance(node.get(str(path[-1])), dict):
        layer.complain(path, "is set whole and in parts; use one way")
        return
    node[str(path[-1])] = value
