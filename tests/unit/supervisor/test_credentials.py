"""Keys that root keeps, as the service gets them: links to what systemd hands over, and copies of public halves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from vigilar_supervisor.bootstrap import make_secrets
from vigilar_supervisor.credentials import PRIVATE, PUBLIC, take_credentials


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What root keeps, as systemd names it."""
    made, keys = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("keys")
    make_secrets(made, [])
    for name, service in {**PRIVATE, **PUBLIC}.items():
        if (made / service / name).exists():
            (keys / f"keys_{name}").write_bytes((made / service / name).read_bytes())
    return keys


@pytest.fixture
def given(tmp_path: Path, keys: Path) -> Path:
    return Path(shutil.copytree(keys, tmp_path / "given"))


def take(root: Path, given: Path) -> None:
    root.mkdir(exist_ok=True)
    take_credentials(root, {"CREDENTIALS_DIRECTORY": str(given)})


def start(root: Path, given: Path, *cameras: str) -> list[str]:
    take(root, given)
    return make_secrets(root, cameras)


def test_with_credentials_no_private_key_is_a_file_of_the_services(tmp_path: Path, given: Path) -> None:
    root = tmp_path / "secrets"
    made = start(root, given, "front")
    for name, service in PRIVATE.items():
        if name != "storage.ring":
            assert (root / service / name).readlink() == given / f"keys_{name}"
    assert not (root / "recovery" / "recovery_private.pem").exists()
    assert not (root / "recovery" / "backup_age.txt").exists()
    assert not any(
        path.endswith((".pem", "storage.key", "backup_age.txt")) for path in made if "offsite" not in path
    )


def test_cameras_seal_to_the_pair_that_root_keeps_also_after_it_was_changed(
    tmp_path: Path, given: Path
) -> None:
    root = tmp_path / "secrets"
    start(root, given, "front")
    place = root / "cameras" / "camera-worker-front" / "storage_public.pem"
    assert place.read_text() == (given / "keys_storage_public.pem").read_text()
    (given / "keys_storage_public.pem").write_text("ab" * 32 + "\n")
    take(root, given)
    assert place.read_text() == "ab" * 32 + "\n"


def test_a_second_start_changes_nothing(tmp_path: Path, given: Path) -> None:
    root = tmp_path / "secrets"
    start(root, given, "front")
    before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
    assert start(root, given, "front") == []
    assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_key_file_that_differs_from_roots_stays_and_is_told(
    tmp_path: Path, given: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "secrets"
    (root / "storage").mkdir(parents=True)
    (root / "storage" / "ledger_private.pem").write_bytes(b"another")
    take(root, given)
    assert (root / "storage" / "ledger_private.pem").read_bytes() == b"another"
    assert not (root / "storage" / "ledger_private.pem").is_symlink()
    assert "ledger_private.pem is another key than root keeps" in caplog.text


def test_the_same_key_in_a_file_gives_way_to_the_link(tmp_path: Path, given: Path) -> None:
    root = tmp_path / "secrets"
    (root / "storage").mkdir(parents=True)
    (root / "storage" / "storage.key").write_bytes((given / "keys_storage.key").read_bytes())
    take(root, given)
    assert (root / "storage" / "storage.key").is_symlink()


def test_a_credential_that_is_gone_leaves_no_link_to_nothing(tmp_path: Path, given: Path) -> None:
    root = tmp_path / "secrets"
    start(root, given)
    (given / "keys_storage_private.pem").unlink()
    made = start(root, given)
    assert not (root / "storage" / "storage_private.pem").is_symlink()
    assert made == []  # a new one would open nothing


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    take_credentials(tmp_path / "secrets", {})
    assert not (tmp_path / "secrets").exists()
