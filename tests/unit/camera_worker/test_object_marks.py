"""What the owner marked as wrong is not told again, and everybody else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from object_scenes import START_MS, Actor, looks, places, tracker
from vigilar_camera_worker.adapters import marks_file
from vigilar_camera_worker.adapters.marks_file import MarksFile
from vigilar_camera_worker.domain.likeness import ALIKE, Mark, Marks, View, add_view
from vigilar_camera_worker.domain.looks import Look, Rect, Seen
from vigilar_camera_worker.domain.object_tracker import Appeared, News, ObjectTracker, Suppressed
from vigilar_camera_worker.domain.whereabouts import MaskZone
from vigilar_camera_worker.marking import Marking
from vigilar_camera_worker.object_words import places_of
from vigilar_camera_worker.report import Report
from vigilar_common.config import Camera
from vigilar_common.messages import Reply
from vigilar_common.messages.objects import MarkObject, ObjectMarked, Verdict
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts
from vigilar_common.topics import CMD_MARK

HERE = Rect(0.4, 0.3, 0.1, 0.4)
ELSEWHERE = Rect(0.7, 0.3, 0.1, 0.4)


def vector(seed: int, like: int | None = None, near: float = 0.0) -> bytes:
    """A random one; `like` another and `near` (cosine) to it."""

    def drawn(number: int) -> Any:
        values = np.random.default_rng(number).normal(size=128)
        return values / np.linalg.norm(values)

    mine = drawn(seed)
    if like is not None:
        other = drawn(like)
        mine -= (mine @ other) * other
        mine = near * other + (1 - near**2) ** 0.5 * mine / np.linalg.norm(mine)
    whole: bytes = np.rint(mine / np.abs(mine).max() * 127).astype(np.int8).tobytes()
    return whole


POSTER = vector(1)


def marked(
    track_id: str = "poster", wrong: bool = True, box: Rect = HERE, look: bytes = POSTER, name: str = "person"
) -> Mark:
    return Mark(track_id, name, wrong, (View(box, look),))


def stands(look: bytes, box: Rect = HERE, name: str = "person", count: int = 30) -> list[Look]:
    """Seen where something moves, as a poster is behind which a bush moves."""
    return [Look(START_MS + 200 * n, (Seen(name, 0.8, box, look=look),), moving=(box,)) for n in range(count)]


def told(subject: ObjectTracker, scene: list[Look]) -> list[News]:
    return [news for look in scene for news in subject.look(look)] + subject.end()


def with_marks(*marks: Mark) -> ObjectTracker:
    subject = tracker()
    subject.marks = Marks(marks)
    return subject


def test_what_looks_like_the_mark_at_its_place_is_not_told_and_is_said_to_be_suppressed() -> None:
    again = vector(2, like=1, near=0.9)
    (news,) = told(with_marks(marked()), stands(again))
    assert isinstance(news, Suppressed)
    assert news.why.like is not None
    assert (news.why.like.track_id, round(news.why.like.likeness, 1)) == ("poster", 0.9)


@pytest.mark.parametrize(
    ("what", "scene"),
    [
        ("another at the same place", stands(vector(3))),
        ("nearly alike, but not enough", stands(vector(2, like=1, near=ALIKE - 0.1))),
        ("alike at another place", stands(POSTER, ELSEWHERE)),
        ("much larger, before it", stands(POSTER, Rect(0.3, 0.1, 0.3, 0.8))),
        ("of another kind", stands(POSTER, name="dog")),
        ("by a detector that tells no looks", stands(b"")),
        ("by one whose looks are of another version", stands(POSTER[:64])),
    ],
)
def test_everybody_else_is_told(what: str, scene: list[Look]) -> None:
    assert [type(news) for news in told(with_marks(marked()), scene)][:1] == [Appeared], what


def test_with_as_many_marks_as_there_may_be_a_person_is_still_told() -> None:
    """A whole class is never silenced: marks are of places and looks."""
    marks = [marked(f"m{n}", box=HERE, look=vector(1000 + n)) for n in range(marks_file.MAX_MARKS)]
    for seed in range(5000, 5020):
        assert isinstance(told(with_marks(*marks), stands(vector(seed)))[0], Appeared)


def test_what_is_marked_as_right_is_told_though_something_wrong_is_like_it() -> None:
    right = marked("ann", wrong=False, look=vector(4, like=1, near=0.9))
    seen = vector(5, like=4, near=0.95)
    assert isinstance(told(with_marks(marked(), right), stands(seen))[0], Appeared)


def test_a_track_is_judged_by_most_of_its_looks_not_by_one() -> None:
    scene = stands(POSTER, count=3) + [
        Look(START_MS + 600 + 200 * n, (Seen("person", 0.8, HERE, look=vector(7)),), moving=(HERE,))
        for n in range(20)
    ]
    found = told(with_marks(marked()), scene)
    assert [type(news) for news in found][:1] == [Appeared], "somebody stepped before the poster"


def test_who_walks_off_the_marked_place_is_told() -> None:
    walk = Actor("person", (0.45, 0.5), (0.9, 0.5), 0, 8, size=(0.1, 0.4))
    scene = [
        Look(look.wall_ms, tuple(Seen(s.object_class, s.score, s.box, look=POSTER) for s in look.objects))
        for look in looks([walk], 8)
    ]
    assert any(isinstance(news, Appeared) for news in told(with_marks(marked()), scene))


def test_a_bush_that_is_taken_for_a_parked_car_is_not_counted() -> None:
    subject = with_marks(marked(name="car"))
    for look in stands(POSTER, name="car", count=400):
        subject.look(look)
    assert subject.present == []


def test_views_of_an_object_are_kept_while_they_differ() -> None:
    views: list[View] = []
    for seed in (1, 1, 2, 3, 4, 5, 6, 7, 8):
        add_view(views, Seen("person", 0.9, HERE, look=vector(seed)))
    assert [view.vector for view in views] == [vector(seed) for seed in (1, 2, 3, 4, 5, 6)]
    add_view(views, Seen("person", 0.9, HERE, cut=True, look=vector(9)))
    assert len(views) == 6


# -- masks ---------------------------------------------------------------------------------------------


def test_a_mask_holds_its_classes_back_where_their_feet_stand_and_nobody_else() -> None:
    camera = Camera.model_validate(
        {
            "id": "front",
            "display_name": "Front",
            "rtsp_url": "rtsp://192.0.2.1/",
            "zones": [
                {"name": "Statue", "mode": "mask", "classes": ["person"],
                 "polygon": [[0.3, 0.2], [0.6, 0.2], [0.6, 0.75], [0.3, 0.75]]}
            ],
        }
    )  # fmt: skip
    where = places_of(camera, 0)
    assert where.counts(HERE), "motion counts in a mask"
    (news,) = told(tracker(where), stands(POSTER))
    assert isinstance(news, Suppressed)
    assert news.why.mask == "Statue"
    before_it = stands(POSTER, Rect(0.4, 0.4, 0.1, 0.5))
    assert isinstance(told(tracker(where), before_it)[0], Appeared), "the feet are below the mask"
    assert isinstance(told(tracker(where), stands(POSTER, name="dog"))[0], Appeared)


def test_a_mask_without_classes_is_for_all() -> None:
    whole = np.ones((180, 320), np.bool_)
    where = places()
    masked = type(where)(where.zones, masks=(MaskZone("Tree", whole),))
    assert [masked.masked(HERE, name) for name in ("person", "dog")] == ["Tree", "Tree"]


# -- kept ----------------------------------------------------------------------------------------------


class Desk:
    def __init__(self, path: Path) -> None:
        self.clock = FakeClock(START_MS)
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.file = MarksFile(path)
        self.marking = Marking(self.file, Report(self.bus, self.facts, "front", self.clock))  # type: ignore[arg-type]
        self.known: list[Marks] = []
        self.marking.on_change = self.known.append
        self.marking.open()
        self.bus.subscribe(CMD_MARK, self.marking.received, camera_id="front")

    def says(self, track_id: str, verdict: Verdict = Verdict.WRONG) -> Reply:
        command = MarkObject(track_id=track_id, object_class="person", verdict=verdict, user="ann")
        (reply,) = self.bus.deliver(CMD_MARK, command, sender="web", camera_id="front")
        assert isinstance(reply, Reply)
        return reply

    def holds_back(self, look: bytes = POSTER) -> bool:
        return self.known[-1].like(Seen("person", 0.8, HERE, look=look)) is not None


def uuid(number: int) -> str:
    return f"01970000-0000-7000-8000-{number:012d}"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "state" / "marks.db")
    yield made
    made.marking.close()


def test_a_mark_is_learnt_told_kept_over_a_restart_and_can_be_taken_back(desk: Desk, tmp_path: Path) -> None:
    desk.file.keep(uuid(1), "person", [View(HERE, POSTER)])
    reply = desk.says(uuid(1))
    assert (reply.ok, reply.data) == (True, {"learnt": True})
    (fact,) = desk.facts.of(ObjectMarked)
    assert (fact.verdict, fact.by, fact.learnt, fact.camera_id) == (Verdict.WRONG, "ann", True, "front")
    desk.marking.close()
    again = Desk(tmp_path / "state" / "marks.db")
    assert again.holds_back()
    assert again.says(uuid(1), Verdict.NONE).message == "Taken back."
    assert not again.holds_back()
    again.says(uuid(1), Verdict.RIGHT)
    assert not again.holds_back()
    again.marking.close()


def test_what_is_not_known_any_more_is_marked_and_not_learnt(desk: Desk) -> None:
    reply = desk.says(uuid(9))
    assert reply.ok
    assert "does not know any more how it looked" in reply.message
    (fact,) = desk.facts.of(ObjectMarked)
    assert (fact.verdict, fact.learnt) == (Verdict.WRONG, False)


def test_objects_and_marks_are_bounded_and_what_is_forgotten_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks_file, "MAX_OBJECTS", 5)
    monkeypatch.setattr(marks_file, "MAX_MARKS", 2)
    for number in range(8):
        desk.file.keep(uuid(number), "person", [View(HERE, vector(number))])
    assert "does not know" in desk.says(uuid(0)).message
    answers = [desk.says(uuid(number)) for number in (5, 6, 7)]
    assert ["oldest was forgotten" in one.message for one in answers] == [False, False, True]
    assert desk.marking.counters["marks_forgotten"] == 1
    assert [desk.holds_back(vector(number)) for number in (5, 6, 7)] == [False, True, True]


def test_a_damaged_file_is_set_aside_and_costs_the_marks_alone(tmp_path: Path) -> None:
    path = tmp_path / "marks.db"
    path.write_bytes(b"no database" * 100)
    made = Desk(path)
    assert path.with_suffix(".damaged").exists()
    assert made.says(uuid(1)).ok
    made.marking.close()


def test_a_file_that_cannot_be_used_refuses_the_mark_with_the_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(desk.file, "mark", full)
    reply = desk.says(uuid(1))
    assert (reply.ok, reply.code) == (False, "not_kept")
    assert "disk is full" in reply.message
    assert desk.facts.of(ObjectMarked) == []
