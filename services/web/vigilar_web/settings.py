"""What the web service needs of the configuration, as one value that is swapped whole on a reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from vigilar_common.config import Config
from vigilar_common.config.web import Remote


@dataclass(frozen=True)
class CameraInfo:
    """A configured, enabled camera as people see it."""

    id: str
    name: str
    location: str
    has_sub_stream: bool
    looked_at: bool = False
    """Objects are looked for in its pictures."""
    zones: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteSettings:
    """`[remote]`, as far as it concerns who watches from where."""

    enabled: bool
    upload_bandwidth_mbps: float
    width_px: int
    height_px: int
    fps: int
    bitrate_kbps: int
    max_viewers: int
    tunnel_ip: str
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, remote: Remote) -> RemoteSettings:
        width_px, height_px = remote.remote_hls_resolution
        return cls(
            enabled=remote.enabled,
            upload_bandwidth_mbps=remote.upload_bandwidth_mbps,
            width_px=width_px,
            height_px=height_px,
            fps=remote.remote_hls_fps,
            bitrate_kbps=remote.remote_hls_bitrate_kbps,
            max_viewers=remote.max_remote_viewers,
            tunnel_ip=remote.tunnel_ip,
            networks=tuple(ip_network(text, strict=False) for text in remote.tunnel_networks),
        )


@dataclass(frozen=True)
class SensorInfo:
    id: str
    name: str
    type: str
    location: str


@dataclass(frozen=True)
class MemberInfo:
    """Somebody of the household."""

    name: str
    role: str


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
    session_lifetime_s: int
    trusted_address: str
    """How browsers reach the page, as `[alerts] page_url` says; empty: not told."""
    hls_dir: Path
    cameras: Mapping[str, CameraInfo]
    sensors: Mapping[str, SensorInfo]
    remote: RemoteSettings
    watches_power: bool = False
    members: tuple[MemberInfo, ...] = ()
    """Empty also where presence is switched off."""

    @property
    def tls(self) -> bool:
        return bool(self.tls_cert)

    @property
    def listener(self) -> tuple[Any, ...]:
        """What cannot change without a restart."""
        return (self.host, self.port, self.tls_cert, self.tls_key, self.hls_dir)


def settings_of(config: Config) -> Settings:
    cameras = {
        camera.id: CameraInfo(
            camera.id,
            camera.display_name,
            str(camera.location),
            bool(camera.detect_url),
            config.detection.looks_at(camera.id),
            tuple(zone.name for zone in camera.zones),
        )
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
        session_lifetime_s=config.web.session_lifetime,
        trusted_address=config.alerts.page_url.rstrip("/"),
        hls_dir=Path(config.system.hls_dir),
        cameras=cameras,
        sensors={
            sensor.id: SensorInfo(sensor.id, sensor.display_name, sensor.type, sensor.location)
            for sensor in config.sensors
            if sensor.enabled
        },
        remote=RemoteSettings.of(config.remote),
        watches_power=config.ups.enabled,
        members=tuple(MemberInfo(member.name, str(member.role)) for member in config.presence.members)
        if config.presence.enabled
        else (),
    )
