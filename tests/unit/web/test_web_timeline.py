"""The axis of time in the public API: what storage is asked, what nobody is shown, who marked."""

from __future__ import annotations

import json
from typing import Any

UUID = "01234567-89ab-7def-8123-456789abcdef"
AXIS = "/api/v1/timeline?from_ms=0&to_ms=60000&slot_ms=1000"


def params(home: Any) -> dict[str, str]:
    return dict(home.storage.requests[-1].url.params)


def test_the_timeline_is_asked_with_its_filters_and_never_tells_of_duress(home: Any) -> None:
    marks = [{"id": UUID, "type": "duress"}, {"id": UUID, "type": "motion"}]
    home.storage.answers["/v1/timeline"] = {"marks": marks, "counts": None}
    found = home.get(AXIS + "&camera=front,yard&class=person,car&severity=alert&zone=My%20porch&curves=true")
    assert [mark["type"] for mark in found.json()["marks"]] == ["motion"]
    assert params(home) == {
        "from_ms": "0", "to_ms": "60000", "slot_ms": "1000", "camera": "front,yard", "class": "person,car",
        "severity": "alert", "zone": "My porch", "curves": "true",
    }  # fmt: skip
    counts = [[0, "", "duress", "critical", 1], [0, "front", "motion", "alert", 2]]
    home.storage.answers["/v1/timeline"] = {"marks": None, "counts": counts}
    assert home.get(AXIS).json()["counts"] == counts[1:]
    for wrong in ("&camera=a%20b", "&class=Per'son", "&camera=,,", "&reviewed=perhaps"):
        assert home.get(AXIS + wrong).status_code == 422, wrong


def test_who_is_logged_in_is_who_looked(home: Any) -> None:
    home.storage.answers["/v1/reviews"] = {"count": 1, "marked_ms": 5}
    assert home.send("POST", "/api/v1/reviews", {"event_ids": [UUID]}).json() == {"count": 1, "marked_ms": 5}
    sent = json.loads(home.storage.requests[-1].content)
    assert (sent["actor"], sent["event_ids"], sent["reviewed"]) == ("admin", [UUID], True)
    forged = home.send("POST", "/api/v1/reviews", {"event_ids": [UUID], "actor": "somebody"})
    assert forged.status_code == 422
    assert home.ask("POST", "/api/v1/reviews", content="{}").status_code == 403, "no token of the page"


def test_an_event_says_who_has_looked(home: Any) -> None:
    row = {
        "id": UUID,
        "type": "motion",
        "started_ms": 1,
        "to_review": False,
        "reviewed_ms": 7,
        "reviewed_by": "anna",
    }
    home.storage.answers["/v1/events"] = {"items": [row], "next": None}
    item = home.get("/api/v1/events?reviewed=true").json()["items"][0]
    assert params(home)["reviewed"] == "true"
    assert (item["to_review"], item["reviewed"]) == (False, {"by": "anna", "ts_ms": 7})


def test_film_and_previews_of_a_camera_are_passed_on_and_previews_may_be_kept(home: Any) -> None:
    import httpx

    home.storage.answers["/v1/cameras/front/film"] = {"films": []}
    assert home.get("/api/v1/cameras/front/film?from_ms=1&to_ms=2").json() == {"films": []}
    home.storage.answers["/v1/cameras/front/keyframe.mp4"] = httpx.Response(206, content=b"film")
    answer = home.get("/api/v1/cameras/front/keyframe.mp4?at_ms=5", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"film")
    assert home.storage.requests[-1].headers["range"] == "bytes=0-3"
    assert answer.headers["cache-control"].startswith("private, max-age=")
    assert home.get("/api/v1/cameras/yard/keyframe.mp4?at_ms=5").status_code == 204, "nothing recorded there"
    for path in ("film?from_ms=1&to_ms=2", "keyframe.mp4?at_ms=5", "coverage?from_ms=1&to_ms=2"):
        assert home.get(f"/api/v1/cameras/nowhere/{path}").status_code == 404
