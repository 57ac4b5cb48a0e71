"""Verifications asked for over the API: one at a time, watched, told with what was checked, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storage_rig import Rig, make_film, new_id, now_ms, running, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


def ask(rig: Rig, **body: Any) -> Any:
    return rig.send("POST", "/v1/verifications", {"actor": "anna", **body})


def ended(rig: Rig, verification_id: str) -> dict[str, Any]:
    def state() -> dict[str, Any] | None:
        told: dict[str, Any] = rig.get(f"/v1/verifications/{verification_id}").json()
        return told if told["state"] != "running" else None

    found: dict[str, Any] = wait_for(state, 60, "the verification ends")
    return found


def test_a_verification_says_what_it_checked_and_finds_a_changed_byte(rig: Rig) -> None:
    film_id = rig.recorded(make_film(2), now_ms() - 3_600_000)
    begun = ask(rig)
    assert begun.status_code == 202, begun.text
    second = ask(rig)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "verification_running")
    done = ended(rig, begun.json()["id"])
    assert (done["state"], done["error"], done["progress_pct"], done["actor"]) == ("done", "", 100, "anna")
    assert done["result"]["counts"] == {"intact": 1}
    assert done["result"]["ledger"]["problems"] == []
    assert done["result"]["bytes"] >= done["total_bytes"] > 1000

    [path] = rig.recordings.rglob(f"*{film_id}*.vge")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = ended(rig, ask(rig, quick=True).json()["id"])["result"]
    assert (found["exit_code"], found["counts"]) == (3, {"altered": 1})
    assert [(file["id"], file["state"]) for file in found["files"]] == [(film_id, "altered")]
    assert [one["quick"] for one in rig.get("/v1/verifications").json()["items"]] == [True, False], (
        "newest first"
    )


def test_one_that_cannot_be_done_says_why(rig: Rig, tmp_path: Path) -> None:
    moved = rig.recordings.rename(tmp_path / "elsewhere")
    try:
        failed = ended(rig, ask(rig).json()["id"])
    finally:
        moved.rename(rig.recordings)
    assert (failed["state"], failed["result"]) == ("failed", None)
    assert "no such folder of recordings" in failed["error"]


def test_one_can_be_cancelled_and_another_begun_and_an_unknown_one_is_404(rig: Rig) -> None:
    begun = ask(rig).json()["id"]
    assert rig.send("DELETE", f"/v1/verifications/{begun}", None).status_code == 204
    assert rig.get(f"/v1/verifications/{begun}").json()["state"] == "cancelled"
    assert ended(rig, ask(rig).json()["id"])["state"] == "done"
    for method in ("GET", "DELETE"):
        assert rig.send(method, f"/v1/verifications/{new_id()}", None).status_code == 404
