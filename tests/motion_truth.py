"""The search for motion against ground truth: what it found, what it missed, how late, and what was never there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motion_scenes import Event, events_of
from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.adapters.fmp4 import read_format
from vigilar_camera_worker.domain.motion import Ended, Observation, Started
from vigilar_camera_worker.domain.nal import parameter_sets
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.search import MotionSearch
from vigilar_common.config import Camera
from vigilar_demo_camera.playback import Film, load_film

EARLY_S, LATE_S = 2.0, 1.0
"""A start this much before the onset or after the end still belongs to the object: it comes into view before as much of
it is there as counts, the slow ones two seconds before. Told early counts as told at the onset."""
AFTERMATH_S = 6.0
SETTLE_S = 5.0
"""After a change of conditions nothing counts as a false alarm for so long."""


@dataclass
class Score:
    events: list[Event]
    latencies_s: list[float] = field(default_factory=list)
    missed: list[Event] = field(default_factory=list)
    false_alarms_s: list[float] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    cpu_s_per_min: float = 0.0

    @property
    def found(self) -> int:
        return len(self.latencies_s)

    def latency_s(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Listener:
    """Keeps when each motion was told: the media time of the packet that told it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told_s: list[float] = []

    def picture_decoded(self, stream_id: str, picture: Any) -> None: ...
    def motion_ended(self, ended: Ended) -> None: ...
    def observed(self, seen: Observation, picture: object) -> None: ...
    def motion_started(self, started: Started, picture: Any) -> None:
        self.told_s.append(self.now_s)


class EveryFrame(MotionSearch):
    """The yardstick: every frame is decoded and looked at."""

    def begin(self, wanted: Any, main: Any = None) -> None:
        super().begin(wanted, main)
        self._fitness.refuse("every frame is wanted")
        self._plan.wanted = lambda *_: True  # type: ignore[method-assign]
        self._governor.due = lambda *_, **__: True  # type: ignore[method-assign]
        self._may_wait = lambda packet: False  # type: ignore[method-assign]


def packets(film: Film) -> Iterator[Packet]:
    step = TICKS_PER_S // film.fps
    with film.stream.open("rb") as stream:
        for number, (_, size, key) in enumerate(film.frames):
            data = stream.read(size)
            yield Packet(
                number, True, key, number * step, number * step, step, number * 1000 // film.fps, data
            )


def search_in(index: Path, *, every_frame: bool = False, section_s: float = 0.0) -> Score:
    """``section_s``: how long each condition of the scene lasts."""
    film, events = load_film(index), events_of(index)
    camera = Camera(id="front", display_name="Front", rtsp_url="rtsp://host/x")
    listener = _Listener()
    search = (EveryFrame if every_frame else MotionSearch)(camera, MotionDetector(camera), listener)
    began_s = time.process_time()
    for packet in packets(film):
        if packet.number == 0:
            sets = parameter_sets(packet.data, film.codec)
            search.begin(read_format("a-stream", film.codec, packet.data, sets, None))
        listener.now_s = packet.time_s
        search.packet(packet)
    used_s = time.process_time() - began_s
    score = Score(events, counters=dict(search.counters), cpu_s_per_min=used_s / film.duration_s * 60)
    _judge(score, film, listener.told_s, section_s or film.duration_s)
    return score


def _judge(score: Score, film: Film, told_s: list[float], section_s: float) -> None:
    spans = [(event, event.first / film.fps, event.end / film.fps) for event in score.events]
    for event, onset_s, end_s in spans:
        hits = [at for at in told_s if onset_s - EARLY_S <= at <= end_s + LATE_S]
        if hits:
            score.latencies_s.append(max(0.0, hits[0] - onset_s))
        else:
            score.missed.append(event)
    score.false_alarms_s = [
        at
        for at in told_s
        if at % section_s > SETTLE_S
        and not any(onset_s - EARLY_S <= at <= end_s + AFTERMATH_S for _, onset_s, end_s in spans)
    ]
