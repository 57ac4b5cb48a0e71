"""The web service's numbers for `/metrics`. Imported at the first scrape."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vigilar_web.parts import Parts


class LiveCollector(Collector):
    """Who watches what, and what was refused or lost on the way. Reads numbers alone, from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        parts = self._parts
        live = parts.live
        gauges = {
            "viewers": (live.counters.viewers, "live pictures that are open"),
            "mjpeg_viewers": (len(parts.mjpeg), "live pictures that are shown as single JPEGs"),
            "hls_writers": (len(parts.hls.running), "plain HLS streams that are written"),
            "remote_viewers": (parts.remote.people, "people who watch through the tunnel"),
            "remote_pictures": (parts.remote.pictures, "pictures that go through the tunnel"),
        }
        counters = {
            "refused": (live.counters.refused, "live pictures refused: too many, or too many to convert"),
            "skips": (live.counters.skips, "jumps to a newer keyframe, of viewers that have left"),
            "holes": (live.counters.holes, "holes on the way from the worker, of streams that have ended"),
            "malformed": (live.counters.malformed, "live parts without usable properties"),
            "unwatched": (live.counters.unwatched, "live parts that came after the last viewer had gone"),
            "remote_refused": (parts.remote.refused, "remote pictures refused"),
            "remote_bytes": (parts.remote.sent_bytes, "bytes of live pictures sent through the tunnel"),
            "mjpeg_pictures": (parts.mjpeg.pictures, "single JPEGs sent"),
            "snapshots_failed": (parts.snapshots.failed, "pictures of now that no worker could make"),
        }
        return [
            *(GaugeMetricFamily(f"vigilar_web_live_{n}", text, value) for n, (value, text) in gauges.items()),
            *(
                CounterMetricFamily(f"vigilar_web_live_{n}", text, value)
                for n, (value, text) in counters.items()
            ),
        ]
