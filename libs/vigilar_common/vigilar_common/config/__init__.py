"""Configuration: one model per section, the loader with its layers, and the slice that each service sees."""

from vigilar_common.config.alert_profiles import AlertProfile
from vigilar_common.config.cameras import Camera, CameraLocation, Zone, ZoneMode
from vigilar_common.config.root import Config
from vigilar_common.config.rules import Rule
from vigilar_common.config.sensors import Sensor

__all__ = ["AlertProfile", "Camera", "CameraLocation", "Config", "Rule", "Sensor", "Zone", "ZoneMode"]
