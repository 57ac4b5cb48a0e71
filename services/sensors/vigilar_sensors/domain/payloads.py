"""From bytes that anybody may have sent to JSON of a bounded size, or a reason why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from vigilar_sensors.domain.values import RefusedError

MAX_BYTES = 65_536
"""Of a device's message; what real ones send is below 4 kB."""
MAX_INFO_BYTES = 1_048_576
"""Of what a bridge tells of itself."""
MAX_LIST_BYTES = 4_194_304
"""Of a bridge's list of devices, each of which takes up to 10 kB there."""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def decode(payload: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """The JSON value. Raises RefusedError, whose text never repeats the payload."""
    return _guarded(_DECODER.decode, _text(payload, max_bytes))


def objects(payload: bytes, max_bytes: int = MAX_LIST_BYTES) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list one after another, so that only one of them is in memory. Raises RefusedError."""
    text = _text(payload, max_bytes).strip()
    if not text.startswith("["):
        raise RefusedError("is not a list")
    at = _skip(text, 1)
    while not text.startswith("]", at):
        value, at = _guarded(lambda start: _DECODER.raw_decode(text, start), at)
        if not isinstance(value, dict):
            raise RefusedError("holds something that is no object")
        yield value
        at = _skip(text, at)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
        elif not text.startswith("]", at):
            raise RefusedError("is no JSON")


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _text(payload: bytes, max_bytes: int) -> str:
    if len(payload) > max_bytes:
        raise RefusedError(f"has {len(payload)} bytes, at most {max_bytes} are read")
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("is not UTF-8") from error


def _guarded(parse: Any, argument: Any) -> Any:
    try:
        return parse(argument)
    except RecursionError as error:
        raise RefusedError("is nested too deeply") from error
    except ValueError as error:  # also a number of thousands of digits
        raise RefusedError("is no JSON") from error
