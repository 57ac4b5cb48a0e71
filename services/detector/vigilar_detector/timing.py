"""How long one crop takes here, from JPEG to objects: what `vigilar_models.timing` runs for models that detect."""

from __future__ import annotations

from vigilar_models.store import Installed
from vigilar_models.timing import Look

from vigilar_detector.loading import load
from vigilar_detector.looker import look

THRESHOLD = 0.5


def looking(found: Installed, workers: int) -> Look:
    """Raises ModelError."""
    loaded = load(found, THRESHOLD, workers)
    return lambda worker, jpeg: look(loaded, worker, jpeg)
