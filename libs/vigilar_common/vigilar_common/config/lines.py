"""Where each key of a TOML text stands, so that errors can name the line.

The standard library's parser keeps no positions. This scanner reads the structure only (headers, keys,
where values end) and relies on the parser for everything else; on a text the parser refuses it goes as
far as it understands.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)\s*""")
_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}


class Lines:
    """Line numbers (from 1) of headers and keys; array entries count from 0."""

    def __init__(self, text: str) -> None:
        self.of: dict[Path, int] = {}
        self.headers: list[tuple[tuple[str, ...], bool, int]] = []
        """Every header in order: its name, whether it is a [[double]] one, its line."""
        self._entries: dict[Path, int] = {}
        self._scan(text)

    def find(self, path: Path) -> int | None:
        """The line of the key, or of the nearest thing around it."""
        while path:
            if path in self.of:
                return self.of[path]
            path = path[:-1]
        return None

    def moved(self, old: Path, new: Path) -> None:
        """Give everything under ``old`` the name ``new``, as the loader does with misplaced tables."""
        for path in [path for path in self.of if path[: len(old)] == old]:
            self.of[new + path[len(old) :]] = self.of.pop(path)

    def _scan(self, text: str) -> None:
        table: Path = ()
        at, line = 0, 1
        while at < len(text):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            stripped = text[at:end].strip()
            if stripped.startswith("["):
                table = self._header(stripped, line) or table
            elif stripped and not stripped.startswith("#"):
                keys, after = _dotted(text, at)
                if keys and text[after : after + 1] == "=":
                    self._note(table + keys, line)
                    end = _value_end(text, after + 1)
            line += text.count("\n", at, end) + 1
            at = end + 1

    def _header(self, stripped: str, line: int) -> Path | None:
        double = stripped.startswith("[[")
        keys, _ = _dotted(stripped, 2 if double else 1)
        if not keys:
            return None
        self.headers.append((keys, double, line))
        path: Path = ()
        for depth, key in enumerate(keys):
            path = (*path, key)
            last = depth == len(keys) - 1
            if double and last:
                self.of.setdefault(path, line)
                self._entries[path] = self._entries.get(path, -1) + 1
            if path in self._entries:
                path = (*path, self._entries[path])
        self._note(path, line)
        return path

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.of.setdefault(path[:length], line)


def _dotted(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """The dotted key at this place and where it ends."""
    keys: list[str] = []
    while found := _KEY.match(text, at):
        word = found.group(1)
        keys.append(word[1:-1] if word[0] in "\"'" else word)
        at = found.end()
        if text[at : at + 1] != ".":
            return tuple(keys), at
        at += 1
    return (), at


def _value_end(text: str, at: int) -> int:
    """Where the line ends on which the value ends that begins here."""
    depth = 0
    while at < len(text):
        character = text[at]
        if character in "\"'":
            at = _string_end(text, at)
            continue
        if character == "#":
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
            continue
        if character == "\n" and depth <= 0:
            return at
        depth += _BRACKETS.get(character, 0)
        at += 1
    return len(text)


def _string_end(text: str, at: int) -> int:
    quote = text[at]
    fence = quote * 3 if text.startswith(quote * 3, at) else quote
    at += len(fence)
    while at < len(text):
        if quote == '"' and text[at] == "\\":
            at += 2
        elif text.startswith(fence, at):
            at += len(fence)
            # A multi-line string may end in one or two quotes of its own.
            while len(fence) == 3 and text[at : at + 1] == quote:
                at += 1
            return at
        elif len(fence) == 1 and text[at] == "\n":
            return at  # an unclosed string: the parser says so
        else:
            at += 1
    return len(text)
