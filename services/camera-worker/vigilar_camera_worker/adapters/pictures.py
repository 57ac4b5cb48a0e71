"""Thumbnails: a decoded frame as a small JPEG."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from vigilar_common.errors import VigilarError

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.domain.looks import Rect

MAX_WIDTH_PX: Final = 640
MAX_BYTES: Final = 262_144 - 1024
"""A picture message holds 256 kB."""
CONTEXT: Final = 1.8
"""Of an object's longer side is shown."""
LEAST_SHARE: Final = 0.3
"""Of the picture's sides is shown at least: who stands far away stands somewhere."""
_QUALITIES: Final = (85, 70, 50, 30)


class PictureError(VigilarError):
    """A frame that cannot be made into a JPEG."""


@dataclass(frozen=True)
class Jpeg:
    data: bytes = field(repr=False)
    width_px: int
    height_px: int


def properties_of(kind: str, picture_id: str, cause_id: str, taken_ms: int, jpeg: Jpeg) -> dict[str, str]:
    """What a picture says of itself on its way."""
    return {
        "kind": kind,
        "picture_id": picture_id,
        "cause_id": cause_id,
        "ts_ms": str(taken_ms),
        "width_px": str(jpeg.width_px),
        "height_px": str(jpeg.height_px),
    }


def thumbnail(picture: Picture, max_width_px: int = MAX_WIDTH_PX) -> Jpeg:
    """At most ``max_width_px`` wide and 256 kB large. Raises PictureError."""
    scale = min(1.0, max_width_px / picture.width_px)
    width = max(2, round(picture.width_px * scale))
    height = max(2, round(picture.height_px * scale))
    return encoded(picture.bgr(width, height))


def around(box: Rect) -> Rect:
    """The part of the picture that shows an object with what is about it, in the shape of the whole picture."""
    side = min(1.0, max(LEAST_SHARE, CONTEXT * max(box.w, box.h)))
    x, y = box.centre
    return Rect(min(1.0 - side, max(0.0, x - side / 2)), min(1.0 - side, max(0.0, y - side / 2)), side, side)


def object_picture(picture: Picture, box: Rect, max_width_px: int = MAX_WIDTH_PX) -> Jpeg:
    """What is `around` the box, at most ``max_width_px`` wide and never enlarged. Raises PictureError."""
    part = around(box)
    scale = min(1.0, max_width_px / (part.w * picture.width_px))
    width, height = max(2, round(picture.width_px * scale)), max(2, round(picture.height_px * scale))
    left, top = round(part.x * width), round(part.y * height)
    pixels = picture.bgr(width, height)
    return encoded(
        pixels[top : top + max(2, round(part.h * height)), left : left + max(2, round(part.w * width))]
    )


def encoded(pixels: NDArray[np.uint8]) -> Jpeg:
    """In the best quality that fits into 256 kB. Raises PictureError."""
    import cv2

    height, width = pixels.shape[:2]
    for quality in _QUALITIES:
        done, encoded = cv2.imencode(
            ".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        if done and len(encoded) <= MAX_BYTES:
            return Jpeg(encoded.tobytes(), width, height)
    raise PictureError(f"a {width}×{height} thumbnail does not fit into {MAX_BYTES} bytes")
