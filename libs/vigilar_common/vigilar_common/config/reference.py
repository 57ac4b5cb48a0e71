"""Generates `config/vigilar.toml` (the shipped example) and `docs/reference/config.md` from the models.

`python -m vigilar_common.config.reference` writes both below the current folder; with `--check` it writes
nothing and ends with 1 when either differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vigilar_common.config.base import is_secret
from vigilar_common.config.models import annotation_at, entry_of, is_model
from vigilar_common.config.root import KEYED_LISTS, Config
from vigilar_common.config.system import System

EXAMPLE_PATH = Path("config/vigilar.toml")
REFERENCE_PATH = Path("docs/reference/config.md")
EXAMPLE_TIMEZONE = "America/New_York"
INLINE = (("rules", "conditions"), ("rules", "actions"))
"""Arrays of tables that are written within their entry; the reference has a table of their keys."""

SAMPLES: dict[str, str] = {
    "cameras": """\
id = "front"
display_name = "Front door"
rtsp_url = "rtsp://user:password@192.0.2.10:554/main"
location = "ENTRY"
""",
    "cameras.zones": """\
name = "street"
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.3], [0.0, 0.3]]
mode = "exclude"
""",
    "cameras.lines": """\
name = "Gate"
start = [0.1, 0.6]
end = [0.9, 0.6]
""",
    "sensors": """\
id = "back_door"
display_name = "Back door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "back_door_contact"
location = "kitchen"
""",
    "rules": """\
id = "back_door_at_night"
description = "The back door opens while armed for the night"
conditions = [
  { type = "arm_state", value = "armed_night" },
  { type = "sensor_event", sensor_id = "back_door", event = "open" },
]
actions = ["alert_all", "record_all_cameras"]
""",
    "vehicles.known": """\
name = "family car"
color_profile = "blue"
size_class = "compact"
""",
    "presence.members": """\
name = "Ann"
ip = "192.0.2.21"
role = "adult"
""",
    "security.pins": """\
name = "Ann"
pin_hash = ""
""",
    "alarm.sensors": """\
id = "back_door"
entry_delay = false
""",
    "presence.actions": """\
EMPTY = "armed_away"
ADULTS_HOME = "disarmed"
""",
}
"""Examples of blocks that have no default; commented out in the example file."""


def sections() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Every table: dotted name, how its header is written, its model. `[sensors.gpio]` follows `[[sensors]]`."""
    yield from _sections((), Config)


def _sections(path: tuple[str, ...], model: type[BaseModel]) -> Iterator[tuple[str, str, type[BaseModel]]]:
    for name in model.model_fields:
        here = (*path, name)
        annotation = annotation_at(here)
        dotted = "sensors.gpio" if here == ("sensors_gpio",) else ".".join(here)
        if is_model(annotation):
            if any(not is_model(entry_of(annotation_at((*here, key)))) for key in annotation.model_fields):
                yield dotted, f"[{dotted}]", annotation
            yield from _sections(here, annotation)
        elif is_model(entry_of(annotation)) and here not in INLINE:
            yield dotted, f"[[{dotted}]]", entry_of(annotation)
            yield from _sections(here, entry_of(annotation))


def render_example() -> str:
    """The text of config/vigilar.toml: every section and key with its default and meaning."""
    lines = [
        "# Vigilar configuration. Every key stands here with its default; what you leave out keeps it.",
        "# Check after each change: vigilar config validate. All keys: docs/reference/config.md.",
        "# Generated from the models by `python -m vigilar_common.config.reference`.",
    ]
    defaults = Config(system=System(timezone=EXAMPLE_TIMEZONE))
    for dotted, header, model in sections():
        lines += ["", f"# {_first_line(model)}"]
        values: Any = defaults.sensors_gpio if dotted == "sensors.gpio" else _value(defaults, dotted)
        if not header.startswith("[["):
            lines.append(header)
            lines += _example_keys(dotted, model, values)
        elif values:
            for entry in values:
                lines += [header, *_example_keys(dotted, model, entry, comments=entry is values[0]), ""]
            lines.pop()
        else:
            lines += _commented_block(dotted, header, model)
    return "\n".join(lines) + "\n"


def _example_keys(dotted: str, model: type[BaseModel], values: Any, comments: bool = True) -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{dotted}.{name}"
        if is_model(entry_of(annotation_at(tuple(path.split("."))))) and dotted != "sensors.gpio":
            continue
        if comments:
            yield f"# {field.description}"
        if path in SAMPLES:
            yield f"# [{path}]"
            yield from (f"# {line}" for line in SAMPLES[path].splitlines())
        else:
            yield f"{name} = {_toml(_plain(getattr(values, name)))}"


def _commented_block(dotted: str, header: str, model: type[BaseModel]) -> Iterator[str]:
    sample = SAMPLES[dotted].splitlines()
    named = {line.split(" = ")[0] for line in sample}
    yield f"# {header}"
    yield from (f"# {line}" for line in sample)
    for name, field in model.model_fields.items():
        if name not in named and not field.is_required() and not _nested_block(dotted, name):
            yield f"# {name} = {_toml(_plain(field.default))}  # {field.description}"


def _nested_block(dotted: str, name: str) -> bool:
    return f"{dotted}.{name}" in SAMPLES


def _value(data: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        data = getattr(data, part, None)
    return data


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def render_reference() -> str:
    """The text of docs/reference/config.md."""
    out = [
        "# Configuration",
        "",
        "Generated from the models by `python -m vigilar_common.config.reference`; do not edit by hand.",
        "",
        "The file is found by `-c`, then `VIGILAR_CONFIG`, then `config/vigilar.toml`. Values come from the",
        "defaults below, then `vigilar.toml`, then `settings.toml` (changes made in the UI), then environment",
        "variables `VIGILAR__SECTION__KEY` (arrays and tables as JSON); the later wins. `vigilar config show",
        "--origin` names the source of each value. Unknown keys are errors. Secrets (🔒) are never shown.",
        "",
        "`settings.toml` changes entries of arrays of tables by their id or name, and leaves entries out with",
        '`[removed]`, for example `cameras = ["shed"]`.',
    ]
    for dotted, header, model in sections():
        out += ["", f"## `{header}`", "", _first_line(model), ""]
        if dotted == "sensors.gpio":
            out += [
                "Stands below the last `[[sensors]]` block, or alone; above it TOML refuses the file.",
                "`[sensors_gpio]` means the same and may stand anywhere.",
                "",
            ]
        key = KEYED_LISTS.get(tuple(dotted.split(".")))
        if key:
            out += [f"One block per entry; `{key}` must be unique.", ""]
        out += _table(model)
        for path in INLINE:
            if path[:-1] == tuple(dotted.split(".")):
                entry = entry_of(annotation_at(path))
                out += ["", f"### `{path[-1]}` of `{header}`", "", _first_line(entry), "", *_table(entry)]
    return "\n".join(out) + "\n"


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield from ("| key | type | default | bounds | meaning |", "|---|---|---|---|---|")
    schema = model.model_json_schema()
    schema = _resolved(schema, schema)
    for name, field in model.model_fields.items():
        yield _row(name, field, schema)


def _row(name: str, field: Any, schema: dict[str, Any]) -> str:
    prop = _resolved(schema["properties"][name], schema)
    if field.is_required():
        default = "**required**"
    elif is_secret(field):
        default = "empty"
    else:
        value = field.default
        if isinstance(value, BaseModel) or (
            isinstance(value, tuple) and value and isinstance(value[0], BaseModel)
        ):
            default = "see the example file" if isinstance(value, tuple) else "see its table"
        else:
            default = f"`{_toml(_plain(value))}`"
    lock = "🔒 " if is_secret(field) else ""
    cells = (f"`{name}`", _type(prop, schema), default, _bounds(prop, schema), lock + str(field.description))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Enum) else value


def _resolved(prop: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in prop:
        return {
            **schema["$defs"][prop["$ref"].rsplit("/", 1)[1]],
            **{k: v for k, v in prop.items() if k != "$ref"},
        }
    return prop


def _type(prop: dict[str, Any], schema: dict[str, Any]) -> str:
    if "enum" in prop:
        return "one of " + ", ".join(f"`{value}`" for value in prop["enum"])
    if prop.get("type") == "array":
        if "prefixItems" in prop:
            return f"array of {len(prop['prefixItems'])} " + _type(
                _resolved(prop["prefixItems"][0], schema), schema
            )
        return "array of " + _type(_resolved(prop["items"], schema), schema)
    return {"object": "table", "string": "text"}.get(str(prop.get("type")), str(prop.get("type", "value")))


_BOUNDS = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("pattern", "pattern `{}`"),
)


def _bounds(prop: dict[str, Any], schema: dict[str, Any]) -> str:
    if "prefixItems" in prop:
        return _bounds(_resolved(prop["prefixItems"][0], schema), schema)
    return ", ".join(text.format(prop[key]) for key, text in _BOUNDS if key in prop)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vigilar_common.config.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when a file differs")
    args = parser.parse_args(argv)
    stale = 0
    for path, text in ((EXAMPLE_PATH, render_example()), (REFERENCE_PATH, render_reference())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if args.check:
            stale += 1
            sys.stderr.write(
                f"{path} differs from the models: run python -m vigilar_common.config.reference\n"
            )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path} written\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
