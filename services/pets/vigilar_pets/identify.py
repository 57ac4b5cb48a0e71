"""Crops of animals in, sightings out: one identification per animal that is followed, improved while it lasts."""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vigilar_common.almanac import Almanac
from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.logs import Sparing
from vigilar_common.messages import Fact
from vigilar_common.messages.animals import PetSighted, ThreatLevel, WildlifeSighted
from vigilar_common.messages.detection import ObjectDetected
from vigilar_common.messages.objects import ObjectLeft, object_event_id
from vigilar_common.messages.sensor import SensorReading
from vigilar_common.object_kinds import Kind, kind_of
from vigilar_common.outbox import FactLog
from vigilar_models.errors import CropError, ModelError

from vigilar_pets.adapters.looks import Looks, smaller
from vigilar_pets.adapters.vault import Vault
from vigilar_pets.domain import wild
from vigilar_pets.domain.rules import Seen
from vigilar_pets.domain.tracks import LOOKS_FOR_WILD, Track, Tracks
from vigilar_pets.household import Household

log = logging.getLogger("vigilar.pets.identify")

QUEUE: Final = 64
"""Crops and words of objects that wait; further ones are counted and dropped: the next picture comes soon."""
NEAR_A_PET: Final = 0.9
"""Of the needed likeness: an animal that comes so near a pet is never told as wildlife."""
WEATHER_OLD_MS: Final = 3_600_000
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ZONES_KEPT: Final = 1024


@dataclass(frozen=True)
class Crop:
    camera_id: str
    track_id: str
    object_class: str
    score: float
    size: float
    """Share of the picture that the animal takes."""
    ts_ms: int
    jpeg: bytes


Item = Crop | ObjectDetected | ObjectLeft


class Identifier:
    """``offer_*`` from the bus's threads; `step` from one thread."""

    def __init__(
        self,
        *,
        household: Household,
        vault: Vault,
        facts: FactLog,
        clock: Clock,
        config: Config,
        sighted: Callable[[Seen, float], None],
    ) -> None:
        self._household, self._vault, self._facts, self._clock = household, vault, facts, clock
        self._sighted = sighted
        self._queue: queue.Queue[Item] = queue.Queue(QUEUE)
        self._tracks = Tracks()
        self._sparing = Sparing(log, clock.monotonic_s)
        self._zones: dict[str, str] = {}
        self._weather: tuple[float, int] | None = None
        self.wake = threading.Event()
        self.counters: Counter[str] = Counter(
            crops=0, refused=0, failed=0, dropped=0, pet_rows=0, unknown_rows=0, wild_rows=0
        )
        self.took_ms = 0.0
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._settings = config.pets
        levels = (line.split("=") for line in config.pets.threats)
        self._threats = {species: ThreatLevel(level) for species, level in levels}
        place = config.location
        placed = bool(place.latitude or place.longitude)
        self._almanac = Almanac(config.system.timezone, place.latitude, place.longitude) if placed else None

    # -- from the bus -----------------------------------------------------------------------------------

    def on_crop(self, received: Received) -> None:
        crop = crop_of(received)
        if crop is None:
            self.counters["refused"] += 1
        elif not self._settings.cameras or crop.camera_id in self._settings.cameras:
            self._offer(crop)

    def on_object(self, received: Received) -> None:
        fact = received.message
        if isinstance(fact, ObjectDetected | ObjectLeft) and kind_of(fact.object_class) is Kind.ANIMAL:
            self._offer(fact)

    def on_reading(self, received: Received) -> None:
        fact, wanted = received.message, self._settings.temperature_sensor
        if not isinstance(fact, SensorReading) or not wanted or fact.sensor_id != wanted:
            return
        if fact.key == "temperature" and isinstance(fact.value, int | float) and -100 <= fact.value <= 100:
            self._weather = float(fact.value), fact.ts_ms

    def _offer(self, item: Item) -> None:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self.counters["dropped"] += 1
        self.wake.set()

    # -- on the one thread ------------------------------------------------------------------------------

    def step(self, looks: Looks | None) -> None:
        """Everything that waits. Raises what the outbox raises."""
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Crop):
                if looks is not None:
                    self._look(looks, item)
            elif isinstance(item, ObjectLeft):
                self._left(item)
            elif item.zones:
                self._zone(item.track_id, item.zones[0])
        for track in self._tracks.silent(self._clock.now_ms()):
            self._over(track)

    def _look(self, looks: Looks, crop: Crop) -> None:
        began_s = self._clock.monotonic_s()
        try:
            vector, animals = looks.look(crop.jpeg)
            kept = smaller(crop.jpeg)
        except CropError as error:
            self.counters["refused"] += 1
            self._sparing.tell(
                logging.WARNING, "a picture of %s was not looked at: it %s", crop.camera_id, error
            )
            return
        except ModelError as error:
            self.counters["failed"] += 1
            self._sparing.tell(logging.ERROR, "a picture of %s: %s", crop.camera_id, error)
            return
        self.counters["crops"] += 1
        self.took_ms = (self._clock.monotonic_s() - began_s) * 1000
        track = self._tracks.of(crop.track_id, crop.camera_id, crop.object_class, crop.ts_ms)
        track.object_class, track.zone = crop.object_class, self._zones.get(crop.track_id, track.zone)
        with self._household.lock:
            if track.add(vector, animals, max(0.05, crop.score) * max(0.02, crop.size) ** 0.5, crop.ts_ms):
                self._vault.keep_sighting(track.track_id, kept)
            told = track.judge(self._household.gallery)
        if told.pet_id is not None:
            self._sighted(
                Seen(told.pet_id, track.camera_id, track.zone, crop.ts_ms, track.track_id), told.likeness
            )
        self._tell(track, crop.ts_ms)

    def _tell(self, track: Track, ts_ms: int) -> None:
        if track.told.pet_id is None:
            if track.looks >= LOOKS_FOR_WILD:
                self._nobody(track, ts_ms)
        elif track.row_due(ts_ms):
            self._pet_row(track, ts_ms, self._household.pets[track.told.pet_id].species)

    def _left(self, fact: ObjectLeft) -> None:
        track = self._tracks.over(fact.track_id)
        self._zones.pop(fact.track_id, None)
        if track is not None:
            if fact.zones and not track.zone:
                track.zone = fact.zones[-1]
            self._over(track)

    def _over(self, track: Track) -> None:
        self._zones.pop(track.track_id, None)
        if track.told.pet_id is None:
            self._nobody(track, track.last_ms)

    def _nobody(self, track: Track, ts_ms: int) -> None:
        """No pet of the household: a wild animal, or somebody's dog."""
        species, share = wild.species_of(track.shares(), track.object_class)
        near_pet = (
            len(self._household.gallery) and track.nearest >= NEAR_A_PET * self._household.gallery.threshold
        )
        if (
            self._settings.wildlife
            and wild.is_wild(species, share)
            and not near_pet
            and track.row_pet is None
        ):
            if not track.wild_told:
                track.wild_told = True
                self._wild_row(track, ts_ms, species, share)
        elif track.row_due(ts_ms) and not track.wild_told:
            self._pet_row(track, ts_ms, species)

    def _pet_row(self, track: Track, ts_ms: int, species: str) -> None:
        told = track.told
        fact = PetSighted(
            ts_ms=ts_ms, camera_id=track.camera_id, pet_id=told.pet_id, species=species[:40],
            confidence=round(told.likeness, 3), track_id=track.track_id, event_id=object_event_id(track.track_id),
            picture_id=track.track_id, zone=track.zone[:80],
        )  # fmt: skip
        self._emit(fact)
        track.told_row(ts_ms)
        self.counters["pet_rows" if told.pet_id else "unknown_rows"] += 1

    def _wild_row(self, track: Track, ts_ms: int, species: str, share: float) -> None:
        warm = self._weather
        fresh = warm is not None and abs(self._clock.now_ms() - warm[1]) <= WEATHER_OLD_MS
        fact = WildlifeSighted(
            ts_ms=ts_ms, camera_id=track.camera_id, species=species,
            threat_level=wild.threat_of(species, self._threats), confidence=round(share, 3),
            light=wild.light_at(self._almanac, ts_ms) if self._almanac else None,
            temperature_c=warm[0] if warm and fresh else None, track_id=track.track_id,
            event_id=object_event_id(track.track_id), picture_id=track.track_id,
        )  # fmt: skip
        self._emit(fact)
        self.counters["wild_rows"] += 1

    def _emit(self, fact: Fact) -> None:
        self._facts.emit(fact)

    def _zone(self, track_id: str, zone: str) -> None:
        self._zones[track_id] = zone
        if len(self._zones) > ZONES_KEPT:
            self._zones.pop(next(iter(self._zones)))

    @property
    def waiting(self) -> int:
        return self._queue.qsize()


def crop_of(received: Received) -> Crop | None:
    """None for what does not say what it is of."""
    told = received.properties
    try:
        x, y, w, h = (float(part) for part in told.get("box", "").split(","))
        score, ts_ms = float(told.get("score", "")), int(told.get("ts_ms", ""))
    except ValueError:
        return None
    track_id, object_class = told.get("track_id", ""), told.get("class", "")
    inside = all(0 <= part <= 1 for part in (x, y, w, h, score)) and 0 <= ts_ms < 1 << 48
    if not inside or not _UUID.fullmatch(track_id) or kind_of(object_class) is not Kind.ANIMAL:
        return None
    return Crop(received.ids["camera_id"], track_id, object_class, score, w * h, ts_ms, received.payload)
