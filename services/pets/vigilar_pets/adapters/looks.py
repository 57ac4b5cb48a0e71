"""Pictures in, how the animal looks out: the embedding model, and what is refused before anything is decoded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from vigilar_models import jpeg
from vigilar_models.embedding import embedding
from vigilar_models.errors import CropError
from vigilar_models.manifest import Task
from vigilar_models.runtime import load_model
from vigilar_models.store import Store

Floats = NDArray[np.float32]

MAX_SIDE_PX: Final = 2048
"""Of a picture, by its headers: what claims to be larger is never decoded."""
KEPT_SIDE_PX: Final = 320
KEPT_QUALITY: Final = 85
LEAST_SIDE_PX: Final = 24


class Looks:
    """Thread-safe; one picture at a time on one thread."""

    def __init__(self, models: Path) -> None:
        """Loads the model in use. Raises ModelError, OSError."""
        found = Store(models).chosen(Task.EMBED_ANIMAL)
        self._manifest = found.manifest
        self._model = load_model(found, 1)
        self._lock = threading.Lock()
        self.model_id = f"{found.manifest.id}@{found.manifest.sha256[:12]}"
        self.title = found.manifest.title
        self.look(_grey(found.manifest.input.width_px))  # a model that lies is refused here

    def look(self, picture: bytes) -> tuple[Floats, dict[str, float]]:
        """(vector, probability by animal). Raises CropError, ModelError."""
        fitted, _ = jpeg.fit(pixels(picture), self._manifest.input)
        with self._lock:
            return embedding(self._model.look(0, fitted), self._manifest)


def pixels(picture: bytes) -> NDArray[np.uint8]:
    """Raises CropError for what is no JPEG, too small or too large; only then it is decoded."""
    jpeg.check(picture, MAX_SIDE_PX)
    if min(jpeg.size_of(picture)) < LEAST_SIDE_PX:
        raise CropError(f"is less than {LEAST_SIDE_PX} pixels large")
    return jpeg.pixels(picture)


def smaller(picture: bytes) -> bytes:
    """As it is kept. Raises CropError."""
    import cv2

    whole = pixels(picture)
    side = max(whole.shape[:2])
    if side > KEPT_SIDE_PX:
        scale = KEPT_SIDE_PX / side
        size = (max(1, round(whole.shape[1] * scale)), max(1, round(whole.shape[0] * scale)))
        whole = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return _encoded(whole)


def _grey(side_px: int) -> bytes:
    noise = np.random.default_rng(1).integers(90, 140, (side_px, side_px, 3), dtype=np.uint8)
    return _encoded(noise)


def _encoded(picture: Any) -> bytes:
    import cv2

    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, KEPT_QUALITY])
    if not done:
        raise CropError("cannot be kept")
    data: bytes = encoded.tobytes()
    return data
