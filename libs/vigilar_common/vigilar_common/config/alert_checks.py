"""What `[alerts]` names must exist: a profile with a typing error would be silent."""

from __future__ import annotations

from collections.abc import Iterator

from vigilar_common.config.root import Config
from vigilar_common.config.rule_checks import Problem
from vigilar_common.config.rule_words import unknown_word, window_of


def alert_problems(config: Config) -> Iterator[Problem]:
    """Zones that no camera has, and times by the sun without a place."""
    zones = tuple(dict.fromkeys(zone.name for camera in config.cameras for zone in camera.zones))
    for index, profile in enumerate(config.alerts.profiles):
        path = ("alerts", "profiles", index)
        for zone in profile.zones:
            if zone not in zones:
                hint = unknown_word(zone, zones) if zones else f'"{zone}" does not exist: there is none'
                yield path, f"zones {hint}"
        if _by_sun(config, profile.times):
            yield path, _NO_PLACE
    if _by_sun(config, config.alerts.quiet.times):
        yield ("alerts", "quiet"), _NO_PLACE


_NO_PLACE = "times needs to know where the house stands: set [location] latitude and longitude"


def _by_sun(config: Config, times: tuple[str, ...]) -> bool:
    placed = config.location.latitude != 0 or config.location.longitude != 0
    return not placed and any(window_of(text).by_sun for text in times)
