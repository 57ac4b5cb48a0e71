"""Reading and patching the bit syntax of H.264 and H.265 NAL units (ITU-T H.264 7.3, H.265 7.3)."""

from __future__ import annotations

from typing import Final

MAX_HEAD_BYTES: Final = 1024
"""So much of a NAL unit is looked at; headers and parameter sets are far shorter."""
_MAX_GOLOMB_ZEROS: Final = 31


class NalError(ValueError):
    """A NAL unit is not what it should be. The only error that reading one raises."""


class UnsupportedError(NalError):
    """Valid, but sparse decoding does not cover it; the text is the reason shown to people."""


def unescape(unit: bytes) -> bytes:
    """The payload without emulation prevention (the 3 of 0 0 3), of at most ``MAX_HEAD_BYTES``."""
    return unit[:MAX_HEAD_BYTES].replace(b"\0\0\3", b"\0\0")


class BitReader:
    """Most significant bit first, from the beginning of an unescaped payload."""

    def __init__(self, payload: bytes) -> None:
        self._value = int.from_bytes(payload, "big")
        self._bits = len(payload) * 8
        self.at = 0

    def u(self, count: int) -> int:
        """``count`` bits as an unsigned number."""
        end = self.at + count
        if end > self._bits:
            raise NalError("a NAL unit ends too early")
        self.at = end
        return (self._value >> (self._bits - end)) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self, most: int = 0xFFFF_FFFF) -> int:
        """An unsigned Exp-Golomb number, at most ``most``."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MAX_GOLOMB_ZEROS:
                raise NalError("a NAL unit holds an endless number")
        value = (1 << zeros) - 1 + self.u(zeros)
        if value > most:
            raise NalError(f"a NAL unit holds {value} where at most {most} is allowed")
        return value

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


Patch = tuple[int, int, int]
"""(first bit in the unescaped unit, number of bits, new value)"""


def patched(unit: bytes, patches: list[Patch]) -> bytes:
    """``unit`` with other values in some fixed-length fields; emulation prevention is made anew where it must be."""
    last_bit = max(at + count for at, count, _ in patches)
    head_bytes, raw_bytes = _head(unit, (last_bit + 7) // 8)
    head = unescape(unit[:raw_bytes])[:head_bytes]
    value = int.from_bytes(head, "big")
    for at, count, new in patches:
        shift = head_bytes * 8 - at - count
        value = value & ~(((1 << count) - 1) << shift) | new << shift
    return _escaped(value.to_bytes(head_bytes, "big")) + unit[raw_bytes:]


def _head(unit: bytes, at_least: int) -> tuple[int, int]:
    """(unescaped, escaped length) of a head after which escaping starts afresh: its last byte is not 0."""
    zeros = payload = 0
    for raw, byte in enumerate(unit[:MAX_HEAD_BYTES]):
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        payload += 1
        zeros = zeros + 1 if byte == 0 else 0
        if payload > at_least and zeros == 0:
            return payload, raw + 1
    raise NalError("the head of a slice does not end")


def _escaped(payload: bytes) -> bytes:
    if b"\0\0" not in payload:
        return payload
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)
