"""Layers laid over one another, later ones on top, each value traced to its origin."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from vigilar_common.config.layers import Layer, Origin
from vigilar_common.config.lines import Path
from vigilar_common.config.models import table_name
from vigilar_common.config.root import KEYED_LISTS

REMOVED = "removed"
"""Table of settings.toml with entries of vigilar.toml to leave out: `[removed]`, `cameras = ["shed"]`."""
DEFAULT = Origin("default")


class Overlay:
    """Tables merge key by key. Arrays of tables merge by id or name in settings.toml, so that a change in
    the UI holds the changed keys only; from the environment they replace the whole array.
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[Path, Origin] = {}

    def add(self, layer: Layer) -> None:
        data = dict(layer.data)
        if layer.name == "settings.toml" and REMOVED in data:
            self._remove(layer, data.pop(REMOVED))
        self._tables(self.data, data, (), (), layer)

    def origin(self, path: Path) -> Origin:
        """Where the value comes from, or else what is nearest around it."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path[:-1]
        return DEFAULT

    def _tables(
        self, under: dict[str, Any], over: dict[str, Any], path: Path, source: Path, layer: Layer
    ) -> None:
        for key, value in over.items():
            here, there = (*path, key), (*source, key)
            below = under.get(key)
            self.origins.setdefault(here, layer.origin(there))
            if isinstance(value, dict):
                if not isinstance(below, dict):
                    under[key] = below = {}
                self._tables(below, value, here, there, layer)
            elif layer.name == "settings.toml" and _keyed(here) and isinstance(below, list):
                self._entries(below, value, here, there, layer)
            else:
                self._replace(under, key, value, here, there, layer)

    def _replace(
        self, under: dict[str, Any], key: str, value: Any, here: Path, there: Path, layer: Layer
    ) -> None:
        for old in [path for path in self.origins if path[: len(here)] == here]:
            del self.origins[old]
        under[key] = deepcopy(value)
        for below in _paths(value):
            self.origins[here + below] = layer.origin(there + below)

    def _entries(self, under: list[Any], over: Any, path: Path, source: Path, layer: Layer) -> None:
        name = KEYED_LISTS[tuple(str(part) for part in path)]
        if not isinstance(over, list):
            layer.complain(source, f"{table_name(path)} must be an array of tables")
            return
        for index, entry in enumerate(over):
            if not isinstance(entry, dict) or name not in entry:
                layer.complain((*source, index), f"[[{'.'.join(map(str, path))}]] entry without {name}")
                continue
            at = next(
                (i for i, old in enumerate(under) if isinstance(old, dict) and old.get(name) == entry[name]),
                None,
            )
            if at is None:
                at = len(under)
                under.append({})
            self.origins.setdefault((*path, at), layer.origin((*source, index)))
            self._tables(under[at], entry, (*path, at), (*source, index), layer)

    def _remove(self, layer: Layer, removed: Any) -> None:
        if not isinstance(removed, dict):
            layer.complain((REMOVED,), "[removed] must be a table")
            return
        for dotted, names in removed.items():
            path: tuple[str, ...] = tuple(dotted.split("."))
            if not _keyed(path) or not isinstance(names, list):
                known = ", ".join(".".join(keyed) for keyed in KEYED_LISTS)
                layer.complain(
                    (REMOVED, dotted), f"[removed] {dotted}: must be a list of names; known are {known}"
                )
                continue
            parent: Any = self.data
            for part in path[:-1]:
                parent = parent.get(part) if isinstance(parent, dict) else None
            entries = parent.get(path[-1]) if isinstance(parent, dict) else None
            if not isinstance(entries, list):
                continue
            name = KEYED_LISTS[path]
            kept = [i for i, e in enumerate(entries) if not isinstance(e, dict) or e.get(name) not in names]
            parent[path[-1]] = [entries[i] for i in kept]
            self._renumber(path, {old: new for new, old in enumerate(kept)})

    def _renumber(self, path: Path, moved: dict[int, int]) -> None:
        depth = len(path)
        for old in [p for p in self.origins if p[:depth] == path and len(p) > depth]:
            origin = self.origins.pop(old)
            if (index := old[depth]) in moved:
                self.origins[(*path, moved[int(index)], *old[depth + 1 :])] = origin


def _keyed(path: Path) -> bool:
    return path in KEYED_LISTS


def _paths(value: Any) -> Iterator[Path]:
    yield ()
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in items:
        for path in _paths(below):
            yield (key, *path)
