"""The storage service over real HTTP: rights, facts, film, damage, limits."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage_rig import (
    SCOPES,
    Rig,
    auth,
    event,
    fact,
    http,
    make_film,
    motion,
    new_id,
    now_ms,
    opened,
    running,
    wait_for,
    write_film,
)
from vigilar_common.errors import StorageRefusedError, StorageUnavailableError
from vigilar_common.feed import Feed
from vigilar_common.storage_client import StorageClient
from vigilar_common.topics import CAMERA_AVAILABLE, FACTS_COMMITTED
from vigilar_storage.listings import LISTINGS

SECONDS = 6


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


@pytest.fixture(scope="module")
def film() -> bytes:
    return make_film(SECONDS)


@pytest.fixture(scope="module")
def film_id(rig: Rig, film: bytes) -> str:
    return rig.recorded(film, now_ms() - 3_600_000)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# -- who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic dXNlcjpwYXNz"}]
)
def test_without_a_valid_token_nothing_is_told(rig: Rig, header: dict[str, str]) -> None:
    for path in ("/v1/events", "/v1/settings", "/v1/push-subscriptions", "/v1/recordings/x/content"):
        answer = http().get(rig.url + path, headers=header)
        assert code(answer) == (401, "bad_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("camera-worker-front", "GET", "/v1/facts"),
        ("camera-worker-front", "GET", "/v1/recordings"),
        ("events", "GET", "/v1/settings"),
        ("events", "DELETE", "/v1/recordings/x"),
        ("web", "GET", "/v1/push-subscriptions"),
        ("web", "GET", "/v1/facts"),
        ("alerts", "PUT", "/v1/settings"),
    ],
)
def test_a_token_opens_only_what_it_is_for(rig: Rig, service: str, method: str, path: str) -> None:
    answer = http().request(method, rig.url + path, headers=auth(service))

    assert code(answer) == (403, "missing_scope")


def test_a_service_cannot_speak_in_anothers_name(rig: Rig) -> None:
    answer = rig.send("POST", "/v1/facts", {"source": "events", "facts": []}, "camera-worker-front")

    assert code(answer) == (403, "not_your_source")


# -- facts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "bad_json")),
        (b"[" * 100_000, (400, "bad_json")),
        (b"[]", (422, "invalid")),
        (b'{"source": "events"}', (422, "invalid")),
        (json.dumps({"source": "events", "facts": [[1]] * 201}).encode(), (422, "too_many")),
        (b"x" * (4 * 1024 * 1024 + 1), (413, "too_large")),
    ],
    ids=["no JSON", "deep", "no object", "no facts", "too many", "too large"],
)
def test_a_request_that_is_no_batch_is_refused_as_a_whole(rig: Rig, body: bytes, expected: Any) -> None:
    answer = http().post(f"{rig.url}/v1/facts", content=body, headers=auth("events"))

    assert code(answer) == expected


def test_a_body_without_announced_length_is_limited_too(rig: Rig) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(80):
            yield b"x" * 65_536

    answer = http().post(f"{rig.url}/v1/facts", content=endless(), headers=auth("events"))

    assert code(answer) == (413, "too_large")


def test_a_batch_is_answered_after_commit_and_read_back_by_the_shared_feed(rig: Rig, tmp_path: Path) -> None:
    items = [motion() for _ in range(3)]
    answer = rig.post([items[0], ["rubbish"], items[1], items[2], items[0]]).json()
    assert (answer["accepted"], answer["repeated"], len(answer["rejected"])) == (3, 1, 1)

    got: list[str] = []
    client = StorageClient(rig.url, "token-of-events")
    feed = Feed(
        "test", ["motion.started"], lambda item, _age, _live: got.append(item.id),
        bus=rig.bus, storage=client, clock=rig.bus.clock, state_dir=tmp_path,
    )  # fmt: skip
    feed._catch_up()

    assert got[-3:] == [item[1] for item in items]
    assert any(
        row["reason"] == "is not [seq, id, type, body]"
        for row in rig.get("/v1/rejected-facts").json()["items"]
    )


def test_answers_on_a_kept_connection_do_not_wait_for_the_network_to_confirm(rig: Rig) -> None:
    took_s = []
    for _ in range(12):
        began_s = time.monotonic()
        assert rig.post([motion()]).status_code == 200
        took_s.append(time.monotonic() - began_s)

    # With Nagle's algorithm every answer waits 40 ms for a delayed acknowledgement, however idle the machine is.
    assert min(took_s) < 0.035


def test_a_commit_is_hinted_to_readers(rig: Rig) -> None:
    answer = rig.post([motion()]).json()
    wanted = f"{answer['epoch']}:{answer['n']}".encode()

    hints = wait_for(
        lambda: [p.payload for p in rig.bus.published if p.topic is FACTS_COMMITTED and p.payload == wanted]
    )
    assert hints == [wanted]


def test_the_shared_client_tells_refusal_from_absence(rig: Rig) -> None:
    with pytest.raises(StorageRefusedError, match=r"403.*missing_scope"):
        StorageClient(rig.url, "token-of-events").get("/v1/settings")
    with pytest.raises(StorageUnavailableError, match="does not answer"):
        StorageClient("http://127.0.0.1:9", "x").get("/v1/settings")


def test_refused_facts_become_an_event_for_the_operator(rig: Rig) -> None:
    rig.post([fact("motion.exploded", {})])

    def told() -> list[Any]:
        rows = rig.get("/v1/system-events").json()["items"]
        return [row for row in rows if row["code"] == "fact_rejected" and "motion.exploded" in row["message"]]

    (row,) = wait_for(told)
    assert (row["component"], row["source"], row["level"]) == ("storage", "storage", "alert")


# -- film -----------------------------------------------------------------------------------------------------------


def test_a_recording_is_served_whole_and_by_range(rig: Rig, film_id: str, film: bytes) -> None:
    whole = rig.get(f"/v1/recordings/{film_id}/content")
    part = rig.get(f"/v1/recordings/{film_id}/content", headers={"Range": "bytes=20000-60000"})
    tail = rig.get(f"/v1/recordings/{film_id}/content", headers={"Range": "bytes=-1000"})
    beyond = rig.get(f"/v1/recordings/{film_id}/content", headers={"Range": f"bytes={len(film)}-"})

    assert (whole.status_code, whole.content) == (200, film)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, film[20_000:60_001])
    assert part.headers["Content-Range"] == f"bytes 20000-60000/{len(film)}"
    assert tail.content == film[-1000:]
    assert code(beyond) == (416, "range")
    assert beyond.headers["Content-Range"] == f"bytes */{len(film)}"


def played(rig: Rig, playlist: str) -> list[bytes]:
    """What a player fetches: init segment and every listed byte range."""
    init = re.search(r'#EXT-X-MAP:URI="[^"]*",BYTERANGE="(\d+)@(\d+)"', playlist)
    assert init
    ranges = [(int(init[1]), int(init[2]))]
    ranges += [(int(size), int(at)) for size, at in re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", playlist)]
    found = re.search(r"/recordings/([0-9a-f-]+)/content", playlist)
    assert found
    path = f"/v1/recordings/{found[1]}/content"
    return [rig.get(path, headers={"Range": f"bytes={at}-{at + size - 1}"}).content for size, at in ranges]


def frames_of(data: bytes) -> int:
    import io

    import av

    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_segments_of_a_playlist_play_alone_and_together(rig: Rig, film_id: str, film: bytes) -> None:
    row = rig.get(f"/v1/recordings/{film_id}").json()
    text = rig.get(
        f"/v1/cameras/front/playlist.m3u8?from_ms={row['started_ms']}&to_ms={row['ended_ms']}"
    ).text

    init, *parts = played(rig, text)

    assert len(parts) == 2
    assert init + b"".join(parts) == film
    assert [frames_of(init + part) for part in parts] == [30, 30]


def test_an_event_points_into_its_recording(rig: Rig, film_id: str) -> None:
    started_ms = rig.get(f"/v1/recordings/{film_id}").json()["started_ms"]
    event_id = new_id()
    rig.post([event(event_id, ts_ms=started_ms + 4_000)], "events")

    got = rig.get(f"/v1/events/{event_id}").json()

    assert (got["recording_id"], got["recording_offset_ms"]) == (film_id, 4_000)
    assert got in rig.get("/v1/events?camera=front&type=motion").json()["items"]


def test_a_recording_plays_while_it_grows_and_after_its_writer_died(rig: Rig, film: bytes) -> None:
    recording_id, started_ms = new_id(), now_ms() - 7_200_000
    writer = rig.begin(recording_id, started_ms)
    rig.post([opened(recording_id, started_ms)])
    write_film(writer, film)
    path = f"/v1/recordings/{recording_id}"

    growing = rig.get(f"{path}/content")
    assert growing.content == film[: len(growing.content)]
    assert len(growing.content) > len(film) // 2
    assert "PLAYLIST-TYPE:EVENT" in rig.get(f"{path}/playlist.m3u8").text

    writer.close()
    rig.bus.deliver(CAMERA_AVAILABLE, payload=b"offline", camera_id="front")

    wait_for(lambda: rig.state_of(recording_id) == "recovered")
    assert rig.get(f"{path}/content").content == growing.content
    assert "#EXT-X-ENDLIST" in rig.get(f"{path}/playlist.m3u8").text
    gaps = rig.get("/v1/recording-gaps").json()["items"]
    assert recording_id in [gap["recording_id"] for gap in gaps]


def test_a_flipped_bit_is_named_and_other_recordings_still_play(rig: Rig, film: bytes, film_id: str) -> None:
    damaged = rig.recorded(film, now_ms() - 1_800_000)
    started_ms = rig.get(f"/v1/recordings/{damaged}").json()["started_ms"]
    path = rig.file_of(damaged)
    data = bytearray(path.read_bytes())
    data[512 + 3 * 16_400 + 77] ^= 0x10
    path.write_bytes(data)

    whole = rig.get(f"/v1/recordings/{damaged}/content")
    touched = rig.get(f"/v1/recordings/{damaged}/content", headers={"Range": "bytes=50000-50010"})
    before = rig.get(f"/v1/recordings/{damaged}/content", headers={"Range": "bytes=0-40000"})

    assert code(whole) == code(touched) == (500, "recording_damaged")
    message = whole.json()["error"]["message"]
    assert "chunk 3 at byte 49712" in message
    assert re.search(r"\(\d+\.\d+–\d+\.\d+ s, 20\d\d-", message)
    assert before.content == film[:40_001]
    assert rig.get(f"/v1/recordings/{film_id}/content").content == film
    span = rig.get(f"/v1/cameras/front/playlist.m3u8?from_ms={started_ms}&to_ms={started_ms + 6000}")
    assert span.status_code == 200


def test_a_file_that_vanished_is_told_and_a_strange_id_is_not_found(rig: Rig, film: bytes) -> None:
    gone = rig.recorded(film, now_ms() - 900_000)
    rig.file_of(gone).unlink()

    answer = rig.get(f"/v1/recordings/{gone}/content")
    assert code(answer) == (500, "recording_damaged")
    assert "its file is missing" in answer.json()["error"]["message"]
    for strange in ("x", "%2e%2e%2fvigilar.db", new_id()):
        for tail in ("", "/content", "/playlist.m3u8"):
            assert code(rig.get(f"/v1/recordings/{strange}{tail}")) == (404, "not_found")


def test_a_star_stays_and_a_deleted_recording_is_gone(rig: Rig, film: bytes) -> None:
    recording_id = rig.recorded(film, now_ms() - 600_000)
    path = rig.file_of(recording_id)

    assert rig.send("PATCH", f"/v1/recordings/{recording_id}", {"starred": True}).json()["starred"] is True
    assert [row["id"] for row in rig.get("/v1/recordings?starred=true").json()["items"]] == [recording_id]
    assert (
        rig.send("DELETE", f"/v1/recordings/{recording_id}", {"actor": "ann", "reason": "r"}).status_code
        == 204
    )

    assert not path.exists()
    assert code(rig.get(f"/v1/recordings/{recording_id}/content")) == (404, "not_found")
    assert code(rig.send("DELETE", f"/v1/recordings/{recording_id}", {"actor": "ann", "reason": "r"})) == (
        404,
        "not_found",
    )


# -- the rest -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected", "field"),
    [
        ("/v1/events?limit=0", (422, "invalid"), "limit"),
        ("/v1/events?limit=501", (422, "invalid"), "limit"),
        ("/v1/events?from_ms=-1", (422, "invalid"), "from_ms"),
        ("/v1/events?cursor=nonsense", (422, "bad_cursor"), None),
        ("/v1/events/none", (404, "not_found"), None),
        ("/v1/cameras/front/playlist.m3u8?from_ms=5&to_ms=5", (422, "invalid"), "to_ms"),
        ("/v1/cameras/front/playlist.m3u8?from_ms=0&to_ms=99999999999", (422, "span_too_large"), None),
        ("/v1/visits?evil=1", (422, "invalid"), "evil"),
        ("/v1/visits?from_ms=soon", (422, "invalid"), "from_ms"),
        ("/v1/packages?state=eaten", (422, "invalid"), "state"),
        ("/v1/pets/none", (404, "not_found"), None),
        ("/v1/house-log?type=motion.started", (422, "invalid"), "type"),
        ("/v1/sensors/door/history", (422, "invalid"), "key"),
        ("/v1/nothing", (404, "not_found"), None),
        ("/docs", (404, "not_found"), None),
        ("/openapi.json", (404, "not_found"), None),
    ],
)
def test_mistakes_are_answered_with_their_place(
    rig: Rig, path: str, expected: Any, field: str | None
) -> None:
    answer = rig.get(path)

    assert code(answer) == expected
    assert answer.json()["error"]["field"] == field


ASKING = ("web", "events", "alerts", "pets", "visitors")


def test_every_list_answers_those_who_may_ask_and_nobody_else(rig: Rig) -> None:
    for listing in LISTINGS:
        path = f"/v1/{listing.name}"
        allowed = [service for service in ASKING if listing.scope in SCOPES[service]]
        assert allowed, listing.name
        for service in ASKING:
            assert rig.get(path, service).status_code == (200 if service in allowed else 403), (path, service)


def test_pages_of_a_list_go_on_where_they_ended(rig: Rig) -> None:
    for n in range(5):
        body = {
            "camera_id": "front",
            "species": "fox",
            "threat_level": "low",
            "confidence": 0.5,
            "ts_ms": 1_000 + n,
        }
        assert rig.post([fact("wildlife.sighted", body)], "pets").json()["rejected"] == []

    first = rig.get("/v1/wildlife-sightings?species=fox&from_ms=1001&limit=3").json()
    rest = rig.get(f"/v1/wildlife-sightings?species=fox&from_ms=1001&limit=3&cursor={first['next']}").json()

    assert [row["ts_ms"] for row in first["items"] + rest["items"]] == [1004, 1003, 1002, 1001]
    assert rest["next"] is None


def test_a_face_vector_comes_back_to_its_owner_and_nobody_else(rig: Rig) -> None:
    vector = base64.b64encode(b"sealed by visitors").decode()
    profile = {"profile_id": new_id(), "name": "Ann", "first_seen_ms": 1}
    saved = {
        "embedding_id": new_id(),
        "profile_id": profile["profile_id"],
        "model": "f/1",
        "quality": 1,
        "vector": vector,
    }
    answer = rig.post([fact("face.profile.saved", profile), fact("face.embedding.saved", saved)], "visitors")
    assert answer.json()["rejected"] == []

    (mine,) = rig.get("/v1/face-vectors", "visitors").json()["items"]
    feed = rig.get("/v1/facts?types=face.embedding.saved", "events").json()["facts"]

    assert (mine["vector"], mine["model"]) == (vector, "f/1")
    assert code(rig.get("/v1/face-vectors")) == (403, "missing_scope")
    assert vector not in rig.get("/v1/face-profiles").text
    assert feed == []


def test_registries_come_from_the_configuration(rig: Rig) -> None:
    (camera,) = rig.get("/v1/cameras").json()["items"]
    (sensor,) = rig.get("/v1/sensors").json()["items"]

    assert (camera["id"], camera["display_name"], camera["removed_ms"]) == ("front", "Front door", None)
    assert (sensor["id"], sensor["type"]) == ("door", "CONTACT")
    assert "secret" not in json.dumps(camera)


def test_usage_tells_both_disks_and_what_lies_on_them(rig: Rig, film_id: str) -> None:
    usage = rig.get("/v1/usage").json()

    for disk in ("data", "recordings"):
        assert usage["disks"][disk]["total_bytes"] == shutil.disk_usage(rig.folder).total
    assert usage["recordings"]["count"] >= 1
    assert usage["recordings"]["bytes"] > 100_000
    assert usage["database_bytes"] > 100_000


def test_settings_are_changed_as_one_validated_whole(rig: Rig) -> None:
    before = rig.get("/v1/settings").json()
    assert before["values"]["cameras"][0]["rtsp_url"] == "rtsp://***@127.0.0.1/x"
    base = {"actor": "ann", "revision": before["revision"]}

    bad = rig.send("PUT", "/v1/settings", {"changes": {"web": {"port": 0}}, **base})
    hidden = rig.send("PUT", "/v1/settings", {"changes": {"web": {"password_hash": "***"}}, **base})
    good = rig.send("PUT", "/v1/settings", {"changes": {"web": {"session_timeout": 7200}}, **base})
    stale = rig.send("PUT", "/v1/settings", {"changes": {"web": {"port": 5555}}, **base})

    assert code(bad) == (422, "invalid_config")
    assert "port" in bad.json()["error"]["message"]
    assert code(hidden) == (422, "invalid_config")
    assert good.json()["values"]["web"]["session_timeout"] == 7200
    assert "settings.toml" in good.json()["origins"]["web.session_timeout"]
    assert code(stale) == (409, "stale_revision")
    assert (
        json.loads((rig.folder / "config-run/web/config.json").read_text())["config"]["web"][
            "session_timeout"
        ]
        == 7200
    )
    (history,) = rig.get("/v1/settings-history").json()["items"]
    assert (history["actor"], history["changes"]) == ("ann", {"web": {"session_timeout": 7200}})


def test_a_change_of_settings_is_tried_out_and_an_earlier_version_put_back(rig: Rig) -> None:
    before = rig.get("/v1/settings").json()
    wrong = rig.send("POST", "/v1/settings/check", {"changes": {"web": {"port": 0}}}).json()
    assert wrong["problems"] == [{"key": "web.port", "text": "must be greater than or equal to 1"}]
    change = {"web": {"session_timeout": 1234}}
    right = rig.send("POST", "/v1/settings/check", {"changes": change}).json()
    assert right["problems"] == []
    was = before["values"]["web"]["session_timeout"]
    assert right["differences"] == [{"key": "web.session_timeout", "before": was, "after": 1234}]
    assert right["services"] == ["web", "supervisor"]
    assert rig.get("/v1/settings").json()["revision"] == before["revision"], "nothing was changed"

    said = {"actor": "ann", "revision": before["revision"]}
    changed = rig.send("PUT", "/v1/settings", {"changes": change, **said}).json()
    assert changed["services"] == ["web", "supervisor"]
    newest, first = rig.get("/v1/settings/versions").json()["items"][:2]
    assert (newest["actor"], newest["changes"], newest["current"]) == ("ann", change, True)
    stale = rig.send("POST", "/v1/settings/return", {"version": first["version"], **said})
    assert code(stale) == (409, "stale_revision")
    said["revision"] = changed["revision"]
    assert code(rig.send("POST", "/v1/settings/return", {"version": "x.toml", **said})) == (
        422,
        "invalid_config",
    )
    back = rig.send("POST", "/v1/settings/return", {"version": first["version"], **said}).json()
    assert back["values"]["web"]["session_timeout"] == was
    newest = rig.get("/v1/settings/versions").json()["items"][0]
    assert newest["changes"] == {"restored": first["version"]}
    sections = rig.get("/v1/settings/form").json()["sections"]
    assert "web" in [section["path"] for section in sections]
