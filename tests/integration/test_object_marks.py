"""A mark over a real broker, with a real house's users and rights: asked by web, kept by the camera's worker, told as a fact."""

from __future__ import annotations

from pathlib import Path

from patience import wait_until
from vigilar_camera_worker.adapters.marks_file import MarksFile
from vigilar_camera_worker.domain.likeness import Marks, View
from vigilar_camera_worker.domain.looks import Rect, Seen
from vigilar_camera_worker.marking import Marking
from vigilar_camera_worker.report import Report
from vigilar_common import topics
from vigilar_common.bus import BusUnavailableError, Received
from vigilar_common.clock import SystemClock
from vigilar_common.messages.objects import MarkObject, ObjectMarked, Verdict
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.service import publish_live
from vigilar_common.testing.broker import TestBroker

TRACK = "01970000-0000-7000-8000-000000000001"
LOOK, HERE = bytes(range(1, 129)), Rect(0.4, 0.3, 0.1, 0.4)
MARK = MarkObject(track_id=TRACK, object_class="person", verdict=Verdict.WRONG, user="ann")


def test_web_marks_the_cameras_worker_learns_and_nobody_else_may(broker: TestBroker, tmp_path: Path) -> None:
    worker, web, back = (broker.bus(name) for name in ("camera-worker-front", "web", "camera-worker-back"))
    clock = SystemClock()
    outbox = Outbox(tmp_path / "outbox.db", "camera-worker-front", clock)
    outbox.open()
    facts = FactLog(outbox, lambda fact, ids: publish_live(worker, "camera-worker-front", fact, ids))
    file = MarksFile(tmp_path / "marks.db")
    marking = Marking(file, Report(worker, facts, "front", clock))
    known: list[Marks] = []
    marking.on_change = known.append
    marking.open()
    file.keep(TRACK, "person", [View(HERE, LOOK)])
    worker.subscribe(topics.CMD_MARK, marking.received, camera_id="front")
    told: list[Received] = []
    web.subscribe(topics.FACT_TOPICS[ObjectMarked.TYPE], told.append)

    def answered() -> bool:
        try:
            return web.request(topics.CMD_MARK, MARK, timeout_s=1, camera_id="front").ok
        except BusUnavailableError:
            return False

    wait_until(answered, 5, "the worker answers")
    fact = wait_until(lambda: told and told[0].message, 5, "the mark is told")
    assert isinstance(fact, ObjectMarked)
    assert (fact.track_id, fact.verdict, fact.by, fact.learnt) == (TRACK, Verdict.WRONG, "ann", True)
    assert known[-1].like(Seen("person", 0.8, HERE, look=LOOK)) is not None
    refused = back.request(topics.CMD_MARK, MARK, timeout_s=5, camera_id="front")
    assert not refused.ok
    assert marking.counters["marks"] == 1
    marking.close()
    for bus in (worker, web, back):
        bus.stop()
