"""Slices: what each service may see, writing, reading, last-good behaviour."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from vigilar_common.clock import SystemClock
from vigilar_common.config import Config
from vigilar_common.config.files import write_atomic
from vigilar_common.config.load import LoadedConfig, load
from vigilar_common.config.slices import (
    CAMERA_WORKER,
    SLICES,
    SliceReader,
    apply,
    refusal,
    refuse,
    slice_names,
    slice_revision,
    slice_values,
)
from vigilar_common.errors import ConfigError, StartupError

PIN_HASH = f"pbkdf2_sha256${'ab' * 16}${'cd' * 32}"
RECOVERY_HASH = f"pbkdf2_sha256${'ef' * 16}${'01' * 32}"
PASSWORD_HASH = f"{'23' * 16}:{'45' * 32}"
CONFIG = f"""
[system]
timezone = "Europe/Vienna"
arm_pin_hash = "canary-legacy-pin"
[web]
password_hash = "{PASSWORD_HASH}"
[security]
pin_hash = "{PIN_HASH}"
recovery_passphrase_hash = "{RECOVERY_HASH}"
[alerts.webhook]
url = "https://user:canary-webhook-user@192.0.2.7/in"
secret = "canary-webhook"
[alerts.email]
password = "canary-mail"
[[cameras]]
id = "front"
display_name = "Front"
rtsp_url = "rtsp://admin:canary-front@192.0.2.1/main"
detect_url = "http://192.0.2.1/sub?user=admin&password=canary-front-sub"
[[cameras]]
id = "back"
display_name = "Back"
rtsp_url = "rtsp://admin:canary-back@192.0.2.2/user=admin_password=canary-back-path_channel=1"
"""
HOLDERS: dict[str, set[str]] = {
    "canary-legacy-pin": set(),
    PASSWORD_HASH: {"web"},
    PIN_HASH: {"events"},
    RECOVERY_HASH: {"events"},
    "canary-webhook-user": {"alerts"},
    "canary-webhook": {"alerts"},
    "canary-mail": {"alerts"},
    "canary-front": {"camera-worker-front"},
    "canary-front-sub": {"camera-worker-front"},
    "canary-back": {"camera-worker-back"},
    "canary-back-path": {"camera-worker-back"},
}


def loaded(folder: Path, text: str = CONFIG) -> LoadedConfig:
    path = folder / "vigilar.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {})


def test_each_secret_is_in_the_slices_of_its_holders_alone(tmp_path: Path) -> None:
    run = tmp_path / "config-run"
    config = loaded(tmp_path)
    assert sorted(apply(config, run)) == sorted(slice_names(config.config))
    for secret, holders in HOLDERS.items():
        found = {file.parent.name for file in run.rglob("config.json") if secret in file.read_text("utf-8")}
        # A secret may be the beginning of another one.
        expected = holders.union(*(held for other, held in HOLDERS.items() if other.startswith(secret)))
        assert found == expected, secret


def test_a_camera_worker_sees_its_camera_only(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    config = SliceReader(run / "cameras", "camera-worker-back", SystemClock()).load().config
    assert [camera.id for camera in config.cameras] == ["back"]
    assert "canary-back@" in config.cameras[0].rtsp_url
    assert "192.0.2.1" not in (run / "cameras" / "camera-worker-back" / "config.json").read_text(
        encoding="utf-8"
    )


def test_redacted_addresses_keep_host_and_path(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    web = SliceReader(run, "web", SystemClock()).load()
    front = web.config.cameras[0]
    assert front.rtsp_url == "rtsp://192.0.2.1/main"
    assert front.detect_url == "http://192.0.2.1/sub?user=&password="
    assert "security" not in web.sections
    assert web.timezone == "Europe/Vienna"


def test_a_section_that_a_slice_lacks_is_an_error_and_not_a_default(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    config = SliceReader(run, "ups", SystemClock()).load().config
    assert config.ups.nut_port == 3493
    with pytest.raises(AttributeError, match="this service's slice has no section web"):
        assert config.web
    assert set(config.model_dump(mode="json")) == {"system", "mqtt", "ups"}
    assert "ups=" in repr(config)


def test_every_slice_is_a_valid_configuration(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    for service in slice_names(config.config):
        Config.model_validate(slice_values(config.config, service))
    for sections in SLICES.values():
        assert set(sections) <= set(Config.model_fields)


def test_the_broker_login_is_in_every_slice(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[mqtt]\nusername = "u"\npassword = "p"\n').config
    for service in slice_names(config):
        assert slice_values(config, service)["mqtt"]["password"] == "p"


def test_a_stranger_gets_no_slice() -> None:
    for name in ("nobody", "camera-worker-ghost", CAMERA_WORKER, ""):
        with pytest.raises(ConfigError, match="no slice for"):
            slice_values(Config(), name)


def test_only_services_whose_part_changed_are_disturbed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = loaded(tmp_path)
    apply(first, run)
    assert apply(first, run) == []
    before = slice_revision(first.config, "ups")
    second = loaded(tmp_path, CONFIG.replace("canary-front@", "other@"))
    assert apply(second, run) == ["camera-worker-front"]
    assert slice_revision(second.config, "ups") == before
    third = loaded(tmp_path, CONFIG.replace("canary-front@", "other@") + "[ups]\nenabled = false\n")
    assert set(apply(third, run)) == {"ups", "homeassistant", "health", "web", "supervisor"}


def test_the_slice_of_a_removed_camera_goes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    changed = apply(loaded(tmp_path, CONFIG[: CONFIG.rindex("[[cameras]]")]), run)
    assert "camera-worker-back" in changed
    assert not (run / "cameras" / "camera-worker-back").exists()
    assert (run / "cameras" / "camera-worker-front" / "config.json").exists()


def test_a_slice_is_readable_by_owner_and_group_alone_and_names_its_service(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = loaded(tmp_path)
    apply(config, run)
    file = run / "events" / "config.json"
    assert file.stat().st_mode & 0o777 == 0o640
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["service"] == "events"
    assert document["revision"] == slice_revision(config.config, "events")
    assert set(document) == {"revision", "service", "generated_ms", "timezone", "config"}
    assert list(file.parent.iterdir()) == [file]


def test_a_damaged_slice_is_written_anew(tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = loaded(tmp_path)
    apply(config, run)
    (run / "ups" / "config.json").write_text("{", encoding="utf-8")
    assert apply(config, run) == ["ups"]


def test_without_a_slice_a_service_stops_with_reason_and_cure(tmp_path: Path) -> None:
    reader = SliceReader(tmp_path, "events", SystemClock())
    with pytest.raises(StartupError, match="no configuration for events yet; run `vigilar config apply`"):
        reader.load()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not a slice"),
        ("[]", "is not a slice"),
        ('{"config": {}}', "is not a slice"),
        (
            '{"config": {"web": {"prot": 1}}, "service": "ups", "revision": "", "timezone": "", "generated_ms": 1}',
            "web.prot: Extra inputs are not permitted",
        ),
        (
            '{"config": {}, "service": "ups", "revision": "0", "timezone": "", "generated_ms": 1}',
            "its values do not have the revision it names",
        ),
    ],
)
def test_a_bad_slice_leaves_the_last_good_one_in_use(tmp_path: Path, content: str, reason: str) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    reader = SliceReader(run, "ups", SystemClock())
    good = reader.load()
    assert not reader.changed()
    write_atomic(reader.path, content)
    assert reader.changed()
    assert reader.load() is good
    assert reason in str(reader.error)
    assert str(reader.path) in str(reader.error)
    assert not reader.changed()
    apply(loaded(tmp_path), run)
    assert reader.changed()
    assert reader.load().config == good.config
    assert not reader.error
    with pytest.raises(StartupError, match="ups"):
        _reader_of_bad(tmp_path, content)


def _reader_of_bad(folder: Path, content: str) -> None:
    (folder / "ups").mkdir()
    (folder / "ups" / "config.json").write_text(content, encoding="utf-8")
    SliceReader(folder, "ups", SystemClock()).load()


def test_a_slice_that_disappears_leaves_the_last_good_one_in_use(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    reader = SliceReader(run, "ups", SystemClock())
    good = reader.load()
    reader.path.unlink()
    assert reader.changed()
    assert reader.load() is good
    assert "no configuration for ups" in (reader.error or "")


def test_a_slice_of_another_service_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    apply(loaded(tmp_path), run)
    (run / "ups" / "config.json").write_bytes((run / "presence" / "config.json").read_bytes())
    with pytest.raises(StartupError, match="is the slice of presence, not of ups"):
        SliceReader(run, "ups", SystemClock()).load()


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    file.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(file, "new")
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_an_atomic_write_keeps_mode_and_symbolic_link(tmp_path: Path) -> None:
    target = tmp_path / "real.toml"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o604)
    link = tmp_path / "link.toml"
    link.symlink_to(target)
    write_atomic(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_refused_configuration_is_told_until_a_good_one_is_applied(tmp_path: Path) -> None:
    config = tmp_path / "vigilar.toml"
    config.write_text("[web]\nport = 1234\n")
    assert refusal(tmp_path / "run") == ""
    refuse(tmp_path / "run", "vigilar.toml:2: [web] prot: unknown key\nvigilar.toml:3: more")
    assert refusal(tmp_path / "run") == "vigilar.toml:2: [web] prot: unknown key; vigilar.toml:3: more"
    apply(load(config, {}), tmp_path / "run")
    assert refusal(tmp_path / "run") == ""
