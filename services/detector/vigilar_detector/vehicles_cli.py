"""`vigilar vehicles`: show Vigilar your vehicles and your cameras' views, and see what it knows of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vigilar_common import __version__
from vigilar_common.clock import SystemClock
from vigilar_common.config.detection import KnownVehicle
from vigilar_common.config.slices import Slice, SliceReader
from vigilar_common.secrets import Secrets
from vigilar_common.service import Environment
from vigilar_common.storage_client import StorageClient
from vigilar_common.verbs import seconds
from vigilar_models.errors import ModelError
from vigilar_models.store import models_dir

from vigilar_detector.adapters.vehicle_files import (
    calibration_path,
    read_household,
    read_samples,
    read_views,
    write_samples,
    write_views,
)
from vigilar_detector.domain.known_vehicles import kept, look_alikes
from vigilar_detector.domain.perspective import fitted

if TYPE_CHECKING:
    from vigilar_detector.calibrating import Seen
    from vigilar_detector.past import Past, Span

FOLDER: Final = "vehicles"
LEAST_SAMPLES: Final = 1
BAR_CHARACTERS: Final = 30


def register(top: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verbs = top.add_parser("vehicles").add_subparsers(dest="action", metavar="COMMAND", required=True)
    calibrate = verbs.add_parser(
        "calibrate", help="measure a known vehicle, or a camera's view, in pictures and films"
    )
    calibrate.add_argument(
        "words",
        nargs="*",
        metavar="[NAME] PATH",
        help="the vehicle as in [[vehicles.known]] (not with --camera), then pictures (.jpg, .png), films (.mp4, .avi, "
        ".mkv, .mov), or folders of them",
    )
    calibrate.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="ID",
        help="an event that shows it: its film and its picture; may be repeated",
    )
    calibrate.add_argument(
        "--recording",
        action="append",
        default=[],
        metavar="ID",
        help="a recording that shows it; may be repeated",
    )
    for name, help_text in (
        ("--from", "of each recording: from this second on"),
        ("--to", "of each recording: up to this second"),
    ):
        calibrate.add_argument(
            name, type=seconds(0, 86_400), dest=f"{name[2:]}_s", metavar="SECONDS", help=help_text
        )
    calibrate.add_argument("--camera", metavar="ID", help="measure this camera's view by the people in it")
    calibrate.add_argument("--anew", action="store_true", help="forget what was learnt of it before")
    calibrate.set_defaults(run=_calibrate)
    listing = verbs.add_parser("list", help="known vehicles, by how many looks, and measured views")
    listing.set_defaults(run=_list)
    forget = verbs.add_parser("forget", help="forget what was learnt of a vehicle")
    forget.add_argument("name", metavar="NAME", help="as in [[vehicles.known]]")
    forget.set_defaults(run=_forget)
    for verb in (calibrate, listing, forget):
        verb.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml")
        verb.add_argument("--version", action="version", version=f"vigilar {__version__}")


def _slice() -> tuple[Slice, Path]:
    environment = Environment.read()
    piece = SliceReader(environment.config_run, "detector", SystemClock()).load()
    return piece, environment.state_dir


def _known(piece: Slice, name: str) -> KnownVehicle:
    for vehicle in piece.config.vehicles.known:
        if vehicle.name == name:
            return vehicle
    names = ", ".join(f'"{vehicle.name}"' for vehicle in piece.config.vehicles.known) or "none"
    raise ModelError(f'there is no vehicle "{name}" in [[vehicles.known]]; known are {names}')


def _calibrate(options: argparse.Namespace, *_: object) -> int:
    words = _words(options)
    piece, state_dir = _slice()
    folder = state_dir / FOLDER
    if options.camera:
        if options.camera not in {camera.id for camera in piece.config.cameras}:
            raise ModelError(f'there is no camera "{options.camera}" in [[cameras]]')
        vehicle = None
    else:
        vehicle = _known(piece, options.words[0])
    seen = _seen(options, words, piece, state_dir)
    if vehicle is None:
        ground = fitted(seen.people)
        write_views(folder, read_views(folder) | {options.camera: ground})
        _say(f"{options.camera}: measured by {ground.samples} looks at people in {seen.frames} frames")
        return 0
    if len(seen.samples) < LEAST_SAMPLES:
        raise ModelError(f"{vehicle.name} was not measured in any of {seen.frames} frames: {seen.why}")
    path = calibration_path(vehicle, folder)
    before = () if options.anew else read_samples(path)
    samples = kept((*before, *seen.samples))
    write_samples(path, vehicle.name, samples)
    # A running detector looks at the files' times every few seconds.
    _say(
        f"{vehicle.name}: {len(seen.samples)} of {seen.frames} frames measured, {len(samples)} looks kept in {path}"
    )
    if seen.refused:
        _say(f"not measured: {seen.why}")
    _say("The running detector takes this over by itself, without a restart.")
    household, _problems = read_household(piece.config.vehicles, folder)
    for one, other in look_alikes(household.vehicles):
        if vehicle.name in (one, other):
            _say(f"note: {one} and {other} cannot be told apart by colour; give them size_class")
    return 0


def _list(_options: argparse.Namespace, *_: object) -> int:
    piece, state_dir = _slice()
    folder = state_dir / FOLDER
    household, problems = read_household(piece.config.vehicles, folder)
    for vehicle in household.vehicles:
        state = f"{len(vehicle.samples)} looks" if vehicle.samples else "never shown"
        _say(f"{vehicle.name:32.32} {vehicle.colour.value:8} {vehicle.size.value:8} {state}")
    if not household.vehicles:
        _say("there is no [[vehicles.known]]")
    for name, view in sorted(read_views(folder).items()):
        _say(f"camera {name}: view measured by {view.samples} looks at people")
    for problem in problems:
        sys.stderr.write(f"vigilar: {problem}\n")
    return 1 if problems else 0


def _forget(options: argparse.Namespace, *_: object) -> int:
    piece, state_dir = _slice()
    vehicle = _known(piece, options.name)
    calibration_path(vehicle, state_dir / FOLDER).unlink(missing_ok=True)
    _say(f"what was learnt of {vehicle.name} is forgotten")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _words(options: argparse.Namespace) -> list[str]:
    """The files. Raises ModelError for what does not go together."""
    if not options.camera and not options.words:
        raise ModelError("name a vehicle of [[vehicles.known]], or --camera ID")
    words: list[str] = options.words if options.camera else options.words[1:]
    if not (words or options.event or options.recording):
        raise ModelError("name pictures, films or folders, --event ID or --recording ID to measure it in")
    if not options.recording and (options.from_s is not None or options.to_s is not None):
        raise ModelError("--from and --to choose a part of a --recording ID")
    return words


def _seen(options: argparse.Namespace, words: list[str], piece: Slice, state_dir: Path) -> Seen:
    from vigilar_detector.calibrating import Source, check, files_of, measure
    from vigilar_detector.loading import load_chosen

    files = files_of([Path(word) for word in words])
    for path in files:
        check(path)
    past, spans = _recorded(options)
    loaded = load_chosen(piece.config.detection, models_dir(state_dir))
    bar = _Bar()
    seen = measure(loaded, [Source(str(path), path) for path in files], bar)
    for span in spans:
        with past.sources(span, lambda name, done, total: bar(f"fetching {name}", done, total)) as sources:
            measure(loaded, sources, bar, seen)
    if bar.shown:
        sys.stderr.write("\n")
    return seen


def _recorded(options: argparse.Namespace) -> tuple[Past, list[Span]]:
    """What storage is asked for, each looked up before any of it is fetched. Raises ModelError."""
    from vigilar_detector.past import Past

    environment = Environment.read()
    named = bool(options.event or options.recording)
    past = Past(
        StorageClient(
            environment.storage_url, Secrets(environment.secrets_dir).text("storage_token") if named else ""
        )
    )
    spans = [past.of_event(one) for one in options.event]
    spans += [past.of_recording(one, options.from_s or 0.0, options.to_s) for one in options.recording]
    if options.camera and (other := next((span for span in spans if span.camera_id != options.camera), None)):
        raise ModelError(f'{other.name} is of camera "{other.camera_id}", not "{options.camera}"')
    return past, spans


class _Bar:
    """On a terminal: a line for each file."""

    def __init__(self) -> None:
        self.shown = ""

    def __call__(self, name: str, done: int, count: int) -> None:
        if not sys.stderr.isatty():
            return
        filled = BAR_CHARACTERS * min(done, count) // max(1, count)
        bar = "█" * filled + "·" * (BAR_CHARACTERS - filled)
        begin = "\r" if self.shown in ("", name) else "\n"
        sys.stderr.write(f"{begin}{name[-40:]:40} {bar} {100 * done // max(1, count):3} %")
        sys.stderr.flush()
        self.shown = name
