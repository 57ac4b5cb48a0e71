"""How long one crop takes here, and how many a second, from JPEG to objects."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from vigilar_common.clock import Clock

from vigilar_detector.adapters.jpeg import check
from vigilar_detector.adapters.store import Installed
from vigilar_detector.loading import load, workers_here
from vigilar_detector.looker import Loaded, look

THRESHOLD = 0.5


@dataclass(frozen=True)
class Timing:
    workers: int
    median_ms: float
    p95_ms: float
    per_s: float


def measure(found: Installed, picture: bytes | None, seconds: float, clock: Clock) -> Iterator[Timing]:
    """With one thread, then with as many as the service has. Raises ModelError, CropError."""
    jpeg = picture or _street(found)
    check(jpeg)
    for workers in sorted({1, workers_here()}):
        yield _run(load(found, THRESHOLD, workers), jpeg, seconds, clock)


def _run(loaded: Loaded, jpeg: bytes, seconds: float, clock: Clock) -> Timing:
    times: list[list[float]] = [[] for _ in range(loaded.workers)]
    began_s = clock.monotonic_s()

    def work(worker: int) -> None:
        while (now_s := clock.monotonic_s()) - began_s < seconds:
            look(loaded, worker, jpeg)
            times[worker].append((clock.monotonic_s() - now_s) * 1000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(loaded.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted_s = clock.monotonic_s() - began_s
    every = [value for own in times for value in own]
    cuts = statistics.quantiles(every, n=20) if len(every) > 1 else every * 20
    return Timing(loaded.workers, statistics.median(every), cuts[18], len(every) / lasted_s)


def _street(found: Installed) -> bytes:
    """A picture with as much detail as a crop of a camera has; what is on it does not change the time."""
    import cv2

    size = found.manifest.crop_px
    noise = np.random.default_rng(7).integers(0, 255, (size // 8, size // 8, 3), dtype=np.uint8)
    done, encoded = cv2.imencode(".jpg", cv2.resize(noise, (size, size)), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return encoded.tobytes()
