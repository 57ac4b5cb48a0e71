"""Thumbnails: a decoded frame as a small JPEG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vigilar_common.errors import VigilarError

from vigilar_camera_worker.adapters.decoder import Picture

MAX_WIDTH_PX: Final = 640
MAX_BYTES: Final = 262_144 - 1024
"""A picture message holds 256 kB."""
_QUALITIES: Final = (85, 70, 50, 30)


class PictureError(VigilarError):
    """A frame that cannot be made into a JPEG."""


@dataclass(frozen=True)
class Jpeg:
    data: bytes = field(repr=False)
    width_px: int
    height_px: int


def thumbnail(picture: Picture, max_width_px: int = MAX_WIDTH_PX) -> Jpeg:
    """At most ``max_width_px`` wide and 256 kB large. Raises PictureError."""
    import cv2

    scale = min(1.0, max_width_px / picture.width_px)
    width = max(2, round(picture.width_px * scale))
    height = max(2, round(picture.height_px * scale))
    pixels = picture.bgr(width, height)
    for quality in _QUALITIES:
        done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(encoded) <= MAX_BYTES:
            return Jpeg(encoded.tobytes(), width, height)
    raise PictureError(f"a {width}×{height} thumbnail does not fit into {MAX_BYTES} bytes")
