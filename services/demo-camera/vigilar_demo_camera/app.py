"""The demo camera: gets footage, builds the film, then becomes the RTSP server."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import fields
from pathlib import Path

from vigilar_demo_camera.errors import DemoCameraError
from vigilar_demo_camera.film import FilmParams, ensure_film, find_film
from vigilar_demo_camera.footage import SHA256, default_cache, ensure_footage
from vigilar_demo_camera.gst import SERVER, find_interpreter
from vigilar_demo_camera.playback import CODECS, FilmError, parse_fault, parse_film_argument

EXIT_FAILED = 1
EXIT_USAGE = 2

log = logging.getLogger("demo-camera")

_HELP = {
    "width": "px; the footage has 768",
    "height": "px; the footage has 576",
    "fps": "frames a second; the footage has 10",
    "codec": " or ".join(CODECS),
    "gop_s": "seconds between keyframes",
    "crf": "constant quality, lower is better and bigger",
    "bitrate_kbps": "constant bit rate instead of crf; 0: use crf",
    "lead_s": "seconds of stillness before the first motion",
    "idle_s": "seconds of stillness between motions",
    "busy_s": "seconds of each motion",
    "cycles": "number of motions in the film; 0: as many as show all footage",
}


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="vigilar-demo-camera", description=__doc__)
    result.add_argument(
        "command", nargs="?", choices=("run", "build"), default="run", help="build: film only"
    )
    result.add_argument("--state", type=Path, required=True, help="folder for films and unpacked packages")
    result.add_argument("--footage-cache", type=Path, help="folder of the footage (default: user cache)")
    result.add_argument("--name", default="demo", help="of the film and its address (default %(default)s)")
    for field in fields(FilmParams):
        option = f"--{field.name.replace('_', '-')}"
        kind = type(field.default)
        text = f"{_HELP[field.name]} (default {field.default})"
        result.add_argument(option, type=kind, default=field.default, help=text)
    server = result.add_argument_group("server")
    server.add_argument("--listen", default="127.0.0.1", help="address (default %(default)s)")
    server.add_argument("--port", type=int, default=0, help="TCP port; 0: any free one")
    server.add_argument("--ready-file", type=Path, help="JSON with port and addresses, once listening")
    server.add_argument("--truth-file", type=Path, help="JSON Lines: when loop, onset and end were shown")
    server.add_argument("--fault", action="append", default=[], metavar="NAME=stall|garbage|close@S[+S]")
    server.add_argument("--user", default="", help="ask for digest login, password in the environment")
    return result


def build(options: argparse.Namespace) -> Path:
    """The film's index, footage fetched and film built if absent."""
    from vigilar_demo_camera.encoder import VideoFile

    params = FilmParams(**{field.name: getattr(options, field.name) for field in fields(FilmParams)})
    name, _ = parse_film_argument(f"{options.name}=film")
    folder = options.state / "films"
    found = find_film(params, SHA256, folder, name)
    if found is not None:
        # Neither footage nor a writable folder is needed: an image holds the film alone.
        return found
    footage = ensure_footage(options.footage_cache or default_cache())
    source = VideoFile(footage, SHA256, params.width, params.height)
    try:
        return ensure_film(source, params, folder, name)
    finally:
        source.close()


def server_command(options: argparse.Namespace, python: Path, index: Path) -> list[str]:
    command = [str(python), "-s", "-B", str(SERVER), "--listen", options.listen, "--port", str(options.port)]
    command += ["--film", f"{options.name}={index}"]
    for fault in options.fault:
        command += ["--fault", fault]
    for option in ("user", "ready_file", "truth_file"):
        if value := getattr(options, option):
            command += [f"--{option.replace('_', '-')}", str(value)]
    return command


def main(arguments: list[str]) -> int:
    """Does not return when it succeeds with ``run``: the process becomes the server, under the same id."""
    logging.basicConfig(level=logging.INFO, format="demo-camera: %(message)s", stream=sys.stderr)
    options = parser().parse_args(arguments)
    options.state = options.state.absolute()
    try:
        for fault in options.fault:
            parse_fault(fault)
        index = build(options)
        if options.command == "build":
            return 0
        python, environment = find_interpreter(options.state)
        os.execve(python, server_command(options, python, index), environment)  # noqa: S606 - no shell is wanted
    except FilmError as error:
        log.error("%s", error)  # noqa: TRY400 - a cure for the operator, not a stack trace
        return EXIT_USAGE
    except (DemoCameraError, OSError) as error:
        log.error("%s", error)  # noqa: TRY400
        return EXIT_FAILED
