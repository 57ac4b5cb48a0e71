"""The settings page's routes: what they pass to storage, and what they never let through."""

from __future__ import annotations

import json
from typing import Any

import httpx

SETTINGS = "/api/v1/settings"


def stands(home: Any, answer: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Storage answers every question about settings with `answer`; returns what it was asked."""
    asked: list[tuple[str, str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json=answer)

    for path in ("", "/check", "/return"):
        home.storage.answers[f"/v1/settings{path}"] = reply
    return asked


def test_a_change_goes_to_storage_with_who_made_it(home: Any) -> None:
    asked = stands(home, {"revision": "r2"})
    change = {"changes": {"ups": {"enabled": False}}, "revision": "r1"}
    assert home.send("PUT", SETTINGS, change).json() == {"revision": "r2"}
    assert asked[-1] == ("PUT", "/v1/settings", {**change, "actor": "admin"})


def test_what_asks_for_an_old_secret_elsewhere_cannot_be_changed_here(home: Any) -> None:
    asked = stands(home, {})
    refused: tuple[dict[str, Any], ...] = (
        {"web": {"password_hash": "x"}},
        {"web": {"username": "eve"}},
        {"security": {"pin_hash": "x"}},
        {"security": []},
        {"system": {"arm_pin_hash": ""}},
    )
    for changes in refused:
        for method, path, more in (("PUT", SETTINGS, {"revision": "r1"}), ("POST", f"{SETTINGS}/check", {})):
            answer = home.send(method, path, {"changes": changes, **more})
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "protected"), changes
    assert asked == []


def test_going_back_names_a_kept_version_and_nothing_else(home: Any) -> None:
    asked = stands(home, {"revision": "r3"})
    for version in ("../../etc/passwd", "20260101T000000000Z-ab.toml/..", ""):
        wish = {"version": version, "revision": "r1"}
        assert home.send("POST", f"{SETTINGS}/return", wish).status_code == 422
    assert asked == []
    wish = {"version": "20260101T000000000Z-ab12.toml", "revision": "r1"}
    assert home.send("POST", f"{SETTINGS}/return", wish).status_code == 200
    assert asked[-1][2] == {**wish, "actor": "admin"}
