"""Objects by scripted scenes: one object is told once, and what does not move is not told."""

from __future__ import annotations

from collections import Counter

import pytest
from object_scenes import CAR, START_MS, STEP_MS, Actor, looks, places, play, tracker, words
from vigilar_camera_worker.domain.looks import WHOLE, Look, Rect, Seen, clean, cut_off, placed
from vigilar_camera_worker.domain.object_track import Speed
from vigilar_camera_worker.domain.object_tracker import Appeared, Left, ObjectTracker, Reason
from vigilar_camera_worker.domain.whereabouts import Line

WALK = Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 8)
PARKED = Actor("car", (0.5, 0.7), (0.5, 0.7), 0, 600, CAR)


def classes(subject: ObjectTracker) -> Counter[str]:
    return Counter(item.track.object_class for item in subject.present)


def test_a_person_who_walks_through_is_told_once_and_leaves_once() -> None:
    assert play(tracker(), looks([WALK], 15)) == ["+person", "-person gone"]


def test_a_person_is_told_within_a_second() -> None:
    subject = tracker()
    for look in looks([WALK], 15):
        if any(isinstance(item, Appeared) for item in subject.look(look)):
            assert look.wall_ms - START_MS <= 1000
            return
    pytest.fail("never told")


def test_two_people_who_walk_past_each_other_are_two_and_stay_themselves() -> None:
    other = Actor("person", (0.9, 0.56), (0.1, 0.56), 0, 8)
    subject = tracker()
    ends = [
        item for look in looks([WALK, other], 15) for item in subject.look(look) if isinstance(item, Left)
    ]
    assert sorted(item.followed.track.direction for item in ends) == ["left", "right"]
    assert subject.counters["objects_told"] == 2


def test_a_parked_car_is_no_event_and_is_counted_as_there() -> None:
    subject = tracker()
    assert play(subject, looks([PARKED], 60)) == []
    assert classes(subject) == {"car": 1}
    assert len(subject.resting()) == 1


def test_a_parked_car_whose_box_jitters_and_is_missed_now_and_then_is_no_event() -> None:
    subject, scene = tracker(), []
    for number, look in enumerate(looks([PARKED], 120)):
        jitter = ((number * 7) % 5 - 2) * 0.004
        objects = tuple(
            Seen("car", 0.45 + 0.1 * (number % 3), s.box.moved(jitter, -jitter)) for s in look.objects
        )
        scene.append(Look(look.wall_ms, objects if number % 4 else ()))
    assert play(subject, scene) == []


def test_a_parked_car_that_drives_off_is_an_event() -> None:
    away = Actor("car", (0.5, 0.7), (1.2, 0.7), 30, 34, CAR)
    stands = Actor("car", (0.5, 0.7), (0.5, 0.7), 0, 29.9, CAR)
    subject = tracker()
    assert play(subject, looks([stands, away], 50)) == ["+car", "-car gone"]
    assert classes(subject) == {}


def test_a_car_that_comes_and_parks_is_one_event_that_ends_while_the_car_stays_counted() -> None:
    comes = Actor("car", (-0.1, 0.7), (0.5, 0.7), 0, 4, CAR)
    stands = Actor("car", (0.5, 0.7), (0.5, 0.7), 4.1, 90, CAR)
    subject = tracker()
    assert play(subject, looks([comes, stands], 60)) == ["+car", "-car rests"]
    assert classes(subject) == {"car": 1}


def test_somebody_who_walks_in_front_of_a_parked_car_wakes_nothing() -> None:
    subject = tracker()
    passing = Actor("person", (0.2, 0.7), (0.8, 0.7), 30, 36)
    assert play(subject, looks([PARKED, passing], 50)) == ["+person", "-person gone"]


def test_a_poster_of_a_person_is_never_told() -> None:
    poster = Actor("person", (0.5, 0.4), (0.5, 0.4), 0, 600)
    subject = tracker()
    assert play(subject, looks([poster], 120)) == []
    assert classes(subject) == {}


def test_a_person_who_stands_where_something_moves_is_told() -> None:
    stands = Actor("person", (0.5, 0.5), (0.5, 0.5), 0, 5)
    scene = [
        Look(look.wall_ms, look.objects, moving=tuple(seen.box for seen in look.objects))
        for look in looks([stands], 5)
    ]
    assert play(tracker(), scene) == ["+person"]


def test_a_person_who_sits_down_stays_one_event() -> None:
    comes = Actor("person", (0.1, 0.5), (0.5, 0.5), 0, 3)
    sits = Actor("person", (0.5, 0.5), (0.5, 0.5), 3.1, 200)
    subject = tracker()
    assert play(subject, looks([comes, sits], 180)) == ["+person"]
    assert classes(subject) == {"person": 1}


def test_one_lucky_frame_is_no_object() -> None:
    flash = Actor("person", (0.5, 0.5), (0.5, 0.5), 1.0, 1.1, score=0.99)
    assert play(tracker(), looks([flash], 10)) == []


def test_an_object_below_the_threshold_is_not_told_however_long_it_is_seen() -> None:
    weak = Actor("person", (0.1, 0.5), (0.9, 0.5), 0, 8, score=0.45)
    assert play(tracker(threshold=0.5), looks([weak], 15)) == []


def test_weak_looks_go_on_with_a_track_that_began_sure() -> None:
    scene = [
        Look(
            look.wall_ms,
            tuple(Seen(s.object_class, 0.3 if 15 < number < 25 else 0.8, s.box) for s in look.objects),
        )
        for number, look in enumerate(looks([WALK], 15))
    ]
    assert play(tracker(), scene) == ["+person", "-person gone"]


def test_the_class_is_that_of_most_looks() -> None:
    names = ["dog", "cat", "dog", "dog", "cat", "dog"]
    scene = [
        Look(look.wall_ms, tuple(Seen(names[number % 6], s.score, s.box) for s in look.objects))
        for number, look in enumerate(looks([WALK], 15))
    ]
    assert play(tracker(), scene) == ["+dog", "-dog gone"]


def test_a_crop_that_does_not_show_a_place_says_nothing_of_it() -> None:
    stands = Actor("person", (0.2, 0.5), (0.25, 0.5), 0, 2)
    rest = Actor("person", (0.25, 0.5), (0.25, 0.5), 2.1, 60)
    right = Rect(0.5, 0.0, 0.5, 1.0)
    scene = looks([stands, rest], 20, area=lambda time_s: WHOLE if time_s < 3 else right)
    assert play(tracker(), scene) == ["+person"]


def test_what_nobody_looks_at_is_not_known_any_more() -> None:
    subject = tracker()
    assert play(subject, looks([WALK], 4)) == ["+person"]
    news = subject.tick(START_MS / 1000 + 40)
    assert [(type(item), item.reason) for item in news if isinstance(item, Left)] == [(Left, Reason.UNSEEN)]


def test_two_crops_of_one_moment_show_one_object() -> None:
    subject, told = tracker(), []
    for look in looks([WALK], 8):
        for area in (Rect(0.0, 0.2, 0.6, 0.6), Rect(0.4, 0.2, 0.6, 0.6)):
            there = tuple(s for s in look.objects if s.box.inside(area) > 0.3)
            parts = tuple(Seen(s.object_class, s.score, _within(s.box, area)) for s in there)
            told += subject.look(Look(look.wall_ms, parts, area))
    assert len(told) == 1
    assert subject.counters["objects_told"] == 1


def test_answers_that_come_in_another_order_tell_the_same() -> None:
    scene = looks([WALK], 15)
    mixed = [scene[index ^ 1] for index in range(len(scene) - 1)]
    assert play(tracker(), mixed) == ["+person", "-person gone"]


def test_a_very_late_answer_is_left_out_and_counted() -> None:
    subject = tracker()
    scene = looks([WALK], 6)
    play(subject, scene)
    assert play(subject, [scene[2]]) == []
    assert subject.counters["object_looks_late"] == 1


def test_a_clock_that_goes_back_far_begins_anew() -> None:
    subject = tracker()
    play(subject, looks([WALK], 4))
    earlier = [Look(look.wall_ms - 3_600_000, look.objects) for look in looks([WALK], 4)]
    assert play(subject, earlier) == ["-person interrupted", "+person"]


def test_lost_looks_do_not_cut_an_object_in_two() -> None:
    scene = [look for number, look in enumerate(looks([WALK], 15)) if number % 5 < 2]
    assert play(tracker(), scene) == ["+person", "-person gone"]


def test_boxes_that_are_no_numbers_are_refused_and_counted() -> None:
    nan, inf = float("nan"), float("inf")
    subject = tracker()
    bad = (
        Seen("person", nan, Rect(0.1, 0.1, 0.1, 0.1)),
        Seen("person", 0.9, Rect(nan, 0.1, 0.1, 0.1)),
        Seen("person", 0.9, Rect(0.1, 0.1, inf, 0.1)),
        Seen("person", 0.9, Rect(0.1, 0.1, -0.1, 0.1)),
        Seen("person", 0.9, Rect(5.0, 5.0, 0.1, 0.1)),
        Seen("", 0.9, Rect(0.1, 0.1, 0.1, 0.1)),
    )
    assert subject.look(Look(START_MS, bad)) == []
    assert subject.counters["object_boxes_refused"] == len(bad)
    assert subject.counters["object_tracks"] == 0
    assert clean(Look(START_MS, bad, Rect(0, 0, nan, 1)))[0] is None


def test_zones_are_entered_and_left_by_the_feet_and_dwelt_in() -> None:
    door = [(0.4, 0.5), (0.6, 0.5), (0.6, 0.8), (0.4, 0.8)]
    subject = tracker(places({"door": door}))
    told: list[str] = []
    ends = []
    for look in looks([WALK], 15):
        news = subject.look(look)
        ends += [item for item in news if isinstance(item, Left)]
        told += [words(item) for item in news]
    assert told == ["+person", "zone_entered door", "zone_left door", "-person gone"]
    assert ends[0].followed.where.dwell_s["door"] == pytest.approx(2.0, abs=0.5)


def test_what_stands_in_an_excluded_zone_is_not_told() -> None:
    street = [(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]
    assert play(tracker(places(exclude=[street])), looks([WALK], 15)) == []


@pytest.mark.parametrize(
    ("start", "end", "way"), [((0.5, 0.2), (0.5, 0.9), "out"), ((0.5, 0.9), (0.5, 0.2), "in")]
)
def test_a_line_is_crossed_once_in_its_direction(
    start: tuple[float, float], end: tuple[float, float], way: str
) -> None:
    told = play(tracker(places(lines=[Line("gate", start, end)])), looks([WALK], 15))
    assert told == ["+person", f"line_crossed gate {way}", "-person gone"]


def test_who_goes_round_the_end_of_a_line_does_not_cross_it() -> None:
    line = Line("gate", (0.5, 0.0), (0.5, 0.3))
    assert play(tracker(places(lines=[line])), looks([WALK], 15)) == ["+person", "-person gone"]


def test_who_stays_in_sight_loiters_once_and_a_car_never_does() -> None:
    slow = Actor("person", (0.2, 0.5), (0.6, 0.5), 0, 100)
    car = Actor("car", (0.2, 0.8), (0.9, 0.8), 0, 100, CAR)
    told = play(tracker(places(loiter_s=30)), looks([slow, car], 60))
    assert told.count("loitering") == 1


def test_speed_and_direction_are_of_the_whole_way() -> None:
    for actor, speed, direction in (
        (Actor("person", (0.1, 0.3), (0.9, 0.7), 0, 4), Speed.FAST, "right"),
        (Actor("person", (0.5, 0.2), (0.5, 0.7), 0, 8), Speed.SLOW, "down"),
    ):
        subject = tracker()
        ends = [i for look in looks([actor], 15) for i in subject.look(look) if isinstance(i, Left)]
        assert (ends[0].followed.track.speed, ends[0].followed.track.direction) == (speed, direction)


def test_the_best_picture_is_where_the_whole_object_is_large_and_sure() -> None:
    subject = tracker()
    told: list[Left] = []
    for number, look in enumerate(looks([WALK], 15)):
        objects = tuple(Seen(s.object_class, 0.95 if number == 20 else 0.7, s.box) for s in look.objects)
        told += [item for item in subject.look(Look(look.wall_ms, objects)) if isinstance(item, Left)]
    best = told[0].followed.track.best
    assert best is not None
    assert best.wall_ms == START_MS + 4000


def test_everything_ends_when_the_search_ends() -> None:
    subject = tracker()
    play(subject, looks([WALK, PARKED], 4))
    assert [words(item) for item in subject.end()] == ["-person interrupted"]
    assert subject.present == []


def test_a_box_of_a_crop_is_put_into_the_picture() -> None:
    crop = Rect(0.5, 0.25, 0.25, 0.5)
    assert placed(Rect(0.5, 0.5, 0.5, 0.5), crop) == Rect(0.625, 0.5, 0.125, 0.25)
    assert cut_off(Rect(0.5, 0.3, 0.1, 0.1), crop)
    assert not cut_off(Rect(0.55, 0.3, 0.1, 0.1), crop)
    assert not cut_off(Rect(0.0, 0.3, 0.1, 0.1), WHOLE), "behind the edge of the picture is nothing"


def _within(box: Rect, area: Rect) -> Rect:
    x, y = max(box.x, area.x), max(box.y, area.y)
    right, low = min(box.x + box.w, area.x + area.w), min(box.y + box.h, area.y + area.h)
    return Rect(x, y, right - x, low - y)


def test_who_is_lost_behind_something_and_found_again_is_the_same() -> None:
    """Hidden for three seconds in the middle of the picture; first only half of the person is seen again."""
    before = Actor("person", (0.2, 0.5), (0.4, 0.5), 0, 4)
    half = Actor("person", (0.45, 0.45), (0.5, 0.45), 7, 8, size=(0.05, 0.12))
    after = Actor("person", (0.5, 0.5), (0.8, 0.5), 8.2, 14)
    assert play(tracker(), looks([before, half, after], 20)) == ["+person", "-person gone"]


def test_who_comes_in_elsewhere_while_another_is_hidden_is_another() -> None:
    hidden = Actor("person", (0.2, 0.5), (0.4, 0.5), 0, 4)
    other = Actor("person", (0.97, 0.5), (0.6, 0.5), 5, 12)
    said = play(tracker(), looks([hidden, other], 20))
    assert said.count("+person") == said.count("-person gone") == 2


def test_a_box_of_quite_another_size_is_none_of_an_object() -> None:
    walker = Actor("person", (0.3, 0.5), (0.5, 0.5), 0, 8)
    group = Actor("person", (0.4, 0.5), (0.5, 0.5), 4, 8, size=(0.3, 0.9), score=0.36)
    subject = tracker()
    play(subject, looks([walker, group], 5))
    (only,) = subject.present
    assert only.track.box.h == pytest.approx(0.25)


# -- parked vehicles whose boxes change ------------------------------------------------------------------


def parked(boxes: list[Rect], moving: bool = True) -> list[str]:
    """What is told of a car with these boxes, five a second, while people pass before it."""
    scene = [
        Look(START_MS + n * STEP_MS, (Seen("car", 0.7, box),), moving=(box,) if moving else ())
        for n, box in enumerate(boxes)
    ]
    return [word for word in play(tracker(), scene) if word.startswith("+")]


WHOLE_VAN, CAR_BESIDE = Rect(0.40, 0.40, 0.20, 0.16), Rect(0.62, 0.40, 0.20, 0.16)


def test_a_box_that_grows_or_shrinks_on_one_side_is_no_vehicle_that_drives() -> None:
    for side in (Rect(0.50, 0.40, 0.10, 0.16), Rect(0.40, 0.48, 0.20, 0.08), Rect(0.40, 0.40, 0.36, 0.16)):
        assert parked([WHOLE_VAN] * 5 + [side] * 10 + [WHOLE_VAN] * 5 + [side] * 10) == []


def test_a_box_that_jumps_between_two_parked_cars_is_no_vehicle_that_drives() -> None:
    for moving in (True, False):
        assert parked([WHOLE_VAN] * 5 + [CAR_BESIDE] * 5 + [WHOLE_VAN] * 5 + [CAR_BESIDE] * 10, moving) == []


def test_a_vehicle_that_comes_straight_at_the_camera_is_told() -> None:
    nearer = [Rect(0.5 - s / 2, 0.5 - s / 2, s, s) for s in (0.1 * 1.08**n for n in range(20))]
    assert parked(nearer) == ["+car"]


def test_a_vehicle_that_drives_is_told_whether_or_not_motion_was_seen_there() -> None:
    drives = [Rect(0.1 + 0.02 * n, 0.4, 0.2, 0.16) for n in range(25)]
    assert parked(drives) == ["+car"]
    assert parked(drives, moving=False) == ["+car"]
