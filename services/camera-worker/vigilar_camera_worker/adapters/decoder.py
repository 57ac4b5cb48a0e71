"""Packets into pictures for analysis. Untrusted input: bounded in size, errors counted, never fatal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_camera_worker.adapters.fmp4 import StreamFormat
from vigilar_camera_worker.adapters.hardware import MAX_FAULTS, MAX_SILENT, SOFTWARE, Hardware
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet

if TYPE_CHECKING:
    import av

Luma = NDArray[np.uint8]
"""uint8[height, width]: brightness, 16–235 or 0–255."""

MAX_PICTURE_PX: Final = 17_000_000
"""4096×4096, and a decoder keeps up to sixteen of them; larger ones are recorded without being looked at."""
_EIGHT_BIT_PLANAR: Final = frozenset(
    ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray")
)
_WALL_TIMES: Final = 64
_FULL_RANGE: Final = 2
"""AVCOL_RANGE_JPEG"""
_LOW_DELAY: Final = 1 << 19
"""AV_CODEC_FLAG_LOW_DELAY"""


class Picture:
    """One decoded frame; its pixels are touched only when asked for."""

    def __init__(self, frame: av.VideoFrame, wall_ms: int) -> None:
        self._frame = frame
        self.wall_ms = wall_ms
        self.time_s = (frame.pts or 0) / TICKS_PER_S
        self.width_px = frame.width
        self.height_px = frame.height

    def luma(self) -> Luma:
        """The brightness plane at full size, without a copy where the format allows it."""
        frame = self._frame
        if frame.format.name not in _EIGHT_BIT_PLANAR:
            frame = frame.reformat(format="gray")
        plane = frame.planes[0]
        rows = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
        return rows[: frame.height, : frame.width]

    @property
    def full_range(self) -> bool:
        """Brightness 0–255, not 16–235."""
        return self._frame.format.name.startswith("yuvj") or int(self._frame.color_range) == _FULL_RANGE

    def planes_420(self) -> tuple[Luma, Luma, Luma] | None:
        """Brightness and the two colours (half as wide and high) without a copy; None for other pixel formats."""
        frame = self._frame
        if frame.format.name not in ("yuv420p", "yuvj420p"):
            return None
        half = (frame.height + 1) // 2, (frame.width + 1) // 2
        shapes = ((frame.height, frame.width), half, half)
        planes = []
        for plane, (rows, columns) in zip(frame.planes, shapes, strict=True):
            whole = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
            planes.append(whole[:rows, :columns])
        return planes[0], planes[1], planes[2]

    def bgr(self, width_px: int, height_px: int) -> NDArray[np.uint8]:
        """uint8[height, width, 3], scaled."""
        scaled = self._frame.reformat(width=width_px, height=height_px, format="bgr24")
        return scaled.to_ndarray().astype(np.uint8, copy=False)


class Decoder:
    """Decodes everything it is fed, on one thread, without the loop filter: a fifth cheaper, and motion shows
    just as well. After an error it waits for the next keyframe.

    ``in_order``: the stream has no B-frames, each picture comes out with its own packet, whatever the stream says.
    """

    def __init__(
        self, wanted: StreamFormat, *, in_order: bool = False, hardware: Hardware | None = None
    ) -> None:
        self._wanted, self._in_order = wanted, in_order
        self._hardware = hardware or Hardware()
        self._context, self.device = self._hardware.open(wanted.decoder, self._prepare)
        self._faults = self._silent = 0
        self.stream_id = wanted.stream_id
        self._needs_key = True
        self._walls: dict[int, int] = {}
        self.decoded = 0
        self.errors = 0
        """Packets that did not give a clean picture."""

    def _prepare(self, context: av.VideoCodecContext) -> None:
        context.thread_type = "NONE"
        # AV1's decoder starts threads all the same. One that lets go of a packet needs the interpreter's lock while it
        # holds the decoder's own, and whoever closes the decoder then waits for it for ever, with the interpreter's.
        context.thread_count = 1
        context.options = {"skip_loop_filter": "all", "max_pixels": str(MAX_PICTURE_PX)}
        context.extradata = self._wanted.parameter_sets
        if self._in_order:
            context.flags |= _LOW_DELAY

    def _check_device(self) -> None:
        """One that fails at once, several times in a row or silently is given up; the next keyframe is another's."""
        failed = self._faults >= (MAX_FAULTS if self.decoded else 1)
        if self.device == SOFTWARE or not (failed or self._silent > MAX_SILENT):
            return
        self._hardware.give_up("packets are not decoded")
        self._context, self.device = self._hardware.open(self._wanted.decoder, self._prepare)
        self._faults = self._silent = self.decoded = 0
        self._needs_key = True

    def feed(self, packet: Packet, data: bytes | None = None) -> list[Picture]:
        """Clean pictures only; damaged ones are counted in ``errors``. ``data``: instead of the packet's own."""
        import av

        if self._needs_key and not packet.key:
            return []
        copy = av.Packet(packet.data if data is None else data)
        copy.pts, copy.dts = packet.pts, packet.dts
        self._walls[packet.pts] = packet.wall_ms
        if len(self._walls) > _WALL_TIMES:
            del self._walls[next(iter(self._walls))]
        try:
            frames = self._context.decode(copy)
        except av.FFmpegError:
            self.errors += 1
            self._faults += 1
            self.restart()
            self._check_device()
            return []
        self._needs_key = False
        self._faults = 0
        self._silent = 0 if frames else self._silent + 1
        self._check_device()
        pictures = []
        for frame in frames:
            if frame.is_corrupt:
                self.errors += 1
                continue
            self.decoded += 1
            pictures.append(Picture(frame, self._walls.get(frame.pts or 0, packet.wall_ms)))
        return pictures

    def restart(self) -> None:
        """Forget what was decoded, wait for a keyframe (packets are missing, or the last ones were damaged)."""
        self._context.flush_buffers()
        self._needs_key = True
