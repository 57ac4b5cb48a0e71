"""`vigilar demo`: the whole system in one folder, with its own broker and a camera that plays real footage."""

from __future__ import annotations

import argparse
import json
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path
from typing import IO

from vigilar_common import logs
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.files import write_atomic
from vigilar_common.errors import StartupError

from vigilar_supervisor.bootstrap import make_secrets
from vigilar_supervisor.children import LOOPBACK, Spec, free_port
from vigilar_supervisor.config_cli import Subparsers
from vigilar_supervisor.demo_config import DEMO_CAMERA, demo_config, demo_login, has_model
from vigilar_supervisor.demo_model import ModelFetch
from vigilar_supervisor.own_broker import OwnBroker, reload
from vigilar_supervisor.start import Installation, demo_layout

log = logging.getLogger("vigilar.demo")

DEFAULT_HOME = ".vigilar"
DEFAULT_PORT = 49735
TRUTH_FILE = "demo-camera-truth.jsonl"
CACHE_VARIABLE = "VIGILAR_DEMO_CACHE"
PROGRESS_S = 8.0
LOG_BYTES, LOG_FILES = 5_000_000, 2


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("demo", help="run everything here, with a demo camera, until Ctrl-C")
    parser.add_argument(
        "--home", metavar="DIR", default=DEFAULT_HOME, help="state folder (default %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="of the web page (default %(default)s)"
    )
    parser.add_argument(
        "--camera", metavar="ID=URL", action="append", default=[], type=_camera,
        help="use this camera instead of the demo camera; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--detect", action="store_true",
        help="fetch a model in the background and tell persons, vehicles and animals from other motion",
    )  # fmt: skip
    parser.add_argument("--log-level", choices=logs.LEVELS, default="INFO")
    parser.add_argument("--quiet", action="store_true", help="print only the address and what goes wrong")
    parser.set_defaults(func=run_demo)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use 1 to 65535")
    return int(text)


def _camera(text: str) -> tuple[str, str]:
    camera_id, separator, url = text.partition("=")
    if not separator or not camera_id or not url:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ID=URL, for example door=rtsp://192.168.1.20/stream1"
        )
    return camera_id, url


def run_demo(args: argparse.Namespace) -> int:
    logs.setup("demo", "WARNING" if args.quiet else args.log_level)
    home = Path(args.home).resolve()
    try:
        demo = Demo(home, args.port, dict(args.camera), args.log_level, SystemClock(), detect=args.detect)
        demo.run()
    except OSError as error:
        raise StartupError(f"the demo cannot run in {home}: {error}") from error
    return 0


class Demo:
    """One folder; see DESIGN for its contents. Reuses what an earlier run left there."""

    def __init__(
        self, home: Path, port: int, cameras: dict[str, str], log_level: str, clock: Clock, *, detect: bool = False
    ) -> None:  # fmt: skip
        self.home, self.port, self.clock = home, port, clock
        self._own_camera = not cameras
        self._rtsp_port = free_port()
        self.cameras = cameras or {DEMO_CAMERA: f"rtsp://{LOOPBACK}:{self._rtsp_port}/{DEMO_CAMERA}"}
        self.broker_port = free_port()
        self.layout = demo_layout(home)
        self._log_level = log_level
        self._ready = False
        self._next_word_s = 0.0
        self._outputs: list[_RotatingOutput] = []
        self._detect = detect and not has_model(home)
        self._models = self.layout.state / "detector" / "models"
        output = self.layout.run / "log" / "models.log"
        self._model = ModelFetch(self._models, output, clock, self._write_config)

    def run(self) -> None:
        self._claim_home()
        for stale in (self.home / "demo.json", self.layout.run / TRUTH_FILE):
            stale.unlink(missing_ok=True)
        self._login = login = demo_login(self.layout.secrets)
        self._write_config()
        make_secrets(self.layout.secrets, self.cameras)
        self._broker = OwnBroker(self.layout, self.broker_port)
        self.installation = Installation(
            self.layout,
            self.clock,
            overrides=self._overrides(),
            log_level=self._log_level,
            extra=self._extra_specs,
            open_output=self._open_output,
            broker_changed=reload,
        )
        os.environ.update(self._overrides())  # storage validates settings against the same layers
        self.installation.prepare()
        self.installation.supervisor.on_tick += [lambda: self._announce(login), self._model.poll]
        try:
            self.installation.run()
        finally:
            self._model.stop()
            (self.home / "demo.json").unlink(missing_ok=True)
            for output in self._outputs:
                output.close()
        log.info("stopped; everything recorded stays in %s", self.home)

    def _write_config(self) -> None:
        text = demo_config(self.home, self.cameras, self._login, self._own_camera)
        write_atomic(self.layout.config, text, 0o600)

    def _claim_home(self) -> None:
        """Only one demo per folder. Raises StartupError."""
        import fcntl

        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (self.home / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartupError(
                f"another `vigilar demo` already runs in {self.home}; stop it or use --home"
            ) from error

    def _overrides(self) -> dict[str, str]:
        """What changes with every run is no part of the written configuration."""
        return {
            "VIGILAR__MQTT__HOST": LOOPBACK,
            "VIGILAR__MQTT__PORT": str(self.broker_port),
            "VIGILAR__WEB__HOST": LOOPBACK,
            "VIGILAR__WEB__PORT": str(self.port),
        }

    def _extra_specs(self) -> list[Spec]:
        specs = [self._broker.spec()]
        if self._own_camera:
            argv = (
                sys.executable, "-m", "vigilar_demo_camera", *self._film_folders(),
                "--listen", LOOPBACK, "--port", str(self._rtsp_port), "--name", DEMO_CAMERA,
                "--truth-file", str(self.layout.run / TRUTH_FILE),
            )  # fmt: skip
            specs.append(Spec("demo-camera", argv, tcp_port=self._rtsp_port))
        return specs

    def _film_folders(self) -> list[str]:
        """Footage and film: in this folder, or where several demos share them."""
        shared = os.environ.get(CACHE_VARIABLE)
        if not shared:
            return ["--state", str(self.home / "state" / "demo-camera")]
        return ["--state", shared, "--footage-cache", str(Path(shared) / "footage")]

    def _open_output(self, name: str) -> IO[bytes]:
        output = _RotatingOutput(self.layout.run / "log" / f"{name}.log")
        self._outputs.append(output)
        return output.writer

    def _announce(self, login: dict[str, str]) -> None:
        supervisor = self.installation.supervisor
        if self._ready:
            return
        if waiting := supervisor.not_ready():
            self._say_what_is_missing(waiting)
            return
        self._ready = True
        self._write_demo_json(login)
        supervisor.services_changed = lambda: self._write_demo_json(login)  # type: ignore[method-assign]
        lines = [
            "", "Vigilar is running.",
            f"  address   http://{LOOPBACK}:{self.port}",
            f"  user      {login['username']}",
            f"  password  {login['password']}",
            f"  PIN       {login['pin']}",
            f"  folder    {self.home}  (logs in run/log)",
        ]  # fmt: skip
        if self._own_camera:
            lines.append("The demo camera shows a quiet street; people walk by every half minute.")
        if self._detect:
            lines.append("A model is being fetched; persons, vehicles and animals are told when it is here.")
            self._model.start()
        elif not has_model(self.home):
            lines += [
                "It tells motion alone. Persons, vehicles and animals with --detect, or from the next start on, after:",
                f"  VIGILAR_MODELS_DIR={self._models} vigilar models install",
            ]
        lines += ["Ctrl-C stops everything.", ""]
        sys.stdout.write("\n".join(lines))
        sys.stdout.flush()

    def _say_what_is_missing(self, waiting: list[str]) -> None:
        now = self.clock.monotonic_s()
        if now < self._next_word_s:
            return
        if self._next_word_s:
            film = " (a new folder's film takes about 20 s to build)" if "demo-camera" in waiting else ""
            log.info("still starting: %s%s", ", ".join(waiting), film)
        self._next_word_s = now + PROGRESS_S

    def _write_demo_json(self, login: dict[str, str]) -> None:
        password = self.layout.secrets_layout.broker_password("home_automation")
        document = {
            "url": f"http://{LOOPBACK}:{self.port}",
            "username": login["username"],
            "password": login["password"],
            "pin": login["pin"],
            "config": str(self.layout.config),
            "camera_ids": list(self.cameras),
            "services": self.installation.supervisor.services(),
            "broker": {
                "host": LOOPBACK,
                "port": self.broker_port,
                "home_automation": {"username": "home_automation", "password": password},
            },
        }
        write_atomic(self.home / "demo.json", json.dumps(document, indent=1) + "\n", 0o600)


class _RotatingOutput:
    """A child's output in a file of bounded size: a pipe, a thread, and the library's rotating file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        read_fd, write_fd = os.pipe()
        os.set_inheritable(write_fd, False)
        self.writer: IO[bytes] = os.fdopen(write_fd, "wb", buffering=0)
        self._reader = os.fdopen(read_fd, "r", encoding="utf-8", errors="replace")
        threading.Thread(target=self._pump, name=f"log-{path.stem}", daemon=True).start()

    def _pump(self) -> None:
        for line in self._reader:
            record = logging.LogRecord("child", logging.INFO, "", 0, line.rstrip("\n"), None, None)
            self._handler.emit(record)

    def close(self) -> None:
        self.writer.close()
        self._handler.close()
