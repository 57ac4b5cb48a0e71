"""What `/metrics` shows of the bridge; loaded when somebody scrapes."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_homeassistant.handlers import Bridge


class BridgeCollector(Collector):
    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        counts = CounterMetricFamily(
            "vigilar_homeassistant",
            "births of Home Assistant, discovery messages, events, pictures, switch commands",
            labels=["what"],
        )
        for name, count in list(self._bridge.counters.items()):
            counts.add_metric([name], count)
        devices = GaugeMetricFamily(
            "vigilar_homeassistant_devices", "devices that are announced", labels=["kind"]
        )
        for kind, count in self._bridge.summary()["devices"].items():
            devices.add_metric([kind], count)
        return [counts, devices]
