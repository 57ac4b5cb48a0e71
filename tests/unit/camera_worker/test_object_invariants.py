"""What holds of the tracker whatever the detector says."""

from __future__ import annotations

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from object_scenes import START_MS, Actor, looks, tracker
from vigilar_camera_worker.domain.looks import Look, Rect, Seen
from vigilar_camera_worker.domain.object_tracker import MAX_TRACKS, Appeared, Changed, Left, Reason

PARTS = st.floats(0, 1, width=16)
ANY = st.one_of(PARTS, st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 5.0]))
CLASSES = st.sampled_from(["person", "car", "dog", "suitcase", "unheard-of"])
HOSTILE = st.builds(Seen, CLASSES, ANY, st.builds(Rect, ANY, ANY, ANY, ANY), st.booleans())
LOOKS = st.lists(
    st.builds(
        Look,
        st.one_of(st.integers(START_MS, START_MS + 60_000), st.integers(0, 2**48)),
        st.lists(HOSTILE, max_size=12).map(tuple),
        st.builds(Rect, PARTS, PARTS, PARTS, PARTS),
        st.lists(st.builds(Rect, ANY, ANY, ANY, ANY), max_size=3).map(tuple),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(LOOKS)
def test_whatever_comes_each_object_appears_once_then_changes_then_leaves_once(scene: list[Look]) -> None:
    subject = tracker(threshold=0.3)
    there: set[str] = set()
    gone: set[str] = set()
    news = [item for look in scene for item in subject.look(look)] + subject.end()
    for item in news:
        name = item.followed.track.track_id
        match item:
            case Appeared():
                assert name not in there | gone
                there.add(name)
            case Changed():
                assert name in there
            case Left():
                assert name in there
                there.remove(name)
                gone.add(name)
    assert there == set()


@settings(max_examples=30, deadline=None)
@given(LOOKS)
def test_whatever_comes_numbers_stay_numbers_and_memory_stays_bounded(scene: list[Look]) -> None:
    subject = tracker(threshold=0.3)
    for look in scene:
        subject.look(look)
        assert len(subject._tracks) <= MAX_TRACKS
        for followed in subject._tracks:
            track = followed.track
            values = (
                *track.box,
                *track.velocity,
                track.score,
                track.sure,
                track.travelled,
                track.way,
                track.size,
            )
            assert all(math.isfinite(value) for value in values)
            assert 0 <= track.score <= 1
            assert 0 <= track.box.x <= 1
            assert track.box.x + track.box.w <= 1.0001
            assert sum(followed.where.dwell_s.values()) >= 0


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.booleans(), min_size=45, max_size=45),
    st.floats(0.3, 0.7),
    st.sampled_from(["person", "dog", "car"]),
)
def test_one_object_is_one_event_whichever_third_of_its_looks_is_lost(
    lost: list[bool], y: float, name: str
) -> None:
    scene = looks([Actor(name, (0.1, y), (0.9, y), 0, 8, (0.1, 0.2))], 15)
    dropped = 0
    kept = []
    for number, look in enumerate(scene):
        drop = number < len(lost) and lost[number] and number % 3 == 0
        dropped += drop
        if not drop:
            kept.append(look)
    subject = tracker()
    news = [type(item) for look in kept for item in subject.look(look)]
    assert news == [Appeared, Left]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.8), st.floats(0.4, 0.8))
def test_what_only_jitters_is_never_told_whatever_it_scores(seed: int, x: float, y: float) -> None:
    chance = random.Random(seed)
    subject = tracker()
    for number in range(200):
        shift = [chance.uniform(-0.012, 0.012) for _ in range(2)]
        box = Rect(x - 0.08, y - 0.07, 0.16, 0.14).moved(*shift)
        score = chance.uniform(0.3, 0.95)
        seen = () if chance.random() < 0.2 else (Seen("car", score, box),)
        assert subject.look(Look(START_MS + 200 * number, seen)) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 120_000))
def test_time_alone_ends_what_nobody_looks_at(after_ms: int) -> None:
    subject = tracker()
    for look in looks([Actor("person", (0.2, 0.5), (0.8, 0.5), 0, 8)], 4):
        subject.look(look)
    news = subject.tick((START_MS + 4000 + after_ms) / 1000)
    assert [item.reason for item in news if isinstance(item, Left)] == (
        [Reason.UNSEEN] if after_ms >= 30_000 else []
    )
