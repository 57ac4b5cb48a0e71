"""One slice per service: the part of the configuration it needs, and nobody else's secrets.

`apply` writes them to `<folder>/<service>/config.json`, those of cameras below `<folder>/cameras/`;
`SliceReader` is how a service sees its own. A slice has a revision of its own, so a service whose part did
not change is not disturbed by a change elsewhere.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.files import sync_dir, write_atomic
from vigilar_common.config.load import LoadedConfig, revision_of
from vigilar_common.config.redact import scrubbed
from vigilar_common.config.root import Config
from vigilar_common.errors import ConfigError, StartupError

CAMERA_WORKER = "camera-worker"
CAMERA_FOLDER = "cameras"
SLICE_FILE = "config.json"
REFUSED_FILE = "refused.txt"
REFUSED_READER = "health"
"""The service that is told why a configuration was not taken over, and tells the owner."""
MAX_REFUSED_CHARACTERS = 2_000
SLICE_MODE = 0o640
MAX_SLICE_BYTES = 8 * 1024 * 1024

_BASICS = ("system", "mqtt")
SLICES: dict[str, tuple[str, ...]] = {
    "storage": (*_BASICS, "storage", "health", "cameras", "sensors", "location"),
    CAMERA_WORKER: (*_BASICS, "storage", "cameras", "detection", "packages", "remote"),
    "scout": _BASICS,
    "events": (
        *_BASICS,
        *(
            "cameras",
            "sensors",
            "rules",
            "presence",
            "vehicles",
            "packages",
            "detection",
            "location",
            "security",
            "alarm",
        ),
    ),
    "alerts": (*_BASICS, "alerts", "cameras", "sensors", "location", "health"),
    "sensors": (*_BASICS, "zigbee2mqtt", "zwave", "sensors", "sensors_gpio"),
    "ups": (*_BASICS, "ups"),
    "presence": (*_BASICS, "presence"),
    "homeassistant": (
        *_BASICS,
        "homeassistant",
        "cameras",
        "sensors",
        "ups",
        "presence",
        "detection",
        "vehicles",
        "packages",
        "visitors",
        "pets",
    ),
    "offsite": (*_BASICS, "offsite"),
    "health": (*_BASICS, "health", "storage", "cameras", "sensors", "ups"),
    "pets": (*_BASICS, "pets", "cameras", "detection", "location"),
    "visitors": (*_BASICS, "visitors", "cameras", "detection"),
    "highlights": (*_BASICS, "highlights", "cameras", "location"),
    "detector": (*_BASICS, "detection", "vehicles", "cameras"),
    "web": tuple(name for name in Config.model_fields if name != "security"),
    "supervisor": tuple(name for name in Config.model_fields if name != "security"),
}
"""Sections by service. A camera worker's slice is `camera-worker-<id>` and holds that camera alone."""

SECRETS: dict[str, tuple[str, ...]] = {
    "events": ("security",),
    "alerts": ("alerts",),
    "offsite": ("offsite",),
    "web": ("web",),
    CAMERA_WORKER: ("cameras",),
}
"""Sections whose secrets a service holds, besides the broker login in [mqtt] that all of them need.

Everywhere else secrets are empty and URLs carry no user and password.
"""


class SliceConfig(Config):
    """A configuration of some sections. Reading one that the slice lacks fails: a default would be a lie."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in Config.model_fields:
                raise AttributeError(f"this service's slice has no section {name}; see SLICES")
            return super().__getattr__(name)


@dataclass(frozen=True)
class Slice:
    """What one service may know. ``config`` answers for its ``sections`` only, else with AttributeError."""

    service: str
    revision: str
    config: Config
    sections: tuple[str, ...]
    timezone: str
    generated_ms: int


def slice_folder(config_run_dir: Path, service: str) -> Path:
    """Where the slice lies. Cameras lie together: a container that runs several is given that folder alone."""
    if service.startswith(f"{CAMERA_WORKER}-"):
        return config_run_dir / CAMERA_FOLDER / service
    return config_run_dir / service


def slice_names(config: Config) -> tuple[str, ...]:
    """Every service that gets a slice: camera workers by camera, also of disabled ones."""
    fixed = tuple(name for name in SLICES if name != CAMERA_WORKER)
    return fixed + tuple(f"{CAMERA_WORKER}-{camera.id}" for camera in config.cameras)


def slice_values(config: Config, service: str) -> dict[str, Any]:
    """The sections and values that the service may see, as JSON types. Raises ConfigError for a stranger."""
    camera_id = None
    kind = service
    if service not in SLICES and service.startswith(f"{CAMERA_WORKER}-"):
        kind, camera_id = CAMERA_WORKER, service[len(CAMERA_WORKER) + 1 :]
        if config.camera(camera_id) is None:
            raise ConfigError(f'no slice for {service}: [[cameras]] has no "{camera_id}"')
    elif service not in SLICES or service == CAMERA_WORKER:
        raise ConfigError(f"no slice for {service}: no such service")
    plain = config.model_dump(mode="json", include=set(SLICES[kind]))
    clean = scrubbed(config)
    own = (*SECRETS.get(kind, ()), "mqtt")
    values = {name: plain[name] if name in own else clean[name] for name in SLICES[kind]}
    if camera_id is not None:
        values["cameras"] = [camera for camera in values["cameras"] if camera["id"] == camera_id]
    return values


def slice_revision(config: Config, service: str) -> str:
    """The revision that a service reports once it runs this configuration."""
    return revision_of(slice_values(config, service))


def disturbed(before: Config, after: Config) -> list[str]:
    """The services that would be given another slice, or lose theirs."""
    old, new = slice_names(before), slice_names(after)
    return [
        service
        for service in dict.fromkeys((*new, *old))
        if service not in old
        or service not in new
        or slice_revision(before, service) != slice_revision(after, service)
    ]


def apply(loaded: LoadedConfig, config_run_dir: Path, clock: Clock | None = None) -> list[str]:
    """Write the slices that changed, each atomically, and remove those of cameras that are gone.

    Returns the services whose slice changed or went. Raises OSError when the folder cannot be written.
    """
    clock = clock or SystemClock()
    config_run_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    changed = []
    wanted = slice_names(loaded.config)
    for service in wanted:
        values = slice_values(loaded.config, service)
        revision = revision_of(values)
        file = slice_folder(config_run_dir, service) / SLICE_FILE
        if _written_revision(file) == revision:
            continue
        document = {
            "revision": revision,
            "service": service,
            "generated_ms": clock.now_ms(),
            "timezone": loaded.config.system.timezone,
            "config": values,
        }
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomic(file, json.dumps(document, ensure_ascii=False, indent=1) + "\n", SLICE_MODE)
        changed.append(service)
    for folder in sorted((config_run_dir / CAMERA_FOLDER).glob(f"{CAMERA_WORKER}-*")):
        file = folder / SLICE_FILE
        if folder.name not in wanted and file.exists():
            file.unlink(missing_ok=True)
            sync_dir(folder)
            with contextlib.suppress(OSError):  # something else lies in it
                folder.rmdir()
            changed.append(folder.name)
    _refused_file(config_run_dir).unlink(missing_ok=True)
    return changed


def refuse(config_run_dir: Path, reason: str) -> None:
    """Leave word of why the newest configuration is not in use; the next `apply` takes it back. Raises OSError."""
    file = _refused_file(config_run_dir)
    file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_atomic(file, "; ".join(reason.splitlines())[:MAX_REFUSED_CHARACTERS] + "\n", SLICE_MODE)


def refusal(config_run_dir: Path) -> str:
    """What `refuse` was told last; empty when the newest configuration is in use, or cannot be read."""
    try:
        return _refused_file(config_run_dir).read_text("utf-8", "replace").strip()[:MAX_REFUSED_CHARACTERS]
    except OSError:
        return ""  # mostly: there is none; an unreadable folder is a finding of the slice beside it


def _refused_file(config_run_dir: Path) -> Path:
    return config_run_dir / REFUSED_READER / REFUSED_FILE


def _partial(values: dict[str, Any]) -> SliceConfig:
    config = SliceConfig.model_validate(values)
    for name in Config.model_fields.keys() - values.keys():
        del config.__dict__[name]
    return config


def _written_revision(file: Path) -> str | None:
    """The revision of a slice on disk that is whole; None makes `apply` write it anew."""
    try:
        return _parsed(file, None).revision
    except (ConfigError, OSError):
        return None


def _parsed(file: Path, service: str | None) -> Slice:
    """Raises OSError, or ConfigError naming the file and what is wrong with it."""
    with file.open("rb") as opened:
        raw = opened.read(MAX_SLICE_BYTES + 1)
    if len(raw) > MAX_SLICE_BYTES:
        raise ConfigError(f"{file}: is larger than {MAX_SLICE_BYTES} bytes")
    try:
        document = json.loads(raw)
        values = document["config"]
        found = Slice(
            service=str(document["service"]),
            revision=str(document["revision"]),
            config=_partial(values),
            sections=tuple(values),
            timezone=str(document["timezone"]),
            generated_ms=int(document["generated_ms"]),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{file}: {where}: {first['msg']}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(f"{file}: is not a slice ({type(error).__name__})") from error
    if revision_of(values) != found.revision:
        raise ConfigError(f"{file}: its values do not have the revision it names ({found.revision})")
    if service is not None and found.service != service:
        raise ConfigError(f"{file}: is the slice of {found.service}, not of {service}")
    return found


class SliceReader:
    """A service's view of its slice. Keeps the last good one when a later one is bad.

    ``folder`` holds the service's own folder: that of `apply`, or its `cameras` for a camera worker.
    The caller asks `changed()` every 2 s and then calls `load()`.
    """

    def __init__(self, folder: Path, service: str, clock: Clock) -> None:
        self.path = folder / service / SLICE_FILE
        self.service = service
        self.error: str | None = None
        """Why the newest slice is not in use; None when it is. For log, health and UI."""
        self.loaded_ms = 0
        """When the slice in use was read, UTC milliseconds."""
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._good: Slice | None = None

    @property
    def current(self) -> Slice:
        """The slice in use. Raises StartupError before the first `load()`."""
        if self._good is None:
            raise StartupError(f"{self.path}: the configuration of {self.service} is not loaded yet")
        return self._good

    def load(self) -> Slice:
        """The newest good slice. Raises StartupError when there has never been one."""
        self._seen = self._stamp()
        try:
            fresh = _parsed(self.path, self.service)
        except FileNotFoundError as error:
            return self._last_good(
                f"{self.path}: no configuration for {self.service} yet; run `vigilar config apply`", error
            )
        except OSError as error:
            return self._last_good(f"{self.path}: cannot be read: {error.strerror or error}", error)
        except ConfigError as error:
            return self._last_good(f"{error}; run `vigilar config apply`", error)
        self._good, self.error, self.loaded_ms = fresh, None, self._clock.now_ms()
        return fresh

    def changed(self) -> bool:
        """Whether the file is another one than at the last `load()`, good or bad."""
        return self._stamp() != self._seen

    def _last_good(self, reason: str, error: Exception) -> Slice:
        if self._good is None:
            raise StartupError(reason) from error
        self.error = reason
        return self._good

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None  # gone or unreadable: `load` tells why
        return found.st_mtime_ns, found.st_ino, found.st_size
