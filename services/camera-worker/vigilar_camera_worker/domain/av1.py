"""The little that must be known of AV1 byte streams (low overhead format): where the sequence header is."""

from __future__ import annotations

from typing import Final

SEQUENCE_HEADER: Final = 1
MAX_UNITS: Final = 64
"""Looked at before the first picture."""
_PICTURES: Final = frozenset((3, 4, 6))


def sequence_header(data: bytes) -> bytes:
    """The sequence header OBU, as it stands before the first picture; empty when there is none."""
    at = 0
    for _ in range(MAX_UNITS):
        if at >= len(data):
            break
        head = data[at]
        kind, extended, sized = head >> 3 & 0xF, head >> 2 & 1, head >> 1 & 1
        if head & 0x80 or not sized or kind in _PICTURES:
            break  # forbidden bit, or a unit whose end is not known
        body = at + 1 + extended
        length, used = _leb128(data, body)
        if not used or body + used + length > len(data):
            break
        end = body + used + length
        if kind == SEQUENCE_HEADER:
            return data[at:end]
        at = end
    return b""


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """(value, bytes it took); no bytes when it is cut short or too long."""
    value = 0
    for index in range(8):
        if at + index >= len(data):
            break
        value |= (data[at + index] & 0x7F) << (7 * index)
        if not data[at + index] & 0x80:
            return value, index + 1
    return 0, 0
