"""Questions about the models: what stands at a path, which names are near, how a path reads to people."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vigilar_common.config.root import KEYED_LISTS, Config

Path = tuple[str | int, ...]


def _bare(annotation: Any) -> Any:
    """The annotation without Annotated and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_text(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, str)


def is_tree(annotation: Any) -> bool:
    """Whether values are tables or arrays."""
    return is_model(annotation) or get_origin(annotation) in (tuple, list, dict)


def field_at(path: Path) -> FieldInfo | None:
    """The field at a path of keys and indexes; None when the models know no such key."""
    model: Any = Config
    found: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue
        if not is_model(model) or part not in model.model_fields:
            return None
        found = model.model_fields[part]
        model = entry_of(_bare(found.annotation))
    return found


def entry_of(annotation: Any) -> Any:
    """The type of an array's entries; any other type is returned as it is."""
    if get_origin(annotation) in (tuple, list):
        return _bare(get_args(annotation)[0])
    return annotation


def annotation_at(path: Path) -> Any:
    """The bare type at a path; None when the models know no such key."""
    found = field_at(path)
    return _bare(found.annotation) if found else None


def known_names(path: Path) -> tuple[str, ...]:
    """The keys that the table at a path may hold."""
    model: Any = Config if not path else None
    if path and (found := field_at(path)):
        model = entry_of(_bare(found.annotation))
    if not is_model(model):
        return ()
    return tuple(model.model_fields)


def nearest(name: str, names: tuple[str, ...]) -> str | None:
    """The known name that was probably meant."""
    found = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return found[0] if found else None


def table_name(path: Path, data: Any = None) -> str:
    """How a table reads to people: `[web]`, `[[cameras]] "front"`, `[sensors.gpio]`.

    ``data`` is the raw configuration, from which entries take their id or name.
    """
    if path[:1] == ("sensors_gpio",):
        return "[sensors.gpio]"
    names: list[str] = []
    suffix = ""
    node: Any = data
    for part in path:
        node = _step(node, part)
        if isinstance(part, str):
            names.append(part)
            continue
        label = node.get(KEYED_LISTS.get(tuple(names), "name")) if isinstance(node, dict) else None
        suffix += f' "{label}"' if isinstance(label, str) and label.isprintable() else f" entry {part + 1}"
    dotted = ".".join(names)
    return f"[[{dotted}]]{suffix}" if suffix or tuple(names) in KEYED_LISTS else f"[{dotted}]"


def _step(node: Any, part: str | int) -> Any:
    if isinstance(part, str):
        return node.get(part) if isinstance(node, dict) else None
    return node[part] if isinstance(node, list | tuple) and part < len(node) else None


def split(path: Path) -> tuple[Path, str]:
    """A path cut into its table and the key in it: (`cameras`, 0) and `motion_zones[1]`."""
    cut = 0
    for length in range(1, len(path) + 1):
        annotation = annotation_at(path[:length])
        whole = is_model(annotation) or (length < len(path) and isinstance(path[length], int))
        if whole and is_model(entry_of(annotation)):
            cut = length + (0 if is_model(annotation) else 1)
    key = ""
    for part in path[cut:]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return path[:cut], key
