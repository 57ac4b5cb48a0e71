"""A fragment on its own: moved to the beginning of time, so that any player shows it at once."""

from __future__ import annotations

import struct

from vigilar_common.fmp4.boxes import Fmp4Error, children

_HEADER = struct.Struct(">I4s")


def from_zero(fragment: bytes) -> bytes:
    """The same ``moof`` and ``mdat`` with every track's time set to 0. Raises Fmp4Error."""
    if len(fragment) < _HEADER.size:
        raise Fmp4Error("a fragment begins with a box")
    size, name = _HEADER.unpack_from(fragment)
    if name != b"moof" or not _HEADER.size <= size <= len(fragment):
        raise Fmp4Error(f"a fragment begins with its moof, not {name!r} of {size} bytes")
    moved = bytearray(fragment)
    with memoryview(moved) as whole:
        for outer, traf in children(whole[_HEADER.size : size], "moof", 1):
            if outer != b"traf":
                continue
            for inner, tfdt in children(traf, "traf", 2):
                if inner == b"tfdt" and len(tfdt) > 4:
                    tfdt[4:] = bytes(len(tfdt) - 4)  # after version and flags
    return bytes(moved)
