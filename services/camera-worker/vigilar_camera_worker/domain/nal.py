"""The little that must be known of H.264 and H.265 byte streams (Annex B): where the parameter sets are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vigilar_camera_worker.domain.av1 import sequence_header

CODECS: Final = ("h264", "hevc", "av1")
_START: Final = b"\0\0\1"
_PARAMETER_SETS: Final = {"h264": frozenset((7, 8)), "hevc": frozenset((32, 33, 34))}


def nal_type(codec: str, first_byte: int) -> int:
    return first_byte & 0x1F if codec == "h264" else (first_byte >> 1) & 0x3F


def is_picture(codec: str, kind: int) -> bool:
    """Whether a NAL unit of this type holds coded picture data."""
    return 1 <= kind <= 5 if codec == "h264" else kind < 32


def _head_units(data: bytes, codec: str) -> Iterator[tuple[int, bytes]]:
    """(type, unit without start code) of what stands before the first coded picture."""
    at = data.find(_START)
    while at >= 0 and at + 3 < len(data):
        kind = nal_type(codec, data[at + 3])
        if is_picture(codec, kind):
            return
        end = data.find(_START, at + 3)
        yield kind, data[at + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        at = end


def units(data: bytes, codec: str) -> Iterator[tuple[int, bytes]]:
    """(type, unit without start code) of everything in an access unit; empty units are left out."""
    at = data.find(_START)
    while at >= 0:
        end = data.find(_START, at + 3)
        unit = data[at + 3 : end if end >= 0 else len(data)]
        # What follows a unit (zeros, the longer start code) is none of it; a unit never ends with a zero.
        unit = unit.rstrip(b"\0")
        if unit:
            yield nal_type(codec, unit[0]), unit
        at = end


def parameter_sets(data: bytes, codec: str) -> bytes:
    """SPS and PPS (H.265: VPS too; AV1: the sequence header) before the first picture of ``data``, in Annex B; empty
    when there are none."""
    if codec == "av1":
        return sequence_header(data)
    wanted = _PARAMETER_SETS[codec]
    return b"".join(b"\0\0\0\1" + unit for kind, unit in _head_units(data, codec) if kind in wanted)


def is_complete(sets: bytes, codec: str) -> bool:
    """Whether every kind of parameter set that a decoder needs is there."""
    if codec == "av1":
        return bool(sets)
    return {kind for kind, _ in _head_units(sets, codec)} >= _PARAMETER_SETS[codec]


def _sequence(sets: bytes, codec: str) -> list[bytes]:
    """The SPS alone, each once: what decides on size and profile. Picture parameter sets may change with every keyframe,
    and some cameras repeat all of them before every slice."""
    if codec == "av1":
        return [sets]
    wanted = 7 if codec == "h264" else 33
    return list(dict.fromkeys(unit for kind, unit in _head_units(sets, codec) if kind == wanted))


class ParameterSets:
    """Follows the parameter sets of a stream, from its description (SDP) or from its keyframes."""

    def __init__(self, codec: str, described: bytes) -> None:
        self.codec = codec
        sets = parameter_sets(described, codec) if described.startswith((b"\0\0\1", b"\0\0\0\1")) else b""
        self.current = sets if is_complete(sets, codec) else b""

    def take(self, keyframe: bytes) -> tuple[bytes, bool]:
        """The keyframe with parameter sets in front of it, and whether they are others than before.

        Raises ValueError when no parameter sets are known: nothing can decode it.
        """
        found = parameter_sets(keyframe, self.codec)
        if is_complete(found, self.codec):
            changed = bool(self.current) and _sequence(found, self.codec) != _sequence(
                self.current, self.codec
            )
            self.current = found
            return keyframe, changed
        if not self.current:
            raise ValueError("keyframe without parameter sets")
        return self.current + keyframe, False
