"""Exports with proof, as the page asks for them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

UUID = "01234567-89ab-7def-8123-456789abcdef"
EXPORT = {
    "id": UUID, "state": "running", "actor": "admin", "reason": "", "recording_ids": [UUID], "camera_id": None,
    "created_ms": 1_750_000_000_000, "progress_pct": 0, "size_bytes": 0, "sha256": "", "error": "", "left_out": [],
    "expires_ms": None,
}  # fmt: skip


def test_an_order_goes_to_storage_in_the_name_of_who_is_logged_in(home: Any) -> None:
    home.storage.answers["/v1/exports"] = lambda _: httpx.Response(202, json=EXPORT)

    answer = home.send("POST", "/api/v1/exports", {"recording_ids": [UUID], "reason": "parcel"})

    assert (answer.status_code, answer.json()["state"], answer.json()["file_url"]) == (202, "running", None)
    assert json.loads(home.storage.requests[-1].content) == {
        "recording_ids": [UUID], "reason": "parcel", "actor": "admin",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {}, {"recording_ids": []}, {"recording_ids": ["x"]}, {"recording_ids": [UUID], "actor": "somebody else"},
        {"recording_ids": [UUID], "camera_id": "front"}, {"camera_id": "front", "from_ms": 1},
        {"camera_id": "../x", "from_ms": 1, "to_ms": 2}, {"recording_ids": [UUID], "reason": "x" * 501}, [], "x",
        {"recording_ids": [UUID] * 101},
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_never_reaches_storage(home: Any, error: Any, body: Any) -> None:
    answer = home.send("POST", "/api/v1/exports", body)
    assert (answer.status_code, error(answer)) == (422, "invalid")
    assert not home.storage.requests


def test_a_camera_that_is_not_configured_is_404(home: Any) -> None:
    answer = home.send("POST", "/api/v1/exports", {"camera_id": "attic", "from_ms": 1, "to_ms": 2})
    assert answer.status_code == 404


def test_a_second_export_at_the_same_time_is_refused_in_words(home: Any, error: Any) -> None:
    busy = {"error": {"code": "export_running", "message": "another export is being made", "field": None}}
    home.storage.answers["/v1/exports"] = lambda _: httpx.Response(409, json=busy)
    answer = home.send("POST", "/api/v1/exports", {"recording_ids": [UUID]})
    assert (answer.status_code, error(answer)) == (409, "export_running")


def test_a_finished_export_is_downloaded_by_range_under_a_name_with_the_local_time(home: Any) -> None:
    home.storage.answers[f"/v1/exports/{UUID}"] = EXPORT | {"state": "done"}
    home.storage.answers[f"/v1/exports/{UUID}/content"] = lambda request: httpx.Response(
        206, content=b"zip", headers={"Content-Range": "bytes 0-2/9", "X-Asked": request.headers["range"]}
    )
    home.storage.answers["/v1/exports"] = {"items": [EXPORT | {"state": "done"}], "limits": {"max_bytes": 5}}

    (item,) = home.get("/api/v1/exports").json()["items"]
    answer = home.get(item["file_url"], headers={"Range": "bytes=0-2"})

    assert (answer.status_code, answer.content) == (206, b"zip")
    assert answer.headers["content-type"] == "application/zip"
    assert (
        answer.headers["content-disposition"]
        == 'attachment; filename="vigilar-export_2025-06-15_17-06-40.zip"'
    )


def test_an_export_is_removed(home: Any) -> None:
    home.storage.answers[f"/v1/exports/{UUID}"] = lambda _: httpx.Response(204)
    assert home.send("DELETE", f"/api/v1/exports/{UUID}").status_code == 204
    assert home.storage.requests[-1].method == "DELETE"
