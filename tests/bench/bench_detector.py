"""What looking costs: one crop end to end, crops a second, sixteen busy cameras, memory, and an idle detector.

The default model is fetched into `.cache/models` where it is not there yet (24 MB, by `vigilar models install`). Wall times are
those of a shared machine; CPU milliseconds per crop stay nearly the same when others work beside it.
Run: `make bench-detector` (about a minute and a half).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
from real_model import MODELS, ensure_model
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import MqttBus, Received
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.messages.detection import CropResult, CropSeen
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import CROP, CROP_SEEN, DETECTOR_LEASE
from vigilar_detector.loading import load
from vigilar_detector.looker import look
from vigilar_detector.timing import looking
from vigilar_models import jpeg as pictures
from vigilar_models.runtime import workers_here
from vigilar_models.store import Installed
from vigilar_models.timing import measure

CAMERAS, PER_S, LASTS_S, IDLE_S, ROUNDS = 16, 5, 20.0, 20.0, 100
MOST_MS, LEAST_PER_S, MOST_P95_MS, MOST_RSS_MB = 12.0, 60.0, 200.0, 250.0


def row(what: str, value: str, target: str = "", ok: bool = True) -> bool:
    print(f"| {what} | {value} | {target}{'' if ok else ' **missed**'} |", flush=True)
    return ok


def street(side_px: int) -> bytes:
    """A JPEG with the detail of a crop; what is on it does not change the time."""
    noise = np.random.default_rng(7).integers(0, 255, (side_px // 8, side_px // 8, 3), dtype=np.uint8)
    done, encoded = cv2.imencode(
        ".jpg", cv2.resize(noise, (side_px, side_px)), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    assert done
    return encoded.tobytes()


def one_crop(found: Installed) -> bool:
    loaded, data = load(found, 0.25, 1), street(found.manifest.crop_px)
    picture = pictures.pixels(data)
    parts: dict[str, Callable[[], object]] = {
        "crop, end to end": lambda: look(loaded, 0, data),
        "of it inference": lambda: loaded.model.look(0, picture),
    }
    ok = True
    for name, call in parts.items():
        times, cpu_s = [], time.process_time()
        for _ in range(ROUNDS):
            began_s = time.perf_counter()
            call()
            times.append((time.perf_counter() - began_s) * 1000)
        cpu_ms = (time.process_time() - cpu_s) * 1000 / ROUNDS
        whole = name.startswith("crop")
        fits = not whole or min(times) <= MOST_MS
        ok &= row(
            f"{name}, one thread: best, median wall ms; CPU ms",
            f"{min(times):.1f}, {statistics.median(times):.1f}; {cpu_ms:.1f}",
            f"≤ {MOST_MS:g} ms" if whole else "",
            fits,
        )
    return ok


def crops_per_s(found: Installed) -> bool:
    *_, most = measure(found, looking, None, 5.0, SystemClock())
    return row(
        f"crops a second, {most.workers} threads",
        f"{most.per_s:.0f}",
        f"≥ {LEAST_PER_S:g}",
        most.per_s >= LEAST_PER_S,
    )


class House(ServiceRig):
    """Sixteen cameras' users, a broker, the detector as a process."""

    def __init__(self, folder: Path, broker: TestBroker, names: list[str]) -> None:
        cameras = "".join(
            f'[[cameras]]\nid = "{n}"\ndisplay_name = "{n}"\nrtsp_url = "rtsp://127.0.0.1:9/{n}"\n'
            for n in names
        )
        super().__init__(folder, broker, f"[detection]\nperson_detection = true\n{cameras}")
        self.buses: dict[str, MqttBus] = {name: broker.bus(f"camera-worker-{name}") for name in names}
        self.sent: dict[str, float] = {}
        self.took_ms: list[float] = []
        self.unseen = 0
        self.leases = 0
        for name, bus in self.buses.items():
            bus.subscribe(CROP_SEEN, self._answered, camera_id=name)
        next(iter(self.buses.values())).subscribe(DETECTOR_LEASE, self._leased)

    def _leased(self, _received: Received) -> None:
        self.leases += 1

    def _answered(self, received: Received) -> None:
        assert isinstance(received.message, CropSeen)
        sent_s = self.sent.pop(received.message.crop_id, None)
        if sent_s is None:
            return
        if received.message.result is CropResult.SEEN:
            self.took_ms.append((time.perf_counter() - sent_s) * 1000)
        else:
            self.unseen += 1

    def film(self, name: str, number: int, data: bytes, until_s: float) -> None:
        """One camera: a crop every 200 ms, not all at the same moment."""
        due_s = time.perf_counter() + number / CAMERAS / PER_S
        while due_s < until_s:
            time.sleep(max(0.0, due_s - time.perf_counter()))
            crop_id = uuid7(SystemClock())
            self.sent[crop_id] = time.perf_counter()
            self.buses[name].publish_frame(CROP, data, {"crop_id": crop_id, "ts_ms": "1"}, camera_id=name)
            due_s += 1 / PER_S


def cpu_s(process: ServiceProcess) -> float:
    assert process.process is not None
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def house(found: Installed, folder: Path) -> bool:
    names = [f"camera{number}" for number in range(CAMERAS)]
    broker = TestBroker(folder / "broker", names)
    broker.start()
    rig = House(folder, broker, names)
    os.environ["VIGILAR_MODELS_DIR"] = str(MODELS)
    process = rig.service("detector").start()
    ok = True
    try:
        until(lambda: rig.leases, 30, "a lease")
        data, before_s, end_s = street(found.manifest.crop_px), cpu_s(process), time.perf_counter() + LASTS_S
        threads = [threading.Thread(target=rig.film, args=(n, i, data, end_s)) for i, n in enumerate(names)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(1.0)
        seen, left = len(rig.took_ms), len(rig.sent)
        share = seen / max(1, seen + rig.unseen + left)
        p95 = statistics.quantiles(rig.took_ms, n=20)[18]
        ok &= row(
            f"{CAMERAS} cameras × {PER_S} crops/s: answer after ms, median, p95; seen",
            f"{statistics.median(rig.took_ms):.0f}, {p95:.0f}; {100 * share:.1f} %",
            f"p95 < {MOST_P95_MS:g} ms", p95 < MOST_P95_MS and share > 0.99,
        )  # fmt: skip
        row(
            "its CPU ms per crop, all of the process",
            f"{(cpu_s(process) - before_s) * 1000 / max(1, seen):.1f}",
        )
        time.sleep(12)  # what only starting needed is given back ten seconds after the start
        rss_mb = process.rss_bytes() / 1e6
        ok &= row("RSS after it, MB", f"{rss_mb:.0f}", f"< {MOST_RSS_MB:g}", rss_mb < MOST_RSS_MB)
        before_s = cpu_s(process)
        time.sleep(IDLE_S)
        row("idle, model loaded: CPU s per minute", f"{(cpu_s(process) - before_s) * 60 / IDLE_S:.2f}")
    finally:
        for bus in rig.buses.values():
            bus.stop()
        process.stop()
        broker.stop()
    return ok


def main() -> int:
    found = ensure_model()
    print(f"{found.manifest.title}; {workers_here()} threads; load {os.getloadavg()[0]:.1f}\n")
    print("| what | measured | target |\n|---|---|---|")
    ok = one_crop(found)
    ok &= crops_per_s(found)
    with tempfile.TemporaryDirectory(prefix="vigilar-detector-") as folder:
        ok &= house(found, Path(folder))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
