"""A house that recorded with version 1: its films play, are sealed into the ledger, and cannot be changed unseen then."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import legacy_database
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from storage_rig import Rig, make_film, wait_for
from vigilar_common.config import load, slices
from vigilar_common.crypto.keys import write_master_key

START_MS = legacy_database.START_S * 1000
JPEG = b"\xff\xd8\xff\xe0" + bytes(2_000)


def encrypt(plain: bytes, master: bytes) -> bytes:
    """As the described system wrote: the IV, then AES-256-CTR."""
    iv = os.urandom(16)
    return iv + Cipher(AES(master), CTR(iv)).encryptor().update(plain)


def whole_file(seconds: int) -> bytes:
    """MP4 as most programs write it: one index at the end, no fragments."""
    import av
    import numpy as np

    sink = io.BytesIO()
    rng = np.random.default_rng(5)
    with av.open(sink, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=10, options={"g": "10", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for _ in range(seconds * 10):
            picture = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


class House:
    """Storage over what version 1 left behind."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.rig.configure()
        key_file = folder / "etc" / "storage.key"
        key_file.parent.mkdir()
        self.master = write_master_key(key_file)
        text = self.rig.config.read_text() + f'[storage]\nkey_file = "{key_file}"\n'
        self.rig.config.write_text(text)
        slices.apply(load.load(self.rig.config, {}), folder / "config-run")
        self.film, self.fragmented = whole_file(3), make_film(4)
        self.rig.database.parent.mkdir()
        legacy_database.make(self.rig.database, events=3)
        self.put("front/20231114-221320.vge", encrypt(self.film, self.master))
        self.put("old/clips/2022-05-01_06-30-00.vge", encrypt(self.fragmented, self.master))
        self.put("old/clips/thumb.vge", encrypt(JPEG, self.master))
        self.put("old/clips/plain-1650000000.mp4", self.fragmented)
        self.put("old/clips/stranger.vge", os.urandom(5_000))

    def put(self, name: str, data: bytes) -> None:
        path = self.rig.recordings / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vigilar_storage", *words]
        env = {**os.environ, **self.rig.env}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)

    def verify(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("verify", "--json").stdout)
        return answer

    def row(self, started_ms: int) -> dict[str, Any]:
        page = self.rig.get(f"/v1/recordings?from_ms={started_ms}&to_ms={started_ms + 1}").json()
        found: dict[str, Any] = page["items"][0]
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    built = House(tmp_path_factory.mktemp("house"))
    app = built.rig.start()
    wait_for(lambda: app.sealer.counters["sealed"] == 1, what="the migrated film is sealed")
    yield built
    built.rig.stop()


@pytest.fixture(scope="module")
def registered(house: House) -> subprocess.CompletedProcess[str]:
    rehearsal = house.run(
        "storage", "register", str(house.rig.recordings / "old"), "--camera", "front", "--dry-run"
    )
    assert rehearsal.stdout.startswith("would be: ")
    return house.run("storage", "register", str(house.rig.recordings / "old"), "--camera", "front")


def test_what_was_migrated_is_sealed_at_the_start_and_labelled(house: House) -> None:
    row = house.row(START_MS)

    assert (row["format"], row["state"], row["version_1"]) == ("vge1", "complete", True)
    assert row["sealed_ms"] > START_MS
    (entry,) = entries(house, row["id"])
    assert (entry["sha256"], entry["covers_bytes"]) == (row["sha256"], row["size_bytes"])
    assert entry["plain_bytes"] == len(house.film)


def test_a_film_of_version_1_comes_out_byte_for_byte(house: House) -> None:
    path = f"/v1/recordings/{house.row(START_MS)['id']}"

    for tail in ("content", "content.mp4", "download"):
        assert house.rig.get(f"{path}/{tail}").content == house.film
    for start, last in ((0, 0), (1, 15), (15, 17), (4_095, 70_001), (len(house.film) - 1, len(house.film))):
        part = house.rig.get(f"{path}/content", headers={"Range": f"bytes={start}-{last}"})
        assert part.status_code == 206
        assert part.content == house.film[start : last + 1]


def test_a_film_without_fragments_says_that_it_plays_as_one_file(house: House) -> None:
    answer = house.rig.get(f"/v1/recordings/{house.row(START_MS)['id']}/playlist.m3u8")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_fragmented")
    span = f"from_ms={START_MS - 1000}&to_ms={START_MS + 20_000}"
    assert house.rig.get(f"/v1/cameras/front/playlist.m3u8?{span}").status_code == 200


def test_a_folder_of_old_files_is_registered_with_time_and_length(
    house: House, registered: subprocess.CompletedProcess[str]
) -> None:
    assert registered.returncode == 3
    assert "left out old/clips/stranger.vge: it holds neither film nor picture" in registered.stderr
    assert "2 films registered" in registered.stdout
    assert "1 pictures registered" in registered.stdout

    named = house.row(1_651_386_600_000)  # 06:30 UTC, the house's zone here
    assert named["duration_ms"] == pytest.approx(4_000, abs=200)
    assert house.rig.get(f"/v1/recordings/{named['id']}/content").content == house.fragmented
    assert "#EXT-X-ENDLIST" in house.rig.get(f"/v1/recordings/{named['id']}/playlist.m3u8").text
    plain = house.row(1_650_000_000_000)
    assert (plain["format"], plain["version_1"]) == ("mp4", True)
    assert plain["sealed_ms"] is not None
    with sqlite3.connect(house.rig.database) as connection:
        (picture_id,) = connection.execute(
            "SELECT id FROM pictures WHERE path = 'old/clips/thumb.vge'"
        ).fetchone()
    connection.close()
    assert house.rig.get(f"/v1/pictures/{picture_id}").content == JPEG


def test_registering_again_changes_nothing(
    house: House, registered: subprocess.CompletedProcess[str]
) -> None:
    before = count(house)
    again = house.run("storage", "register", str(house.rig.recordings / "old"), "--camera", "yard")

    assert "3 known already" in again.stdout
    assert count(house) == before


def test_what_lies_elsewhere_is_refused_with_the_reason(house: House, tmp_path: Path) -> None:
    for folder, why in ((tmp_path, "is not inside"), (tmp_path / "none", "no such folder")):
        answer = house.run("storage", "register", str(folder), "--camera", "front")
        assert answer.returncode == 1
        assert why in answer.stderr


def test_verify_tells_of_version_1_and_sees_a_later_change(
    house: House, registered: subprocess.CompletedProcess[str]
) -> None:
    answer = house.verify()
    sealed = [file for file in answer["files"] if file["sealed_ms"] is not None]
    assert {file["state"] for file in sealed} == {"intact"}
    assert len(sealed) == 4
    assert all("not tamper-evident before 20" in file["detail"] for file in sealed)
    assert [file["path"] for file in answer["files"] if not file["encrypted"]] == [
        "old/clips/plain-1650000000.mp4"
    ]
    assert [file["path"] for file in answer["files"] if file["state"] == "unregistered"] == [
        "old/clips/stranger.vge"
    ]

    names = ["front/20231114-221320.vge", "old/clips/plain-1650000000.mp4", "old/clips/thumb.vge"]
    good = {name: (house.rig.recordings / name).read_bytes() for name in names}
    for name, data in good.items():
        house.put(name, data[:100] + bytes([data[100] ^ 1]) + data[101:])
    after = house.verify()
    for name, data in good.items():
        house.put(name, data)
    altered = {file["path"]: file["detail"] for file in after["files"] if file["state"] == "altered"}
    assert sorted(altered) == names
    assert all("SHA-256" in detail for detail in altered.values())


def test_an_export_says_since_when_it_is_tamper_evident(house: House, tmp_path: Path) -> None:
    row = house.row(START_MS)
    out = tmp_path / "old.zip"

    assert house.run("export", "--recording", row["id"], "--out", str(out)).returncode == 0

    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        (told,) = manifest["recordings"]
        assert archive.read(told["file"]) == house.film
        archive.extract("verify.py", tmp_path)
    assert (told["authenticated"], told["tamper_evident_from_ms"]) == (False, row["sealed_ms"])
    checked = subprocess.run(
        [sys.executable, str(tmp_path / "verify.py"), str(out)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert "not tamper-evident before" in checked.stdout


def test_a_house_without_its_key_file_seals_and_says_what_is_missing(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "etc" / "storage.key").unlink()
    app = house.rig.start()
    try:
        wait_for(lambda: app.sealer.counters["sealed"] == 1, what="it is sealed without being opened")
        answer = house.rig.get(f"/v1/recordings/{house.row(START_MS)['id']}/content")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "wrong_key")
        assert "key_file" in answer.json()["error"]["message"]
    finally:
        house.rig.stop()


def entries(house: House, subject: str) -> list[dict[str, Any]]:
    with sqlite3.connect(house.rig.database) as connection:
        query = "SELECT body FROM ledger WHERE type = 'registered-v1' AND subject = ?"
        found = [json.loads(body) for (body,) in connection.execute(query, (subject,))]
    connection.close()
    return found


def count(house: House) -> tuple[int, int]:
    with sqlite3.connect(house.rig.database) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM ledger WHERE type = 'registered-v1'), (SELECT count(*) FROM recordings)"
        ).fetchone()
    connection.close()
    return int(found[0]), int(found[1])
