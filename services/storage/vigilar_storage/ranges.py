"""HTTP byte ranges (RFC 9110, section 14): one range; anything else is answered with the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


class UnsatisfiableRangeError(Exception):
    """The range lies outside the content: answer 416 with its length."""

    def __init__(self, length: int) -> None:
        super().__init__(f"outside of {length} bytes")
        self.length = length


@dataclass(frozen=True)
class ByteRange:
    """Bytes `[start, end)`."""

    start: int
    end: int


def parse(header: str | None, length: int) -> ByteRange | None:
    """The range that `header` asks for of `length` bytes, or None: send everything.

    A malformed header and a list of ranges count as absent, as the RFC allows. Raises UnsatisfiableRangeError.
    """
    found = _ONE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        suffix = int(found[2])
        if suffix == 0 or length == 0:
            raise UnsatisfiableRangeError(length)
        return ByteRange(max(0, length - suffix), length)
    start = int(found[1])
    if found[2] and int(found[2]) < start:
        return None
    if start >= length:
        raise UnsatisfiableRangeError(length)
    return ByteRange(start, min(length, int(found[2]) + 1) if found[2] else length)
