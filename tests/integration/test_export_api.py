"""Exports asked for over the API: one at a time, watched, fetched, noted in the ledger, gone after a day."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storage_rig import Rig, make_film, new_id, now_ms, running, wait_for
from vigilar_storage import export_notes, exports
from vigilar_storage.export_notes import Export, ExportOrder, ExportState
from vigilar_storage.exports import ExportBusyError, Exports, command_words


@pytest.fixture(scope="module")
def film() -> bytes:
    return make_film(4)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


@pytest.fixture(scope="module")
def film_id(rig: Rig, film: bytes) -> str:
    return rig.recorded(film, now_ms() - 3_600_000)


def ask(rig: Rig, **body: Any) -> dict[str, Any]:
    answer = rig.send("POST", "/v1/exports", {"actor": "anna", "reason": "parcel", **body})
    assert answer.status_code == 202, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def ended(rig: Rig, export_id: str) -> dict[str, Any]:
    def state() -> dict[str, Any] | None:
        told: dict[str, Any] = rig.get(f"/v1/exports/{export_id}").json()
        return told if told["state"] != "running" else None

    found: dict[str, Any] = wait_for(state, 60, "the export ends")
    return found


def test_an_export_is_made_fetched_and_stands_in_the_ledger(rig: Rig, film: bytes, film_id: str) -> None:
    begun = ask(rig, recording_ids=[film_id])
    second = rig.send("POST", "/v1/exports", {"actor": "ben", "recording_ids": [film_id]})
    done = ended(rig, begun["id"])

    assert (second.status_code, second.json()["error"]["code"]) == (409, "export_running")
    assert (done["state"], done["error"], done["progress_pct"], done["left_out"]) == ("done", "", 100, [])
    assert done["expires_ms"] - done["created_ms"] >= exports.KEEP_MS
    answer = rig.get(f"/v1/exports/{begun['id']}/content")
    assert answer.headers["content-type"] == "application/zip"
    assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (
        done["size_bytes"],
        done["sha256"],
    )
    part = rig.get(f"/v1/exports/{begun['id']}/content", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, answer.content[10:20])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        custody = json.loads(archive.read("custody.json"))
    assert (custody["exported_by"], custody["reason"]) == ("anna", "parcel")
    noted = [
        item["body"] for item in rig.get("/v1/ledger?limit=200").json()["items"] if item["type"] == "export"
    ]
    assert [(body["actor"], body["via"], body["sha256"]) for body in noted] == [
        ("anna", "web", done["sha256"])
    ]
    path = rig.recordings / exports.FOLDER / f"{begun['id']}.zip"
    assert path.stat().st_mode & 0o077 == 0
    assert rig.send("DELETE", f"/v1/exports/{begun['id']}", None).status_code == 204
    assert not path.exists()
    assert rig.get(f"/v1/exports/{begun['id']}").status_code == 404


def test_a_span_of_a_camera_is_exported_and_what_is_listed_shows_the_limits(rig: Rig, film_id: str) -> None:
    begun = ask(rig, camera_id="front", from_ms=now_ms() - 3_700_000, to_ms=now_ms())
    assert ended(rig, begun["id"])["state"] == "done"
    listed = rig.get("/v1/exports").json()
    assert begun["id"] in [item["id"] for item in listed["items"]]
    assert listed["limits"] == {"max_bytes": 8_000_000_000, "keep_s": 86_400, "kept": 3}


def test_an_export_that_cannot_be_made_says_why_and_leaves_nothing(rig: Rig) -> None:
    begun = ask(rig, recording_ids=[new_id()])
    done = ended(rig, begun["id"])

    assert done["state"] == "failed"
    assert "there is no recording" in done["error"]
    refused = rig.get(f"/v1/exports/{begun['id']}/content")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_ready")
    folder = rig.recordings / exports.FOLDER

    def only_why() -> bool:
        return [path.name for path in folder.iterdir() if begun["id"] in path.name] == [f"{begun['id']}.json"]

    wait_for(only_why, 5, "nothing is left but why it failed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"recording_ids": ["../../etc/passwd"]},
        {"recording_ids": ["--out=/tmp/x"]},
        {"camera_id": "--out", "from_ms": 2, "to_ms": 1},
        {"camera_id": "front", "from_ms": 1},
        {"camera_id": "../x", "from_ms": 1, "to_ms": 2},
        {"recording_ids": ["0190f000-0000-7000-8000-0000000000aa"] * 101},
        {"recording_ids": ["0190f000-0000-7000-8000-0000000000aa"], "camera_id": "front"},
        {"recording_ids": ["0190f000-0000-7000-8000-0000000000aa"], "reason": "x" * 501},
        {"recording_ids": ["0190f000-0000-7000-8000-0000000000aa"], "out": "/tmp/x"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(rig: Rig, body: dict[str, Any]) -> None:
    assert rig.send("POST", "/v1/exports", {"actor": "anna", **body}).status_code == 422


def test_exports_need_the_right_to_change_media(rig: Rig) -> None:
    assert rig.send("POST", "/v1/exports", {"actor": "x"}, "events").status_code == 403
    assert rig.get("/v1/exports", "camera-worker-front").status_code == 403


def test_words_that_look_like_options_stay_words(tmp_path: Path) -> None:
    order = ExportOrder("--out=/x", "--yes", camera_id="front", from_ms=1_000, to_ms=2_500)
    assert command_words(order) == [
        "--camera=front", "--from=1970-01-01T00:00:01.000+00:00", "--to=1970-01-01T00:00:02.500+00:00",
        "--reason=--yes", "--for-user=--out=/x",
    ]  # fmt: skip


def test_what_is_a_day_old_goes_and_only_the_newest_few_stay(tmp_path: Path) -> None:
    from vigilar_common.service import Environment
    from vigilar_common.testing import FakeClock

    clock = FakeClock()
    kept = Exports(tmp_path, Environment.read({}), clock)
    folder = tmp_path / exports.FOLDER
    folder.mkdir()
    for number in range(exports.KEPT_EXPORTS + 1):
        clock.advance(1)
        export = Export(
            f"e{number}", ExportOrder("anna", ""), clock.now_ms(), ExportState.DONE, ended_ms=clock.now_ms()
        )
        kept._known[export.export_id] = export
        kept.path(export).write_bytes(b"zip")
    kept._purge()
    assert sorted(path.name for path in folder.iterdir()) == ["e1.zip", "e2.zip", "e3.zip"]
    clock.advance(exports.KEEP_MS / 1000 - 1)
    kept._purge()
    assert [export.export_id for export in kept.all()] == ["e3"]
    clock.advance(1)
    kept._purge()
    assert list(folder.iterdir()) == []


def test_a_restart_keeps_what_is_done_and_makes_the_one_that_was_cut_off_again(
    rig: Rig, film_id: str
) -> None:
    first = ask(rig, recording_ids=[film_id])
    ended(rig, first["id"])
    assert rig.app is not None
    kept = rig.app.exports
    cut_off = Export(new_id(), ExportOrder("ben", "theft", [film_id]), now_ms(), begun=1)
    hopeless = Export(new_id(), ExportOrder("eve", "", [film_id]), now_ms(), begun=exports.MAX_BEGUN)
    folder = kept.path(cut_off).parent
    for export in (cut_off, hopeless):
        export_notes.write(folder, export)
    (folder / f".{cut_off.export_id}.zip.part").write_bytes(b"half")
    (folder / "broken.json").write_text("{")

    rig.stop()
    rig.start()

    assert rig.get(f"/v1/exports/{first['id']}").json()["state"] == "done"
    assert rig.get(f"/v1/exports/{first['id']}/content").status_code == 200
    again = ended(rig, cut_off.export_id)
    assert (again["state"], again["actor"], again["error"]) == ("done", "ben", "")
    assert "restarted" in rig.get(f"/v1/exports/{hopeless.export_id}").json()["error"]
    # The API knows of the end a moment before its note is in place.
    wait_for(
        lambda: {path.suffix for path in folder.iterdir()} == {".json", ".zip"}, 5, "only notes and archives"
    )
    assert not (folder / "broken.json").exists()


def test_while_it_stops_nothing_is_begun(tmp_path: Path) -> None:
    from vigilar_common.service import Environment
    from vigilar_common.testing import FakeClock

    stopped = Exports(tmp_path, Environment.read({}), FakeClock())
    stopped.stop()
    with pytest.raises(ExportBusyError):
        stopped.ask(ExportOrder("anna", ""))
