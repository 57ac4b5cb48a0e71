"""`vigilar cameras discover` and `vigilar cameras probe`."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Final

from vigilar_common import __version__, logs
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.base import CAMERA_SCHEMES
from vigilar_common.errors import VigilarError
from vigilar_common.verbs import seconds

PASSWORD_VARIABLE: Final = "VIGILAR_ONVIF_PASSWORD"  # noqa: S105 the name of a variable, no password


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="vigilar cameras", description="Find cameras and try them out.")
    verbs = top.add_subparsers(dest="action", metavar="COMMAND", required=True)
    discover = verbs.add_parser("discover", help="ask the network for ONVIF cameras and their streams")
    discover.add_argument(
        "--timeout", type=seconds(0.5, 30), default=4.0, metavar="SECONDS", help="how long to listen"
    )
    discover.add_argument(
        "--host", action="append", default=[], metavar="ADDRESS", help="ask this one alone; may be repeated"
    )
    discover.add_argument("--interface", default="", metavar="ADDRESS", help="our own address to ask from")
    discover.add_argument(
        "--user",
        default="",
        help=f"ONVIF user; its password is asked for, or taken from ${PASSWORD_VARIABLE}",
    )
    discover.add_argument(
        "--with-password",
        action="store_true",
        help="write user and password into the addresses that are printed",
    )
    discover.add_argument("--port", type=int, default=3702, help=argparse.SUPPRESS)
    probe = verbs.add_parser("probe", help="connect to an address and say what it sends")
    probe.add_argument("url", metavar="URL", help="rtsp://… (with - it is read from standard input)")
    probe.add_argument(
        "--seconds", type=seconds(0.5, 30), default=5.0, metavar="SECONDS", help="how long to watch"
    )
    probe.add_argument("--picture", metavar="FILE", help="also write a picture of it, as JPEG")
    probe.add_argument("--transport", choices=("tcp", "udp", "http"), help="try this one alone")
    for verb in (discover, probe):
        verb.add_argument("--json", action="store_true", help="print JSON")
        verb.add_argument("--version", action="version", version=f"vigilar {__version__}")
    return top


def main(words: list[str], clock: Clock | None = None) -> int:
    """0: found or usable; 1: nothing found, not usable, failed; 2: the command line was wrong."""
    options = parser().parse_args(words)
    logs.setup("cameras", "ERROR")
    run = _discover if options.action == "discover" else _probe
    try:
        return run(options, clock or SystemClock())
    except VigilarError as error:
        print(f"vigilar: {logs.mask(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _discover(options: argparse.Namespace, clock: Clock) -> int:
    from vigilar_camera_worker.domain.onvif import Login
    from vigilar_camera_worker.find import find, snippet

    login = Login(options.user, _password(options.user)) if options.user else None
    cameras = find(
        clock,
        listen_s=options.timeout,
        hosts=options.host,
        interface=options.interface,
        login=login,
        port=options.port,
    )
    shown = login if options.with_password else None
    if options.json:
        text = snippet(cameras, shown)
        print(json.dumps({"cameras": [camera.to_json() for camera in cameras], "toml": text}, indent=2))
    else:
        for camera in cameras:
            what = camera.problem or ", ".join(
                f"{s.profile.codec} {s.profile.width_px}×{s.profile.height_px}" for s in camera.streams
            )
            print(f"# {camera.host}  {camera.name}  {what}")
        print(snippet(cameras, shown), end="")
    if not cameras:
        print(
            "vigilar: no camera answered. Cameras answer within one network only, and ONVIF must be switched on in "
            "them; in containers use the host's network (see the guide), or ask one with --host ADDRESS",
            file=sys.stderr,
        )
    return 0 if any(camera.main for camera in cameras) else 1


def _password(user: str) -> str:
    found = os.environ.get(PASSWORD_VARIABLE)
    return found if found is not None else getpass.getpass(f"Password of {user}: ")


def _probe(options: argparse.Namespace, clock: Clock) -> int:
    from vigilar_camera_worker.adapters.stream import TRANSPORTS
    from vigilar_camera_worker.probe import probe

    url = sys.stdin.readline().strip() if options.url == "-" else options.url
    if not url.startswith(tuple(f"{scheme}://" for scheme in CAMERA_SCHEMES)):
        print(f"vigilar: an address begins with one of {', '.join(CAMERA_SCHEMES)}", file=sys.stderr)
        return 2
    transports = (options.transport,) if options.transport else TRANSPORTS
    found = probe(url, clock, options.seconds, transports, picture=bool(options.picture))
    if found.picture:
        Path(options.picture).write_bytes(found.picture)
    if options.json:
        print(json.dumps(found.to_json(), indent=2))
    elif found.usable:
        print(
            f"{found.codec} {found.width_px}×{found.height_px}, {found.fps:g} fps, {found.bitrate_kbps} kbit/s"
        )
        print(f"keyframe every {found.gop_s:g} s" if found.gop_s else "one keyframe seen")
        print(f"sound: {found.audio or 'none'}")
    for tried in found.tries if not options.json else ():
        print(f"{tried.transport}: {tried.error or 'works'}", file=sys.stderr if tried.error else sys.stdout)
    return 0 if found.usable else 1
