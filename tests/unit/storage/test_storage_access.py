"""Who may do what, and registries that follow the configuration."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from vigilar_common.config import Config
from vigilar_common.config.storage import Storage
from vigilar_common.crypto.keys import write_private_key
from vigilar_common.errors import StartupError
from vigilar_common.secrets import Secrets
from vigilar_common.testing import FakeClock, FakeFacts
from vigilar_storage import keys, registry
from vigilar_storage.api import (
    accounts,
    cameras,
    events,
    exports,
    facts,
    gaps,
    histories,
    ledger,
    listings,
    recordings,
    settings,
    state,
    timeline,
    verdicts,
    verifications,
)
from vigilar_storage.api.deps import Require
from vigilar_storage.db import Database
from vigilar_storage.report import QUIET_S, Reporter
from vigilar_storage.schema import METADATA
from vigilar_storage.settings import redacted
from vigilar_storage.tokens import SCOPES, Tokens

DECLARED = {
    ("POST", "/v1/facts"): "facts:write",
    ("GET", "/v1/facts"): "facts:read",
    ("GET", "/v1/events"): "media:read",
    ("GET", "/v1/events/{event_id}"): "media:read",
    ("GET", "/v1/recordings"): "media:read",
    ("GET", "/v1/recordings/{recording_id}"): "media:read",
    ("PATCH", "/v1/recordings/{recording_id}"): "media:write",
    ("DELETE", "/v1/recordings/{recording_id}"): "media:write",
    ("GET", "/v1/recordings/{recording_id}/content"): "media:read",
    ("GET", "/v1/recordings/{recording_id}/content.mp4"): "media:read",
    ("GET", "/v1/recordings/{recording_id}/download"): "media:read",
    ("GET", "/v1/recordings/{recording_id}/playlist.m3u8"): "media:read",
    ("GET", "/v1/pictures/{picture_id}"): "media:read",
    ("GET", "/v1/cameras/{camera_id}/playlist.m3u8"): "media:read",
    ("GET", "/v1/cameras/{camera_id}/coverage"): "media:read",
    ("GET", "/v1/cameras/{camera_id}/false-alarms"): "media:read",
    ("GET", "/v1/cameras/{camera_id}/film"): "media:read",
    ("GET", "/v1/cameras/{camera_id}/keyframe.mp4"): "media:read",
    ("GET", "/v1/timeline"): "media:read",
    ("GET", "/v1/reviews"): "media:read",
    ("POST", "/v1/reviews"): "media:write",
    ("GET", "/v1/saved-searches"): "media:read",
    ("POST", "/v1/saved-searches"): "media:write",
    ("DELETE", "/v1/saved-searches/{search_id}"): "media:write",
    ("POST", "/v1/exports"): "media:write",
    ("GET", "/v1/exports"): "media:read",
    ("GET", "/v1/exports/{export_id}"): "media:read",
    ("GET", "/v1/exports/{export_id}/content"): "media:read",
    ("DELETE", "/v1/exports/{export_id}"): "media:write",
    ("GET", "/v1/cameras"): "state:read",
    ("GET", "/v1/sensors"): "state:read",
    ("GET", "/v1/ledger"): "state:read",
    ("GET", "/v1/ledger/checkpoints"): "state:read",
    ("GET", "/v1/alert-log"): "state:read",
    ("GET", "/v1/settings/form"): "settings:read",
    ("GET", "/v1/settings/versions"): "settings:read",
    ("POST", "/v1/settings/check"): "settings:write",
    ("POST", "/v1/settings/return"): "settings:write",
    ("GET", "/v1/audit-log"): "state:read",
    ("GET", "/v1/accounts"): "accounts:read",
    ("PUT", "/v1/accounts/{account_id}"): "accounts:write",
    ("DELETE", "/v1/accounts/{account_id}"): "accounts:write",
    ("GET", "/v1/system-events"): "state:read",
    ("GET", "/v1/arm-log"): "state:read",
    ("GET", "/v1/rejected-facts"): "state:read",
    ("GET", "/v1/push-subscriptions"): "push:read",
    ("GET", "/v1/usage"): "state:read",
    ("GET", "/v1/settings-history"): "state:read",
    ("GET", "/v1/recording-gaps"): "state:read",
    ("GET", "/v1/sensor-states"): "state:read",
    ("GET", "/v1/sensors/{sensor_id}/history"): "state:read",
    ("GET", "/v1/house-log"): "state:read",
    ("GET", "/v1/packages"): "living:read",
    ("GET", "/v1/packages/{row_id}"): "living:read",
    ("GET", "/v1/pets"): "living:read",
    ("GET", "/v1/pets/{row_id}"): "living:read",
    ("GET", "/v1/pet-sightings"): "living:read",
    ("GET", "/v1/wildlife-sightings"): "living:read",
    ("GET", "/v1/pet-rules"): "living:read",
    ("GET", "/v1/pet-rules/{row_id}"): "living:read",
    ("GET", "/v1/pet-training-images"): "living:read",
    ("GET", "/v1/pet-vectors"): "pet-vectors:read",
    ("GET", "/v1/timelapse-schedules"): "living:read",
    ("GET", "/v1/timelapse-schedules/{row_id}"): "living:read",
    ("GET", "/v1/face-profiles"): "faces:read",
    ("GET", "/v1/face-profiles/{row_id}"): "faces:read",
    ("GET", "/v1/visits"): "faces:read",
    ("GET", "/v1/visits/{row_id}"): "faces:read",
    ("GET", "/v1/face-vectors"): "face-vectors:read",
    ("GET", "/v1/verifications"): "media:read",
    ("POST", "/v1/verifications"): "media:write",
    ("GET", "/v1/verifications/{verification_id}"): "media:read",
    ("DELETE", "/v1/verifications/{verification_id}"): "media:write",
    ("GET", "/v1/settings"): "settings:read",
    ("PUT", "/v1/settings"): "settings:write",
}


def scopes_of(route: APIRoute) -> list[str]:
    return [d.call.scope for d in route.dependant.dependencies if isinstance(d.call, Require)]


def test_every_route_declares_exactly_the_scope_of_the_interface() -> None:
    found: dict[tuple[str, str], str] = {}
    subjects = (
        facts,
        events,
        recordings,
        cameras,
        gaps,
        exports,
        ledger,
        listings,
        histories,
        settings,
        state,
        timeline,
        accounts,
        verdicts,
        verifications,
    )
    for subject in subjects:
        for route in subject.router.routes:
            assert isinstance(route, APIRoute)
            (scope,) = scopes_of(route)
            found |= {(method, route.path): scope for method in route.methods or ()}

    assert found == DECLARED
    assert set(found.values()) == SCOPES


def test_the_application_serves_no_route_without_a_scope() -> None:
    from vigilar_storage.api import create_app

    app: FastAPI = create_app(None)  # type: ignore[arg-type]

    paths = {path for path, methods in app.openapi()["paths"].items() for _ in methods}
    assert paths == {path for _, path in DECLARED}


# -- tokens ---------------------------------------------------------------------------------------------------


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def write(path: Path, entries: Any) -> None:
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))


def test_a_token_names_its_service_and_a_wrong_one_nobody(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    write(path, {digest("right"): {"service": "web", "scopes": ["media:read"]}})
    tokens = Tokens(path)
    tokens.load()

    sender = tokens.sender("right")
    assert sender is not None
    assert (sender.service, sender.scopes) == ("web", frozenset({"media:read"}))
    for wrong in ("", "wrong", digest("right"), "right" * 200, "\ud83d"):
        assert tokens.sender(wrong) is None


def test_a_new_camera_gets_in_without_a_restart_and_a_broken_file_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    write(path, {digest("a"): {"service": "web", "scopes": []}})
    tokens = Tokens(path)
    tokens.load()

    both = {digest("a"): {"service": "web", "scopes": []}, digest("b"): {"service": "events", "scopes": []}}
    write(path, both)
    assert tokens.sender("b") is not None
    write(path, "{ half a file")
    assert tokens.sender("b") is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "is no list of tokens"),
        (["a"], "is no list of tokens"),
        ({"abc": {"service": "web", "scopes": []}}, "is not kept as a SHA-256 hash"),
        ({digest("a"): {"service": "web", "scopes": ["everything"]}}, "unknown scopes everything"),
        ({digest("a"): {"scopes": []}}, "is no list of tokens"),
    ],
)
def test_a_bad_token_file_stops_the_start_with_its_name_and_reason(
    tmp_path: Path, content: Any, reason: str
) -> None:
    write(tmp_path / "tokens.json", content)

    with pytest.raises(StartupError, match=rf"tokens\.json.*{reason}"):
        Tokens(tmp_path / "tokens.json").load()


# -- keys -----------------------------------------------------------------------------------------------------


def test_a_missing_or_short_key_is_a_finding_and_not_the_end(tmp_path: Path) -> None:
    short = tmp_path / "storage.key"
    short.write_bytes(b"x" * 31)

    ring, findings = keys.load_ring(Secrets(tmp_path), Storage(key_file=str(short)))

    assert len(ring) == 0
    assert [finding.code for finding in findings] == ["key_file", "private_key"]
    assert "holds 31 bytes, must be exactly 32 raw" in findings[0].title
    assert str(short) in findings[0].title


def test_both_kinds_of_key_are_taken_into_the_ring(tmp_path: Path, private_key: Any) -> None:
    write_private_key(tmp_path / "storage_private.pem", private_key)
    (tmp_path / "storage.key").write_bytes(bytes(range(32)))

    ring, findings = keys.load_ring(Secrets(tmp_path), Storage(key_file=str(tmp_path / "storage.key")))

    assert (len(ring), findings) == (2, [])


# -- registries -----------------------------------------------------------------------------------------------


def config(*camera_ids: str, name: str = "Door") -> Config:
    cameras_ = [{"id": i, "display_name": name, "rtsp_url": "rtsp://u:secret@10.0.0.9/x"} for i in camera_ids]
    return Config.model_validate({"cameras": cameras_})


def cameras_in(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        return {
            row["id"]: dict(row)
            for row in connection.execute(sa.select(METADATA.tables["cameras"])).mappings()
        }


def test_cameras_follow_the_configuration_and_removed_ones_stay_marked(database: Database) -> None:
    registry.sync(database, config("front", "back"), 100)
    registry.sync(database, config("front"), 200)
    registry.sync(database, config("front"), 300)

    got = cameras_in(database)
    assert (got["front"]["removed_ms"], got["front"]["updated_ms"]) == (None, 100)
    assert got["back"]["removed_ms"] == 200


def test_a_camera_that_comes_back_or_changes_is_updated(database: Database) -> None:
    registry.sync(database, config("front"), 100)
    registry.sync(database, config(), 200)
    registry.sync(database, config("front", name="New name"), 300)

    row = cameras_in(database)["front"]
    assert (row["display_name"], row["removed_ms"], row["created_ms"], row["updated_ms"]) == (
        "New name", None, 100, 300,
    )  # fmt: skip


def test_no_camera_address_reaches_the_database(database: Database) -> None:
    registry.sync(database, config("front"), 100)
    database.close()

    assert b"secret" not in database.path.read_bytes()
    assert b"10.0.0.9" not in database.path.read_bytes()


# -- settings and reports -------------------------------------------------------------------------------------


def test_the_history_of_settings_holds_no_secret() -> None:
    changes = {
        "web": {"port": 1, "password_hash": "aa:bb"},
        "cameras": [{"id": "front", "rtsp_url": "rtsp://u:pw@h/x"}],
        "gone": None,
        "strange": "secret?",
    }
    visible = {
        "web": {"port": 1, "password_hash": "***"},
        "cameras": [{"id": "front", "rtsp_url": "rtsp://***@h/x"}],
    }

    assert redacted(changes, visible) == {**visible, "gone": None, "strange": "***"}


def test_the_same_trouble_makes_one_system_event_an_hour() -> None:
    from vigilar_common.messages.alarm import Severity

    clock = FakeClock()
    facts_ = FakeFacts(clock)
    reporter = Reporter(facts_, clock)  # type: ignore[arg-type]
    for _ in range(5):
        reporter.event(Severity.ALERT, "file_missing", "gone", "front")
    reporter.event(Severity.ALERT, "file_missing", "gone", "back")
    clock.advance(QUIET_S + 1)
    reporter.event(Severity.ALERT, "file_missing", "gone", "front")

    assert len(facts_.emitted) == 3
