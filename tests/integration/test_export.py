"""`vigilar export` from a running storage, checked by strangers: ffprobe, openssl, and the verifier in the zip."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from storage_rig import Rig, fact, finished, make_film, new_id, now_ms, opened, running, wait_for
from vigilar_storage import export_verifier

SYSTEM_PYTHON = "/usr/bin/python3"
"""Has its own `cryptography` and nothing of ours; without it this Python does the same from elsewhere."""
MEMBERS = {
    "manifest.json", "manifest.sig", "public_key.pem", "ledger.json", "gaps.json", "custody.json", "README.txt",
    "verify.py",
}  # fmt: skip


def python() -> str:
    probe = subprocess.run([SYSTEM_PYTHON, "-c", "import cryptography"], capture_output=True, check=False)
    return SYSTEM_PYTHON if probe.returncode == 0 else sys.executable


@pytest.fixture(scope="module")
def film() -> bytes:
    return make_film(4)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("storage")) as built:
        yield built


@pytest.fixture(scope="module")
def started_ms() -> int:
    return now_ms() - 3_600_000


@pytest.fixture(scope="module")
def film_ids(rig: Rig, film: bytes, started_ms: int) -> list[str]:
    found = [rig.recorded(film, started_ms + offset_ms) for offset_ms in (0, 30_000)]
    gap = {"camera_id": "front", "from_ms": started_ms + 4_000, "to_ms": started_ms + 30_000}
    answer = rig.post([fact("recording.gap", {**gap, "reason": "stream lost", "recording_id": None})])
    assert answer.json()["accepted"] == 1
    return found


def export(rig: Rig, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vigilar_storage", "export", "--out", str(out), *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **rig.env}
    )


@pytest.fixture(scope="module")
def archive(rig: Rig, film_ids: list[str], started_ms: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "evidence.zip"
    span = [
        f"--{name}={moment}" for name, moment in (("from", iso(started_ms)), ("to", iso(started_ms + 60_000)))
    ]
    done = export(rig, out, "--camera", "front", *span, "--reason", "a parcel is gone")
    assert done.returncode == 0, done.stderr
    assert len(film_ids) == 2
    return out


def iso(ts_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()


@pytest.fixture
def folder(archive: Path, tmp_path: Path) -> Path:
    """The export unpacked, to be spoilt."""
    target = tmp_path / "evidence"
    with zipfile.ZipFile(archive) as file:
        file.extractall(target)
    return target


@pytest.fixture(scope="module")
def verifier(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verifier") / "verify.py"
    with zipfile.ZipFile(archive) as file:
        path.write_bytes(file.read("verify.py"))
    return path


def verify(verifier: Path, *words: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [python(), str(verifier), *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
        cwd=verifier.parent, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


# -- what is handed out -----------------------------------------------------------------------------------------


def test_the_zip_holds_the_films_the_manifest_and_what_proves_it(
    archive: Path, film: bytes, film_ids: list[str]
) -> None:
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        manifest = json.loads(file.read("manifest.json"))
        custody = json.loads(file.read("custody.json"))
        films = {row["id"]: file.read(row["file"]) for row in manifest["recordings"]}

    assert names >= MEMBERS
    assert len(names - MEMBERS) == 2
    assert set(films) == set(film_ids)
    assert custody["reason"] == "a parcel is gone"
    assert custody["exported_by"]
    assert [gap["reason"] for gap in manifest["gaps"]] == ["stream lost"]
    for row in manifest["recordings"]:
        whole = films[row["id"]]
        assert whole[: row["sidx_at"]] + whole[row["sidx_at"] + row["sidx_bytes"] :] == film
        assert row["in_ledger"] is True
    assert archive.stat().st_mode & 0o077 == 0


def test_the_ledger_knows_who_took_what_and_what_the_zip_was(
    rig: Rig, archive: Path, film_ids: list[str]
) -> None:
    import hashlib

    items = rig.get("/v1/ledger?limit=200").json()["items"]
    (body,) = [
        item["body"]
        for item in items
        if item["type"] == "export" and item["body"]["reason"] == "a parcel is gone"
    ]
    assert body["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (body["recording_ids"], body["left_out"], body["via"]) == (film_ids, 0, "command line")
    assert body["actor"] == json.loads(zipfile.ZipFile(archive).read("custody.json"))["exported_by"]


def test_ffprobe_plays_every_film(folder: Path) -> None:
    for path in sorted(folder.glob("recordings/front/*.mp4")):
        told = subprocess.run(
            ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets",
             "-of", "csv=p=0", str(path)],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert (told.stdout.strip(), told.stderr) == ("40", "")


def openssl_command(folder: Path) -> list[str]:
    lines = (folder / "README.txt").read_text().splitlines()
    return next(line for line in lines if "openssl pkeyutl" in line).split()


def test_openssl_verifies_the_signature_as_the_readme_says(folder: Path) -> None:
    command = openssl_command(folder)
    good = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    with (folder / "manifest.json").open("ab") as file:
        file.write(b" ")
    bad = subprocess.run(command, cwd=folder, capture_output=True, check=False)

    assert (good.returncode, bad.returncode) == (0, 1)


@pytest.mark.parametrize("how", ["zip", "folder", "script in the folder"])
def test_the_verifier_finds_an_untouched_export_intact(
    archive: Path, folder: Path, verifier: Path, how: str
) -> None:
    if how == "zip":
        code, text = verify(verifier, archive)
    elif how == "folder":
        code, text = verify(verifier, folder)
    else:
        code, text = verify(folder / "verify.py")
    assert code == 0, text
    assert "VERDICT  INTACT, with 1 declared gaps" in text


def test_the_owners_key_is_accepted_in_both_forms(
    rig: Rig, archive: Path, folder: Path, verifier: Path
) -> None:
    for key in (rig.folder / "secrets" / "ledger_public.txt", folder / "public_key.pem"):
        assert verify(verifier, archive, "--key", key)[0] == 0


# -- what was changed is found ------------------------------------------------------------------------------------


def test_a_changed_byte_in_any_member_is_found_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process, for there are many: what the child says is tested above.
    check: Callable[[list[str]], int] = export_verifier.main
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        whole = path.read_bytes()
        for at in {0, len(whole) - 1, *range(0, len(whole), max(1, len(whole) // 12))}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            code = check([str(folder)])
            text = capsys.readouterr().out
            assert code == 3, (name, at, text)
            assert name in text.split("VERDICT")[0], (name, at, text)
        path.write_bytes(whole)
    assert check([str(folder)]) == 0


def test_a_missing_member_is_found_and_named(folder: Path, verifier: Path) -> None:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        kept = path.read_bytes()
        path.unlink()
        code, text = verify(verifier, folder)
        assert code == 3
        assert f"{path.relative_to(folder)}: is missing" in text
        path.write_bytes(kept)


def test_a_file_that_was_put_in_is_found_and_named(folder: Path, verifier: Path) -> None:
    (folder / "recordings" / "front" / "more.mp4").write_bytes(b"film")

    code, text = verify(verifier, folder)

    assert code == 3
    assert "recordings/front/more.mp4: does not belong to the export" in text


def test_two_films_that_changed_places_are_found(folder: Path, verifier: Path) -> None:
    first, second = sorted(folder.glob("recordings/front/*.mp4"))
    first_bytes = first.read_bytes()
    # Both hold the same film here, so one is made different first.
    first.write_bytes(second.read_bytes()[:-1] + b"\0")
    second.write_bytes(first_bytes)

    code, text = verify(verifier, folder)

    assert code == 3
    assert first.name in text


def signed_anew(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    """As a forger would: another key, a manifest that fits what was changed."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public_key.pem").write_bytes(pem)
    change(manifest)
    import hashlib

    manifest["files"]["public_key.pem"] = {"sha256": hashlib.sha256(pem).hexdigest(), "size_bytes": len(pem)}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sig").write_bytes(key.sign(text))


def test_a_manifest_signed_by_a_foreign_key_does_not_fit_the_ledger_nor_the_trusted_key(
    rig: Rig, folder: Path, verifier: Path
) -> None:
    signed_anew(folder, lambda manifest: manifest.update(gaps=[]))

    code, text = verify(verifier, folder)
    assert code == 3
    assert "ledger.json: a checkpoint is not signed by the key of this export" in text

    code, text = verify(verifier, folder, "--key", rig.folder / "secrets" / "ledger_public.txt")
    assert code == 3
    assert "public_key.pem: is another key than the one you trust" in text


def test_a_cut_zip_cannot_be_taken_for_intact(archive: Path, verifier: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(archive.read_bytes()[:-2000])

    assert verify(verifier, cut)[0] == 1
    assert verify(verifier, tmp_path / "none.zip")[0] == 1


# -- orders -------------------------------------------------------------------------------------------------------


def test_single_recordings_are_exported_by_id(
    rig: Rig, film_ids: list[str], verifier: Path, tmp_path: Path
) -> None:
    done = export(rig, tmp_path / "one.zip", "--recording", film_ids[1])

    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        assert [row["id"] for row in json.loads(file.read("manifest.json"))["recordings"]] == [film_ids[1]]
    assert verify(verifier, tmp_path / "one.zip")[0] == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--camera", "front"], "name --camera, --from and --to, or --recording"),
        (["--camera", "front", "--from", "noon", "--to", "2026-01-01"], "'noon' is no time"),
        (["--camera", "front", "--from", "2026-01-02", "--to", "2026-01-01"], "--from must be before --to"),
        (["--camera", "front", "--from", "2001-01-01", "--to", "2001-01-02"], "there is no recording"),
        (["--recording", "none"], "there is no recording none"),
        (["--recording", "none", "--camera", "front"], "either --recording, or"),
        (["--recording", "none", "--reason", "x" * 501], "--reason has at most 500"),
        (
            ["--camera", "front", "--from", "2020-01-01", "--to", "2090-01-01", "--max-bytes", "9"],
            "at most 9 are allowed",
        ),
    ],
)
def test_an_order_that_cannot_be_met_says_why_and_leaves_nothing(
    rig: Rig, tmp_path: Path, words: list[str], reason: str
) -> None:
    done = export(rig, tmp_path / "out.zip", *words)

    assert done.returncode == 1
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(rig: Rig, film_ids: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    out.write_text("mine")

    done = export(rig, out, "--recording", film_ids[0])

    assert done.returncode == 1
    assert "nothing is overwritten" in done.stderr
    assert out.read_text() == "mine"


def test_a_damaged_recording_is_left_out_and_named(
    rig: Rig, film: bytes, film_ids: list[str], started_ms: int, verifier: Path, tmp_path: Path
) -> None:
    bad = rig.recorded(film, started_ms + 120_000)
    path = rig.file_of(bad)
    raw = bytearray(path.read_bytes())
    raw[700] ^= 1
    path.write_bytes(raw)

    done = export(rig, tmp_path / "out.zip", "--recording", film_ids[0], "--recording", bad)

    assert done.returncode == 3
    assert f"left out {bad}" in done.stderr
    code, text = verify(verifier, tmp_path / "out.zip")
    assert code == 0
    assert f"left out recording {bad}" in text
    assert str(rig.folder) not in text


def test_a_recording_that_was_stored_plain_is_exported_and_labelled(
    rig: Rig, film: bytes, started_ms: int, verifier: Path, tmp_path: Path
) -> None:
    plain, begun_ms = new_id(), started_ms + 180_000
    (rig.incoming / f"{plain}.mp4").write_bytes(film)
    rig.post([opened(plain, begun_ms, encrypted=False), finished(plain, begun_ms, seconds=4, size=len(film))])
    wait_for(lambda: rig.state_of(plain) == "complete", what="the plain film is taken over")

    done = export(rig, tmp_path / "out.zip", "--recording", plain)

    assert done.returncode == 0, done.stderr
    code, text = verify(verifier, tmp_path / "out.zip")
    assert code == 0, text
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        (row,) = json.loads(file.read("manifest.json"))["recordings"]
    assert (row["authenticated"], row["in_ledger"], row["stored_as"]) == (False, True, "mp4")


SIGNED = bytes(range(16)) + b"signature of the camera over this picture" * 3
"""A user data SEI as cameras put their signature into (H.264, payload type 5)."""


def signed_film(seconds: int) -> bytes:
    """H.264 with such an SEI before each keyframe."""
    import av
    import numpy as np

    sink = io.BytesIO()
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"}
    rng = np.random.default_rng(11)
    unit = b"\0\0\0\1\x06\x05" + bytes([len(SIGNED)]) + SIGNED + b"\x80"
    with av.open(sink, "w", format="mp4", options=flags) as container:
        video = container.add_stream(
            "libx264", rate=10, options={"g": "10", "bf": "0", "preset": "ultrafast"}
        )
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for _ in range(seconds * 10):
            picture = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                if packet.is_keyframe:
                    made = av.Packet(unit + bytes(packet))
                    made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
                    made.stream, made.is_keyframe = video, True
                    packet = made
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


def test_the_cameras_own_signature_in_the_stream_is_handed_out_untouched(
    rig: Rig, started_ms: int, tmp_path: Path
) -> None:
    film = signed_film(4)
    assert film.count(SIGNED) == 4, "the film of the test is as it should be"
    recording_id = rig.recorded(film, started_ms + 240_000)

    assert export(rig, tmp_path / "out.zip", "--recording", recording_id).returncode == 0

    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        (row,) = json.loads(file.read("manifest.json"))["recordings"]
        handed_out = file.read(row["file"])
    assert handed_out.count(SIGNED) == 4
    (tmp_path / "film.mp4").write_bytes(handed_out)
    traced = subprocess.run(
        ["ffmpeg", "-v", "verbose", "-i", str(tmp_path / "film.mp4"), "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert traced.stderr.count("User Data Unregistered") >= 4, "a decoder finds them too"


def test_without_the_key_the_cure_is_named(rig: Rig, film_ids: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "secrets"
    shutil.copytree(rig.folder / "secrets", copy)
    (copy / "ledger_private.pem").unlink()
    command = [sys.executable, "-m", "vigilar_storage", "export", "--out", str(tmp_path / "x.zip")]
    environment = {**os.environ, **rig.env, "VIGILAR_SECRETS_DIR": str(copy)}
    done = subprocess.run(
        [*command, "--recording", film_ids[0]], capture_output=True, text=True, env=environment, check=False
    )

    assert done.returncode == 1
    assert "ledger_private.pem" in done.stderr
    assert "vigilar init" in done.stderr


def test_a_ledger_that_was_changed_proves_nothing_and_is_refused(
    rig: Rig, film_ids: list[str], tmp_path: Path
) -> None:
    import sqlite3

    copy = tmp_path / "data"
    copy.mkdir()
    with sqlite3.connect(rig.database) as source, sqlite3.connect(copy / "vigilar.db") as target:
        source.backup(target)
        target.execute("UPDATE ledger SET ts_ms = ts_ms + 1 WHERE subject = ?", (film_ids[0],))
    shutil.copytree(rig.folder / "secrets", tmp_path / "secrets")
    other = Rig(tmp_path)
    other.configure(copy)

    done = export(other, tmp_path / "x.zip", "--recording", film_ids[0])

    assert done.returncode == 1
    assert "was changed; see `vigilar verify`" in done.stderr
