"""From a model on disk to one that is ready: verified, loaded, tried out, timed."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Final

import numpy as np
from vigilar_common.clock import Clock
from vigilar_common.config.detection import Detection
from vigilar_common.messages.detection import TOLD_SHARE
from vigilar_models.arrays import Fitted
from vigilar_models.runtime import load_model, workers_here
from vigilar_models.store import Installed, Store

from vigilar_detector.adapters.chosen import chosen
from vigilar_detector.domain.decode import decode
from vigilar_detector.looker import Loaded

TRIES: Final = 5


def load_chosen(settings: Detection, models: Path) -> Loaded:
    """The model that the configuration asks for. Raises ModelError."""
    return load(chosen(settings, Store(models)), settings.confidence_threshold * TOLD_SHARE, workers_here())


def load(found: Installed, threshold: float, workers: int) -> Loaded:
    """Raises ModelError, also for a model that does not keep to its manifest when it looks at a grey picture."""
    model = load_model(found, workers)
    # Its numbers may be of fewer classes than the manifest names.
    manifest = found.manifest.model_copy(update={"classes": model.classes})
    loaded = Loaded(manifest, model, workers, threshold)
    for worker in range(workers):
        _try(loaded, worker)
    return loaded


def _try(loaded: Loaded, worker: int) -> None:
    wanted = loaded.manifest.input
    grey = np.full((wanted.height_px, wanted.width_px, 3), 114, np.uint8)
    decode(loaded.model.look(worker, grey), loaded.manifest, loaded.model.anchors, loaded.threshold, Fitted())


def time_ms(loaded: Loaded, clock: Clock, tries: int = TRIES) -> float:
    """Median of inference and decoding, one after the other, on one thread."""
    times = []
    for _ in range(tries):
        began_s = clock.monotonic_s()
        _try(loaded, 0)
        times.append((clock.monotonic_s() - began_s) * 1000)
    return statistics.median(times)
