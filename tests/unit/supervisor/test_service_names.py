"""Which processes a configuration needs."""

from __future__ import annotations

import pytest
from vigilar_common.config import Config
from vigilar_supervisor.children import service_names


@pytest.mark.parametrize(("enabled", "runs"), [([], False), ([False], False), ([False, True], True)])
def test_the_sensors_service_runs_when_there_is_a_sensor_to_watch(enabled: list[bool], runs: bool) -> None:
    sensors = [
        {
            "id": f"s{n}",
            "display_name": "S",
            "type": "CONTACT",
            "protocol": "ZIGBEE",
            "device_address": "s",
            "enabled": on,
        }
        for n, on in enumerate(enabled)
    ]
    assert ("sensors" in service_names(Config.model_validate({"sensors": sensors}))) is runs


@pytest.mark.parametrize(("enabled", "announced"), [(True, False), (False, True), (False, False)])
def test_the_bridge_to_home_assistant_runs_while_it_is_on_or_has_something_to_take_back(
    enabled: bool, announced: bool
) -> None:
    config = Config.model_validate({"homeassistant": {"enabled": enabled}})
    assert ("homeassistant" in service_names(config, announced)) is (enabled or announced)
