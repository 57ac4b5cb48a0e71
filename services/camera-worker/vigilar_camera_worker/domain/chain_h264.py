"""H.264: a chain of pictures that skips others, renumbered so that a decoder sees none missing (ITU-T H.264 7.3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigilar_camera_worker.domain.bits import BitReader, NalError, Patch, UnsupportedError, patched, unescape
from vigilar_camera_worker.domain.nal import units

_IDR, _SLICE, _SPS, _PPS = 5, 1, 7, 8
_P, _B, _I = 0, 1, 2
_HIGH_PROFILES: Final = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_LONG_TERM: Final = "long-term reference pictures"


@dataclass(frozen=True)
class Sps:
    frame_num_bits: int
    poc_type: int
    poc_lsb_bits: int
    """0 unless ``poc_type`` is 0."""
    frames_only: bool
    planes: bool
    """Colour planes are coded apart."""
    monochrome: bool


@dataclass(frozen=True)
class Pps:
    sps_id: int
    poc_present: bool
    ref_idx_default: int
    weighted: bool
    redundant: bool
    groups: int


@dataclass(frozen=True)
class Slice:
    """What a slice header says, and at which bit of the unescaped unit (NAL header included) its numbers stand."""

    kind: int
    reference: bool
    frame_num: Patch
    poc_lsb: Patch | None


def read_sps(unit: bytes) -> tuple[int, Sps]:
    """(id, SPS)"""
    bits = BitReader(unescape(unit)[1:])
    profile = bits.u(8)
    bits.u(16)
    number, chroma, planes = bits.ue(31), 1, False
    if profile in _HIGH_PROFILES:
        chroma = bits.ue(3)
        planes = chroma == 3 and bits.flag()
        bits.ue(6), bits.ue(6), bits.u(1)
        if bits.flag():
            for index in range(12 if chroma == 3 else 8):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    frame_num_bits = bits.ue(12) + 4
    poc_type, poc_lsb_bits = bits.ue(2), 0
    if poc_type == 0:
        poc_lsb_bits = bits.ue(12) + 4
    elif poc_type == 1:
        bits.u(1), bits.se(), bits.se()
        for _ in range(bits.ue(255)):
            bits.se()
    bits.ue(16), bits.u(1), bits.ue(), bits.ue()
    return number, Sps(frame_num_bits, poc_type, poc_lsb_bits, bits.flag(), planes, chroma == 0 or planes)


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def read_pps(unit: bytes) -> tuple[int, Pps]:
    """(id, PPS)"""
    bits = BitReader(unescape(unit)[1:])
    number, sps_id = bits.ue(255), bits.ue(31)
    bits.u(1)
    poc_present, groups = bits.flag(), bits.ue(7) + 1
    if groups > 1:
        return number, Pps(sps_id, poc_present, 1, False, False, groups)
    ref_idx_default = bits.ue(31) + 1
    bits.ue(31)
    weighted = bits.flag()
    bits.u(2), bits.se(), bits.se(), bits.se(), bits.u(2)
    return number, Pps(sps_id, poc_present, ref_idx_default, weighted, bits.flag(), groups)


class H264Chain:
    """``key`` begins a chain, ``follow`` appends to it. NalError leaves the chain as it was."""

    def __init__(self, sets: bytes) -> None:
        self._sps: dict[int, Sps] = {}
        self._pps: dict[int, Pps] = {}
        self._frame_num = self._poc_lsb = 0
        self._last_is_reference = True
        self.take_sets(sets)

    def take_sets(self, sets: bytes) -> None:
        for kind, unit in units(sets, "h264"):
            if kind == _SPS:
                number, sps = read_sps(unit)
                self._sps[number] = sps
            elif kind == _PPS:
                number, pps = read_pps(unit)
                self._pps[number] = pps

    def key(self, data: bytes) -> None:
        """``data``: an access unit that is decoded as it is."""
        for kind, unit in units(data, "h264"):
            if kind == _IDR:
                head = self._slice(unit, kind)
                self._frame_num, self._last_is_reference = 0, True
                self._poc_lsb = head.poc_lsb[2] if head.poc_lsb else 0
                return
            if kind == _SLICE:
                raise UnsupportedError("keyframes at which a decoder cannot start afresh")
        raise NalError("a keyframe without a picture")

    def building(self) -> bool:
        """Whether the next picture should be taken whatever the time: never needed with H.264."""
        return False

    def fits(self, data: bytes) -> bool:
        """Whether ``data`` may follow now. Raises NalError; UnsupportedError if no picture like it ever may."""
        self._slices(data)
        return True

    def follow(self, data: bytes) -> bytes | None:
        """``data`` as the next picture of the chain; None when it cannot follow here but another may."""
        slices = self._slices(data)
        frame_num = (self._frame_num + self._last_is_reference) % (1 << slices[0][1].frame_num[1])
        poc_lsb, out = self._poc_lsb, []
        for unit, head in slices:
            patches = [(*head.frame_num[:2], frame_num)]
            if head.poc_lsb is not None:
                poc_lsb = (self._poc_lsb + 2) % (1 << head.poc_lsb[1])
                patches.append((*head.poc_lsb[:2], poc_lsb))
            out.append(b"\0\0\0\1" + patched(unit, patches))
        self._frame_num, self._poc_lsb = frame_num, poc_lsb
        self._last_is_reference = slices[0][1].reference
        return b"".join(out)

    def resume(self, data: bytes) -> None:
        """The decoder was given ``data`` and all before it unchanged: the chain goes on from there."""
        head = self._slices(data)[0][1]
        self._frame_num, self._last_is_reference = head.frame_num[2], head.reference
        self._poc_lsb = head.poc_lsb[2] if head.poc_lsb else 0

    def _slices(self, data: bytes) -> list[tuple[bytes, Slice]]:
        found = [(unit, self._slice(unit, kind)) for kind, unit in units(data, "h264") if 1 <= kind <= 5]
        if not found:
            raise NalError("an access unit without a picture")
        return found

    def _slice(self, unit: bytes, kind: int) -> Slice:
        if kind not in (_SLICE, _IDR):
            raise UnsupportedError("data partitioning")
        head = unescape(unit[:64])
        if not head:
            raise NalError("an empty NAL unit")
        bits = BitReader(head)
        reference = head[0] >> 5 & 3 != 0
        bits.u(8), bits.ue()
        slice_kind = bits.ue(9) % 5
        if slice_kind not in (_P, _I):
            raise UnsupportedError("B-frames" if slice_kind == _B else "switching slices")
        pps = self._pps.get(bits.ue(255))
        sps = self._sps.get(pps.sps_id) if pps else None
        if pps is None or sps is None:
            raise NalError("a slice of unknown parameter sets")
        _check_covered(sps, pps)
        if sps.planes:
            bits.u(2)
        at = bits.at
        frame_num = (at, sps.frame_num_bits, bits.u(sps.frame_num_bits))
        if kind == _IDR:
            bits.ue(65535)
        poc_lsb = None
        if sps.poc_type == 0:
            at = bits.at
            poc_lsb = (at, sps.poc_lsb_bits, bits.u(sps.poc_lsb_bits))
            if pps.poc_present:
                bits.se()
        _check_references(bits, sps, pps, slice_kind, reference and kind == _SLICE)
        return Slice(slice_kind, reference, frame_num, poc_lsb)


def _check_covered(sps: Sps, pps: Pps) -> None:
    if not sps.frames_only:
        raise UnsupportedError("interlaced video")
    if sps.poc_type == 1:
        raise UnsupportedError("picture order count type 1")
    if pps.groups > 1:
        raise UnsupportedError("slice groups")


def _check_references(bits: BitReader, sps: Sps, pps: Pps, kind: int, marked: bool) -> None:
    """The rest of the header up to the reference marking, which must not name single pictures."""
    if pps.redundant:
        bits.ue(127)
    references = pps.ref_idx_default
    if kind == _P:
        if bits.flag():
            references = bits.ue(31) + 1
        if bits.flag():
            _read_reordering(bits)
        if pps.weighted:
            _skip_weights(bits, references, sps.monochrome)
    if marked and bits.flag():
        raise UnsupportedError("explicit reference marking")


def _read_reordering(bits: BitReader) -> None:
    for _ in range(66):
        what = bits.ue(5)
        if what == 3:
            return
        if what == 2:
            raise UnsupportedError(_LONG_TERM)
        bits.ue()
    raise NalError("an endless list of references")


def _skip_weights(bits: BitReader, references: int, monochrome: bool) -> None:
    bits.ue(7)
    if not monochrome:
        bits.ue(7)
    for _ in range(references):
        if bits.flag():
            bits.se(), bits.se()
        if not monochrome and bits.flag():
            bits.se(), bits.se(), bits.se(), bits.se()
