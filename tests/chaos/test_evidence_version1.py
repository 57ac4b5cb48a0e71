"""Figure 16: files of version 1 come out byte for byte, and nobody is told that they prove more than they do.

Their writer here is `openssl enc`, which shares no code with ours.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import legacy_database
import pytest
from chaos.evidence_files import flipped
from chaos.evidence_verify import verify
from integration.test_version1_recordings import House
from storage_rig import wait_for
from vigilar_common.crypto.vge import V1Reader
from vigilar_storage.sealer import Sealer

FILM = "front/20231114-221320.vge"
START_MS, END_MS = legacy_database.START_S * 1000, legacy_database.START_S * 1000 + 12_500
IVS = [bytes(16), b"\xff" * 16, b"\xff" * 15 + b"\xf0", bytes(range(16))]
"""Two of them let the counter of blocks wrap around within the file."""


def by_openssl(plain: bytes, key: bytes, iv: bytes) -> bytes:
    words = ["openssl", "enc", "-aes-256-ctr", "-K", key.hex(), "-iv", iv.hex(), "-nosalt"]
    return iv + subprocess.run(words, input=plain, capture_output=True, check=True).stdout


@pytest.mark.parametrize("iv", IVS, ids=lambda iv: iv.hex())
def test_what_openssl_encrypted_is_read_byte_for_byte(iv: bytes, tmp_path: Path) -> None:
    dice = random.Random(iv)
    path, key = tmp_path / "old.vge", dice.randbytes(32)
    for size in (1, 15, 16, 17, 4_096, 70_003):
        plain = dice.randbytes(size)
        path.write_bytes(by_openssl(plain, key, iv))
        with V1Reader(path, key) as reader:
            assert reader.read(0, size) == plain
            for _ in range(20):
                a, b = sorted((dice.randrange(size + 1), dice.randrange(size + 1)))
                assert reader.read(a, b) == plain[a:b]


class OldHouse(House):
    """Its one film is small and was written by openssl; the other files are not looked at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.film = random.Random(16).randbytes(700)
        self.put(FILM, by_openssl(self.film, self.master, IVS[2]))
        for path in (self.rig.recordings / "old").rglob("*.*"):
            path.unlink()

    @property
    def path(self) -> Path:
        return self.rig.recordings / FILM

    def judged(self) -> dict[str, Any]:
        """What `vigilar verify` says of the film."""
        (found,) = [file for file in verify(self.rig)["files"] if file["path"] == FILM]
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldHouse]:
    house = OldHouse(tmp_path_factory.mktemp("sealed"))
    app = house.rig.start()
    wait_for(lambda: app.sealer.counters["sealed"] == 1, what="the film is sealed")
    yield house
    house.rig.stop()


def test_the_film_plays_byte_for_byte_and_says_since_when_it_is_guarded(sealed: OldHouse) -> None:
    row = sealed.row(START_MS)
    for start in range(0, len(sealed.film), 37):
        answer = sealed.rig.get(f"/v1/recordings/{row['id']}/content", headers={"Range": f"bytes={start}-"})
        assert answer.content == sealed.film[start:]
    connection = sqlite3.connect(sealed.rig.database)
    query = "SELECT ts_ms FROM ledger WHERE type = 'registered-v1' AND subject = ?"
    (sealed_ms,) = connection.execute(query, (row["id"],)).fetchone()
    connection.close()
    assert (row["version_1"], row["sealed_ms"]) == (True, sealed_ms)
    verdict = sealed.judged()
    assert (verdict["state"], verdict["sealed_ms"]) == ("intact", sealed_ms)
    assert "not tamper-evident before 20" in verdict["detail"]


def check_changes(house: OldHouse, step: int) -> None:
    """Any flip and any cut after the seal is an alteration, with the time of the film and since when that is known."""
    size = house.path.stat().st_size
    for offset in range(0, size, step):
        with flipped(house.path, offset, offset % 8):
            check_altered(house.judged())
    data = house.path.read_bytes()
    for cut in range(0, size, step):
        os.truncate(house.path, cut)
        check_altered(house.judged())
        house.path.write_bytes(data)
    assert house.judged()["state"] == "intact"


def check_altered(verdict: dict[str, Any]) -> None:
    assert verdict["state"] == "altered"
    assert (verdict["from_ms"], verdict["to_ms"]) == (START_MS, END_MS)
    assert "not tamper-evident before 20" in verdict["detail"]


def test_a_sample_of_changes_after_the_seal_is_seen(sealed: OldHouse) -> None:
    check_changes(sealed, 97)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_change_after_the_seal_is_seen(sealed: OldHouse) -> None:
    check_changes(sealed, 1)


def test_control_before_the_seal_a_change_is_not_seen_and_nothing_is_called_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sealer, "start", lambda _: None)
    house = OldHouse(tmp_path)
    house.rig.start()
    try:
        assert house.row(START_MS)["sealed_ms"] is None
        with flipped(house.path, 300, 1):
            changed = house.judged()
            row = house.row(START_MS)
            sent = house.rig.get(f"/v1/recordings/{row['id']}/content").content
        assert sent != house.film, "CTR tells nothing"
        assert changed == house.judged()
        assert (changed["state"], changed["sealed_ms"]) == ("incomplete", None)
        assert "not in the ledger yet" in changed["detail"]
        with pytest.raises(AssertionError):
            check_changes(house, 97)
    finally:
        house.rig.stop()
