"""`vigilar init`: make missing secrets and broker files, in containers before every other service."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vigilar_common import broker
from vigilar_common.clock import SystemClock
from vigilar_common.config import slices
from vigilar_common.config.files import write_atomic
from vigilar_common.config.load import LoadedConfig, load
from vigilar_common.config.settings import write_settings

from vigilar_supervisor.bootstrap import CAMERA_FOLDER, make_secrets
from vigilar_supervisor.certificate import make_certificate
from vigilar_supervisor.config_cli import SETTINGS_VARIABLE, Subparsers, config_path
from vigilar_supervisor.demo_config import demo_login, demo_settings
from vigilar_supervisor.start import layout_of


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("init", help="make the keys, passwords and broker files that are missing")
    add = parser.add_argument
    add("-c", "--config", metavar="PATH", help="vigilar.toml")
    add("--settings", metavar="PATH", help=f"settings.toml (default ${SETTINGS_VARIABLE})")
    add("--secrets", metavar="DIR", help="folder of the secrets (default: beside the configuration)")
    add("--config-run", metavar="DIR", help="also write every service its slice, here")
    add("--recordings", metavar="DIR", help="also make the folders for recordings, here")
    add(
        "--certificate",
        action="store_true",
        help="also make an authority of this house, and the web page's certificate",
    )
    add(
        "--watch",
        action="store_true",
        help="go on: do so again when the configuration changes, until SIGTERM",
    )
    add("--broker-listener", metavar="'PORT ADDRESS'", action="append", help="also write mosquitto.conf")
    add("--broker-data", metavar="DIR", help="where the broker may keep messages for other people's software")
    add("--demo", metavar="URL", help="add the demo camera and a login to settings.toml, and print the login")
    parser.set_defaults(func=run_init)


def run_init(args: argparse.Namespace) -> int:
    if args.watch:
        from vigilar_common.service import Environment

        from vigilar_supervisor.keeper import Keeper

        settings = _settings(args)
        run = Path(args.config_run) if args.config_run else None
        files = [config_path(args), *([settings] if settings else [])]
        at = Environment.read()
        return Keeper(lambda: make(args), files, run, SystemClock()).run(at.health_host, at.health_port)
    make(args)
    _say("done")
    return 0


def make(args: argparse.Namespace) -> None:
    """What is missing. Raises ConfigError, OSError, VigilarError."""
    path, settings = config_path(args), _settings(args)
    loaded = load(path, os.environ, settings)
    root = Path(args.secrets) if args.secrets else layout_of(path, loaded.config).secrets
    login = demo_login(root) if args.demo else None
    if login and settings:
        loaded = write_settings(settings, demo_settings(args.demo, login), path, os.environ)
    made = make_secrets(root, [camera.id for camera in loaded.config.cameras], loaded.config.prefixes)
    (root / CAMERA_FOLDER).mkdir(mode=0o700, exist_ok=True)
    if args.certificate:
        made += make_certificate(root, loaded.config.system.name, loaded.config.web.names)
    for name in made:
        _say(f"made {name}")
    if args.broker_listener:
        _write_broker_conf(root, args.broker_listener, args.broker_data)
    if args.recordings:
        (Path(args.recordings) / "incoming").mkdir(mode=0o750, parents=True, exist_ok=True)
    if args.config_run:
        _apply(loaded, Path(args.config_run))
    if login:
        _say(f"demo login: user {login['username']}, password {login['password']}, PIN {login['pin']}")


def _settings(args: argparse.Namespace) -> Path | None:
    named = args.settings or os.environ.get(SETTINGS_VARIABLE)
    return Path(named) if named else None


def _write_broker_conf(root: Path, listeners: list[str], data: str | None) -> None:
    folder = root / "broker"
    text = broker.mosquitto_conf(
        listeners=listeners,
        password_file=Path("/secrets/passwd"),
        acl_file=Path("/secrets/acl"),
        persistence_dir=Path(data) if data else None,
    )
    write_atomic(folder / "mosquitto.conf", text, 0o600)


def _apply(loaded: LoadedConfig, run: Path) -> None:
    (run / CAMERA_FOLDER).mkdir(mode=0o750, parents=True, exist_ok=True)
    changed = slices.apply(loaded, run)
    _say(
        f"configuration {loaded.revision}: "
        + (f"written for {', '.join(changed)}" if changed else "unchanged")
    )


def _say(text: str) -> None:
    sys.stdout.write(f"vigilar init: {text}\n")
    sys.stdout.flush()
