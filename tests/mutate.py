"""Damages bytes the same way for the same seed: bits flipped at a ratio (as zzuf does), pieces cut out, doubled, moved."""

from __future__ import annotations

import random


def flip(data: bytes, ratio: float, rng: random.Random) -> bytes:
    """About ``ratio`` of all bits flipped, at least one."""
    damaged = bytearray(data)
    for _ in range(max(1, round(len(data) * 8 * ratio))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Truncated somewhere, possibly to nothing."""
    return data[: rng.randrange(len(data) + 1)]


def splice(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The beginning of one and the end of the other."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def words(text: bytes, rng: random.Random) -> bytes:
    """A line of text gone, doubled, swapped, with a number blown up, or with bits flipped."""
    lines = text.split(b"\r\n")
    at = rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at:at] = [lines[at]] * rng.choice((1, 5, 200))
    elif kind == 2:
        lines[at] = lines[at].replace(
            b"0", rng.choice((b"-1", b"4294967296", b"99999999999999999999", b"0x7f", b"%n%s"))
        )
    elif kind == 3:
        lines[at] += b"A" * rng.choice((10, 1000, 60_000))
    elif kind == 4:
        other = rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = flip(lines[at] or b" ", 0.05, rng)
    return b"\r\n".join(lines)
