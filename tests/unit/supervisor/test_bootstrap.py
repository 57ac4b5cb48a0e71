"""`vigilar init` makes what is missing, replaces nothing, and gives each service its own secrets alone."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

from vigilar_common import broker
from vigilar_supervisor.bootstrap import SecretsLayout, make_secrets
from vigilar_supervisor.demo_config import demo_config, demo_login


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    before = contents(tmp_path)
    assert make_secrets(tmp_path, ["front"]) == []
    assert contents(tmp_path) == before


def test_a_new_camera_gets_its_secrets_and_the_others_keep_theirs(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    before = contents(tmp_path)
    make_secrets(tmp_path, ["front", "back"])
    after = contents(tmp_path)
    follows_the_cameras = {"broker/passwd", "broker/acl", "storage/tokens.json"}
    assert {name for name in before if before[name] != after[name]} == follows_the_cameras
    assert "cameras/camera-worker-back/storage_public.pem" in after
    assert b"camera-worker-back" in after["broker/passwd"]


def test_files_are_for_their_owner_alone_except_public_keys(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    for path in tmp_path.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif "public" in path.name:
            assert mode == 0o644, path
        else:
            assert mode == 0o600, path


def test_no_worker_holds_a_key_that_opens_recordings(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    worker = {path.name for path in (tmp_path / "cameras" / "camera-worker-front").iterdir()}
    assert worker == {"broker_password", "storage_token", "storage_public.pem", "recovery_public.pem"}


def test_storage_knows_tokens_only_by_hash_and_with_their_scopes(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    token = (tmp_path / "cameras" / "camera-worker-front" / "storage_token").read_text().strip()
    text = (tmp_path / "storage" / "tokens.json").read_text()
    assert token not in text
    entry = json.loads(text)[hashlib.sha256(token.encode()).hexdigest()]
    assert entry == {"service": "camera-worker-front", "scopes": ["facts:write"]}


def test_the_broker_file_holds_every_user_and_no_password(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    layout = SecretsLayout(tmp_path)
    lines = dict(line.split(":", 1) for line in layout.broker_passwords.read_text().splitlines())
    assert set(lines) == set(broker.users(["front"]))
    for user, hashed in lines.items():
        assert broker.password_matches(hashed, layout.broker_password(user))
        assert not broker.password_matches(hashed, "another")


def test_a_lost_broker_password_is_made_anew_and_taken_over(tmp_path: Path) -> None:
    make_secrets(tmp_path, [])
    (tmp_path / "events" / "broker_password").unlink()
    made = make_secrets(tmp_path, [])
    assert set(made) == {"events/broker_password", "broker/passwd"}


def test_a_lost_or_damaged_key_of_recordings_is_never_made_anew(tmp_path: Path) -> None:
    make_secrets(tmp_path, ["front"])
    before = contents(tmp_path)
    (tmp_path / "storage" / "storage_private.pem").write_text("cut sh")
    (tmp_path / "recovery" / "recovery_private.pem").unlink()
    (tmp_path / "storage" / "storage.key").unlink()
    make_secrets(tmp_path, ["front", "back"])
    after = contents(tmp_path)
    assert "recovery/recovery_private.pem" not in after
    assert "storage/storage.key" not in after
    assert after["storage/storage_private.pem"] == b"cut sh"
    for owner in ("storage", "recovery"):
        public = f"cameras/camera-worker-back/{owner}_public.pem"
        assert after[public] == before[f"{owner}/{owner}_public.pem"]


def test_the_demo_keeps_its_login_and_its_configuration_is_valid(tmp_path: Path) -> None:
    from vigilar_common.config.load import load

    login = demo_login(tmp_path / "secrets")
    assert demo_login(tmp_path / "secrets") == login
    path = tmp_path / "vigilar.toml"
    path.write_text(demo_config(tmp_path, {"door": "rtsp://u:p@192.0.2.1/s"}, login, own_camera=False))
    config = load(path, {}).config
    assert [camera.id for camera in config.cameras] == ["door"]
    assert config.system.recordings_dir == str(tmp_path / "recordings")


def test_the_identity_of_backups_is_not_made_again_when_its_owner_took_it_away(tmp_path: Path) -> None:
    make_secrets(tmp_path, [])
    identity = tmp_path / "recovery" / "backup_age.txt"
    recipient = (tmp_path / "storage" / "backup_recipient.txt").read_text()
    assert recipient.strip() in identity.read_text()
    (tmp_path / "storage" / "backup_recipient.txt").unlink()
    make_secrets(tmp_path, [])
    assert (tmp_path / "storage" / "backup_recipient.txt").read_text() == recipient, (
        "of the identity that is there"
    )
    identity.unlink()
    make_secrets(tmp_path, [])
    assert not identity.exists()


def test_the_demo_tells_persons_once_a_model_is_installed_in_its_folder(tmp_path: Path) -> None:
    from vigilar_common.config.load import load

    login = demo_login(tmp_path / "secrets")
    path = tmp_path / "vigilar.toml"
    for wanted in (False, True):
        path.write_text(demo_config(tmp_path, {"door": "rtsp://192.0.2.1/s"}, login, own_camera=False))
        assert load(path, {}).config.detection.person_detection is wanted
        (tmp_path / "state" / "detector" / "models" / "one").mkdir(parents=True, exist_ok=True)
        (tmp_path / "state" / "detector" / "models" / "one" / "manifest.json").write_text("{}")
