"""A part of a decoded picture as a JPEG: only its pixels are touched."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from vigilar_common.messages.detection import MAX_CROP_PX

from vigilar_camera_worker.adapters.decoder import Picture
from vigilar_camera_worker.adapters.pictures import Jpeg, PictureError, encoded
from vigilar_camera_worker.domain.looks import Rect
from vigilar_camera_worker.domain.regions import Region, with_margin

QUALITY: Final = 82
MAX_BYTES: Final = 262_144
_LEAST_PX: Final = 16


def cut(picture: Picture, region: Region, side_px: int) -> bytes:
    """At most ``side_px`` wide and high, never larger than it is in the picture. Raises PictureError."""
    import cv2

    side_px = min(side_px, MAX_CROP_PX)
    scale = min(1.0, side_px / max(region.width, region.height))
    width = max(_LEAST_PX, round(region.width * scale / 2) * 2)
    height = max(_LEAST_PX, round(region.height * scale / 2) * 2)
    try:
        pixels = _pixels(picture, region, width, height)
        done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    except cv2.error as error:
        raise PictureError(f"a {width}×{height} crop cannot be made") from error
    if not done or len(encoded) > MAX_BYTES:
        raise PictureError(f"a {width}×{height} crop does not fit into {MAX_BYTES} bytes")
    return bytes(encoded.tobytes())


def cut_object(picture: Picture, box: Rect, side_px: int, margin: float) -> tuple[Jpeg, Rect]:
    """An object with `margin` (parts of its sides) around it, and the part of the picture that shows. Raises PictureError."""
    import cv2

    whole = (picture.width_px, picture.height_px)
    part = with_margin((box.x, box.y, box.w, box.h), margin, *whole)
    scale = min(1.0, side_px / max(part.width, part.height))
    width = max(_LEAST_PX, int(part.width * scale / 2) * 2)
    height = max(_LEAST_PX, int(part.height * scale / 2) * 2)
    try:
        jpeg = encoded(_pixels(picture, part, width, height))
    except cv2.error as error:
        raise PictureError(f"a {width}×{height} picture of an object cannot be made") from error
    area = Rect(part.x / whole[0], part.y / whole[1], part.width / whole[0], part.height / whole[1])
    return jpeg, area


def _pixels(picture: Picture, region: Region, width: int, height: int) -> Any:
    """uint8[height, width, 3], blue, green, red."""
    import cv2

    planes = picture.planes_420()
    if planes is None:
        return _of_the_whole(picture, region, width, height)
    x, y = region.x, region.y
    luma = planes[0][y : y + region.height, x : x + region.width]
    half = [
        plane[y // 2 : (y + region.height) // 2, x // 2 : (x + region.width) // 2] for plane in planes[1:]
    ]
    bright = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    if picture.full_range:
        blue, red = (cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in half)
        return cv2.cvtColor(cv2.merge((bright, red, blue)), cv2.COLOR_YCrCb2BGR)
    colours = [cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA) for plane in half]
    stacked = np.concatenate([bright.ravel(), *(plane.ravel() for plane in colours)])
    return cv2.cvtColor(stacked.reshape(height * 3 // 2, width), cv2.COLOR_YUV2BGR_I420)


def _of_the_whole(picture: Picture, region: Region, width: int, height: int) -> Any:
    """For pixel formats that are rare: the picture is converted as a whole, at the scale of the crop."""
    import cv2

    across, down = width / region.width, height / region.height
    whole = picture.bgr(max(2, round(picture.width_px * across)), max(2, round(picture.height_px * down)))
    left, top = round(region.x * across), round(region.y * down)
    return cv2.resize(whole[top : top + height, left : left + width], (width, height))
