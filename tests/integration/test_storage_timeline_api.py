"""The axis of time over real HTTP: film for a player of our own, previews, counts, reviews, saved searches."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import pytest
from storage_rig import Rig, event, make_film, new_id, now_ms, running

SECONDS = 6


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


def test_two_recordings_are_one_film_and_every_moment_of_it_has_a_picture(rig: Rig) -> None:
    film = make_film(SECONDS)
    start_ms = now_ms() - 60_000
    ids = [rig.recorded(film, start_ms), rig.recorded(film, start_ms + SECONDS * 1000)]
    span = {"from_ms": start_ms, "to_ms": start_ms + 30_000}

    films = rig.get("/v1/cameras/front/film", params=span).json()["films"]

    assert [one["recording_id"] for one in films] == ids
    assert films[0]["mime"].startswith('video/mp4; codecs="avc1.')
    times = [row[0] - start_ms for one in films for row in one["segments"]]
    assert times == [at * 1000 for at in range(2 * SECONDS)], "one for each keyframe, without a hole"
    first, second = films[1]["segments"][:2]
    answer = rig.get(
        f"/v1/recordings/{ids[1]}/content",
        headers={"Range": f"bytes={first[3]}-{first[3] + first[4] - 1}"},
    )
    assert answer.status_code == 206
    assert answer.content[4:8] == b"moof"
    assert first[3] + first[4] == second[3]

    shown = rig.get("/v1/cameras/front/keyframe.mp4", params={"at_ms": start_ms + 8_300})
    assert int(shown.headers["X-Taken-Ms"]) - start_ms == 8_000
    with av.open(io.BytesIO(shown.content), "r") as container:
        picture = next(container.decode(video=0))
    assert (picture.width, picture.height, picture.pts) == (96, 64, 0)
    part = rig.get(
        "/v1/cameras/front/keyframe.mp4", params={"at_ms": start_ms + 8_300}, headers={"Range": "bytes=0-3"}
    )
    assert (part.status_code, part.content) == (206, shown.content[:4])
    past = {"Range": "bytes=99999999-"}
    late = rig.get("/v1/cameras/front/keyframe.mp4", params={"at_ms": start_ms}, headers=past)
    assert late.status_code == 416
    nothing = rig.get("/v1/cameras/front/keyframe.mp4", params={"at_ms": start_ms - 60_000})
    assert nothing.status_code == 404
    long = {"from_ms": 0, "to_ms": 86_400_001}
    assert rig.get("/v1/cameras/front/film", params=long).json()["error"]["code"] == "span_too_large"
    whole = rig.get("/v1/cameras/front/coverage", params={**span, "least_ms": 1000}).json()["spans"]
    assert [(row["state"], row["recording_id"]) for row in whole][:1] == [("recorded", None)]


def test_events_are_looked_at_on_the_axis_and_marked_by_somebody(rig: Rig) -> None:
    start_ms = now_ms() - 600_000
    ids = [new_id() for _ in range(3)]
    rig.post([event(one, ts_ms=start_ms + at * 1000) for at, one in enumerate(ids)], "events")
    axis = {"from_ms": start_ms, "to_ms": start_ms + 60_000, "slot_ms": 1_000}

    marks = rig.get("/v1/timeline", params={**axis, "type": "motion,object", "camera": "front"}).json()[
        "marks"
    ]

    assert [mark["id"] for mark in marks] == ids
    assert rig.get("/v1/timeline", params={**axis, "class": "person"}).json()["marks"] == []
    for off in ({"to_ms": start_ms}, {"to_ms": start_ms + 2_001_000}, {"slot_ms": 1}):
        assert rig.get("/v1/timeline", params=axis | off).status_code == 422
    assert rig.get("/v1/reviews").json() == {"waiting": 3, "more": False}
    done = rig.send("POST", "/v1/reviews", {"actor": "anna", "event_ids": ids[:1]}).json()
    assert done["count"] == 1
    waiting = rig.get("/v1/events", params={"reviewed": "false"}).json()["items"]
    assert [row["id"] for row in waiting] == ids[:0:-1]
    said = rig.get(f"/v1/events/{ids[0]}").json()
    assert (said["reviewed_by"], said["reviewed_ms"], said["to_review"]) == ("anna", done["marked_ms"], False)
    everything = rig.send("POST", "/v1/reviews", {"actor": "ben", "until_ms": now_ms()}).json()
    assert everything["count"] == 2
    undone = {"actor": "ben", "undo_ms": everything["marked_ms"]}
    assert rig.send("POST", "/v1/reviews", undone).json()["count"] == 2
    for wrong in (
        {"actor": "ben"},
        {"actor": "ben", "event_ids": ids, "until_ms": 5},
        {"actor": "", "event_ids": ids},
        {"actor": "ben", "until_ms": 5, "reviewed": False},
    ):
        assert rig.send("POST", "/v1/reviews", wrong).status_code == 422
    assert rig.send("POST", "/v1/reviews", undone, "events").status_code == 403


def test_searches_are_kept_for_who_made_them(rig: Rig) -> None:
    wish = {"owner": "anna", "name": "Foxes", "words": "fox driveway last week"}
    made = rig.send("POST", "/v1/saved-searches", wish)
    assert made.status_code == 201
    again = rig.send("POST", "/v1/saved-searches", wish | {"words": "fox"}).json()
    mine = rig.get("/v1/saved-searches", params={"owner": "anna"}).json()["items"]
    assert [(one["id"], one["words"]) for one in mine] == [(again["id"], "fox")], "of one name there is one"
    assert rig.get("/v1/saved-searches", params={"owner": "ben"}).json()["items"] == []
    gone = f"/v1/saved-searches/{again['id']}"
    assert rig.send("DELETE", gone + "?owner=ben", None).status_code == 404
    assert rig.send("DELETE", gone + "?owner=anna", None).status_code == 204
    for number in range(50):
        rig.send("POST", "/v1/saved-searches", wish | {"name": f"s{number}"})
    full = rig.send("POST", "/v1/saved-searches", wish | {"name": "one more"})
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many")
