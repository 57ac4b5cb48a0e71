"""A segment index (`sidx`, ISO/IEC 14496-12, 8.16.3), made after the fact, so that players can seek by it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from vigilar_common.fmp4.boxes import Fmp4Error
from vigilar_common.fmp4.index import Fragment

MAX_REFERENCES: Final = 65_535
MAX_REFERENCE_BYTES: Final = 2**31 - 1
MAX_DURATION: Final = 2**32 - 1
_HEAD = struct.Struct(
    ">I4sIIIQQHH"
)  # size, type, version 1, track, timescale, first time, first offset, 0, count
_REFERENCE = struct.Struct(">III")
_KEYFRAME: Final = 0x9000_0000  # starts with a stream access point of type 1


def make_sidx(fragments: Sequence[Fragment], end: int, track_id: int, timescale: int) -> bytes:
    """The box, to be put right before the first fragment; its references reach from there to byte `end`.

    `fragments` are in file order and `end` is the length of the file. A reference begins with a keyframe where the
    file has any. Bytes between fragments count to the one before. `timescale` is the track's: some players take
    times of the index for times of the track. Times are exact to 1 ms. Raises Fmp4Error on what the box cannot say.
    """
    groups = _groups(fragments)
    if not groups:
        raise Fmp4Error("there is no fragment to make an index of")
    last = fragments[-1]
    borders = [(group.time_ms * timescale // 1000, group.offset) for group in groups]
    borders.append(((last.time_ms + last.duration_ms) * timescale // 1000, end))
    size = _HEAD.size + _REFERENCE.size * len(groups)
    parts = [_HEAD.pack(size, b"sidx", 1 << 24, track_id, timescale, borders[0][0], 0, 0, len(groups))]
    for group, (time, offset), (next_time, next_offset) in zip(groups, borders, borders[1:], strict=False):
        length, duration = next_offset - offset, max(0, next_time - time)
        if not 0 < length <= MAX_REFERENCE_BYTES or duration > MAX_DURATION:
            raise Fmp4Error(f"a fragment at byte {offset} of {length} bytes fits no segment index")
        parts.append(_REFERENCE.pack(length, duration, _KEYFRAME if group.keyframe else 0))
    return b"".join(parts)


def _groups(fragments: Sequence[Fragment]) -> list[Fragment]:
    """The fragments that references begin with: keyframes (all, when there is none), fewer when there are too many."""
    blind = not any(fragment.keyframe for fragment in fragments)
    found = [item for at, item in enumerate(fragments) if at == 0 or item.keyframe or blind]
    every = -(-len(found) // MAX_REFERENCES)
    return found[:: every or 1]
