"""Wiring of the detector."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from vigilar_common import memory
from vigilar_common.bus import Received
from vigilar_common.config.detection import Detection
from vigilar_common.config.slices import Slice
from vigilar_common.messages.detection import CropResult, CropSeen, DetectorLease, DetectorState
from vigilar_common.service import App, Context
from vigilar_common.topics import CMD_VEHICLE, CROP, CROP_SEEN, DETECTOR_LEASE, DETECTOR_STATE
from vigilar_models.errors import ModelError

from vigilar_detector.domain.findings import Condition, findings
from vigilar_detector.domain.turns import Crop
from vigilar_detector.vehicles import VehicleLooks
from vigilar_detector.window import Window

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from vigilar_detector.looker import Looker

log = logging.getLogger("vigilar.detector.service")

LEASE_EVERY_S: Final = 4.0
LEASE_S: Final = 12.0
CROP_ID_CHARACTERS: Final = 36
TOLD_CHARACTERS: Final = 90
"""Of a problem or a title in the heartbeat; findings and the retained state have them whole."""
MAX_AREA_CHARACTERS: Final = 80
VEHICLES_FOLDER: Final = "vehicles"


class DetectorService:
    """While `person_detection` is off it neither loads nor subscribes to anything."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings: Detection = context.config.detection
        self._cameras = _cameras(context.slice)
        self._looker: Looker | None = None
        self._vehicles = VehicleLooks(context.config.vehicles, context.state_dir / VEHICLES_FOLDER)
        self._problem = "the model is being loaded"
        self._loading = True
        self._measured_ms = 0.0
        self._stamp: object = None
        self._window = Window()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detector", daemon=True)
        context.health.live_when("model", self._dead)
        context.health.measure(self._metrics)

    def start(self) -> None:
        if not self._settings.person_detection:  # in containers it runs all the same
            self._context.bus.set_state(DETECTOR_STATE, DetectorState(enabled=False))
            return
        self._context.bus.subscribe(CROP, self._on_crop)
        self._context.bus.subscribe(CMD_VEHICLE, self._vehicles.on_command)
        self._context.bus.on_connect(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        self._context.stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(3)
        if self._looker is not None:
            self._looker.stop(1)

    def not_ready_reason(self) -> str:
        """A model that is missing is a finding, not a service that is not ready: motion alone goes on."""
        return "the model is being loaded" if self._settings.person_detection and self._loading else ""

    def reload(self, new: Slice) -> bool:
        same = new.config.detection == self._settings
        if same:
            self._cameras = _cameras(new)
            self._vehicles.configure(new.config.vehicles)
        return same

    def heartbeat_detail(self) -> dict[str, Any]:
        if not self._settings.person_detection:
            return {"enabled": False}
        looker = self._looker
        seen, unseen = self._window.counts()
        now = Condition(
            problem="" if self._loading else self._problem,
            untrusted=looker.problem if looker is not None else "",
            seen=seen,
            unseen=unseen,
        )
        detail: dict[str, Any] = {
            "enabled": True,
            "problem": (now.problem or now.untrusted)[:TOLD_CHARACTERS],
            "findings": [
                finding.model_dump(mode="json") for finding in (*findings(now), *self._vehicles.findings())
            ],
        }
        if looker is not None:
            detail["model"] = looker.loaded.manifest.id
            detail["work"] = {
                "title": looker.loaded.manifest.title[:TOLD_CHARACTERS],
                "device": looker.loaded.model.device,
                "ms_per_crop": round(looker.ms_per_crop or self._measured_ms, 1),
                "seen_per_min": seen,
                "unseen_per_min": unseen,
                "answers_lost": looker.counters["answers_lost"],
            }
        return detail

    # -- crops, on the bus's frame thread -----------------------------------------------------------------

    def _on_crop(self, received: Received) -> None:
        looker = self._looker
        crop_id = received.properties.get("crop_id", "")
        if looker is None or len(crop_id) != CROP_ID_CHARACTERS:
            return  # without a lease nobody should send, and what has no id cannot be answered
        area = received.properties.get("area", "")[:MAX_AREA_CHARACTERS]
        crop = Crop(
            received.ids["camera_id"], crop_id, received.payload, self._context.clock.monotonic_s(), area
        )
        if crop.camera_id not in self._cameras:
            looker.tell(crop, CropResult.REFUSED, "[detection] cameras does not name this camera")
            return
        looker.offer(crop)

    def _answer(self, seen: CropSeen) -> None:
        self._context.bus.publish(CROP_SEEN, seen, camera_id=seen.camera_id)

    # -- the model, on a thread of its own ----------------------------------------------------------------

    def _run(self) -> None:
        stopping, clock = self._context.stopping, self._context.clock
        while not stopping.is_set():
            try:
                self._step()
            except Exception as error:
                log.exception("the detector failed; tried again in %g s", LEASE_EVERY_S)
                self._problem = f"internal error: {type(error).__name__}"
            clock.wait(self._wake, LEASE_EVERY_S)
            self._wake.clear()

    def _step(self) -> None:
        """Every few seconds: load what is new, renew the lease."""
        self._vehicles.refresh()
        stamp = self._models_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._load()
        looker = self._looker
        if looker is None:
            return
        self._window.note(self._context.clock.monotonic_s(), looker.counters)
        lease = DetectorLease(
            lease_s=LEASE_S,
            crop_px=looker.loaded.manifest.crop_px,
            crops_per_s=looker.rate_per_s(self._measured_ms),
            model_id=looker.loaded.manifest.id,
        )
        self._context.bus.publish(DETECTOR_LEASE, lease)

    def _models_stamp(self) -> object:
        from vigilar_models.store import Store, models_dir

        return Store(models_dir(self._context.state_dir)).stamp()

    def _load(self) -> None:
        from vigilar_models.store import models_dir

        from vigilar_detector.loading import load_chosen, time_ms
        from vigilar_detector.looker import Looker

        try:
            loaded = load_chosen(self._settings, models_dir(self._context.state_dir))
        except (ModelError, OSError) as error:
            self._problem, self._loading = str(error), False
            if self._looker is None:
                log.error("persons are not told from other motion: %s", error)  # noqa: TRY400
                self._context.bus.set_state(DETECTOR_STATE, self._state())
            else:
                log.error("the model that was loaded before stays in use: %s", error)  # noqa: TRY400
                self._problem = ""
            return
        self._measured_ms = time_ms(loaded, self._context.clock)
        memory.release()  # what reading the graph took
        before, fresh = self._looker, Looker(loaded, self._answer, self._context.clock, self._vehicles.look)
        fresh.start()
        self._looker, self._problem, self._loading = fresh, "", False
        if before is not None:
            before.stop(1)
        self._context.bus.set_state(DETECTOR_STATE, self._state())
        log.info(
            "%s looks at crops on %s, %.1f ms each",
            loaded.manifest.title,
            loaded.model.device,
            self._measured_ms,
        )

    def _state(self) -> DetectorState:
        now_ms = self._context.clock.now_ms()
        looker = self._looker
        if looker is None:
            return DetectorState(enabled=True, problem=self._problem[:500], since_ms=now_ms)
        manifest = looker.loaded.manifest
        return DetectorState(
            enabled=True,
            since_ms=now_ms,
            model_id=manifest.id,
            model_title=manifest.title,
            model_licence=manifest.licence,
            model_sha256=manifest.sha256,
            classes=list(manifest.told_classes),
            confidence_threshold=self._settings.confidence_threshold,
            device=looker.loaded.model.device[:64],
            input_width_px=manifest.input.width_px,
            input_height_px=manifest.input.height_px,
            ms_per_crop=round(self._measured_ms, 2),
        )

    def _dead(self) -> str:
        if self._context.stopping.is_set() or self._thread.ident is None:
            return ""
        if not self._thread.is_alive():
            return "the thread that keeps the model has died"
        return self._looker.dead() if self._looker is not None else ""

    def _metrics(self) -> Collector:
        from vigilar_detector.metrics import DetectorCollector

        return DetectorCollector(lambda: self._looker)


def _cameras(piece: Slice) -> frozenset[str]:
    """Those that are looked at."""
    named = set(piece.config.detection.cameras)
    return frozenset(camera.id for camera in piece.config.cameras if not named or camera.id in named)


def build(context: Context) -> App:
    return DetectorService(context)
