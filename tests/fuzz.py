"""Payloads that nobody should send: made from the models of the messages, then damaged. The same for the same seed."""

from __future__ import annotations

import copy
import json
import random
import string
from typing import Any
from uuid import UUID

from mutate import cut, flip, splice
from vigilar_common.messages import Message

MARKUP = (
    "<script>alert(1)</script>", "'; DROP TABLE events; --", "../../etc/passwd", "a/b/#", "+", "#", "$SYS/x", "%s%n", "{0}",
    "line\nbreak", "\x1b[31mred", "\u202egnp.exe", "\0", "Küche 🏠", "__proto__", "constructor", " ", "A" * 5_000,
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**48, 2**63, 2**64, -(2**63), 10**400, 1e308, -1e308, 0.1, 253402300800000)
RAW_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e999", "01", "0x10", "1_000", "9" * 5_000)
SHAPES: tuple[Any, ...] = (None, True, False, [], {}, "", [[]], {"a": {}}, [None] * 50, {"": ""})
WHOLES = (
    b"", b" ", b"null", b"true", b"[]", b"{}", b'"x"', b"0", b"\xff\xfe", b"\xc3\x28", b"{" * 3_000, b"[" * 60_000,
    b'{"a":' * 2_000, b"online", b"offline", b"ONLINE", b"\x00" * 64, b"\xff" * 16_385, b"A" * 70_000, b'{"v": 2}', b'{"v": "1"}',
    b"\xef\xbb\xbf{}",
    b'{"id": "\\ud800"}', b"[" * 900 + b"]" * 900,
)  # fmt: skip


class Fuzz:
    """`payload(model)`: about one in eight is left as it was made, and may be valid."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._schemas: dict[type[Message], dict[str, Any]] = {}
        self._before = b"{}"

    def payload(self, model: type[Message] | dict[str, Any] | None, now_ms: int) -> bytes:
        """`model`: of a message, or an example of what another program says; None for bytes."""
        rng = self.rng
        if model is None or rng.random() < 0.05:
            made = rng.choice(WHOLES) if rng.random() < 0.7 else self.noise()
        else:
            value = dict(model) if isinstance(model, dict) else self.like(model, now_ms)
            kind = rng.randrange(8)
            if 0 < kind < 5:
                self.damage(value)
            made = self.written(value)
            if kind == 5:
                made = rng.choice((flip(made, 0.004, rng), cut(made, rng), splice(made, self._before, rng)))
            elif kind == 6:
                made = self._before  # replayed
        self._before = made[:20_000]
        return made

    def noise(self) -> bytes:
        return self.rng.randbytes(self.rng.choice((1, 16, 300, 20_000)))

    def written(self, value: dict[str, Any]) -> bytes:
        text = json.dumps(value, ensure_ascii=self.rng.random() < 0.5)
        if self.rng.random() < 0.08:  # what json.dumps would not write
            text = text.replace(": 0", ": " + self.rng.choice(RAW_NUMBERS), 1)
        if self.rng.random() < 0.03:
            text = text.replace('"', '"\\ud800', 3)
        return text.encode("utf-8", "surrogatepass")

    def like(self, model: type[Message], now_ms: int) -> dict[str, Any]:
        """As the model's schema has it, with an envelope of now or of another time."""
        if model not in self._schemas:
            self._schemas[model] = model.model_json_schema()
        schema, rng = self._schemas[model], self.rng
        value: dict[str, Any] = self._value(schema, schema, 0)
        times = (0, 1, now_ms - 31_000, now_ms - 86_400_000, now_ms + 3_600_000, (1 << 48) - 1)
        value["ts_ms"] = now_ms if rng.random() < 0.7 else rng.choice(times)
        value["v"] = 1
        value["id"] = str(UUID(int=rng.getrandbits(128)))
        return value

    def damage(self, value: Any) -> None:
        """One to three places of it."""
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            at = value
            while isinstance(at, dict) and at:
                key = rng.choice(list(at))
                if isinstance(at[key], dict) and rng.random() < 0.7:
                    at = at[key]
                    continue
                self._break(at, key)
                break

    def _break(self, where: dict[str, Any], key: str) -> None:
        rng = self.rng
        match rng.randrange(8):
            case 0:
                del where[key]
            case 1:
                where[rng.choice(MARKUP)] = where[key]
            case 2:
                where[key] = copy.deepcopy(rng.choice(SHAPES))
            case 3:
                where[key] = rng.choice(NUMBERS)
            case 4:
                where[key] = "x" * rng.choice((65, 501, 9_000, 40_000))
            case 5:
                where[key] = _nested(rng.choice((3, 40, 400)))
            case _:
                where[key] = rng.choice(MARKUP)

    def _value(self, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
        rng = self.rng
        if "$ref" in schema:
            return self._value(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "anyOf" in schema:
            return self._value(rng.choice(schema["anyOf"]), root, depth)
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                need = set(schema.get("required", ()))
                return {
                    name: self._value(one, root, depth + 1)
                    for name, one in fields.items()
                    if name in need or rng.random() < 0.6
                }
            case "array":
                least = schema.get("minItems", 0)
                count = rng.randint(least, max(least, min(schema.get("maxItems", 3), 3)))
                items = schema.get("items") or {"type": "number"}
                return [self._value(items, root, depth + 1) for _ in range(count)]
            case "integer":
                return self._number(schema, 1)
            case "number":
                return round(rng.uniform(*self._bounds(schema)), 3)
            case "boolean":
                return rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._text(schema)

    def _bounds(self, schema: dict[str, Any]) -> tuple[float, float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        return low, schema.get("maximum", schema.get("exclusiveMaximum", low + 1_000))

    def _number(self, schema: dict[str, Any], least: int) -> int:
        low, high = self._bounds(schema)
        return self.rng.randint(int(low), max(int(low), int(high) - least))

    def _text(self, schema: dict[str, Any]) -> str:
        rng, pattern = self.rng, str(schema.get("pattern", ""))
        if "{8}" in pattern:
            return str(UUID(int=rng.getrandbits(128)))
        if pattern or schema.get("maxLength", 500) < 40:
            return rng.choice(("front", "door", "s1", "ann", "x"))
        if rng.random() < 0.3:
            return rng.choice(MARKUP)[: schema.get("maxLength", 500)]
        return "".join(rng.choices(string.ascii_letters, k=rng.randint(1, 20)))


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value
