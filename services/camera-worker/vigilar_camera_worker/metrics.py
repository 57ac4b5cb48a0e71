"""The worker's numbers for `/metrics`."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from vigilar_common.clock import Clock

from vigilar_camera_worker.work import cpu_s

if TYPE_CHECKING:
    from vigilar_camera_worker.pool import Child

log = logging.getLogger(__name__)

ASKED_AT_ONCE: Final = 8
MAX_METRICS_BYTES: Final = 262_144
CHILDREN_LIMIT_S: Final = 8.0
"""All children together may take so long to tell their numbers; Prometheus waits ten seconds."""


class WorkerCollector(Collector):
    """Reads the parts' own counters when asked; nothing is counted twice."""

    def __init__(
        self,
        counters: list[Mapping[str, int]],
        gauges: Mapping[str, Callable[[], float]],
        last_error: Callable[[], str] = lambda: "",
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        """``share``: this camera's part of what the process uses."""
        self._counters, self._gauges, self._last_error = counters, gauges, last_error
        self._share = share

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        families: list[CounterMetricFamily | GaugeMetricFamily] = [
            CounterMetricFamily(
                "vigilar_camera_cpu_seconds", "user and system time of this camera", cpu_s() * self._share()
            )
        ]
        for counters in self._counters:
            for name, value in list(counters.items()):
                help_text = name.replace("_", " ") + " since the start"
                families.append(CounterMetricFamily(f"vigilar_camera_{name}", help_text, value))
        for name, read in self._gauges.items():
            families.append(GaugeMetricFamily(f"vigilar_camera_{name}", name.replace("_", " "), read()))
        if error := self._last_error():
            told = GaugeMetricFamily(
                "vigilar_camera_last_error", "1 for the kind of the last failure", labels=["code"]
            )
            told.add_metric([error], 1)
            families.append(told)
        return families


class ScoutCollector(Collector):
    """How often cameras were looked for and tried out."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> list[CounterMetricFamily]:
        return [
            CounterMetricFamily(f"vigilar_scout_{name}", f"{name.replace('_', ' ')} since the start", value)
            for name, value in self._counts().items()
        ]


class PoolCollector(Collector):
    """Of the pool: one row per camera process, and every number of each camera with its id as label ``camera``.

    The children listen on loopback, where nobody else can ask them.
    """

    def __init__(
        self, children: Callable[[], list[Child]], fetch: Callable[[int], str], clock: Clock
    ) -> None:
        """``fetch``: the text of `/metrics` behind a port; raises OSError, HTTPException or ValueError."""
        self._children, self._fetch, self._clock = children, fetch, clock

    def describe(self) -> list[Metric]:
        """Nothing: else the registry would ask all children when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        children = self._children()
        ready = GaugeMetricFamily(
            "vigilar_pool_camera_ready", "1 while this camera's process is ready", labels=["camera"]
        )
        restarts = GaugeMetricFamily(
            "vigilar_pool_camera_restarts", "restarts of this camera's process", labels=["camera"]
        )
        for child in children:
            ready.add_metric([child.camera_id], int(not child.problem))
            restarts.add_metric([child.camera_id], child.policy.restarts)
        yield from (ready, restarts)
        yield from self._of_children([child for child in children if child.running])

    def _of_children(self, children: list[Child]) -> Iterator[Metric]:
        told = GaugeMetricFamily(
            "vigilar_pool_camera_told", "1 when this camera's process told its numbers", labels=["camera"]
        )
        families: dict[str, Metric] = {}
        texts = self._ask_all(children)
        for child in children:
            text = texts.get(child.camera_id, "")
            told.add_metric([child.camera_id], float(bool(text) and self._take(child, text, families)))
        yield told
        yield from families.values()

    def _ask_all(self, children: list[Child]) -> dict[str, str]:
        """Side by side, because a busy machine lets each wait; camera id → what it told in time."""
        texts: dict[str, str] = {}
        until_s = self._clock.monotonic_s() + CHILDREN_LIMIT_S

        def ask(child: Child) -> None:
            if self._clock.monotonic_s() >= until_s:
                return
            try:
                texts[child.camera_id] = self._fetch(child.port)
            except (OSError, http.client.HTTPException, ValueError) as error:
                log.warning("%s does not tell its numbers: %s", child.name, error)

        with ThreadPoolExecutor(ASKED_AT_ONCE, "numbers") as askers:
            list(askers.map(ask, children))
        return texts

    def _take(self, child: Child, text: str, families: dict[str, Metric]) -> bool:
        try:
            found = list(text_string_to_metric_families(text))
        except ValueError as error:
            log.warning("%s does not tell its numbers: %s", child.name, error)
            return False
        for family in found:
            if not family.name.startswith("vigilar_"):
                continue  # of Python and the process: the pool tells its own
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                whole.add_sample(sample.name, {**sample.labels, "camera": child.camera_id}, sample.value)
        return True
