"""The endless loop: due times, ground truth, faults and arguments."""

from __future__ import annotations

from pathlib import Path

import pytest
from vigilar_demo_camera.playback import (
    Film,
    FilmError,
    Playhead,
    parse_fault,
    parse_film_argument,
    spoil,
)

FILM = Film(
    stream=Path("walk.h264"),
    codec="h264",
    width=96,
    height=64,
    fps=15,
    frames=tuple((10 * number, 10, number % 4 == 0) for number in range(10)),
    onsets=(3,),
    ends=(10,),
    key="",
)
SECOND_NS = 1_000_000_000


def test_due_times_do_not_drift_over_a_day() -> None:
    head = Playhead(FILM, now_ns=500)
    head.number = 24 * 3600 * 15
    assert head.due_ns() == 500 + 24 * 3600 * SECOND_NS
    assert (head.index, head.loop) == (0, 129_600)


def test_timestamps_pass_the_seam_without_a_jump() -> None:
    head = Playhead(FILM, now_ns=0)
    steps = [head.offset_ns(number + 1) - head.offset_ns(number) for number in range(25)]
    assert max(steps) - min(steps) <= 1


def test_rewinding_makes_the_last_keyframe_due_now() -> None:
    head = Playhead(FILM, now_ns=0)
    head.number = 17
    head.rewind_to_keyframe(now_ns=7 * SECOND_NS)
    assert (head.loop, head.index) == (1, 4)
    assert head.due_ns() == 7 * SECOND_NS


def test_a_motion_up_to_the_last_frame_ends_where_the_next_loop_begins() -> None:
    events = {number: found for number in range(21) if (found := FILM.events_at(number))}
    assert events == {0: ["loop"], 3: ["onset"], 10: ["end", "loop"], 13: ["onset"], 20: ["end", "loop"]}


def test_a_fault_is_active_for_its_span_only() -> None:
    name, fault = parse_fault("front=stall@5+2.5")
    assert (name, fault.kind) == ("front", "stall")
    assert [fault.active(second) for second in (4.9, 5.0, 7.4, 7.5)] == [False, True, True, False]
    assert parse_fault("front=garbage@1")[1].active(1e6)


@pytest.mark.parametrize(
    "text", ["stall@5", "front=explode@5", "front=stall", "front=stall@-1", "front=stall@5+"]
)
def test_a_fault_that_cannot_be_read_is_quoted(text: str) -> None:
    with pytest.raises(FilmError, match="expected NAME=stall"):
        parse_fault(text)


def test_films_are_given_by_name_and_path() -> None:
    assert parse_film_argument("front=/films/a=b.json") == ("front", Path("/films/a=b.json"))
    for text in ("front", "=a.json", "a b=c.json", "../x=c.json"):
        with pytest.raises(FilmError, match="expected NAME=path"):
            parse_film_argument(text)


def test_garbage_keeps_size_and_parameter_sets_and_holds_no_start_code() -> None:
    parameter_sets = b"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps"
    access_unit = parameter_sets + b"\x00\x00\x01\x65" + bytes(range(1, 101))
    spoilt = spoil(access_unit, b"\x00\x00\x01\xff\x07")
    assert len(spoilt) == len(access_unit)
    assert spoilt.startswith(access_unit[: len(parameter_sets) + 10])
    assert spoilt != access_unit
    assert spoilt.count(b"\x00\x00\x01") == access_unit.count(b"\x00\x00\x01")
