"""Pets: which is which, who is nobody's, how long one crop takes, how much memory. On photos that a package ships.

Gallery: a few views of each animal (`pet_pictures.seen`: cut, turn, light, blur, size, noise, at times infrared). Probes: other
views of the same photo; and each animal once as a stranger, left out of the gallery. Run: `make bench-identify`.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from numpy.typing import NDArray
from pet_pictures import ANIMALS, ensure_model, jpeg, seen
from vigilar_common import memory
from vigilar_pets.adapters.looks import Looks
from vigilar_pets.domain.gallery import Gallery

LEARNT_FROM, PROBES = 6, 24
LEAST_RANK1, LEAST_REJECTED, MOST_MS, MOST_RSS_MB = 0.95, 0.9, 25.0, 250.0

Vectors = dict[str, list[NDArray[np.float32]]]


def main() -> int:
    memory.tune_allocator()
    os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
    looks = Looks(ensure_model())
    memory.release()
    times: list[float] = []
    learnt = _views(looks, range(LEARNT_FROM), [])
    probes = _views(looks, range(100, 100 + PROBES), times)
    gallery = Gallery(learnt)
    told = [(pet, gallery.tell(vector)) for pet, vectors in probes.items() for vector in vectors]
    rank1 = sum(found.nearest == pet for pet, found in told)
    right = sum(found.pet_id == pet for pet, found in told)
    wrong = sum(found.pet_id not in (pet, None) for pet, found in told)
    rejected = _rejected(learnt, probes)
    rss_mb = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    median_ms = statistics.median(times)
    print(f"{len(ANIMALS)} animals, {LEARNT_FROM} views each learnt, {len(told)} other views")
    print(
        f"rank-1 {rank1 / len(told):.3f}  told right {right}, wrong {wrong}, nobody {len(told) - right - wrong}"
    )
    print(f"the animal that was left out is nobody: {rejected} of {len(told)}")
    print(f"ms of CPU per crop on one core: median {median_ms:.1f}, p95 {np.percentile(times, 95):.1f}")
    print(f"RSS {rss_mb:.0f} MB, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    print(
        "Not shown: one pet in another pose, coat or year; two of one litter; a camera at night. There is one photo of each."
    )
    good = (
        rank1 / len(told) >= LEAST_RANK1
        and rejected / len(told) >= LEAST_REJECTED
        and median_ms <= MOST_MS
        and rss_mb < MOST_RSS_MB
    )
    return 0 if good else 1


def _views(looks: Looks, numbers: range, times: list[float]) -> Vectors:
    """By animal; `times` gets the milliseconds of CPU from JPEG to vector."""
    found: Vectors = {name: [] for name in ANIMALS}
    for name in ANIMALS:
        for number in numbers:
            data = jpeg(seen(name, number))
            began_s = time.process_time()
            vector, _ = looks.look(data)
            times.append((time.process_time() - began_s) * 1000)
            found[name].append(vector)
    return found


def _rejected(learnt: Vectors, probes: Vectors) -> int:
    """How many views of an animal that nobody has are told of nobody."""
    count = 0
    for left_out in ANIMALS:
        gallery = Gallery({name: rows for name, rows in learnt.items() if name != left_out})
        count += sum(gallery.tell(vector).pet_id is None for vector in probes[left_out])
    return count


if __name__ == "__main__":
    sys.exit(main())
