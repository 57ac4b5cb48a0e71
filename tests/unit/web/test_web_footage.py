"""What recordings take, verifying them and deleting one: who may, what storage is asked, what the audit log hears."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from web_people import UUID

ROW = {"id": UUID, "camera_id": "front", "started_ms": 1, "state": "complete", "starred": False}


def bodies(home: Any, method: str, path: str) -> list[Any]:
    return [
        json.loads(request.content or b"null")
        for request in home.storage.requests
        if request.method == method and request.url.path == path
    ]


def test_the_forecast_is_storages_own(home: Any) -> None:
    home.storage.answers["/v1/usage"] = {"forecast": {"days_kept": 12}}
    assert home.get("/api/v1/storage").json() == {"forecast": {"days_kept": 12}}


def test_a_verification_is_asked_for_in_the_name_of_who_is_signed_in(home: Any) -> None:
    home.storage.answers["/v1/verifications"] = {"id": UUID, "state": "running"}
    answer = home.send("POST", "/api/v1/verifications", {"camera_id": "front", "quick": True})
    assert answer.status_code == 202, answer.text
    [body] = bodies(home, "POST", "/v1/verifications")
    assert (body["camera_id"], body["quick"]) == ("front", True)
    assert body["actor"]
    assert home.send("POST", "/api/v1/verifications", {"camera_id": "nowhere"}).status_code == 404


@pytest.mark.parametrize(
    "body", [{"from_ms": 5, "to_ms": 5}, {"quick": "yes"}, {"actor": "me"}, {"camera_id": "a/b"}]
)
def test_a_wrong_order_reaches_nobody(home: Any, body: Any) -> None:
    assert home.send("POST", "/api/v1/verifications", body).status_code == 422
    assert bodies(home, "POST", "/v1/verifications") == []


def test_a_recording_is_deleted_with_who_and_why_but_not_while_it_has_a_star(home: Any) -> None:
    deleted: list[Any] = []

    def answer(request: httpx.Request) -> Any:
        if request.method == "DELETE":
            deleted.append(json.loads(request.content))
            return httpx.Response(204)
        return dict(ROW)

    home.storage.answers[f"/v1/recordings/{UUID}"] = answer
    response = home.send("DELETE", f"/api/v1/recordings/{UUID}", {"reason": "a neighbour asked"})
    assert response.status_code == 204, response.text
    assert deleted[0]["reason"] == "a neighbour asked"
    assert deleted[0]["actor"]
    home.storage.answers[f"/v1/recordings/{UUID}"] = ROW | {"starred": True}
    refused = home.send("DELETE", f"/api/v1/recordings/{UUID}", {"reason": ""})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "starred")
    assert len(deleted) == 1
