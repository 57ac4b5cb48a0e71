"""`vigilar init`: make missing secrets and broker files, in containers before every other service."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from vigilar_common import broker
from vigilar_common.config import slices
from vigilar_common.config.files import write_atomic

from vigilar_supervisor.bootstrap import CAMERA_FOLDER, make_secrets
from vigilar_supervisor.certificate import make_certificate
from vigilar_supervisor.children import Layout
from vigilar_supervisor.config_cli import config_path
from vigilar_supervisor.start import layout_of


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("init", help="make the keys, passwords and broker files that are missing")
    parser.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml")
    parser.add_argument(
        "--secrets", metavar="DIR", help="folder of the secrets (default: beside the configuration)"
    )
    parser.add_argument("--settings", metavar="PATH", help="settings.toml, if the UI has changed something")
    parser.add_argument("--config-run", metavar="DIR", help="also write every service its slice, here")
    parser.add_argument(
        "--broker-listener", metavar="'PORT ADDRESS'", action="append", default=[],
        help="also write mosquitto.conf with this listener; may be repeated",
    )  # fmt: skip
    parser.add_argument("--broker-data", metavar="DIR", help="where the broker may keep messages for others")
    parser.add_argument(
        "--certificate", action="store_true", help="also make a self-signed certificate for the web page"
    )
    parser.set_defaults(func=run_init)


def run_init(args: argparse.Namespace) -> int:
    path = config_path(args)
    settings = Path(args.settings) if args.settings else None
    loaded = load(path, os.environ, settings)
    layout: Layout = layout_of(path, loaded.config)
    root = Path(args.secrets) if args.secrets else layout.secrets
    made = make_secrets(root, [camera.id for camera in loaded.config.cameras])
    (root / CAMERA_FOLDER).mkdir(mode=0o700, exist_ok=True)
    if args.certificate:
        made += make_certificate(root / "web", loaded.config.system.name)
    if args.broker_listener:
        text = broker.mosquitto_conf(
            listeners=args.broker_listener,
            password_file=root / "broker" / "passwd",
            acl_file=root / "broker" / "acl",
            persistence_dir=Path(args.broker_data) if args.broker_data else None,
        )
        write_atomic(root / "broker" / "mosquitto.conf", text, 0o600)
    for name in made:
        _say(f"made {name}")
    if args.config_run:
        run = Path(args.config_run)
        (run / CAMERA_FOLDER).mkdir(mode=0o750, parents=True, exist_ok=True)
        changed = slices.apply(loaded, run)
        _say(f"configuration {loaded.revision} applied" + (f" to {', '.join(changed)}" if changed else ""))
    _say("ready")
    return 0


def _say(text: str) -> None:
    import sys

    sys.stdout.write(f"vigilar init: {text}\n")
