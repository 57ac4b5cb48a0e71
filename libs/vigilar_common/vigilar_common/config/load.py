"""Find, read, merge and validate the configuration: defaults < vigilar.toml < settings.toml < environment."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vigilar_common.config.alert_checks import alert_problems
from vigilar_common.config.checks import warnings_of
from vigilar_common.config.layers import (
    Layer,
    Origin,
    environment_layer,
    parse_layer,
    read_text,
)
from vigilar_common.config.models import Path, known_names, nearest, split, table_name
from vigilar_common.config.overlay import DEFAULT, Overlay
from vigilar_common.config.root import KEYED_LISTS, Config, duplicates
from vigilar_common.config.rule_checks import rule_problems
from vigilar_common.errors import ConfigError

DEFAULT_CONFIG_PATH = "config/vigilar.toml"
REVISION_LENGTH = 12
REPEATED = "is there twice (entries"
"""In the model's error about a repeated id, which is told with lines elsewhere."""


class Problem(str):
    """A complete line of text about one key."""

    __slots__ = ("key", "reason")
    key: str
    """As a form names it: `web.port`, `cameras.front.fps`."""
    reason: str
    """The line without place and key."""

    def __new__(cls, text: str, key: str, reason: str) -> Problem:
        problem = super().__new__(cls, text)
        problem.key, problem.reason = key, reason
        return problem


class InvalidConfigError(ConfigError):
    """Everything that is wrong with a configuration; the text has one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class LoadedConfig:
    """A valid configuration and where it comes from."""

    config: Config
    origins: dict[str, Origin]
    """Dotted key (`web.port`, `cameras.front.rtsp_url`) to its origin, for every key."""
    warnings: tuple[str, ...]
    path: FilePath
    revision: str
    """Short SHA-256 of all values; equal for equal configurations, however they are written."""


def find_config_path(cli_value: str | None, env: Mapping[str, str]) -> FilePath:
    """Where vigilar.toml is: `-c`, then VIGILAR_CONFIG, then config/vigilar.toml."""
    return FilePath(cli_value or env.get("VIGILAR_CONFIG") or DEFAULT_CONFIG_PATH)


def load(
    path: FilePath | str, env: Mapping[str, str] = os.environ, settings_path: FilePath | None = None
) -> LoadedConfig:
    """The effective configuration.

    ``settings_path`` may name a file that does not exist yet. Raises InvalidConfigError (a ConfigError)
    that lists every problem with file, line, section and key, and never shows a value of a secret.
    """
    path = FilePath(path)
    settings = None
    if settings_path is not None and settings_path.exists():
        settings = read_text(settings_path)
    return assemble(path, read_text(path), env, settings_path, settings)


def assemble(
    path: FilePath,
    text: str,
    env: Mapping[str, str],
    settings_path: FilePath | None = None,
    settings: str | None = None,
) -> LoadedConfig:
    """Like `load`, of texts that are at hand; the paths are for messages."""
    layers = [parse_layer("vigilar.toml", str(path), text)]
    if settings is not None:
        layers.append(parse_layer("settings.toml", str(settings_path or "settings.toml"), settings))
    layers.append(environment_layer(env))
    if not all(layer.readable for layer in layers):
        raise InvalidConfigError([problem for layer in layers for problem in layer.problems])
    overlay = Overlay()
    for layer in layers:
        overlay.add(layer)
    problems = [problem for layer in layers for problem in layer.problems]
    config, invalid = _validated(overlay)
    problems += invalid
    problems += [problem for layer in layers for problem in _duplicates(layer)]
    if config is not None:
        wrong = (*rule_problems(config), *alert_problems(config))
        problems += [_told(path, reason, overlay) for path, reason in wrong]
    if config is None or problems:
        raise InvalidConfigError(sorted(dict.fromkeys(problems), key=_by_place))
    return LoadedConfig(
        config=config,
        origins={".".join(label): overlay.origins.get(at, DEFAULT) for at, label, _ in leaves(config)},
        warnings=tuple(warnings_of(config)),
        path=path,
        revision=revision_of(config.model_dump(mode="json")),
    )


def revision_of(values: Any) -> str:
    """Short SHA-256 of the canonical JSON of ``values``."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:REVISION_LENGTH]


def leaves(
    model: BaseModel, path: Path = (), label: tuple[str, ...] = ()
) -> Iterator[tuple[Path, tuple[str, ...], Any]]:
    """Every key with its value: (path with indexes, label with ids instead of indexes, value)."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        here = (*path, name)
        said = ("sensors", "gpio") if here == ("sensors_gpio",) else (*label, name)
        keyed = KEYED_LISTS.get(tuple(str(part) for part in here))
        if isinstance(value, BaseModel):
            yield from leaves(value, here, said)
        elif keyed and value:
            for index, entry in enumerate(value):
                yield from leaves(entry, (*here, index), (*said, str(getattr(entry, keyed))))
        else:
            yield here, said, value


def _validated(overlay: Overlay) -> tuple[Config | None, list[str]]:
    try:
        return Config.model_validate(overlay.data), []
    except ValidationError as error:
        return None, [
            _problem(detail, overlay)
            for detail in error.errors(include_url=False)
            if detail["loc"] or REPEATED not in detail["msg"]
        ]


def _problem(detail: ErrorDetails, overlay: Overlay) -> str:
    # `[key]`, `[name]`, `[table]` are the validator's own words for the way it took.
    path: Path = tuple(part for part in detail["loc"] if not str(part).startswith("["))
    if detail["type"] == "extra_forbidden":
        return f"{overlay.origin(path).place}: {_unknown(path, overlay.data)}"
    return _told(path, _reason(detail), overlay)


def _told(path: Path, reason: str, overlay: Overlay) -> str:
    """Place, table and key of a problem; one of the whole names them itself."""
    if not path:
        return reason
    table, key = split(path)
    where = table_name(table, overlay.data) if table else ""
    text = f"{overlay.origin(path).place}: {' '.join(filter(None, (where, key)))}: {reason}"
    return Problem(text, ".".join(_label(path, overlay.data)), reason)


def _label(path: Path, data: Any) -> Iterator[str]:
    """The parts of a path with ids and names instead of indexes, as `leaves` has them."""
    keys: tuple[str, ...] = ()
    node: Any = data
    for part in path:
        if isinstance(part, str):
            keys += (part,)
            node = node.get(part) if isinstance(node, Mapping) else None
            yield part
            continue
        node = node[part] if isinstance(node, list | tuple) and part < len(node) else None
        name = node.get(KEYED_LISTS.get(keys, "")) if isinstance(node, Mapping) else None
        yield name if isinstance(name, str) else str(part)


def _unknown(path: Path, data: Any) -> str:
    table, key = path[:-1], str(path[-1])
    known = known_names(table)
    near = nearest(key, known)
    if not table:
        hint = f"; did you mean [{near}]?" if near else f"; known are {', '.join(known)}"
        return f"[{key}]: unknown section{hint}"
    hint = f'; did you mean "{near}"?' if near else f"; known are {', '.join(known)}"
    return f"{table_name(table, data)} {key}: unknown key{hint}"


_ID_REASON = "must be 1 to 64 of the characters A–Z, a–z, 0–9, _ and -"
_REWRITES = (
    (re.compile(r"^Value error, "), ""),
    (re.compile(r"^Field required$"), "is missing"),
    (re.compile(r"^(Input|String|Tuple|List|Dictionary|Keys) should "), "must "),
    (re.compile(r"^must match pattern '\^\[A-Za-z0-9_-\]\{1,64\}\$'$"), _ID_REASON),
    (re.compile(r"^must match pattern '\^\(\[01\].*'$"), 'must be a time of day like "08:00"'),
    (re.compile(r"^must match pattern"), "must match the pattern"),
    (re.compile(r" after validation, not"), ", not"),
    (re.compile(r"^must be a valid dictionary or (?:instance|object).*$"), "must be a table"),
    (re.compile(r"^must be a valid (tuple|list|dictionary)$"), "must be an array or table"),
)


def _reason(detail: ErrorDetails) -> str:
    text = detail["msg"]
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def _duplicates(layer: Layer) -> Iterator[str]:
    for path, index, first, value in duplicates(layer.data):
        key = KEYED_LISTS[path]
        origin, before = layer.origin((*path, index)), layer.lines.find((*path, first))
        name = ".".join(path)
        seen = f" (first at line {before})" if before else ""
        yield (
            f'{origin.place}: [[{name}]] "{value}": this {key} is used twice{seen}; '
            f"give each of [[{name}]] {'an id' if key == 'id' else 'a name'} of its own"
        )


def _by_place(problem: str) -> tuple[str, int, str]:
    found = re.match(r"(.*?):(\d+): ", problem)
    return (found.group(1), int(found.group(2)), problem) if found else (problem.split(": ")[0], 0, problem)
