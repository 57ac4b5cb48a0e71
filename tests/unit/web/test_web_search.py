"""Typed words, understood by the house's clocks and names; what is not understood is looked for in titles."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from vigilar_web.search import ANIMALS, Place, understand

ZONE = "Europe/Vienna"
UUID = "01234567-89ab-7def-8123-456789abcdef"
PLACES = (
    Place("front", "Front door", ("Path",)),
    Place("drive", "Driveway", ("Path", "Gate")),
    Place("may", "May's room"),
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


NOW_MS = at("2026-11-18T15:30")  # a Wednesday


def of(text: str, now_ms: int = NOW_MS) -> Any:
    return understand(text, PLACES, ZONE, now_ms)


def test_classes_cameras_zones_and_a_time_are_taken_out_of_a_sentence() -> None:
    found = of("Fox driveway last week")
    assert (found.classes, found.cameras, found.words) == (["fox"], ["drive"], [])
    assert (found.from_ms, found.to_ms) == (at("2026-11-09"), at("2026-11-16"))
    found = of("show me people at the front door or gate yesterday, critical")
    assert (found.classes, found.cameras, found.zone) == (["person"], ["front"], "Gate")
    assert (found.severity, found.words) == ("critical", [])
    assert set(of("animals").classes) == set(ANIMALS)
    assert of("motion packages").kinds == ["motion", "package", "package_taken"]


def test_what_is_not_understood_is_looked_for_in_titles_of_the_last_months() -> None:
    found = of("postman's umbrella")
    assert found.words == ["postman", "s", "umbrella"]
    assert found.shortened_days == 92
    assert found.query()["text"] == "postman s umbrella"
    assert of("umbrella 2026-01-02").shortened_days is None


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("today", "2026-11-18", "2026-11-19"),
        ("yesterday", "2026-11-17", "2026-11-18"),
        ("monday", "2026-11-16", "2026-11-17"),
        ("wednesday", "2026-11-18", "2026-11-19"),
        ("last wednesday", "2026-11-11", "2026-11-12"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("12 march", "2026-03-12", "2026-03-13"),
        ("december 24th", "2025-12-24", "2025-12-25"),
        ("march", "2026-03-01", "2026-04-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        ("yesterday morning", "2026-11-17T05:00", "2026-11-17T12:00"),
        ("evening", "2026-11-18T17:00", "2026-11-18T23:00"),
        ("last night", "2026-11-17T18:00", "2026-11-18T06:00"),
        ("tonight", "2026-11-18T18:00", "2026-11-19T06:00"),
        ("last 3 hours", "2026-11-18T12:30", "2026-11-18T15:31"),
        ("past 2 days", "2026-11-16T15:30", "2026-11-18T15:31"),
    ],
)
def test_times_are_those_of_the_house(text: str, begin: str, end: str) -> None:
    found = of(f"person {text}")
    assert (found.from_ms, found.to_ms) == (at(begin), at(end)), text
    assert found.words == []


def test_days_on_which_the_clocks_change_have_23_and_25_hours() -> None:
    long = of("2026-10-25")
    assert long.to_ms - long.from_ms == 25 * 3_600_000
    short = of("29 march", at("2026-04-01"))
    assert short.to_ms - short.from_ms == 23 * 3_600_000


def test_dates_that_are_none_and_names_that_look_like_dates_stay_words() -> None:
    assert of("2026-02-31").words == ["2026-02-31"]
    assert of("30 february").words == ["30"]
    assert of("may's room").cameras == ["may"]
    assert len(of("x " * 300).words) <= 24


def test_a_search_is_answered_with_what_was_understood_and_kept_for_who_asked(home: Any) -> None:
    home.storage.answers["/v1/events"] = {"items": [], "next": None}
    answer = home.get("/api/v1/search?q=car%20yard%20umbrella").json()
    assert answer["understood"]["cameras"] == ["yard"]
    asked = dict(home.storage.requests[-1].url.params)
    assert (asked["camera"], asked["class"], asked["text"]) == ("yard", "car", "umbrella")
    assert home.get("/api/v1/search?q=").status_code == 422
    home.storage.answers["/v1/saved-searches"] = {"id": UUID, "name": "n", "words": "w"}
    assert home.send("POST", "/api/v1/saved-searches", {"name": "n", "words": "w"}).status_code == 201
    assert json.loads(home.storage.requests[-1].content)["owner"] == "admin"
    assert home.get("/api/v1/saved-searches").status_code == 200
    assert home.storage.requests[-1].url.params["owner"] == "admin"
