"""The examples of the guide, as they stand there, against the real services; and accounts over a real network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from people_house import Browserless, PeopleHouse, people_house

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "api.md"
EXAMPLES = re.findall(r"^```(sh|python)\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeopleHouse]:
    with people_house(tmp_path_factory.mktemp("people")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(house: PeopleHouse) -> Browserless:
    return house.owner()


def test_every_example_of_the_guide_works_as_it_stands(house: PeopleHouse, owner: Browserless) -> None:
    environment = os.environ | {"VIGILAR": house.url, "TOKEN": owner.token("read", "admin")}
    assert len(EXAMPLES) >= 7
    for language, text in EXAMPLES:
        command = ["bash", "-c", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        assert done.stdout.strip(), text
        assert '"error"' not in done.stdout, f"{text}\n{done.stdout}"


def test_somebody_is_added_signs_in_is_limited_and_removed_over_the_real_storage(
    house: PeopleHouse, owner: Browserless
) -> None:
    made = owner.send("POST", "/api/v1/accounts", {"name": "Ann", "role": "viewer", "cameras": []})
    assert made.status_code == 201, made.text
    token = made.json()["invite"].partition("token=")[2]
    form = {"token": token, "password": "a long password", "repeat": "a long password"}
    assert owner.http.post("/invite", data=form).status_code == 200
    ann = Browserless(house.url, "ann", "a long password")
    assert ann.http.get("/api/v1/cameras").json() == {"items": []}
    assert ann.http.get("/api/v1/accounts").status_code == 403
    assert ann.send("POST", "/api/v1/cameras/front/record", {"action": "start"}).status_code == 403
    assert owner.send("DELETE", f"/api/v1/accounts/{made.json()['id']}").status_code == 204
    assert ann.http.get("/api/v1/cameras").status_code == 401

    def logged() -> Any:
        rows = owner.http.get("/api/v1/audit?limit=100").json()["items"]
        return rows if any(row["action"] == "account.remove" for row in rows) else None

    rows = wait_until(logged, 20, "the audit log has the removal")
    told = {(row["actor"], row["action"], row["outcome"]) for row in rows}
    assert {("admin", "account.add", "done"), ("Ann", "session.begin", "done")} <= told
    assert ("Ann", "camera.record", "refused") in told
    assert "a long password" not in str(rows)
    kinds = {entry["type"] for entry in house.storage.get("/v1/ledger?limit=200").json()["items"]}
    assert "audit" in kinds


@pytest.mark.slow
def test_a_change_by_hand_in_storage_is_heard_within_seconds(house: PeopleHouse, owner: Browserless) -> None:
    row = {
        "name": "Bob",
        "role": "viewer",
        "all_cameras": True,
        "cameras": [],
        "revision": 0,
        "credentials": [],
    }
    assert house.storage.send("PUT", "/v1/accounts/bob", row).status_code == 200
    assert house.storage.send("PUT", "/v1/accounts/bob", row).status_code == 409
    listed = owner.http.get("/api/v1/accounts").json()["items"]
    assert {"admin", "Bob"} <= {account["name"] for account in listed}


@pytest.mark.slow
def test_who_is_locked_out_is_let_in_from_the_machine_itself(house: PeopleHouse, owner: Browserless) -> None:
    def users(*words: str) -> str:
        command = [sys.executable, "-m", "vigilar_web", "users", *words]
        done = subprocess.run(
            command, env=house.web.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    link = users("add", "Carl", "--role", "resident").splitlines()[-1]
    assert "Carl  resident" in users("list")
    wait_until(lambda: "Welcome, Carl" in owner.http.get(link).text, 30, "the page knows the link")
    token = link.partition("token=")[2]
    form = {"token": token, "password": "a long password", "repeat": "a long password"}
    assert owner.http.post("/invite", data=form).status_code == 200
    carl = Browserless(house.url, "carl", "a long password")
    assert "owner" in users("reset", "owner")
    assert "/invite?token=" in users("reset", "carl")
    users("remove", "carl")
    wait_until(lambda: carl.http.get("/api/v1/session").status_code == 401, 30, "the session has ended")
    refused = subprocess.run(
        [sys.executable, "-m", "vigilar_web", "users", "remove", "admin"], env=house.web.env, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "cannot be removed" in refused.stderr
