"""What the web service needs of the configuration, as one value that is swapped whole on a reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilar_common.config import Config


@dataclass(frozen=True)
class CameraInfo:
    """A configured, enabled camera as people see it."""

    id: str
    name: str
    location: str
    has_sub_stream: bool


@dataclass(frozen=True)
class Settings:
    system_name: str
    timezone: str
    host: str
    port: int
    tls_cert: str
    tls_key: str
    username: str
    password_hash: str = field(repr=False)
    session_timeout_s: int
    hls_dir: Path
    cameras: Mapping[str, CameraInfo]
    sensors_total: int

    @property
    def tls(self) -> bool:
        return bool(self.tls_cert)

    @property
    def listener(self) -> tuple[Any, ...]:
        """What cannot change without a restart."""
        return (self.host, self.port, self.tls_cert, self.tls_key, self.hls_dir)


def settings_of(config: Config) -> Settings:
    cameras = {
        camera.id: CameraInfo(camera.id, camera.display_name, str(camera.location), bool(camera.detect_url))
        for camera in config.cameras
        if camera.enabled
    }
    return Settings(
        system_name=config.system.name,
        timezone=config.system.timezone,
        host=config.web.host,
        port=config.web.port,
        tls_cert=config.web.tls_cert,
        tls_key=config.web.tls_key,
        username=config.web.username,
        password_hash=config.web.password_hash,
        session_timeout_s=config.web.session_timeout,
        hls_dir=Path(config.system.hls_dir),
        cameras=cameras,
        sensors_total=len(config.sensors),
    )
