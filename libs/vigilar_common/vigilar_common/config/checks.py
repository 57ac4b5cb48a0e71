"""What is valid and yet probably not meant: told as warnings, never in the way."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.config.models import nearest
from vigilar_common.config.root import Config
from vigilar_common.config.rule_checks import channels_on, rule_warnings
from vigilar_common.config.sensors import KNOWN_TYPES
from vigilar_common.config.storage import Storage


def warnings_of(config: Config) -> list[str]:
    """One line per oddity, each naming section, key and cure."""
    return [
        *_legacy(config), *_disk(config), *_channels(config), *_references(config), *rule_warnings(config), *_cameras(config)
    ]  # fmt: skip


def _legacy(config: Config) -> Iterator[str]:
    if config.system.arm_pin_hash and not config.security.pin_hash:
        yield (
            "[system] arm_pin_hash is deprecated and ignored, and [security] pin_hash is empty: arm and "
            "disarm behave as if no PIN were configured until you run `vigilar config set-pin`"
        )
    defaults = Storage()
    for key in ("max_disk_usage_gb", "free_space_floor_gb"):
        if getattr(config.storage, key) != getattr(defaults, key):
            yield (
                f"[storage] {key} is a legacy key that limits nothing until `vigilar storage enforce-limits` "
                "confirmed it; see also [health] disk_critical_pct"
            )


def _disk(config: Config) -> Iterator[str]:
    health = config.health
    if health.auto_prune and health.auto_prune_target_pct >= health.disk_critical_pct:
        yield (
            f"[health] auto_prune_target_pct ({health.auto_prune_target_pct:g}) is not below "
            f"disk_critical_pct ({health.disk_critical_pct:g}): pruning would stop before it begins"
        )
    if health.disk_warn_pct >= health.disk_critical_pct:
        yield (
            f"[health] disk_warn_pct ({health.disk_warn_pct:g}) is not below disk_critical_pct "
            f"({health.disk_critical_pct:g}): there would be no warning before"
        )


def _channels(config: Config) -> Iterator[str]:
    email, webhook = config.alerts.email, config.alerts.webhook
    if email.enabled:
        missing = [key for key in ("smtp_host", "from_addr", "to_addr") if not getattr(email, key)]
        if missing:
            yield f"[alerts.email] is enabled without {', '.join(missing)}: no mail can be sent"
        if not email.use_tls and email.password:
            yield "[alerts.email] use_tls is false: the password goes to the mail server in the clear"
    if webhook.enabled and not webhook.url:
        yield "[alerts.webhook] is enabled without url: nothing can be sent"
    on = channels_on(config)
    for table, entries in (("profiles", config.alerts.profiles), ("escalation", config.alerts.escalation)):
        for entry in entries:
            for name in entry.channels:
                if not on[name]:
                    yield f'[[alerts.{table}]] "{entry.name}" tells through {name}, which is switched off'


def _references(config: Config) -> Iterator[str]:
    cameras = tuple(camera.id for camera in config.cameras)
    for section, named in (
        ("detection", config.detection.cameras),
        ("packages", config.packages.cameras),
        ("visitors", config.visitors.cameras),
    ):
        for camera_id in named:
            if camera_id not in cameras:
                yield f'[{section}] cameras names "{camera_id}", which is no camera{_hint(camera_id, cameras)}'
    if config.packages.enabled and not config.detection.person_detection:
        yield "[packages] is enabled without [detection] person_detection: nobody is seen to leave anything"
    sensors = tuple(sensor.id for sensor in config.sensors)
    for sensor_id in config.packages.rain_sensors:
        if sensor_id not in sensors:
            yield f'[packages] rain_sensors names "{sensor_id}", which is no sensor{_hint(sensor_id, sensors)}'
    for sensor in config.sensors:
        if sensor.type not in KNOWN_TYPES:
            known = tuple(known.lower() for known in KNOWN_TYPES)
            near = nearest(sensor.type, known)
            hint = f"; did you mean {near.upper()}?" if near else ""
            yield f'[[sensors]] "{sensor.id}" type {sensor.type} has no meaning of its own{hint}'


def _cameras(config: Config) -> Iterator[str]:
    for camera in config.cameras:
        if camera.idle_fps > camera.motion_fps:
            yield (
                f'[[cameras]] "{camera.id}" idle_fps ({camera.idle_fps}) is above motion_fps '
                f"({camera.motion_fps}): it would look less closely during motion"
            )


def _hint(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""
