"""`vigilar config …`: check, show, apply and merge the configuration, and make its hashes."""

from __future__ import annotations

import argparse
import functools
import getpass
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vigilar_common.errors import ConfigError, VigilarError

if TYPE_CHECKING:
    from vigilar_common.config import Config
    from vigilar_common.config.load import LoadedConfig

SETTINGS_VARIABLE = "VIGILAR_SETTINGS"
CONFIG_RUN_VARIABLE = "VIGILAR_CONFIG_RUN"
MAX_LINE_BYTES = 4096

Subparsers = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


class UsageError(VigilarError):
    """The command cannot be carried out as it was given; ends with 2."""


def register(subparsers: Subparsers[Any]) -> None:
    """Add `config` and its verbs; each sets `args.func`, which returns the exit code."""
    config = subparsers.add_parser("config", help="check, show and change the configuration")
    verbs = config.add_subparsers(dest="config_verb", metavar="VERB", required=True)

    validate = _verb(verbs, "validate", run_validate, "check the configuration and print a summary")
    show = _verb(verbs, "show", run_show, "print the effective configuration as JSON, secrets redacted")
    show.add_argument("--origin", action="store_true", help="name the source of each value")
    apply = _verb(verbs, "apply", run_apply, "check the whole and write each service its slice")
    apply.add_argument(
        "--config-run",
        metavar="DIR",
        help=f"folder of the slices (default ${CONFIG_RUN_VARIABLE}, else data_dir/config-run)",
    )
    merge = _verb(verbs, "merge", run_merge, "print vigilar.toml with the changes of settings.toml folded in")
    for parser in (validate, show, apply, merge):
        parser.add_argument(
            "--settings",
            metavar="PATH",
            help=f"settings.toml (default ${SETTINGS_VARIABLE}, else data_dir/state/storage/settings.toml)",
        )
    hashes = (
        ("set-password", run_set_password, "hash a new web password"),
        ("set-pin", run_set_pin, "hash a new arm/disarm PIN"),
        ("set-recovery-passphrase", run_set_recovery_passphrase, "hash a new recovery passphrase"),
    )
    for name, run, text in hashes:
        parser = _verb(verbs, name, run, f"{text} and print the line for the configuration")
        parser.add_argument("--write", action="store_true", help="put it into the file; comments stay")
        parser.add_argument("--stdin", action="store_true", help="read it as one line from standard input")


def _verb(
    verbs: Subparsers[Any], name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument(
        "-c",
        "--config",
        metavar="PATH",
        help="vigilar.toml (default $VIGILAR_CONFIG, else config/vigilar.toml)",
    )
    parser.set_defaults(func=_reporting(run))
    return parser


def _reporting(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    @functools.wraps(run)
    def reported(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except UsageError as error:
            _complain(f"vigilar config: {error}")
            return 2
        except VigilarError as error:
            _complain(str(error))
        except OSError as error:
            _complain(f"{error.filename or 'configuration'}: {error.strerror or error}")
        return 1

    return reported


def config_path(args: argparse.Namespace) -> Path:
    """vigilar.toml as `-c` and the environment name it."""
    from vigilar_common.config.load import find_config_path

    return find_config_path(args.config, os.environ)


def effective(args: argparse.Namespace) -> LoadedConfig:
    """The whole configuration, settings.toml and environment included. Raises ConfigError."""
    from vigilar_common.config.load import load

    path = config_path(args)
    named = getattr(args, "settings", None) or os.environ.get(SETTINGS_VARIABLE)
    if named:
        return load(path, os.environ, Path(named))
    base = load(path, os.environ)
    settings = default_settings_path(base.config)
    return load(path, os.environ, settings) if settings.exists() else base


def default_settings_path(config: Config) -> Path:
    """Where storage keeps settings.toml on one host."""
    return Path(config.system.data_dir) / "state" / "storage" / "settings.toml"


def default_config_run_dir(config: Config) -> Path:
    """Where slices are on one host."""
    named = os.environ.get(CONFIG_RUN_VARIABLE)
    return Path(named) if named else Path(config.system.data_dir) / "config-run"


def summary(loaded: LoadedConfig) -> list[str]:
    """What `validate` and `start` say about a valid configuration, one line each."""
    config = loaded.config

    def counted(entries: tuple[Any, ...]) -> str:
        off = sum(1 for entry in entries if not entry.enabled)
        return f"{len(entries)}" + (f" ({off} disabled)" if off else "")

    ups = config.ups
    state = f"enabled ({ups.ups_name}@{ups.nut_host}:{ups.nut_port})" if ups.enabled else "disabled"
    return [
        f"Cameras: {counted(config.cameras)}",
        f"Sensors: {counted(config.sensors)}",
        f"Rules: {len(config.rules)}",
        f"UPS: {state}",
        *(f"Warning: {warning}" for warning in loaded.warnings),
    ]


def run_validate(args: argparse.Namespace) -> int:
    loaded = effective(args)
    _say(f"{loaded.path}: valid (revision {loaded.revision})")
    for line in summary(loaded):
        _say(line)
    return 0


def run_show(args: argparse.Namespace) -> int:
    from vigilar_common.config.redact import shown

    loaded = effective(args)
    values = shown(loaded.config)
    _say(json.dumps(_with_origins(loaded, values) if args.origin else values, indent=2, ensure_ascii=False))
    return 0


def _with_origins(loaded: LoadedConfig, values: dict[str, Any]) -> dict[str, Any]:
    from vigilar_common.config.load import leaves

    result = {}
    for path, label, _ in leaves(loaded.config):
        node: Any = values
        for part in path:
            node = node[part]
        dotted = ".".join(label)
        result[dotted] = {"value": node, "origin": str(loaded.origins[dotted])}
    return result


def run_apply(args: argparse.Namespace) -> int:
    from vigilar_common.config.slices import apply, refuse

    try:
        loaded = effective(args)
    except ConfigError as error:
        named = args.config_run or os.environ.get(CONFIG_RUN_VARIABLE)
        if named and Path(named).is_dir():
            refuse(Path(named), str(error))  # the running system tells its owner too
        raise
    folder = Path(args.config_run) if args.config_run else default_config_run_dir(loaded.config)
    changed = apply(loaded, folder)
    _say(f"{folder}: {', '.join(changed) if changed else 'nothing'} changed")
    for warning in loaded.warnings:
        _complain(f"Warning: {warning}")
    return 0


def run_merge(args: argparse.Namespace) -> int:
    from vigilar_common.config.layers import read_text
    from vigilar_common.config.load import load
    from vigilar_common.config.settings import merge

    path = config_path(args)
    named = args.settings or os.environ.get(SETTINGS_VARIABLE)
    settings = Path(named) if named else default_settings_path(load(path, os.environ).config)
    if named and not settings.exists():
        raise ConfigError(f"{settings}: no such file")
    text = read_text(path)
    sys.stdout.write(merge(text, read_text(settings)) if settings.exists() else text)
    return 0


def run_set_password(args: argparse.Namespace) -> int:
    from vigilar_common.passwords import hash_password, why_not_password

    password = _new_secret(args, "web password", why_not_password)
    return _hand_out(args, "web", "password_hash", hash_password(password))


def run_set_pin(args: argparse.Namespace) -> int:
    from vigilar_common.passwords import hash_pin, why_not_pin

    return _hand_out(args, "security", "pin_hash", hash_pin(_new_secret(args, "PIN", why_not_pin)))


def run_set_recovery_passphrase(args: argparse.Namespace) -> int:
    from vigilar_common.passwords import hash_pin, why_not_password

    passphrase = _new_secret(args, "recovery passphrase", why_not_password)
    return _hand_out(args, "security", "recovery_passphrase_hash", hash_pin(passphrase))


def _new_secret(args: argparse.Namespace, name: str, why_not: Callable[[str], str | None]) -> str:
    """The new password or PIN: hidden and twice from a terminal, or one line of standard input."""
    if args.write:
        from vigilar_common.config.layers import read_text

        read_text(config_path(args))  # better to fail before anything is typed
    if args.stdin:
        raw = sys.stdin.buffer.readline(MAX_LINE_BYTES)
        try:
            entered = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name}: is not UTF-8 text") from error
    elif sys.stdin.isatty():
        entered = getpass.getpass(f"New {name}: ")
        if getpass.getpass(f"Repeat the {name}: ") != entered:
            raise ConfigError(f"{name}: the two entries differ; nothing was changed")
    else:
        raise UsageError(f"there is no terminal to ask for the {name}; use --stdin")
    if why := why_not(entered):
        raise ConfigError(f"{name}: {why}")
    return entered


def _hand_out(args: argparse.Namespace, section: str, key: str, value: str) -> int:
    if not args.write:
        _say(f'{key} = "{value}"')
        _complain(f"Paste this line into [{section}], or run again with --write.")
        return 0
    from vigilar_common.config.files import write_atomic
    from vigilar_common.config.layers import read_text
    from vigilar_common.config.settings import set_value

    path = config_path(args)
    text = set_value(read_text(path), section, key, value, str(path))
    try:
        write_atomic(path, text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    _say(f"{path}: [{section}] {key} written")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")
