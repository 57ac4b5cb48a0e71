"""`vigilar start`: every service of the configuration as a child process on this host."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from vigilar_common import __version__, logs
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config import Config, slices
from vigilar_common.config.load import LoadedConfig, load
from vigilar_common.errors import ConfigError, StartupError, VigilarError
from vigilar_common.learnt import forget

from vigilar_supervisor.bootstrap import make_secrets
from vigilar_supervisor.certificate import make_certificate
from vigilar_supervisor.children import Layout, Spec, service_specs
from vigilar_supervisor.config_cli import default_config_run_dir, default_settings_path, summary
from vigilar_supervisor.credentials import take_credentials
from vigilar_supervisor.fork_server import ForkServer
from vigilar_supervisor.notify import Notifier
from vigilar_supervisor.supervise import Supervisor

log = logging.getLogger("vigilar.supervisor")

CONFIG_POLL_S = 2.0
UPKEEP_S = 86_400.0
"""Once a day all is looked at without a change: the certificate of the page ends some day."""
DEMO_MARK = "state/storage"
SECRETS_VARIABLE = "VIGILAR_SECRETS_DIR"


def demo_layout(home: Path) -> Layout:
    """Everything inside one folder."""
    return Layout(
        config=home / "vigilar.toml",
        settings=home / "state" / "storage" / "settings.toml",
        config_run=home / "run" / "config",
        state=home / "state",
        secrets=home / "secrets",
        run=home / "run",
    )


def layout_of(config_path: Path, config: Config, env: Mapping[str, str] = os.environ) -> Layout:
    """The host's folders: state below `data_dir`, secrets there too if it has them, else beside the configuration file.

    Where root keeps the keys (install.sh), the folder beside the configuration is closed to the service. The folder of a
    demo has its state beside the configuration too.
    """
    home = config_path.resolve().parent
    if (home / DEMO_MARK).is_dir():
        return demo_layout(home)
    data = Path(config.system.data_dir)
    beside, within = home / "secrets", data / "secrets"
    return Layout(
        config=config_path.resolve(),
        settings=default_settings_path(config),
        config_run=default_config_run_dir(config),
        state=data / "state",
        # os.path: not there, or not for this user to see.
        secrets=Path(env.get(SECRETS_VARIABLE) or (within if os.path.isdir(within) else beside)),  # noqa: PTH112
        run=data / "run",
    )


class Installation:
    """Configuration, secrets and children of one host, kept in step with vigilar.toml and settings.toml."""

    def __init__(
        self,
        layout: Layout,
        clock: Clock,
        *,
        overrides: Mapping[str, str] | None = None,
        log_level: str = "",
        extra: Callable[[], list[Spec]] = list,
        open_output: Callable[[str], IO[bytes] | None] = lambda _: None,
        broker_changed: Callable[[Supervisor], None] = lambda _: None,
    ) -> None:
        self.layout = layout
        self._clock = clock
        self._environment = {**os.environ, **(overrides or {})}
        self._log_level = log_level
        self._extra = extra
        self._broker_changed = broker_changed
        self.ports: dict[str, int] = {}
        self.supervisor = Supervisor(layout.run, clock, open_output, ForkServer(clock))
        self.loaded: LoadedConfig | None = None
        self._seen: tuple[object, ...] = ()
        self._next_poll_s = 0.0
        self._next_upkeep_s = 0.0

    def prepare(self) -> LoadedConfig:
        """Validate, make what is missing, write the slices, name the children. Raises ConfigError, OSError."""
        self._seen = self._stamps()
        self._next_upkeep_s = self._clock.monotonic_s() + UPKEEP_S
        loaded = load(self.layout.config, self._environment, self.layout.settings)
        config = loaded.config
        system = config.system
        for folder in (
            system.data_dir,
            system.recordings_dir,
            system.hls_dir,
            self.layout.run,
            self.layout.state,
        ):
            _make_folder(Path(folder))
        take_credentials(self.layout.secrets, self._environment)
        made = make_secrets(self.layout.secrets, [camera.id for camera in config.cameras], config.prefixes)
        if (self.layout.secrets / "ca").is_dir():  # `vigilar init --certificate` made it
            made += make_certificate(self.layout.secrets, system.name, config.web.names, self._clock)
        if made:
            log.info("made %d secrets: %s", len(made), ", ".join(made[:8]) + (", …" if len(made) > 8 else ""))
        changed = slices.apply(loaded, self.layout.config_run, self._clock)
        if changed:
            log.info("configuration %s applied to %s", loaded.revision, ", ".join(changed))
        if "broker/passwd" in made or "broker/acl" in made:
            self._broker_changed(self.supervisor)
        known = {f"{slices.CAMERA_WORKER}-{camera.id}" for camera in config.cameras}
        for folder in self.layout.state.glob(f"{slices.CAMERA_WORKER}-*"):
            if folder.name not in known:
                forget(folder)
        self.loaded = loaded
        specs = service_specs(config, self.layout, self.ports, self._log_level)
        self.supervisor.set_children([*self._extra(), *specs])
        return loaded

    def follow_config(self) -> None:
        """Take over an edited configuration; a bad one changes nothing and is said once."""
        now = self._clock.monotonic_s()
        if now < self._next_poll_s:
            return
        self._next_poll_s = now + CONFIG_POLL_S
        if self._stamps() == self._seen and now < self._next_upkeep_s:
            return
        try:
            self.prepare()
        except ConfigError as error:
            log.error("the new configuration is refused, the last good one keeps running:\n%s", error)  # noqa: TRY400 the problems are the message
            self._refuse(str(error))
        except (OSError, VigilarError) as error:
            log.error("the new configuration could not be applied: %s", error)  # noqa: TRY400
            self._refuse(f"it could not be applied: {error}")

    def _refuse(self, reason: str) -> None:
        try:
            slices.refuse(self.layout.config_run, reason)
        except OSError as error:
            log.error("this cannot be shown in the web page: %s", error)  # noqa: TRY400

    def _stamps(self) -> tuple[object, ...]:
        return tuple(stamp(path) for path in (self.layout.config, self.layout.settings))

    def run(self) -> None:
        notifier = Notifier(os.environ, self._clock)
        self.supervisor.on_tick += [self.follow_config, lambda: notifier.tick(self.supervisor.children)]
        self.supervisor.on_stop.append(notifier.stopping)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.supervisor.stopping.set())
        self.supervisor.run()


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew; None when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"folder {path} cannot be made: {error.strerror}; check [system] and its rights"
        ) from error


def run_start(args: argparse.Namespace) -> int:
    """The command. Exit code 0 after a clean stop, 1 when it cannot start."""
    path = load_path(args)
    loaded = load(path)
    level = args.log_level or loaded.config.system.log_level
    logs.setup("supervisor", level)
    for warning in loaded.warnings:
        log.warning("%s", warning)
    layout = layout_of(path, loaded.config)
    installation = Installation(
        layout, SystemClock(), log_level=args.log_level or "", **_broker(args, layout, loaded.config)
    )
    prepared = installation.prepare()
    log.info("Vigilar %s: %s", __version__, prepared.config.system.name)
    for line in summary(prepared):
        log.info("%s", line)
    installation.run()
    log.info("all services stopped")
    return 0


def _broker(args: argparse.Namespace, layout: Layout, config: Config) -> dict[str, Any]:
    """What `Installation` is told of a broker of our own. Raises StartupError."""
    if not args.with_broker:
        return {}
    from vigilar_supervisor.own_broker import OwnBroker, reload

    own = OwnBroker(layout, config.mqtt.port, config.mqtt.host)
    return {"extra": lambda: [own.spec()], "broker_changed": reload}


def load_path(args: argparse.Namespace) -> Path:
    from vigilar_supervisor.config_cli import config_path

    return config_path(args)
