"""Where the fragments of a growing MP4 begin, how long they play, and which ones a player may start at."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from vigilar_common.fmp4.boxes import BoxScanner, Fmp4Error, TopBox, children, unpack
from vigilar_common.fmp4.codecs import codec_string

MAX_TRACKS: Final = 16
MAX_SAMPLES_PER_RUN: Final = 100_000
MAX_FRAGMENTS: Final = 2_000_000
MAX_TIME_MS: Final = 2**53
MAX_DURATION_MS: Final = 2**32 - 1

_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_TREX = struct.Struct(">4xIIIII")  # track, description, duration, size, flags
_NON_SYNC: Final = 0x0001_0000


class Fragment(NamedTuple):
    """One ``moof`` with its ``mdat``. Times are media time of the track; offset and size are bytes."""

    time_ms: int
    duration_ms: int
    offset: int
    size: int
    keyframe: bool  # its first video sample is a sync sample


@dataclass
class Track:
    """What ``moov`` says of one track. Durations are in units of ``1 / timescale`` s."""

    track_id: int
    kind: str  # "vide", "soun", …
    timescale: int
    codec: str
    default_duration: int = 0
    default_flags: int = 0
    next_time: int = 0  # where the next fragment starts if it does not say


@dataclass
class _Run:
    time: int
    duration: int
    keyframe: bool


class FragmentIndex:
    """Feed it a file from byte 0 in pieces of any size; what is whole is in the attributes.

    ``init_length`` is 0 until ``moov`` is complete; the init segment is bytes ``[0, init_length)``.
    """

    def __init__(self) -> None:
        self.fragments: list[Fragment] = []
        self.tracks: list[Track] = []
        self.init_length = 0
        self._scanner = BoxScanner(keep=(b"moov", b"moof"), first=(b"ftyp", b"styp"))
        self._open: tuple[int, Track, _Run] | None = None  # a moof whose mdat is still to come

    @property
    def codecs(self) -> list[str]:
        """Of all tracks, in file order: join with ", " for a MIME type."""
        return [track.codec for track in self.tracks]

    @property
    def video(self) -> Track | None:
        """The first video track."""
        return next((track for track in self.tracks if track.kind == "vide"), None)

    @property
    def whole_length(self) -> int:
        """Bytes up to the end of the last whole outermost box."""
        return self._scanner.whole_bytes

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Raises Fmp4Error on what cannot be MP4; what was indexed before stays usable."""
        for box in self._scanner.feed(data):
            if box.name == b"moov":
                self._take_moov(box)
            elif box.name == b"moof":
                self._take_moof(box)
            elif box.name == b"mdat":
                self._take_mdat(box)

    def _take_moov(self, box: TopBox) -> None:
        if self.init_length:
            raise Fmp4Error(f"a second moov at byte {box.offset}: one file has one init segment")
        tracks: dict[int, Track] = {}
        trex: dict[int, tuple[int, int]] = {}
        for name, body in children(memoryview(box.body), "moov", 1):
            if name == b"trak":
                if len(tracks) >= MAX_TRACKS:
                    raise Fmp4Error(f"moov: more than {MAX_TRACKS} tracks")
                track = _read_trak(body)
                tracks[track.track_id] = track
            elif name == b"mvex":
                for inner_name, inner in children(body, "mvex", 2):
                    if inner_name == b"trex":
                        track_id, _, duration, _, flags = unpack(_TREX, inner, 0, "trex")
                        trex[track_id] = (duration, flags)
        for track_id, (duration, flags) in trex.items():
            if track_id in tracks:
                tracks[track_id].default_duration, tracks[track_id].default_flags = duration, flags
        if not tracks:
            raise Fmp4Error(f"moov at byte {box.offset} has no track")
        self.tracks = list(tracks.values())
        self.init_length = box.offset + box.size

    def _take_moof(self, box: TopBox) -> None:
        where = f"moof at byte {box.offset}"
        if not self.init_length:
            raise Fmp4Error(f"{where} comes before moov")
        runs: list[tuple[Track, _Run]] = []
        by_id = {track.track_id: track for track in self.tracks}
        for name, body in children(memoryview(box.body), where, 1):
            if name == b"traf":
                found = _read_traf(body, by_id, where)
                if found is not None:
                    runs.append(found)
        if not runs:
            self._open = None
            return
        track, run = next((item for item in runs if item[0].kind == "vide"), runs[0])
        if track.kind != "vide":
            # Without any video every fragment is a place to start; beside video, audio alone is none.
            run.keyframe = self.video is None
        self._open = (box.offset, track, run)

    def _take_mdat(self, box: TopBox) -> None:
        if self._open is None:
            return
        if len(self.fragments) >= MAX_FRAGMENTS:
            raise Fmp4Error(f"more than {MAX_FRAGMENTS} fragments")
        offset, track, run = self._open
        self._open = None
        # Both ends are rounded, not the duration, so that no error adds up over a day.
        time_ms = run.time * 1000 // track.timescale
        end_ms = (run.time + run.duration) * 1000 // track.timescale
        if end_ms > MAX_TIME_MS or end_ms - time_ms > MAX_DURATION_MS:
            raise Fmp4Error(
                f"moof at byte {offset}: impossible time ({time_ms} ms, for {end_ms - time_ms} ms)"
            )
        size = box.offset + box.size - offset
        self.fragments.append(Fragment(time_ms, end_ms - time_ms, offset, size, run.keyframe))


def _read_trak(body: memoryview) -> Track:
    track_id = timescale = 0
    kind = codec = ""
    for name, inner in children(body, "trak", 2):
        if name == b"tkhd":
            track_id = unpack(_U32, inner, 20 if _version(inner, "tkhd") else 12, "tkhd")[0]
        elif name == b"mdia":
            for mdia_name, mdia in children(inner, "mdia", 3):
                if mdia_name == b"mdhd":
                    timescale = unpack(_U32, mdia, 20 if _version(mdia, "mdhd") else 12, "mdhd")[0]
                elif mdia_name == b"hdlr":
                    kind = bytes(mdia[8:12]).decode("latin-1")
                elif mdia_name == b"minf":
                    codec = _read_minf(mdia)
    if not timescale:
        raise Fmp4Error(f"track {track_id}: has no timescale")
    return Track(track_id, kind, timescale, codec)


def _read_minf(body: memoryview) -> str:
    for name, inner in children(body, "minf", 4):
        if name == b"stbl":
            for stbl_name, stbl in children(inner, "stbl", 5):
                if stbl_name == b"stsd":
                    for entry, entry_body in children(stbl[8:], "stsd", 6):
                        return codec_string(entry, entry_body, 7)
    return ""


def _read_traf(body: memoryview, tracks: dict[int, Track], where: str) -> tuple[Track, _Run] | None:
    """The track's part of a fragment, or None when it is of no known track or has no samples."""
    track: Track | None = None
    duration = flags = 0
    time: int | None = None
    total = 0
    keyframe: bool | None = None
    for name, inner in children(body, f"{where}: traf", 2):
        if name == b"tfhd":
            track_id = unpack(_U32, inner, 4, f"{where}: tfhd")[0]
            track = tracks.get(track_id)
            if track is None:
                return None
            duration, flags = _tfhd_defaults(inner, track, where)
        elif name == b"tfdt":
            layout = _U64 if _version(inner, f"{where}: tfdt") else _U32
            time = unpack(layout, inner, 4, f"{where}: tfdt")[0]
        elif name == b"trun":
            if track is None:
                raise Fmp4Error(f"{where}: trun comes before tfhd")
            run_duration, first_sync = _read_trun(inner, duration, flags, where)
            total += run_duration
            keyframe = first_sync if keyframe is None else keyframe
    if track is None or keyframe is None:
        return None
    start = track.next_time if time is None else time
    track.next_time = start + total
    return track, _Run(start, total, keyframe)


def _tfhd_defaults(body: memoryview, track: Track, where: str) -> tuple[int, int]:
    """Default sample duration and flags of this fragment."""
    present = unpack(_U32, body, 0, f"{where}: tfhd")[0] & 0xFFFFFF
    at = 8 + (8 if present & 0x1 else 0) + (4 if present & 0x2 else 0)
    duration, flags = track.default_duration, track.default_flags
    if present & 0x8:
        duration = unpack(_U32, body, at, f"{where}: tfhd")[0]
        at += 4
    if present & 0x10:
        at += 4
    if present & 0x20:
        flags = unpack(_U32, body, at, f"{where}: tfhd")[0]
    return duration, flags


def _read_trun(body: memoryview, duration: int, flags: int, where: str) -> tuple[int, bool | None]:
    """Duration of the run (timescale units); is its first sample a sync sample (None: no sample)?"""
    where = f"{where}: trun"
    present = unpack(_U32, body, 0, where)[0] & 0xFFFFFF
    count = unpack(_U32, body, 4, where)[0]
    if count == 0:
        return 0, None
    if count > MAX_SAMPLES_PER_RUN:
        raise Fmp4Error(f"{where} says {count} samples, more than {MAX_SAMPLES_PER_RUN}")
    at = 8 + (4 if present & 0x1 else 0)
    if present & 0x4:
        flags = unpack(_U32, body, at, where)[0]
        at += 4
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if present & bit]
    width = len(columns)
    values = unpack(struct.Struct(f">{count * width}I"), body, at, where)
    if 0x400 in columns and not present & 0x4:
        flags = values[columns.index(0x400)]
    total = sum(values[0::width]) if 0x100 in columns else duration * count
    return total, not flags & _NON_SYNC


def _version(body: memoryview, where: str) -> int:
    """1 for the 64-bit form of a full box, 0 for the 32-bit one. Raises Fmp4Error on any other."""
    version = unpack(_U32, body, 0, where)[0] >> 24
    if version > 1:
        raise Fmp4Error(f"{where}: version {version} is not known")
    return version
