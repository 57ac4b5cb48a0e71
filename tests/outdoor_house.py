"""A running house with two cameras that show composited films: of a drive where a van comes, of a porch where parcels do."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge_rig import Bridge
from footage import RunningCamera, running_camera
from outdoor_films import SIZE, parcel_film, vehicle_film
from patience import wait_until
from real_model import MODELS, ensure_model
from stack import ROOT, Api, Stack
from vigilar_common.almanac import Almanac
from vigilar_common.clock import SystemClock
from vigilar_common.config.rule_words import SUNSET, Point, Window
from vigilar_common.testing.broker import free_port
from vigilar_supervisor.start import demo_layout

VAN = "red van"
LATER = ROOT / "tests" / "later"
HOUR_S = 3_600.0
DUSK_AFTER_S = 5.25 * HOUR_S
"""In the time of the events service it gets dark so long after the house was started."""
MINUTES_OF_DUSK = 30

SETTINGS = f"""
[detection]
person_detection = true
[packages]
enabled = true
cameras = ["porch"]
zones = ["Doorstep"]
remind_after_h = 4
rain_sensors = ["rain"]
[homeassistant]
enabled = true
[alerts.mqtt]
enabled = true
[[vehicles.known]]
name = "{VAN}"
color_profile = "red"
[[sensors]]
id = "rain"
display_name = "Rain"
type = "WATER_LEAK"
protocol = "ZIGBEE"
device_address = "rain"
[[cameras]]
id = "porch"
display_name = "Porch"
resolution_capture = [{SIZE[0]}, {SIZE[1]}]
[[cameras.zones]]
name = "Doorstep"
polygon = [[0.5, 0.3], [1.0, 0.3], [1.0, 0.8], [0.5, 0.8]]
mode = "include"
[[cameras]]
id = "drive"
display_name = "Drive"
resolution_capture = [{SIZE[0]}, {SIZE[1]}]
"""


def place_of_dusk(at_ms: int) -> tuple[float, float]:
    """Latitude and longitude where half an hour before sunset is at about that time."""
    dusk = Window(Point(-MINUTES_OF_DUSK, "sunset"), SUNSET)
    for longitude in range(-180, 180, 2):
        span = Almanac("UTC", 10.0, float(longitude)).span_at(dusk, at_ms)
        if span and span.begin_ms + 300_000 < at_ms < span.end_ms - 600_000:
            return 10.0, float(longitude)
    raise AssertionError("it gets dark nowhere at that time")


@dataclass(frozen=True)
class _Door:
    """The house's broker."""

    host: str
    port: int
    passwords: dict[str, str]


@dataclass
class OutdoorHouse:
    stack: Stack
    camera: RunningCamera
    home: Bridge
    zigbee: Bridge
    api: Api
    later_file: Path
    ready_ms: int
    """What the films showed before may have been missed: nobody looked yet."""

    def later(self, seconds: float) -> None:
        """It is so much later for the events service than by the machine's clock."""
        fresh = self.later_file.with_suffix(".new")
        fresh.write_text(f"{seconds}", "ascii")
        fresh.replace(self.later_file)

    def newest(self, topic: str) -> Any:
        found = [payload for path, payload in list(self.home.heard) if path == topic]
        return json.loads(found[-1]) if found and found[-1] else None

    def heard(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for path, payload in list(self.home.heard) if path == topic and payload]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Of the database, read only."""
        path = self.stack.home / "data" / "vigilar.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def titles(self, kind: str) -> list[str]:
        """Oldest first."""
        return [event["title"] for event in reversed(self.api.events(kind))]

    def event(self, kind: str, since_ms: int, limit_s: float) -> dict[str, Any]:
        """The first one that begins after that time."""

        def found() -> dict[str, Any] | None:
            events = [event for event in self.api.events(kind) if event["started_ms"] >= since_ms]
            return events[-1] if events else None

        event = wait_until(found, limit_s, f"an event {kind}; there are {self._kinds()}")
        assert event is not None
        return event

    def _kinds(self) -> list[str]:
        rows = self.rows("SELECT type, title FROM events ORDER BY started_ms DESC LIMIT 12")
        return [f"{row['type']}: {row['title']}" for row in rows]

    def shown(self, mount: str, event: str, since_ms: int = 0) -> list[int]:
        """Wall times at which the film showed its onset, or its end."""
        return [
            row["wall_ms"]
            for row in self.camera.truth(event)
            if row["mount"] == mount and row["wall_ms"] > since_ms and row["watched"]
        ]

    def vigilar(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "vigilar_supervisor",
            *words,
            "-c",
            str(self.stack.home / "vigilar.toml"),
        ]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


@contextmanager
def outdoor_house(folder: Path, now_ms: int) -> Iterator[OutdoorHouse]:
    ensure_model()
    films = {"porch": parcel_film(), "drive": vehicle_film()}
    home, later_file = folder / "home", folder / "later.txt"
    later_file.write_text("0", "ascii")
    shutil.copytree(MODELS, home / "state" / "detector" / "models")
    latitude, longitude = place_of_dusk(now_ms + round(DUSK_AFTER_S * 1000))
    settings = home / "state" / "storage" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[location]\nlatitude = {latitude}\nlongitude = {longitude}\n{SETTINGS}", "utf-8")
    more = {
        "PYTHONPATH": f"{LATER}:{os.environ.get('PYTHONPATH', '')}".rstrip(":"),
        "VIGILAR_TEST_LATER_SERVICE": "events",
        "VIGILAR_TEST_LATER_FILE": str(later_file),
    }
    with running_camera(films, folder / "camera") as camera:
        stack = Stack(home, free_port(), camera.urls, more)
        stack.start()
        try:
            secrets, broker = demo_layout(home).secrets_layout, stack.info["broker"]
            users = ("home_automation", "zigbee2mqtt")
            door = _Door(
                broker["host"], broker["port"], {name: secrets.broker_password(name) for name in users}
            )
            with (
                Bridge(door, "home_automation", "homeassistant") as ha,
                Bridge(door, "zigbee2mqtt", "zigbee2mqtt") as zigbee,
            ):
                ha.listen("vigilar/#")
                ha.listen("homeassistant/#")
                yield OutdoorHouse(stack, camera, ha, zigbee, stack.api(), later_file, SystemClock().now_ms())
        finally:
            stack.stop()
