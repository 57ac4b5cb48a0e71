"""How long one picture takes a model here, and how many a second, from JPEG to its answer."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from vigilar_common.clock import Clock

from vigilar_models import jpeg
from vigilar_models.runtime import load_model, workers_here
from vigilar_models.store import Installed

Look = Callable[[int, bytes], object]
"""By which thread, at what JPEG."""
Load = Callable[[Installed, int], Look]
"""A model for so many threads. Raises ModelError."""


@dataclass(frozen=True)
class Timing:
    workers: int
    median_ms: float
    p95_ms: float
    per_s: float


def measure(
    found: Installed, load: Load, picture: bytes | None, seconds: float, clock: Clock
) -> Iterator[Timing]:
    """With one thread, then with as many as a service has. Raises ModelError, CropError."""
    data = picture or _detailed(found)
    jpeg.check(data)
    for workers in sorted({1, workers_here()}):
        yield _run(load(found, workers), workers, data, seconds, clock)


def plain(found: Installed, workers: int) -> Look:
    """To the model's numbers, whatever they mean."""
    model = load_model(found, workers)

    def look(worker: int, data: bytes) -> object:
        picture, _ = jpeg.fit(jpeg.pixels(data), found.manifest.input)
        return model.look(worker, picture)

    return look


def _run(look: Look, workers: int, data: bytes, seconds: float, clock: Clock) -> Timing:
    times: list[list[float]] = [[] for _ in range(workers)]
    began_s = clock.monotonic_s()

    def work(worker: int) -> None:
        while (now_s := clock.monotonic_s()) - began_s < seconds:
            look(worker, data)
            times[worker].append((clock.monotonic_s() - now_s) * 1000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted_s = clock.monotonic_s() - began_s
    every = [value for own in times for value in own]
    cuts = statistics.quantiles(every, n=20) if len(every) > 1 else every * 20
    return Timing(workers, statistics.median(every), cuts[18], len(every) / lasted_s)


def _detailed(found: Installed) -> bytes:
    """A picture with as much detail as a crop of a camera has; what is on it does not change the time."""
    import cv2

    size = found.manifest.crop_px
    noise = np.random.default_rng(7).integers(0, 255, (size // 8, size // 8, 3), dtype=np.uint8)
    done, encoded = cv2.imencode(".jpg", cv2.resize(noise, (size, size)), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return encoded.tobytes()
