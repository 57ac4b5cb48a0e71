"""What was learnt of vehicles and cameras' views, on disk: one file per vehicle, one for all views."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vigilar_common.config.detection import KnownVehicle, Vehicles
from vigilar_common.config.files import write_atomic
from vigilar_common.messages.vehicles import MEASURE_LENGTH, vehicle_id
from vigilar_models.errors import ModelError

from vigilar_detector.domain.known_vehicles import (
    Household,
    Known,
    Measures,
    colour_of,
    kept,
    radii,
    size_of_words,
)
from vigilar_detector.domain.perspective import Ground

VERSION: Final = 1
MAX_BYTES: Final = 256 * 1024
VIEWS_FILE: Final = "views.json"
MAX_VIEWS: Final = 256


def calibration_path(vehicle: KnownVehicle, folder: Path) -> Path:
    """`calibration_file`, taken from the folder where it is no whole path; without one a file by the vehicle's name."""
    if vehicle.calibration_file:
        return folder / vehicle.calibration_file
    return folder / f"{vehicle_id(vehicle.name)}.json"


def read_samples(path: Path) -> tuple[Measures, ...]:
    """Empty where there is no file. Raises ModelError naming the file and what is wrong with it."""
    raw = _read(path)
    if raw is None:
        return ()
    rows = raw.get("samples")
    if raw.get("version") != VERSION or not isinstance(rows, list):
        raise ModelError(f"{path}: is no calibration of version {VERSION}")
    return tuple(_measure(path, number, row) for number, row in enumerate(rows))


def write_samples(path: Path, name: str, samples: Sequence[Measures]) -> None:
    """Replaces the file as a whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"measure": list(sample)} for sample in kept(samples)]
    write_atomic(
        path, json.dumps({"version": VERSION, "vehicle": name, "samples": rows}, indent=1) + "\n", 0o640
    )


def read_views(folder: Path) -> dict[str, Ground]:
    """By camera. Raises ModelError."""
    path = folder / VIEWS_FILE
    raw = _read(path)
    if raw is None:
        return {}
    try:
        cameras = dict(list(raw["cameras"].items())[:MAX_VIEWS])
        found = {
            str(name): Ground(float(row["slope"]), float(row["base"]), int(row["samples"]))
            for name, row in cameras.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: is no list of cameras' views") from error
    if not all(math.isfinite(view.slope) and math.isfinite(view.base) for view in found.values()):
        raise ModelError(f"{path}: holds numbers that are none")
    return found


def write_views(folder: Path, views: Mapping[str, Ground]) -> None:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    cameras = {
        name: {"slope": view.slope, "base": view.base, "samples": view.samples}
        for name, view in views.items()
    }
    write_atomic(
        folder / VIEWS_FILE, json.dumps({"version": VERSION, "cameras": cameras}, indent=1) + "\n", 0o640
    )


def read_household(vehicles: Vehicles, folder: Path) -> tuple[Household, list[str]]:
    """Every known vehicle with what was learnt of it, and what is wrong with files; those count as not calibrated."""
    known, problems = [], []
    for vehicle in vehicles.known:
        try:
            samples = read_samples(calibration_path(vehicle, folder))
        except (ModelError, OSError) as error:
            samples = ()
            problems.append(f"{vehicle.name}: {error}")
        known.append(
            Known(vehicle.name, colour_of(vehicle.color_profile), size_of_words(vehicle.size_class), samples)
        )
    return Household(tuple(known), radii(known)), problems


def stamp(vehicles: Vehicles, folder: Path) -> tuple[tuple[str, int], ...]:
    """Another one when anything was learnt."""
    paths = [folder / VIEWS_FILE, *(calibration_path(vehicle, folder) for vehicle in vehicles.known)]
    return tuple((str(path), path.stat().st_mtime_ns) for path in paths if path.exists())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: is larger than {MAX_BYTES} bytes")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is no JSON") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path}: is no JSON object")
    return raw


def _measure(path: Path, number: int, row: object) -> Measures:
    values = row.get("measure") if isinstance(row, dict) else None
    if not isinstance(values, list) or len(values) != MEASURE_LENGTH:
        raise ModelError(f"{path}: sample {number} has not {MEASURE_LENGTH} numbers")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1 for v in values):
        raise ModelError(f"{path}: sample {number} holds what is no share between 0 and 1")
    return tuple(float(value) for value in values)
