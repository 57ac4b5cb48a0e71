"""Counters for `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from vigilar_storage.files import OpenFiles


class _Counters(Collector):
    def __init__(self, sources: Mapping[str, Mapping[str, int]], files: OpenFiles) -> None:
        self._sources = sources
        self._files = files

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        for name, counters in self._sources.items():
            family = CounterMetricFamily(
                f"vigilar_storage_{name}", f"counters of {name}, by what", labels=["what"]
            )
            for what, value in counters.items():
                family.add_metric([what], value)
            yield family
        yield GaugeMetricFamily(
            "vigilar_storage_open_media_files", "media files open now", self._files.open_count
        )


def register(registry: CollectorRegistry, sources: Mapping[str, Mapping[str, int]], files: OpenFiles) -> None:
    """The mappings are read at every scrape."""
    registry.register(_Counters(sources, files))
