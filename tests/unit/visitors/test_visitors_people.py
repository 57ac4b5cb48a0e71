"""Who came, who is a stranger, and what becomes of them: the brain of visitors with drawn faces."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from face_rig import LIMITS, Brain, shown, who
from storage_rig import new_id
from vigilar_common.messages.objects import object_event_id
from vigilar_common.messages.visitors import (
    FaceEmbeddingRemoved,
    FaceEmbeddingSaved,
    FaceForgotten,
    FaceProfileSaved,
    FaceProfilesMerged,
    FaceProfileSplit,
    VisitBegan,
    VisitEnded,
    VisitorAction,
)
from vigilar_visitors.commands import RefusedError
from vigilar_visitors.domain.faces import Fault
from vigilar_visitors.domain.gallery import MAX_VECTORS, Gallery, Limits

T1, T2, T3 = (new_id() for _ in range(3))


@pytest.fixture(name="brain")
def _brain(tmp_path: Path) -> Brain:
    return Brain(tmp_path)


def photo(*faces: Any) -> str:
    return base64.b64encode(shown(*faces)).decode()


def test_a_stranger_is_one_group_however_often_they_come(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.wait(400)
    brain.passage(T2, who(1, 0.1))
    brain.wait(400)
    brain.passage(T3, who(2))
    assert len(brain.gallery.people) == 2
    visits: list[Any] = brain.said(VisitBegan)
    assert len(visits) == 3
    assert len({visit.profile_id for visit in visits}) == 2
    assert visits[0].event_id == object_event_id(T1)


def test_one_track_is_identified_once_and_its_visit_has_an_arrival_and_a_leaving(brain: Brain) -> None:
    began_ms = brain.clock.now_ms() + 1000
    for _ in range(6):
        brain.see(T1, (who(1), 0.8))
    brain.left(T1)
    left_ms = brain.clock.now_ms()
    brain.wait(299)
    assert not brain.said(VisitEnded)
    assert len(brain.house.current()) == 1
    brain.wait(2)
    (began,), (ended,) = brain.said(VisitBegan), brain.said(VisitEnded)
    assert isinstance(began, VisitBegan)
    assert isinstance(ended, VisitEnded)
    assert (began.ts_ms, ended.arrived_ms, ended.left_ms) == (began_ms, began_ms, left_ms)
    assert ended.visit_id == began.visit_id
    assert brain.house.current() == []
    assert len(brain.said(FaceProfileSaved)) == 1


def test_who_is_seen_by_two_cameras_is_there_once_and_until_the_last_of_them_lost_sight(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.see(T2, (who(1), 0.8), camera="garden")
    brain.wait(1000)
    assert len(brain.said(VisitBegan)) == 1
    assert not brain.said(VisitEnded)
    assert [visitor.camera_id for visitor in brain.house.current()] == ["garden"]
    brain.left(T2, "garden")
    brain.wait(301)
    assert len(brain.said(VisitEnded)) == 1


def test_a_better_picture_decides_what_a_poor_one_left_open(brain: Brain) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.9)))
    brain.see(T1, (who(1, 0.45), 0.3))
    assert not brain.said(VisitBegan), "like her, but not beyond doubt"
    brain.see(T1, (who(1, 0.05), 0.9))
    assert len(brain.said(VisitBegan)) == 1
    assert [visitor.name for visitor in brain.house.current()] == ["Ann"]


def test_a_single_poor_look_makes_nobody(brain: Brain) -> None:
    brain.see(T1, (who(1), 0.3))
    brain.left(T1)
    assert brain.gallery.people == {}
    assert brain.facts.emitted == []


@pytest.mark.parametrize("fault", Fault)
def test_faces_that_are_small_blurred_turned_or_cut_are_used_for_nothing(brain: Brain, fault: Fault) -> None:
    brain.see(T1, fault)
    brain.see(T1, fault)
    brain.left(T1)
    assert brain.facts.emitted == []


def test_of_a_crop_with_two_equal_faces_nobody_is_named(brain: Brain) -> None:
    for _ in range(3):
        brain.see(T1, (who(1), 0.9), (who(2), 0.9))
    brain.left(T1)
    assert brain.facts.emitted == []
    assert brain.house.counters["crowded"] == 3


def test_somebody_between_two_people_is_neither(brain: Brain) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.9)))
    brain.ask(VisitorAction.ENROL, name="Bea", photo=photo((who(1, 0.4), 0.9)))
    assert brain.gallery.match([(who(1, 0.2), 0.9)]) is None


def test_one_click_names_a_group_and_says_that_it_is_of_the_household(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.ask(VisitorAction.SAVE, profile_id=brain.only(), name="  Ann  ", household=True)
    saved = brain.said(FaceProfileSaved)[-1]
    assert isinstance(saved, FaceProfileSaved)
    assert (saved.name, saved.household) == ("Ann", True)
    assert [visitor.household for visitor in brain.house.current()] == [True]


def test_who_is_not_to_be_told_is_not_among_the_current_visitors(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.ask(VisitorAction.SAVE, profile_id=brain.only(), name="Postman", ignored=True)
    assert brain.house.current() == []


@pytest.mark.parametrize(
    ("faces", "code"),
    [
        ((), "no_face"),
        ((Fault.SMALL,), "poor_face"),
        (tuple((who(n), 0.9) for n in range(12)), "many_faces"),
    ],
)
def test_a_photo_to_enrol_from_shows_one_face_that_can_be_used(brain: Brain, faces: Any, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        brain.ask(VisitorAction.ENROL, name="Ann", photo=photo(*faces))
    assert refused.value.code == code
    assert brain.facts.emitted == []


def test_a_photo_that_is_no_picture_is_refused(brain: Brain) -> None:
    with pytest.raises(RefusedError, match="photo"):
        brain.ask(VisitorAction.ENROL, name="Ann", photo="!!!!")


def test_merging_makes_one_person_with_one_visit(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.passage(T2, who(2))
    first, second = brain.gallery.people
    brain.ask(VisitorAction.SAVE, profile_id=first, name="Ann")
    brain.ask(VisitorAction.MERGE, profile_id=first, into_id=second)
    assert [(one.profile_id, one.name) for one in brain.gallery.people.values()] == [(second, "Ann")]
    assert len(brain.said(FaceProfilesMerged)) == 1
    assert len(brain.said(VisitEnded)) == 1
    for look in (who(1), who(2)):
        match = brain.gallery.match([(look, 0.9)])
        assert match is not None
        assert match.profile_id == second


def test_splitting_gives_the_chosen_faces_to_another_person(brain: Brain) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.9)))
    ann = brain.only()
    wrong = brain.ask(VisitorAction.ENROL, profile_id=ann, photo=photo((who(2), 0.9)))["embedding_id"]
    fresh = brain.ask(VisitorAction.SPLIT, profile_id=ann, embedding_ids=[wrong], name="Bea")["profile_id"]
    match = brain.gallery.match([(who(2), 0.9)])
    assert match is not None
    assert match.profile_id == fresh
    assert brain.gallery.people[fresh].name == "Bea"
    split = brain.said(FaceProfileSplit)[0]
    assert isinstance(split, FaceProfileSplit)
    assert split.embedding_ids == [wrong]
    with pytest.raises(RefusedError, match="All faces"):
        brain.ask(VisitorAction.SPLIT, profile_id=fresh, embedding_ids=[wrong])
    with pytest.raises(RefusedError, match="Choose"):
        brain.ask(VisitorAction.SPLIT, profile_id=fresh, embedding_ids=[new_id()])


def test_forgetting_leaves_neither_vector_nor_picture_nor_visit(brain: Brain, tmp_path: Path) -> None:
    brain.passage(T1, who(1))
    gone = brain.only()
    assert brain.crops.count() == 1
    brain.ask(VisitorAction.FORGET, profile_id=gone)
    assert brain.gallery.people == {}
    assert brain.crops.count() == 0
    assert brain.house.current() == []
    assert [fact.profile_id for fact in brain.facts.of(FaceForgotten)] == [gone]
    brain.wait(1000)
    assert not brain.said(VisitEnded), "no word of a visit after it"
    brain.ask(VisitorAction.FORGET, profile_id=gone)
    assert len(brain.facts.of(FaceForgotten)) == 2, "who asks twice is heard twice"


def test_strangers_are_forgotten_in_time_and_people_with_a_name_are_not(brain: Brain) -> None:
    brain.passage(T1, who(1))
    brain.passage(T2, who(2))
    ann, stranger = brain.gallery.people
    brain.ask(VisitorAction.SAVE, profile_id=ann, name="Ann")
    brain.wait(6.9 * 86_400)
    assert set(brain.gallery.people) == {ann, stranger}
    brain.wait(0.2 * 86_400)
    assert set(brain.gallery.people) == {ann}


def test_a_person_keeps_a_bounded_number_of_vectors_the_best_ones(brain: Brain) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.95)))
    for number in range(MAX_VECTORS + 2):
        brain.passage(new_id(), who(1, 0.001 * number), 0.5 + number / 100)
    samples = brain.gallery.samples(brain.only())
    assert len(samples) == MAX_VECTORS
    assert brain.crops.count() == MAX_VECTORS
    assert samples[0].quality == 0.95
    assert min(sample.quality for sample in samples) > 0.5
    assert len(brain.said(FaceEmbeddingSaved)) - len(brain.said(FaceEmbeddingRemoved)) == MAX_VECTORS


def test_a_doubtful_track_teaches_nothing(brain: Brain) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.9)))
    brain.passage(T1, who(1, 0.42))
    assert len(brain.said(VisitBegan)) == 1
    assert len(brain.gallery.samples(brain.only())) == 1


def test_vectors_of_another_model_are_not_compared_and_are_made_anew_from_their_pictures(
    brain: Brain, tmp_path: Path
) -> None:
    brain.ask(VisitorAction.ENROL, name="Ann", photo=photo((who(1), 0.9)))
    brain.passage(T1, who(2))
    (lost,) = [one for one in brain.gallery.every_sample() if one.values[2] == 1]
    brain.crops.remove([lost.embedding_id])
    changed = Gallery(Limits("model/2", LIMITS.same, LIMITS.sure))
    for person in brain.gallery.people.values():
        changed.put(person)
    for sample in brain.gallery.every_sample():
        changed.add(sample)
    later = Brain(tmp_path, changed)
    assert changed.match([(who(1), 0.9)]) is None, "never mixed"
    while later.house.renew_one():
        pass
    assert changed.stale() == []
    match = changed.match([(who(1)[::-1].copy(), 0.9)])
    assert match is not None
    assert changed.people[match.profile_id].name == "Ann"
    (fresh,) = later.facts.of(FaceEmbeddingSaved)
    assert fresh.model == "model/2"
    assert [fact.embedding_id for fact in later.facts.of(FaceEmbeddingRemoved)] == [lost.embedding_id]


def test_more_tracks_than_can_be_followed_end_the_oldest(brain: Brain) -> None:
    for number in range(70):
        brain.see(new_id(), (who(number % 16), 0.8))
    assert brain.house.counters["tracks_pushed"] == 6


def test_a_track_of_which_nothing_is_heard_ends_by_itself(brain: Brain) -> None:
    brain.see(T1, (who(1), 0.8))
    brain.wait(1_801)
    brain.wait(301)
    assert len(brain.said(VisitEnded)) == 1
    assert brain.house.counters["tracks_silent"] == 1
