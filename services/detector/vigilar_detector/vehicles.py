"""How vehicles look, which known one each is like, and what is learnt of them from the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vigilar_common.bus import Received
from vigilar_common.config.detection import Vehicles
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding
from vigilar_common.messages.vehicles import (
    MEASURE_LENGTH,
    VehicleAction,
    VehicleColour,
    VehicleCommand,
    VehicleLook,
    VehicleSize,
)
from vigilar_models.errors import CropError, ModelError

from vigilar_detector.domain.known_vehicles import Household, look_alikes
from vigilar_detector.domain.perspective import Ground, size_of
from vigilar_detector.domain.turns import Crop

if TYPE_CHECKING:
    from vigilar_detector.domain.decode import Found

log = logging.getLogger(__name__)

LEAST_SCORE: Final = 0.4
"""Less sure vehicles are not measured."""
Area = tuple[float, float, float, float]
"""x, y, width and height of a crop in parts of the picture."""


class VehicleLooks:
    """Thread-safe. `look` from the threads that look, `refresh` from the model's, `on_command` from the bus's."""

    def __init__(self, vehicles: Vehicles, folder: Path) -> None:
        self._vehicles, self._folder = vehicles, folder
        self._household = Household()
        self._views: dict[str, Ground] = {}
        self._problems: list[str] = []
        self._stamp: object = None
        self._lock = threading.Lock()
        self.counters = {
            "vehicles_measured": 0,
            "vehicles_untold": 0,
            "vehicles_known": 0,
            "vehicles_learnt": 0,
        }

    def configure(self, vehicles: Vehicles) -> None:
        with self._lock:
            if vehicles != self._vehicles:
                self._vehicles, self._stamp = vehicles, None

    def refresh(self) -> None:
        """Take over what was learnt since the last time. Reads files only when one of them has changed."""
        from vigilar_detector.adapters.vehicle_files import read_household, read_views, stamp

        with self._lock:
            now = stamp(self._vehicles, self._folder)
            if now == self._stamp:
                return
            self._stamp = now
            self._household, self._problems = read_household(self._vehicles, self._folder)
            try:
                self._views = read_views(self._folder)
            except ModelError as error:
                self._problems.append(str(error))
        for problem in self._problems:
            log.error("what is known of vehicles: %s", problem)

    def look(self, crop: Crop, found: Sequence[Found]) -> dict[int, VehicleLook]:
        """By the place in ``found``. Costs nothing where no vehicle is among them; never raises for a bad picture."""
        from vigilar_models import jpeg

        from vigilar_detector.adapters.vehicle_pixels import VEHICLES, body_of

        wanted = [
            number
            for number, one in enumerate(found)
            if one.object_class in VEHICLES and one.score >= LEAST_SCORE
        ]
        if not wanted:
            return {}
        try:
            picture = jpeg.pixels(crop.jpeg)
        except CropError as error:
            log.debug("vehicles in a crop of %s are not measured: %s", crop.camera_id, error)
            return {}
        with self._lock:
            household, ground = self._household, self._views.get(crop.camera_id)
        looks = {}
        for number in wanted:
            one = found[number]
            seen = body_of(picture, one)
            look = VehicleLook(
                colour=seen.colour,
                size=_size(one, crop, picture.shape[1] / picture.shape[0], ground),
                measure=list(seen.measure),
                reason=seen.reason,
            )
            look = household.compare(look)
            looks[number] = look
            self.counters["vehicles_measured"] += 1
            self.counters["vehicles_untold"] += look.colour is VehicleColour.UNKNOWN
            self.counters["vehicles_known"] += bool(look.name)
        return looks

    def on_command(self, received: Received) -> None:
        """From the page: learn how one looks, or forget it."""
        command = received.message
        assert isinstance(command, VehicleCommand)
        try:
            message = self._carry_out(command)
        except ModelError as error:
            received.reply(ok=False, code="refused", message=str(error)[:500])
        except OSError as error:
            log.error("what was learnt of %s cannot be kept: %s", command.name, error)  # noqa: TRY400
            received.reply(
                ok=False, code="not_kept", message=f"It cannot be written to disk: {error.strerror}"[:500]
            )
        else:
            received.reply(ok=True, message=message)

    def _carry_out(self, command: VehicleCommand) -> str:
        """Raises ModelError, OSError."""
        from vigilar_detector.adapters.vehicle_files import calibration_path, read_samples, write_samples

        with self._lock:
            vehicle = next((one for one in self._vehicles.known if one.name == command.name), None)
            if vehicle is None:
                raise ModelError(f"There is no vehicle “{command.name}” in the configuration.")
            path = calibration_path(vehicle, self._folder)
            if command.action is VehicleAction.FORGET:
                write_samples(path, vehicle.name, ())
                self._stamp = None
                log.info("%s is forgotten, by %s", vehicle.name, command.user or "somebody")
                return f"What was learnt of {vehicle.name} is forgotten."
            if len(command.measure) != MEASURE_LENGTH:
                raise ModelError("Its colour could not be told there: choose an event in daylight.")
            samples = (*read_samples(path), tuple(command.measure))
            write_samples(path, vehicle.name, samples)
            self._stamp = None
            self.counters["vehicles_learnt"] += 1
        log.info("%s was shown once more, by %s", vehicle.name, command.user or "somebody")
        return f"{vehicle.name} is known by {len(samples)} looks."

    def samples(self) -> Mapping[str, int]:
        with self._lock:
            return {vehicle.name: len(vehicle.samples) for vehicle in self._household.vehicles}

    def findings(self) -> list[Finding]:
        with self._lock:
            problems, household = list(self._problems), self._household
        found = [
            Finding(
                code="vehicle_calibration", severity=Severity.ALERT, title=f"A vehicle is not known: {problem}"[:500],
                cure="Calibrate it anew: vigilar vehicles calibrate NAME PICTURES.",
            )
            for problem in problems[:8]
        ]  # fmt: skip
        bare = [vehicle.name for vehicle in household.vehicles if not vehicle.samples]
        if bare and not problems:
            found.append(
                Finding(
                    code="vehicle_uncalibrated",
                    severity=Severity.INFO,
                    title=f"Never shown, so at most a likeness by colour is told: {', '.join(bare)}"[:500],
                    cure="Open an event that shows it and say which it is, or: vigilar vehicles calibrate NAME PICTURES.",
                )
            )
        found += [
            Finding(
                code="vehicle_alike",
                severity=Severity.INFO,
                title=f"{one} and {other} cannot be told apart by colour"[:500],
                cure="Give them size_class, and show Vigilar the camera's view: vigilar vehicles calibrate --camera ID FILM.",
            )
            for one, other in look_alikes(household.vehicles)[:4]
        ]
        return found


def _size(one: Found, crop: Crop, aspect: float, ground: Ground | None) -> VehicleSize:
    """``aspect``: of the crop. Only what lies whole in the crop, and in a picture whose measure is known, has one."""
    area = area_of(crop.area)
    whole = one.x > 0.01 and one.y > 0.01 and one.x + one.w < 0.99 and one.y + one.h < 0.99
    if area is None or not whole:
        return size_of(one.object_class, 0.0, 0.0, 0.0, None)
    _, y, _, h = area
    high = one.h * h
    return size_of(one.object_class, one.w * aspect * h, high, y + (one.y + one.h) * h, ground)


def area_of(text: str) -> Area | None:
    """`x,y,w,h` in parts of the picture, as the worker says where it cut the crop; None for anything else."""
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        return None
    fits = 0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1 and 0 < h <= 1
    return (x, y, w, h) if fits else None
