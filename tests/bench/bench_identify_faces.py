"""Faces: who is told from whom, how long one takes, how much memory. On faces that packages ship.

Gallery: each of the faces that is good enough, enrolled from one picture. Probes: the same faces in other pictures made of
it (`face_pictures.changed`: light, size, turn, mirror, blur, noise). What that does not show is said at the end, and in
docs/benchmarks.md. Run: `make bench-identify`.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
from face_pictures import astronaut, changed, crowds, ensure_face_models, jpeg
from vigilar_common import memory
from vigilar_visitors.adapters.looking import FaceLooker, Seen
from vigilar_visitors.domain.gallery import Gallery, Person, Sample, Vector

CHANGES = 10
LEAST_PX = 48
LEAST_TRUE, MOST_MS, MOST_RSS_MB = 0.95, 150.0, 250.0
SAME = ({"sample1.jpg/0", "sample3.jpg/1"},)
"""Faces that are one person's, as far as an eye can tell."""
ROOM = 0.8


def main() -> int:
    memory.tune_allocator()
    os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
    looker = FaceLooker(ensure_face_models())
    memory.release()
    people, probes, times = _pictures(looker)
    gallery = Gallery(looker.limits)
    for name, vector in people.items():
        gallery.put(Person(name, 0, 0, name))
        gallery.add(Sample(name, name, vector, 0.9, looker.limits.model))
    shown = _apart(people)
    for same in (0.40, 0.43, 0.46, 0.50, 0.55):
        gallery.limits = replace(looker.limits, same=same, sure=min(same, looker.limits.sure))
        found = _matched(gallery, probes)
        wrong = _strangers(gallery, probes)
        print(f"  up to {same:.2f}: true {found[0]} false {found[1]} nobody {found[2]}, strangers {wrong}")
    gallery.limits = looker.limits
    true, false, none = _matched(gallery, probes)
    strangers = _strangers(gallery, probes)
    total = true + false + none
    rss_mb = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    median_ms = statistics.median(times)
    print(f"{len(people)} faces, {total} other pictures of them in which a face was good enough")
    print(f"true matches {true / total:.3f}  false {false}  nobody {none}")
    print(f"the person not enrolled: {strangers} of {total} taken for somebody else")
    print(f"nearest two of different people {shown:.3f} apart, one person up to {looker.limits.same}")
    print(f"ms per face on one core: median {median_ms:.0f}, p95 {np.percentile(times, 95):.0f}")
    print(f"RSS {rss_mb:.0f} MB, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    print(
        "Not shown: the same person on another day, age, glasses, a door camera at night, relatives, a photo of a face."
    )
    good = (
        true / total >= LEAST_TRUE
        and false == strangers == 0
        and median_ms <= MOST_MS
        and rss_mb < MOST_RSS_MB
    )
    return 0 if good else 1


def _pictures(looker: FaceLooker) -> tuple[dict[str, Vector], list[tuple[str, Vector]], list[float]]:
    """Vectors by face, vectors of changed pictures with the face each is of, milliseconds of CPU for one face."""
    people: dict[str, Vector] = {}
    probes: list[tuple[str, Vector]] = []
    times: list[float] = []
    for name, picture in {"astronaut": astronaut(), **crowds()}.items():
        scale = min(1.0, 1_600 / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = sorted(looker.look(jpeg(picture, 92), LEAST_PX), key=lambda seen: seen.face.box[0])
        for number, seen in enumerate(found):
            if seen.vector is None:
                continue
            label = f"{name}/{number}"
            people[label] = seen.vector
            cut = _around(picture, seen)
            for change in range(CHANGES):
                data = jpeg(changed(cut, change), 70)
                began_s = time.process_time()
                again = looker.look(data, LEAST_PX)
                times.append((time.process_time() - began_s) * 1000)
                middle = _middle(again, cut.shape[:2])
                if middle is not None and middle.vector is not None:
                    probes.append((label, middle.vector))
    return people, probes, times


def _around(picture: np.ndarray, seen: Seen) -> np.ndarray:
    x, y, width, height = seen.face.box
    room = ROOM * max(width, height)
    top, left = max(0, int(y - room)), max(0, int(x - room))
    return picture[top : int(y + height + room), left : int(x + width + room)]


def _middle(found: list[Seen], size: tuple[int, ...]) -> Seen | None:
    """The face nearest to the middle: others of the party may stand beside it."""

    def off(seen: Seen) -> float:
        x, y, width, height = seen.face.box
        return abs(x + width / 2 - size[1] / 2) + abs(y + height / 2 - size[0] / 2)

    return min(found, key=off, default=None)


def _matched(gallery: Gallery, probes: list[tuple[str, Vector]]) -> tuple[int, int, int]:
    true = false = none = 0
    for label, vector in probes:
        match = gallery.match([(vector, 0.8)])
        if match is None:
            none += 1
        elif match.profile_id == label or {match.profile_id, label} in SAME:
            true += 1
        else:
            false += 1
    return true, false, none


def _strangers(gallery: Gallery, probes: list[tuple[str, Vector]]) -> int:
    """How often somebody who is not enrolled is taken for somebody who is."""
    wrong = 0
    for label, vector in probes:
        (sample,) = gallery.samples(label)
        gallery.drop(sample)
        match = gallery.match([(vector, 0.8)])
        gallery.add(sample)
        wrong += match is not None and {match.profile_id, label} not in SAME
    return wrong


def _apart(people: dict[str, Vector]) -> float:
    names = list(people)
    return min(
        float(np.linalg.norm(people[one] - people[other]))
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        if {one, other} not in SAME
    )


if __name__ == "__main__":
    sys.exit(main())
