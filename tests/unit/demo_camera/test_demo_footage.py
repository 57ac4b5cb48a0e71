"""Fetching: what is taken out of a package, what is refused, and what is said when nothing can be fetched."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vigilar_demo_camera import footage
from vigilar_demo_camera.app import main, parser, server_command
from vigilar_demo_camera.apt import Apt
from vigilar_demo_camera.errors import DemoCameraError
from vigilar_demo_camera.film import FilmParams, ensure_film
from vigilar_demo_camera.gst import check, clean_environment, unpacked_environment

CONTENT = b"moving pictures " * 100

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


def package(folder: Path, files: dict[str, bytes]) -> Path:
    """A real Debian package with these files."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    control = (
        "Package: films\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: x\n"
    )
    (tree / "DEBIAN/control").write_text(control)
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    made = folder / "films.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, made], check=True, capture_output=True)
    return made


@needs_dpkg
@pytest.mark.parametrize("gzipped", [False, True])
def test_the_film_is_taken_out_wherever_it_lies_and_however_it_is_packed(
    tmp_path: Path, gzipped: bool
) -> None:
    name = "usr/share/doc/somewhere/vtest.avi" + (".gz" if gzipped else "")
    made = package(
        tmp_path, {"usr/a.txt": b"a", name: gzip.compress(CONTENT) if gzipped else CONTENT, "z": b"z"}
    )
    footage.extract(made, tmp_path / "out.avi")
    assert (tmp_path / "out.avi").read_bytes() == CONTENT


@needs_dpkg
def test_a_package_without_the_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoCameraError, match=r"films\.deb holds no vtest\.avi"):
        footage.extract(package(tmp_path, {"usr/a.txt": b"a"}), tmp_path / "out.avi")


@needs_dpkg
def test_a_broken_package_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.deb"
    broken.write_bytes(b"no package")
    with pytest.raises(DemoCameraError, match=r"broken\.deb"):
        footage.extract(broken, tmp_path / "out.avi")


def test_unpacking_never_writes_more_than_the_film_should_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "SIZE_BYTES", 10)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("vtest.avi")
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    archive.seek(0)
    assert footage._copy_member(archive, tmp_path / "out.avi")
    assert (tmp_path / "out.avi").stat().st_size == 11


def test_without_apt_the_message_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DemoCameraError, match=r"apt-get is not on this machine.*put OpenCV's sample"
    ) as caught:
        footage.ensure_footage(tmp_path / "cache")
    assert str(tmp_path / "cache" / "vtest.avi") in str(caught.value)
    assert footage.SHA256 in str(caught.value)


def test_a_file_that_is_not_the_film_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "vtest.avi").write_bytes(CONTENT)
    with pytest.raises(DemoCameraError):
        footage.ensure_footage(tmp_path)
    assert not (tmp_path / "vtest.avi").exists()


def test_footage_in_the_cache_is_used_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vtest.avi").write_bytes(CONTENT)
    monkeypatch.setattr(footage, "SHA256", footage.sha256_of(tmp_path / "vtest.avi"))
    monkeypatch.setenv("PATH", "")
    assert footage.ensure_footage(tmp_path) == tmp_path / "vtest.avi"


def fake_apt(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "apt-get"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_offline_the_message_has_apts_reason_and_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_apt(tmp_path, 'echo "E: Could not resolve the archive" >&2; exit 100', monkeypatch)
    with pytest.raises(DemoCameraError, match=r"Could not resolve the archive.*Check this machine's network"):
        Apt(tmp_path / "private").download(["opencv-doc"], tmp_path)


def test_without_package_lists_private_ones_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = tmp_path / "private" / "lists"
    script = f"""case "$*" in
*update*) touch {lists}/fresh;;
*print-uris*) [ -e {lists}/fresh ] || {{ echo "E: Unable to locate package" >&2; exit 100; }}
  echo "'http://archive/a_1%3a2.deb' a_1%3a2.deb 4 SHA256:0";;
*download*) printf data > a_1%3a2.deb;;
esac"""
    fake_apt(tmp_path, script, monkeypatch)
    folder = tmp_path / "got"
    folder.mkdir()
    assert Apt(tmp_path / "private").download(["a"], folder) == [folder / "a_1%3a2.deb"]
    assert (folder / "a_1%3a2.deb").read_bytes() == b"data"


def test_an_interpreter_without_gstreamer_is_told_the_packages(tmp_path: Path) -> None:
    program = tmp_path / "python3"
    hidden = tmp_path / "gi.py"
    hidden.write_text("raise ImportError('hidden')")
    program.write_text(f'#!/bin/sh\nexport PYTHONPATH={tmp_path}\nexec /usr/bin/env python3 "$@"\n')
    program.chmod(0o755)
    problem = check(program, {"PATH": os.environ["PATH"]})
    assert problem is not None
    assert "gir1.2-gst-rtsp-server-1.0" in problem
    assert "does not exist" in str(check(tmp_path / "none", {}))


def test_debians_interpreter_gets_nothing_of_the_virtual_environment() -> None:
    kept = clean_environment({"PYTHONPATH": "x", "PYTHONHOME": "x", "VIRTUAL_ENV": "x", "LANG": "C"})
    assert kept == {"LANG": "C"}


def test_an_unpacked_folder_without_gstreamer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoCameraError, match=r"holds no libgstreamer-1\.0"):
        unpacked_environment(tmp_path, {})


def test_the_server_gets_what_was_asked_and_never_a_password(tmp_path: Path) -> None:
    arguments = ["--state", str(tmp_path), "--port", "8554", "--user", "viewer", "--fault", "demo=stall@5"]
    options = parser().parse_args([*arguments, "--truth-file", "t.jsonl"])
    command = server_command(options, Path("/usr/bin/python3"), tmp_path / "demo.json")
    assert command[0] == "/usr/bin/python3"
    text = " ".join(command[4:])
    assert text == (
        f"--listen 127.0.0.1 --port 8554 --film demo={tmp_path}/demo.json --fault demo=stall@5 "
        "--user viewer --truth-file t.jsonl"
    )


def test_a_film_that_is_already_there_needs_neither_footage_nor_apt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Grey:
        fps, frame_count, identity = 10.0, 20, footage.SHA256

        def read(self, index: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
            return np.full((96, 64), 10 * index, np.uint8)

    params = FilmParams(width=64, height=64, lead_s=1.0, busy_s=1.0, cycles=1)
    ensure_film(Grey(), params, tmp_path / "films", "demo")
    monkeypatch.setenv("PATH", "")
    size = ["--width", "64", "--height", "64", "--lead-s", "1", "--busy-s", "1", "--cycles", "1"]
    where = ["--state", str(tmp_path), "--footage-cache", str(tmp_path / "none")]
    assert main(["build", *where, *size]) == 0
    assert main(["build", *where, *size, "--crf", "30"]) == 1


@pytest.mark.parametrize("wrong", [["--codec", "mjpeg"], ["--fault", "x"], ["--name", "a/b"]])
def test_a_wrong_argument_ends_with_code_2_before_anything_is_fetched(
    tmp_path: Path, wrong: list[str]
) -> None:
    cache = tmp_path / "cache"
    assert main(["--state", str(tmp_path), "--footage-cache", str(cache), *wrong]) == 2
    assert not cache.exists()
