"""One camera worker: wiring only."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vigilar_common.bus import Received
from vigilar_common.config import Camera, CameraLocation, Config
from vigilar_common.config.slices import Slice
from vigilar_common.errors import StartupError
from vigilar_common.learnt import MARKS_FILE
from vigilar_common.messages.camera import Analysis, CameraCondition, CameraSwitchName, LiveLease
from vigilar_common.service import Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import (
    CAMERA_OBJECTS,
    CMD_LIVE,
    CMD_MARK,
    CMD_RECORD,
    CMD_SNAPSHOT,
    CMD_SWITCH,
    CMD_TUNE,
)

from vigilar_camera_worker.adapters.detector import MotionDetector
from vigilar_camera_worker.adapters.files import open_incoming
from vigilar_camera_worker.adapters.marks_file import MarksFile
from vigilar_camera_worker.analyser import Analyser
from vigilar_camera_worker.camera import CameraReader
from vigilar_camera_worker.choice import MainView, StreamChoice
from vigilar_camera_worker.crops import Crops
from vigilar_camera_worker.domain.governor import FpsGovernor
from vigilar_camera_worker.domain.history import History
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.last_recorded import LastRecorded
from vigilar_camera_worker.left_behind import LeftBehind
from vigilar_camera_worker.live_streams import LiveStreams
from vigilar_camera_worker.marking import Marking
from vigilar_camera_worker.motion_report import MotionReport
from vigilar_camera_worker.names import NAME_PREFIX
from vigilar_camera_worker.object_report import ObjectReport
from vigilar_camera_worker.orders import Orders
from vigilar_camera_worker.recorder import Recorder
from vigilar_camera_worker.report import Report
from vigilar_camera_worker.search import MotionSearch
from vigilar_camera_worker.substream import SubStream
from vigilar_camera_worker.switches import Switches
from vigilar_camera_worker.tuning import Tuning
from vigilar_camera_worker.work import Work, own_memory_bytes
from vigilar_camera_worker.writer import Writer

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

CONFIRM_SLACK_S: Final = 3.0
"""The ring reaches back this much further than the pre-roll: confirming an onset takes time."""
FINISH_S: Final = 1.5
"""So long may the disk take to finish the recording when the worker stops."""
LAST_WORDS_S: Final = 0.2
NOTHING_HAPPENED: Final = History()
INSIDE: Final = (CameraLocation.INTERIOR, CameraLocation.GARAGE)
MOTION_KEYS: Final = ("motion_sensitivity", "motion_min_area_px", "motion_zones", "zones", "lines")
"""Of `[[cameras]]`: what is taken over without losing the connection."""


class CameraWorker:
    """The App of one camera."""

    def __init__(self, context: Context, history: History = NOTHING_HAPPENED) -> None:
        self._context, self._history = context, history
        self.camera = own_camera(context.config, context.name)
        if history.rests:
            self.camera = self.camera.model_copy(update={"detect_url": ""})
        self._before = _relevant(context.config)
        self._reader: CameraReader | None = None
        self._private = False

    def start(self) -> None:
        context, camera, clock = self._context, self.camera, self._context.clock
        config = context.config
        self._report = Report(context.bus, context.facts, camera.id, clock)
        self._switches = Switches(StateFile(context.state_dir / "switches.json"), self._report, clock)
        self._switches.load()
        self._switches.on_change = self._switched
        context.bus.subscribe(CMD_SWITCH, self._switches.received, camera_id=camera.id)
        if self._switches.privacy:
            self._rest()
            return
        incoming = open_incoming(
            Path(config.system.recordings_dir),
            camera.id,
            config.storage.encrypt_recordings,
            context.secrets,
            clock,
        )
        governor = FpsGovernor(camera.idle_fps, camera.motion_fps)
        slack_s = governor.idle_interval_s
        self._ring = PacketRing(camera.pre_motion_buffer_s + slack_s + CONFIRM_SLACK_S)
        self._writer = Writer(incoming, camera.id, self._report.tell, clock, config.storage.sync_interval_s)
        self._writer.on_change = self._recording_changed
        policy = Policy(
            continuous=camera.record_continuous,
            on_motion=camera.record_on_motion,
            pre_s=camera.pre_motion_buffer_s,
            post_s=camera.post_motion_buffer_s,
            onset_slack_s=slack_s,
            split_s=camera.max_recording_s,
        )
        self._recorder = Recorder(policy, self._ring, self._writer, clock)
        last = LastRecorded(context.state_dir / "last-recorded.json", clock)
        self._tell_missed(last, policy.continuous)
        self._writer.note = last.note
        self._orders = Orders(self._recorder, self._report, clock)
        self._live = LiveStreams(
            context.bus, camera.id, self._ring, config.remote, self._report, clock,
            unseen=self._history.rest_words(),
        )  # fmt: skip
        self._motion = MotionReport(context.bus, self._report, self._recorder, clock, self._picture_decoded)
        self._motion.muted = not self._switches.detection_on
        search = MotionSearch(camera, MotionDetector(camera), self._motion, self._report.analysis)
        search.onlooker = self._tuning = Tuning(context.bus, camera, clock)
        self._analyser = Analyser(search, clock)
        view = MainView(self._ring)
        self._marking = Marking(MarksFile(context.state_dir / MARKS_FILE), self._report)
        self._choice = StreamChoice(self._analyser, view, self._report, clock)
        self._objects = ObjectReport(
            context.bus, self._report, clock, camera, config.detection, view, self._recorder.store,
            lambda: self._motion.motion_id, self._marking.keep,
        )  # fmt: skip
        self._marking.on_change = self._objects.learn
        self._tuning.objects = self._objects.followed
        self._marking.open()
        self._sub: SubStream | None = None
        if camera.detect_url:
            self._sub = SubStream(camera, clock, self._choice, self._live.sub)
            self._choice.on_main = self._sub.main_is
        self._reader = CameraReader(
            camera, clock, self._report, self._ring, self._recorder, self._live.main, self._choice,
            unseen=self._history.rest_words(),
        )  # fmt: skip
        search.on_suspicion = self._hurry
        self._objects.mute(self._motion.muted)
        self._left_behind = self._new_left_behind(view)
        self._crops = self._motion.crops = Crops(context.bus, camera.id, clock, self._objects)
        search.objects_followed = lambda: self._crops.leased
        self._report.find("crash", self._history.words())
        self._work = Work(clock, self._counts, self._analyser.lag, context.share)
        self._watch()
        context.bus.subscribe(CMD_LIVE, self._on_lease, camera_id=camera.id)
        context.bus.subscribe(CMD_RECORD, self._orders.received, camera_id=camera.id)
        context.bus.subscribe(CMD_TUNE, self._tuning.leased, camera_id=camera.id)
        context.bus.subscribe(CMD_MARK, self._marking.received, camera_id=camera.id)
        context.bus.subscribe(CMD_SNAPSHOT, self._live.snapshots.asked, camera_id=camera.id)
        self._report.publish()
        self._writer.start()
        self._analyser.start()
        self._objects.start()
        self._crops.start()
        self._reader.start()
        if self._sub is not None:
            self._sub.start()

    def stop(self) -> None:
        if self._reader is None:
            return
        self._reader.stop(LAST_WORDS_S)
        if self._sub is not None:
            self._sub.stop(LAST_WORDS_S)
        self._analyser.stop(LAST_WORDS_S)
        self._objects.stop(LAST_WORDS_S)
        self._marking.close()
        finished = self._recorder.stop(FINISH_S)
        self._live.stop(LAST_WORDS_S)
        if not finished:
            self._report.find("stop", "the recording could not be finished in time; storage recovers it")
        self._report.stopped()

    def not_ready_reason(self) -> str:
        """Ready means working, not that the camera is online: its state says that."""
        return "" if self._reader is not None or self._private else "starting"

    def reload(self, new: Slice) -> bool:
        """A change that does not concern this worker, or only what counts as motion, is taken over while it runs."""
        after = _relevant(new.config)
        if after == self._before:
            return True
        if self._reader is None or _without_motion(after) != _without_motion(self._before):
            return False
        wanted = own_camera(new.config, self._context.name)
        self._before = after
        self.camera = self.camera.model_copy(update={key: getattr(wanted, key) for key in MOTION_KEYS})
        self._tuning.camera = self.camera
        self._analyser.retune(self.camera)
        self._objects.retune(self.camera)
        if self._left_behind is not None:
            self._left_behind.retune(self.camera)
        log.info("motion is searched with the new thresholds and zones")
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        if self._reader is None:
            return {"camera_id": self.camera.id, "privacy": True} if self._private else {}
        return {
            "camera_id": self.camera.id,
            "condition": self._report.condition.value,
            "reason": self._report.reason,
            "recording": self._writer.recording,
            "frames": self._reader.counters["video_frames"],
            "reconnects": self._reader.attempts.counters["reconnects"],
            "last_error": self._reader.attempts.last_error,
            "analysis": self._report.state.analysis.value,
            "analysis_stream": self._report.state.analysis_stream,
            "analysis_reason": self._report.state.analysis_reason,
            "work": {**self._work.now(), "search": self._search_words()},
        }

    def _new_left_behind(self, view: MainView) -> LeftBehind | None:
        """Who looks for parcels; None where nobody shall, or nobody tells persons from other motion."""
        config, camera = self._context.config, self.camera
        wanted = config.packages.looks_at(camera.id, camera.location in INSIDE) and self._objects.wanted
        if not wanted:
            return None
        found = self._motion.left_behind = LeftBehind(
            self._context.bus, self._report, self._context.clock, camera, self._objects.passers, view, self._recorder.store,
            StateFile(self._context.state_dir / "left-behind.json"), self._objects.followed, config.packages.zones,
        )  # fmt: skip
        found.load()
        return found

    def _rest(self) -> None:
        """Privacy: no connection, no thread that could look, and nothing of a picture in memory."""
        for topic in (CMD_LIVE, CMD_MARK, CMD_RECORD, CMD_SNAPSHOT, CMD_TUNE):
            self._context.bus.subscribe(topic, self._switches.refuse, camera_id=self.camera.id)
        self._report.private()
        self._context.bus.clear_state(CAMERA_OBJECTS, camera_id=self.camera.id)
        self._private = True
        log.info("%s: privacy is switched on", self.camera.id)

    def _tell_missed(self, last: LastRecorded, continuous: bool) -> None:
        if self._switches.recording_on:
            private = self._switches.private_until_ms
            last.tell(self._recorder, continuous, *(("privacy was switched on",) if private else ()))
        else:
            self._recorder.switch(False)
        if self._switches.private_until_ms:
            self._switches.gap_told()

    def _switched(self, switch: CameraSwitchName) -> None:
        """On the bus's thread."""
        if switch is CameraSwitchName.PRIVACY:
            if self._reader is not None:
                self._recorder.switch(False)  # at once; the rest ends with this process
            self._context.restart()
        elif self._reader is not None:
            self._recorder.switch(self._switches.recording_on)
            self._motion.muted = not self._switches.detection_on
            self._objects.mute(self._motion.muted)

    def _counts(self) -> dict[str, int]:
        assert self._reader is not None
        reader, search = self._reader.counters, self._analyser.counters
        sub = self._sub.counters["sub_bytes"] if self._sub is not None else 0
        return {
            "frames_in": reader["video_frames"],
            "frames_decoded": search["frames_decoded"] + search["frames_sparse"],
            "frames_analysed": search["frames_analysed"],
            "bytes": reader["bytes"] + sub,
            "gaps": self._writer.counters["gaps"],
            "reconnects": self._reader.attempts.counters["reconnects"],
        }

    def _search_words(self) -> str:
        state = self._report.state
        return f"{state.analysis_stream} {state.analysis.value}".strip()

    def _watch(self) -> None:
        assert self._reader is not None
        reader, writer, analyser = self._reader, self._writer, self._analyser
        health = self._context.health
        sub, share = self._sub, self._context.share
        parts = [("camera", reader), ("writer", writer), ("analyser", analyser), ("objects", self._objects)]
        for name, part in (*parts, *((("sub", sub),) if sub is not None else ())):
            health.live_when(name, lambda part=part: "" if part.alive else "its thread has died")  # type: ignore[misc]
        gauges = {
            "motion_score": lambda: self._motion.last_score,
            "writer_queue_bytes": lambda: float(writer.queued_bytes),
            "analyser_queue_packets": lambda: float(analyser.queued_packets),
            "ring_bytes": lambda: float(self._ring.bytes),
            "ring_overflows": lambda: float(self._ring.overflows),
            "ring_short": lambda: float(self._ring.short),
            "queue_overflows": lambda: float(self._recorder.queue_overflows),
            "analysis_sparse": lambda: float(self._report.state.analysis is Analysis.SPARSE),
            "analysis_sub": lambda: float(self._choice.sub_analysed),
            "recording": lambda: float(writer.recording),
            "clock_offset_seconds": lambda: reader.clock_offset_s,
            "clock_drift_ppm": lambda: reader.clock_drift_ppm,
            "transcodes": lambda: float(self._live.transcodes),
            "crashes": lambda: float(len(self._history.crashes)),
            "online": lambda: float(self._report.condition is CameraCondition.ONLINE),
            "fps": lambda: self._report.state.fps,
            "analysis_lag_seconds": lambda: analyser.lag.worst_s,
            "motion_told_after_seconds": lambda: self._motion.told_after_s,
            "memory_bytes": lambda: own_memory_bytes() * share(),
        }
        counters = [
            reader.counters,
            reader.attempts.counters,
            writer.counters,
            analyser.counters,
            *self._live.counters,
            self._motion.counters,
            self._orders.counters,
            self._switches.counters,
            self._tuning.counters,
            self._objects.counters,
            self._marking.counters,
            self._crops.counters,
            analyser.rejections,
        ]
        if self._left_behind is not None:
            counters.append(self._left_behind.counters)
        if sub is not None:
            counters.append(sub.counters)

        def collector() -> Collector:
            from vigilar_camera_worker.metrics import WorkerCollector

            return WorkerCollector(list(counters), gauges, lambda: reader.attempts.last_error, share)

        health.measure(collector)

    def _on_lease(self, received: Received) -> None:
        lease = received.message
        assert isinstance(lease, LiveLease)
        self._live.lease(lease)
        self._hurry()

    def _hurry(self) -> None:
        for reader in (self._reader, self._sub):
            if reader is not None:
                reader.hurry()

    def _picture_decoded(self, stream_id: str) -> None:
        assert self._reader is not None
        self._reader.picture_decoded(stream_id)

    def _recording_changed(self) -> None:
        self._report.update(recording=self._writer.recording, recording_problem=self._writer.problem)
        self._orders.refresh()


def own_camera(config: Config, name: str) -> Camera:
    """The camera that a worker of this name serves. Raises StartupError."""
    camera_id = name.removeprefix(NAME_PREFIX)
    camera = config.camera(camera_id)
    if camera is None:
        raise StartupError(
            f'the configuration of {name} holds no camera "{camera_id}"; run `vigilar config apply`'
        )
    return camera


def _relevant(config: Config) -> dict[str, Any]:
    return config.model_dump(
        include={"system", "storage", "cameras", "detection", "packages", "mqtt", "remote"}
    )


def _without_motion(relevant: dict[str, Any]) -> dict[str, Any]:
    cameras = [
        {key: value for key, value in camera.items() if key not in MOTION_KEYS}
        for camera in relevant["cameras"]
    ]
    return relevant | {"cameras": cameras}


def build(context: Context, history: History = NOTHING_HAPPENED) -> CameraWorker:
    return CameraWorker(context, history)
