"""Crops as they come: looked at from outside first, decoded only when small enough."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from vigilar_common.messages.detection import MAX_CROP_PX

from vigilar_models.arrays import Fitted, Pixels
from vigilar_models.errors import CropError
from vigilar_models.manifest import ModelInput

MAX_SEGMENTS: Final = 64
"""Before the size of a picture is told; ours have six."""
_STARTS = b"\xff\xd8"
_SIZES = frozenset((0xC0, 0xC1, 0xC2))
"""Start of frame: baseline, extended, progressive."""
_OTHER_FRAMES = frozenset((0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_END_OR_SCAN = frozenset((0xD9, 0xDA))


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height as the headers say (ITU T.81, B.2.2). Raises CropError."""
    if not jpeg.startswith(_STARTS):
        raise CropError("is no JPEG")
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 4 > len(jpeg) or jpeg[at] != 0xFF:
            break
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker in _SIZES and at + 9 <= len(jpeg):
            height, width = (int.from_bytes(jpeg[at + n : at + n + 2], "big") for n in (5, 7))
            return width, height
        if marker in _OTHER_FRAMES:
            raise CropError("is a JPEG of a kind that no camera worker makes")
        if marker in _END_OR_SCAN or length < 2:
            break
        at += 2 + length
    raise CropError("is a JPEG without a size")


def check(jpeg: bytes, most_px: int = MAX_CROP_PX) -> None:
    """Raises CropError for what is not to be decoded; costs next to nothing."""
    width, height = size_of(jpeg)
    if not (0 < width <= most_px and 0 < height <= most_px):
        raise CropError(f"is {width}×{height} pixels large, at most {most_px}×{most_px} are looked at")


def pixels(jpeg: bytes) -> Pixels:
    """Raises CropError; the picture is as large as its header says."""
    import cv2

    wanted = size_of(jpeg)
    try:
        decoded: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise CropError("cannot be decoded") from error
    if decoded is None or (decoded.shape[1], decoded.shape[0]) != wanted:
        raise CropError("cannot be decoded")
    result: Pixels = decoded
    return result


def fit(picture: Pixels, wanted: ModelInput) -> tuple[Pixels, Fitted]:
    """The picture in the model's size."""
    import cv2

    height, width = picture.shape[:2]
    size = (wanted.width_px, wanted.height_px)
    if (width, height) == size:
        return picture, Fitted()
    how = cv2.INTER_AREA if width > wanted.width_px else cv2.INTER_LINEAR
    result: Pixels
    if wanted.resize == "stretch":
        result = cv2.resize(picture, size, interpolation=how).astype(np.uint8, copy=False)
        return result, Fitted()
    scale = min(wanted.width_px / width, wanted.height_px / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    result = np.full((wanted.height_px, wanted.width_px, 3), wanted.fill, np.uint8)
    result[: inner[1], : inner[0]] = cv2.resize(picture, inner, interpolation=how)
    return result, Fitted(inner[0] / wanted.width_px, inner[1] / wanted.height_px)
