"""A looker that recognises drawn faces, and visitors' brain around it: no model, no broker, no storage."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
from vigilar_common.messages import Fact
from vigilar_common.messages.visitors import VisitorAction, VisitorsCommand
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_visitors.adapters.crops import Crop, Crops
from vigilar_visitors.adapters.looking import Seen
from vigilar_visitors.adapters.sealing import Sealer
from vigilar_visitors.commands import Commands, Data
from vigilar_visitors.domain.faces import Face, Fault, Quality
from vigilar_visitors.domain.gallery import Gallery, Limits, Vector
from vigilar_visitors.domain.visits import Visits
from vigilar_visitors.recognising import Recognising

KEY = "ab" * 32
LENGTH = 16
POINTS = ((30.0, 40.0), (70.0, 40.0), (50.0, 60.0), (35.0, 80.0), (65.0, 80.0))
LIMITS = Limits("model/1", same=0.5, sure=0.3)


def who(number: int, off: float = 0.0) -> Vector:
    """The vector of a person: people are 1.4 apart, looks at one `off`."""
    values = np.zeros(LENGTH, np.float32)
    values[number % LENGTH] = 1
    values[(number + 7) % LENGTH] += off
    return values


def shown(*faces: tuple[Vector, float] | Fault, width: float = 80) -> bytes:
    """A picture for `DrawnLooker`: faces with a vector and a quality, or with what is wrong with them."""
    rows = [
        {"fault": face.value}
        if isinstance(face, Fault)
        else {"vector": [float(v) for v in face[0]], "quality": face[1]}
        for face in faces
    ]
    return json.dumps([{**row, "width": width} for row in rows]).encode()


class DrawnLooker:
    """Reads what `shown` made; a model of another name gives vectors that are turned round."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.counters: Counter[str] = Counter()

    def look(self, jpeg: bytes, least_px: int) -> list[Seen]:
        del least_px
        found = []
        for row in json.loads(jpeg):
            face = Face((10, 10, row["width"], row["width"]), 0.9, POINTS)
            if "fault" in row:
                found.append(Seen(face, Quality(0.0, Fault(row["fault"]))))
                continue
            crop = Crop(json.dumps(row["vector"]).encode(), POINTS).pack()
            vector = np.array(row["vector"], np.float32)
            found.append(Seen(face, Quality(row["quality"], None), self._turned(vector), crop))
        return found

    def again(self, crop: Crop) -> Vector:
        return self._turned(np.array(json.loads(crop.jpeg), np.float32))

    def _turned(self, vector: Vector) -> Vector:
        return vector if self.limits.model == LIMITS.model else vector[::-1].copy()


class Brain:
    """Visitors without anything around it. `house` is what is known, `facts` what was said."""

    def __init__(self, folder: Path, gallery: Gallery | None = None, days: int = 7, gap_s: int = 300) -> None:
        self.clock = FakeClock()
        self.facts = FakeFacts(self.clock)
        self.looker = DrawnLooker(gallery.limits if gallery else LIMITS)
        self.sealer = Sealer(KEY)
        self.crops = Crops(folder / "faces", self.sealer)
        self.visits = Visits(gap_s * 1000)
        self.gallery = gallery or Gallery(LIMITS)
        self.changes = 0
        self.house = Recognising(
            clock=self.clock, facts=self.facts, gallery=self.gallery, visits=self.visits, crops=self.crops,  # type: ignore[arg-type]
            sealer=self.sealer, looker=self.looker, file=StateFile(folder / "visits.json"), least_px=40,
            stranger_days=days, changed=self._changed,
        )  # fmt: skip
        self.commands = Commands(self.house, self.facts, self.crops, self.clock, 40)  # type: ignore[arg-type]

    def _changed(self) -> None:
        self.changes += 1

    def see(self, track: str, *faces: tuple[Vector, float] | Fault, camera: str = "front") -> None:
        self.clock.advance(1)
        self.house.crop(camera, track, self.clock.now_ms(), shown(*faces))

    def left(self, track: str, camera: str = "front") -> None:
        self.house.left(camera, track, self.clock.now_ms())

    def passage(self, track: str, vector: Vector, quality: float = 0.8, camera: str = "front") -> None:
        """Somebody is seen twice and goes on."""
        self.see(track, (vector, quality), camera=camera)
        self.see(track, (vector, quality), camera=camera)
        self.left(track, camera)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.house.tick()

    def ask(self, action: VisitorAction, **what: object) -> Data:
        return self.commands.carry_out(VisitorsCommand.model_validate({"action": action, **what}))

    def said(self, *kinds: type[Fact]) -> list[Fact]:
        return [fact for fact in self.facts.emitted if isinstance(fact, kinds)]

    def only(self) -> str:
        (profile_id,) = self.gallery.people
        return profile_id
