"""The configuration as a form: what a page needs to show every key with its meaning, kind and bounds.

Made from the models, so that a new key is in the settings page the day it is in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypedDict

from pydantic import BaseModel

from vigilar_common.config.base import is_secret
from vigilar_common.config.models import Path, annotation_at, entry_of, is_model
from vigilar_common.config.root import KEYED_LISTS, Config


class Kind(StrEnum):
    """How a value is entered."""

    FLAG = "flag"
    CHOICE = "choice"
    CHOICES = "choices"
    """Any of some words, each once."""
    NUMBER = "number"
    INTEGER = "integer"
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 a kind of key, no secret
    TEXTS = "texts"
    JSON = "json"
    """Anything deeper: polygons, conditions, pairs."""


class FormField(TypedDict, total=False):
    key: str
    title: str
    about: str
    kind: Kind
    required: bool
    default: Any
    choices: list[str]
    minimum: float
    maximum: float
    max_length: int


class FormSection(TypedDict):
    path: str
    """Dotted, as changes name it: `web`, `alerts.email`, `cameras`."""
    entry_key: str | None
    """For an array of tables the key that tells its entries apart."""
    title: str
    about: str
    fields: list[FormField]


def form() -> list[FormSection]:
    """Every section in the order of the reference, arrays of tables once with the fields of an entry."""
    return list(_sections((), Config))


def _sections(path: Path, model: type[BaseModel]) -> Iterator[FormSection]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        annotation = annotation_at(here)
        entry_key = KEYED_LISTS.get(tuple(str(part) for part in here))
        if not is_model(annotation) and entry_key is None:
            continue
        inner = entry_of(annotation)
        fields = _fields(here, inner)
        if fields:
            yield {
                "path": ".".join(str(part) for part in here),
                "entry_key": entry_key,
                "title": str(field.title or name),
                "about": (inner.__doc__ or "").strip().splitlines()[0],
                "fields": fields,
            }
        yield from _sections(here, inner)


def _fields(path: Path, model: type[BaseModel]) -> list[FormField]:
    schema = model.model_json_schema()
    found = []
    for name, field in model.model_fields.items():
        here = (*path, name)
        if is_model(annotation_at(here)) or tuple(str(part) for part in here) in KEYED_LISTS:
            continue
        prop = schema["properties"][name]
        entry: FormField = {
            "key": name,
            "title": str(field.title or name),
            "about": str(field.description or ""),
            "required": field.is_required(),
            **_kind(prop, schema.get("$defs", {})),
        }
        if is_secret(field):
            entry["kind"] = Kind.SECRET
        elif "default" in prop:
            entry["default"] = prop["default"]
        found.append(entry)
    return found


_SIMPLE = {
    "boolean": Kind.FLAG,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "string": Kind.TEXT,
}


def _kind(prop: dict[str, Any], defs: dict[str, Any]) -> FormField:
    prop = _resolved(prop, defs)
    if "enum" in prop:
        return {"kind": Kind.CHOICE, "choices": [str(word) for word in prop["enum"]]}
    kind = _SIMPLE.get(str(prop.get("type")), Kind.JSON)
    if prop.get("type") == "array" and isinstance(prop.get("items"), dict):
        items = _resolved(prop["items"], defs)
        if "enum" in items:
            return {"kind": Kind.CHOICES, "choices": [str(word) for word in items["enum"]]}
        if items.get("type") == "string":
            kind = Kind.TEXTS
    found: FormField = {"kind": kind}
    for ours, theirs in (
        ("minimum", "minimum"),
        ("maximum", "maximum"),
        ("max_length", "maxLength"),
    ):
        if theirs in prop:
            found[ours] = prop[theirs]  # type: ignore[literal-required]
    return found


def _resolved(prop: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """Without `$ref`, and without the `null` of a key that may be left out."""
    for choice in prop.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(choice, defs)
    reference = prop.get("$ref")
    return defs[reference.rsplit("/", 1)[1]] if reference else prop
