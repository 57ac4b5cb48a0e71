"""H.265: a chain of pictures that skips others, renumbered so that a decoder sees none missing (ITU-T H.265 7.3.6).

A picture names every picture that must still be there (its reference picture set) as distances in picture order
count. The chain keeps book of what a decoder would hold, and takes only pictures whose references are all there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigilar_camera_worker.domain.bits import BitReader, NalError, Patch, UnsupportedError, patched, unescape
from vigilar_camera_worker.domain.nal import units

_FIRST_KEY, _LAST_KEY, _IDR = 16, 23, (19, 20)
_SPS, _PPS = 33, 34
_MAX_REFERENCES: Final = 16
Distances = tuple[int, ...]
"""Picture order counts of the references, relative to the picture: negative, nearest first."""


@dataclass(frozen=True)
class Sps:
    poc_lsb_bits: int
    address_bits: int
    planes: bool
    sets: tuple[Distances, ...]
    long_term: bool
    long_term_count: int


@dataclass(frozen=True)
class Pps:
    sps_id: int
    dependent: bool
    output_flag: bool
    extra_bits: int


@dataclass(frozen=True)
class Slice:
    """``poc_lsb``: where it stands and what it is; None in IDR pictures."""

    poc_lsb: Patch | None
    references: Distances


def read_sps(unit: bytes) -> tuple[int, Sps]:
    """(id, SPS)"""
    bits = BitReader(unescape(unit)[2:])
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    _skip_profile(bits, layers)
    number, chroma = bits.ue(15), bits.ue(3)
    planes = chroma == 3 and bits.flag()
    width, height = bits.ue(65535), bits.ue(65535)
    if bits.flag():
        bits.ue(), bits.ue(), bits.ue(), bits.ue()
    bits.ue(8), bits.ue(8)
    poc_lsb_bits = bits.ue(12) + 4
    for _ in range(layers + 1 if bits.flag() else 1):
        bits.ue(), bits.ue(), bits.ue()
    ctb_bits = bits.ue(3) + 3
    ctb_bits += bits.ue(3)
    bits.ue(), bits.ue(), bits.ue(), bits.ue()
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.u(2)
    if bits.flag():
        bits.u(8), bits.ue(), bits.ue(), bits.u(1)
    sets: list[Distances] = []
    count = bits.ue(64)
    for index in range(count):
        sets.append(_read_set(bits, index, count, sets))
    long_term, long_term_count = bits.flag(), 0
    if long_term:
        long_term_count = bits.ue(32)
    size = 1 << ctb_bits
    blocks = -(-width // size) * -(-height // size)
    return number, Sps(
        poc_lsb_bits, max(0, blocks - 1).bit_length(), planes, tuple(sets), long_term, long_term_count
    )


def _skip_profile(bits: BitReader, layers: int) -> None:
    bits.u(88), bits.u(8)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)


def _skip_scaling_lists(bits: BitReader) -> None:
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.flag():
                bits.ue()
                continue
            if size > 1:
                bits.se()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                bits.se()


def _read_set(bits: BitReader, index: int, count: int, sets: list[Distances]) -> Distances:
    """A short-term reference picture set (7.3.7, 7.4.8). Positive distances mean B-frames: not covered."""
    if index and bits.flag():
        back = bits.ue(63) + 1 if index == count else 1
        if back > index:
            raise NalError("a reference picture set refers to one that is not there")
        sign = bits.u(1)
        step = (bits.ue(32767) + 1) * (-1 if sign else 1)
        before = sets[index - back]
        found = []
        for distance in (*before, 0):
            used = bits.flag()
            if used or bits.flag():
                found.append(distance + step)
        behind_first = sorted((d for d in found if d < 0), reverse=True)
        distances = behind_first + sorted(d for d in found if d > 0)
    else:
        behind, ahead = bits.ue(_MAX_REFERENCES), bits.ue(_MAX_REFERENCES)
        distances, at = [], 0
        for _ in range(behind):
            at -= bits.ue(32767) + 1
            bits.u(1)
            distances.append(at)
        at = 0
        for _ in range(ahead):
            at += bits.ue(32767) + 1
            bits.u(1)
            distances.append(at)
    return tuple(distances)


def read_pps(unit: bytes) -> tuple[int, Pps]:
    """(id, PPS)"""
    bits = BitReader(unescape(unit)[2:])
    number, sps_id = bits.ue(63), bits.ue(15)
    return number, Pps(sps_id, bits.flag(), bits.flag(), bits.u(3))


class HevcChain:
    """``key`` begins a chain, ``follow`` appends to it. NalError leaves the chain as it was."""

    def __init__(self, sets: bytes) -> None:
        self._sps: dict[int, Sps] = {}
        self._pps: dict[int, Pps] = {}
        self._poc = 0
        self._held: frozenset[int] = frozenset()
        self._references = -1
        self._building = False
        self.take_sets(sets)

    def take_sets(self, sets: bytes) -> None:
        for kind, unit in units(sets, "hevc"):
            if kind == _SPS:
                number, sps = read_sps(unit)
                self._sps[number] = sps
            elif kind == _PPS:
                number, pps = read_pps(unit)
                self._pps[number] = pps

    def key(self, data: bytes) -> None:
        """``data``: an access unit that is decoded as it is."""
        _, _, head = self._slices(data, key=True)[0]
        self._poc = head.poc_lsb[2] if head and head.poc_lsb else 0
        self._held, self._references, self._building = frozenset((self._poc,)), 0, True

    def building(self) -> bool:
        """Whether the next picture should be taken whatever the time: the first ones of a chain are the references
        that all later ones name."""
        return self._building

    def fits(self, data: bytes) -> bool:
        """Whether ``data`` may follow now. Raises NalError; UnsupportedError if no picture like it ever may."""
        return self._place(self._references_of(data)) is not None

    def follow(self, data: bytes) -> bytes | None:
        """``data`` as the next picture of the chain; None when it cannot follow here but another may."""
        slices = self._slices(data, key=False)
        references = self._references_in(slices)
        poc = self._place(references)
        if poc is None:
            return None
        out = []
        for unit, _, head in slices:
            if head is None or head.poc_lsb is None:
                out.append(b"\0\0\0\1" + unit)
                continue
            at, count, _ = head.poc_lsb
            out.append(b"\0\0\0\1" + patched(unit, [(at, count, poc % (1 << count))]))
        self._building = self._building and len(references) != self._references
        self._references = len(references)
        self._poc = poc
        self._held = frozenset((poc, *(poc + distance for distance in references)))
        return b"".join(out)

    def resume(self, data: bytes) -> None:
        """The decoder was given ``data`` and all before it unchanged: the chain goes on from there."""
        slices = self._slices(data, key=False)
        references = self._references_in(slices)
        lsb = next(head.poc_lsb for _, _, head in slices if head is not None)
        if lsb is None:
            raise NalError("a picture without its number")
        self._poc, self._references, self._building = lsb[2], len(references), False
        self._held = frozenset((self._poc, *(self._poc + distance for distance in references)))

    def _place(self, references: Distances) -> int | None:
        """The picture order count at which all references are there and no other is lost; None: nowhere."""
        if len(references) < self._references:
            return None  # it would make the decoder drop what later pictures need
        poc = self._poc - (references[0] if references else -1)
        held = all(poc + distance in self._held for distance in references)
        return poc if held else None

    def _references_of(self, data: bytes) -> Distances:
        return self._references_in(self._slices(data, key=False))

    @staticmethod
    def _references_in(slices: list[tuple[bytes, int, Slice | None]]) -> Distances:
        head = next((head for _, _, head in slices if head is not None), None)
        if head is None:
            raise NalError("an access unit without the head of its picture")
        return head.references

    def _slices(self, data: bytes, *, key: bool) -> list[tuple[bytes, int, Slice | None]]:
        found = []
        for kind, unit in units(data, "hevc"):
            if kind >= 32:
                continue
            if (_FIRST_KEY <= kind <= _LAST_KEY) != key:
                raise NalError("a keyframe where none was announced, or the other way round")
            if len(unit) > 1 and (unit[0] & 1 or unit[1] >> 3):
                raise UnsupportedError("several layers")
            found.append((unit, kind, self._slice(unit, kind)))
        if not found:
            raise NalError("an access unit without a picture")
        return found

    def _slice(self, unit: bytes, kind: int) -> Slice | None:
        """None for a dependent slice segment, which repeats nothing of its picture's numbers."""
        bits = BitReader(unescape(unit[:128]))
        bits.u(16)
        first = bits.flag()
        if _FIRST_KEY <= kind <= _LAST_KEY:
            bits.u(1)
        pps = self._pps.get(bits.ue(63))
        sps = self._sps.get(pps.sps_id) if pps else None
        if pps is None or sps is None:
            raise NalError("a slice of unknown parameter sets")
        if not first:
            dependent = pps.dependent and bits.flag()
            bits.u(sps.address_bits)
            if dependent:
                return None
        bits.u(pps.extra_bits)
        bits.ue(2)
        if pps.output_flag:
            bits.u(1)
        if sps.planes:
            bits.u(2)
        if kind in _IDR:
            return Slice(None, ())
        at = bits.at
        poc_lsb = (at, sps.poc_lsb_bits, bits.u(sps.poc_lsb_bits))
        return Slice(poc_lsb, _references(bits, sps))


def _references(bits: BitReader, sps: Sps) -> Distances:
    if not bits.flag():
        references = _read_set(bits, len(sps.sets), len(sps.sets), list(sps.sets))
    elif sps.sets:
        index = bits.u((len(sps.sets) - 1).bit_length())
        if index >= len(sps.sets):
            raise NalError("a slice names a reference picture set that is not there")
        references = sps.sets[index]
    else:
        raise NalError("a slice names a reference picture set that is not there")
    if any(distance > 0 for distance in references):
        raise UnsupportedError("B-frames")
    if sps.long_term and (bits.ue(32) if sps.long_term_count else 0) + bits.ue(32):
        raise UnsupportedError("long-term reference pictures")
    return references
