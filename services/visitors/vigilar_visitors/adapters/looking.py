"""From a JPEG to faces with vectors: decode, find, turn upright, judge, embed."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from vigilar_common import memory
from vigilar_models.arrays import Pixels
from vigilar_models.errors import CropError, ModelError
from vigilar_models.jpeg import check, fit, pixels
from vigilar_models.manifest import Decoding, Task
from vigilar_models.runtime import load_model
from vigilar_models.store import Store

from vigilar_visitors.adapters.crops import Crop
from vigilar_visitors.domain.decode import DecodeError, centerface, yunet
from vigilar_visitors.domain.faces import Face, Floats, Points, Quality, quality, upright
from vigilar_visitors.domain.gallery import Limits, Vector

if TYPE_CHECKING:
    from vigilar_models.manifest import FaceVector
    from vigilar_models.runtime import LoadedModel

log = logging.getLogger(__name__)

MAX_PICTURE_PX: Final = 2_048
"""A side of a picture that is looked at; a larger one is refused before it is decoded."""
THRESHOLD: Final = 0.5
CROP_PX: Final = 224
"""The longer side of a kept picture of a face."""
CROP_ROOM: Final = 0.45
"""Around the face, in parts of its size: what shows who it is, and enough to turn it upright by another template."""
CROP_QUALITY: Final = 88
MAX_CROP_JPEG: Final = 40_000
"""Bytes: it has to fit into an answer on the bus."""

TEMPLATES: Final[dict[str, Points]] = {
    # Where a model was shown eyes, nose and mouth, in parts of its picture.
    "dlib": ((0.318, 0.314), (0.669, 0.314), (0.493, 0.511), (0.336, 0.687), (0.651, 0.687)),
    "arcface": ((0.3419, 0.4616), (0.6565, 0.4598), (0.5002, 0.6405), (0.3710, 0.8247), (0.6315, 0.8232)),
}


@dataclass(frozen=True)
class Seen:
    """One face that was found. `vector` and `crop` only of a face without fault."""

    face: Face
    quality: Quality
    vector: Vector | None = None
    crop: bytes = field(default=b"", repr=False)


class Looker(Protocol):
    """What the service needs of a pair of models; tests have one of their own. One thread at a time."""

    limits: Limits
    counters: Counter[str]

    def look(self, jpeg: bytes, least_px: int) -> list[Seen]: ...

    def again(self, crop: Crop) -> Vector: ...


class FaceLooker:
    """A detector and an embedder, loaded. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError, OSError."""
        store = Store(folder)
        finding, naming = store.chosen(Task.FACE_DETECT), store.chosen(Task.FACE_EMBED)
        vectors = naming.manifest.face
        if vectors is None:
            raise ModelError(f"model {naming.manifest.id}: its manifest has no part `face`")
        self._finding, self._naming = finding.manifest, naming.manifest
        self._detector: LoadedModel = load_model(finding, 1)
        memory.release()  # what reading the graph took, before the next one is read
        self._embedder: LoadedModel = load_model(naming, 1)
        self._vectors: FaceVector = vectors
        # By the content: what a file of another one under the same name made is not comparable.
        model = f"{naming.manifest.id}@{naming.manifest.sha256[:16]}"
        self.limits = Limits(model, vectors.same_below, vectors.sure_below, vectors.metric == "cosine")
        self.titles = (finding.manifest.title, naming.manifest.title)
        self.licences = (finding.manifest.licence, naming.manifest.licence)
        self.counters: Counter[str] = Counter()

    def look(self, jpeg: bytes, least_px: int) -> list[Seen]:
        """Every face in the picture, surest first; no picture of any kind makes more work than MAX_FACES of them.

        Raises CropError for what is no picture or too large, ModelError when a model answers with nonsense.
        """
        check(jpeg, MAX_PICTURE_PX)
        picture = pixels(jpeg)
        found = [self._judged(picture, face, least_px) for face in self._find(picture)]
        self.counters["pictures"] += 1
        self.counters["faces"] += len(found)
        for seen in found:
            self.counters[f"refused_{seen.quality.fault}" if seen.quality.fault else "used"] += 1
        return found

    def again(self, crop: Crop) -> Vector:
        """The vector of a kept picture. Raises CropError, ModelError."""
        check(crop.jpeg, CROP_PX)
        return self._embed(self._upright(pixels(crop.jpeg), crop.points))

    def _find(self, picture: Pixels) -> list[Face]:
        fitted, scale = fit(picture, self._finding.input)
        outputs = self._detector.look(0, fitted)
        wanted = self._finding.input
        try:
            if self._finding.decoding is Decoding.CENTERFACE:
                faces = centerface(outputs, THRESHOLD)
            else:
                faces = yunet(outputs, THRESHOLD, (wanted.width_px, wanted.height_px))
        except DecodeError as error:
            raise ModelError(f"model {self._finding.id}: {error}") from error
        height, width = picture.shape[:2]
        across, down = width / (wanted.width_px * scale.share_x), height / (wanted.height_px * scale.share_y)
        return [_scaled(face, across, down) for face in faces]

    def _judged(self, picture: Pixels, face: Face, least_px: int) -> Seen:
        try:
            turned = self._upright(picture, face.points)
        except ValueError:
            turned = None
        sharp = _sharpness(turned) if turned is not None else 0.0
        height, width = picture.shape[:2]
        told = quality(face, (width, height), sharp, least_px)
        if told.fault is not None or turned is None:
            return Seen(face, told)
        return Seen(face, told, self._embed(turned), _cut(picture, face).pack())

    def _upright(self, picture: Pixels, points: Points) -> Pixels:
        """As the embedder wants it. Raises ValueError."""
        import cv2

        wanted = self._naming.input
        template = tuple(
            (x * wanted.width_px, y * wanted.height_px) for x, y in TEMPLATES[self._vectors.template]
        )
        turn: Floats = upright(points, template)
        # A face that is larger than the model's picture is made smaller by whole areas, not by single pixels.
        shrink = float(np.hypot(*turn[:, 0]))
        if shrink < 0.5:
            picture = _resized(picture, 2 * shrink)
            turn = turn.copy()
            turn[:, :2] /= 2 * shrink
        size = (wanted.width_px, wanted.height_px)
        return cv2.warpAffine(picture, turn, size, flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)

    def _embed(self, turned: Pixels) -> Vector:
        """Raises ModelError."""
        result = self._embedder.look(0, turned)[0].ravel().astype(np.float32)
        if result.size != self._vectors.length or not np.isfinite(result).all():
            raise ModelError(f"model {self._naming.id}: gives no vector of {self._vectors.length} numbers")
        return result


def _scaled(face: Face, across: float, down: float) -> Face:
    x, y, width, height = face.box
    return Face(
        (x * across, y * down, width * across, height * down),
        face.score,
        tuple((px * across, py * down) for px, py in face.points),
    )


def _resized(picture: Pixels, scale: float) -> Pixels:
    """Made smaller, by whole areas."""
    import cv2

    size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _sharpness(turned: Pixels) -> float:
    """Variance of the Laplacian, of the inner half, where the face is."""
    import cv2

    grey = cv2.cvtColor(turned, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    inner = grey[height // 5 : -height // 5, width // 5 : -width // 5]
    return float(cv2.Laplacian(inner, cv2.CV_32F).var())


def _cut(picture: Pixels, face: Face) -> Crop:
    """The face with room around it."""
    import cv2

    x, y, width, height = face.box
    room = CROP_ROOM * max(width, height)
    left, top = max(0, int(x - room)), max(0, int(y - room))
    right, bottom = (
        min(most, int(end + room))
        for most, end in zip(picture.shape[1::-1], (x + width, y + height), strict=True)
    )
    part = picture[top:bottom, left:right]
    scale = min(1.0, CROP_PX / max(part.shape[:2]))
    if scale < 1:
        part = _resized(part, scale)
    points = tuple(((px - left) * scale, (py - top) * scale) for px, py in face.points)
    done, jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, CROP_QUALITY])
    if not done or len(jpeg) > MAX_CROP_JPEG:
        raise CropError("the face cannot be kept as a picture")
    return Crop(jpeg.tobytes(), points)
