"""`vigilar recover`: films out of what arrived, holes and changes named, the ledger checked."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from offsite_rig import FPS, House, feed, film, frames, pieces
from vigilar_common.crypto.keys import write_private_key
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.merkle import CompactRange
from vigilar_common.signed_note import Checkpoint, checkpoint_text, sign_note, verifier_of
from vigilar_offsite.domain.chain import Chain
from vigilar_storage import cli
from vigilar_storage.ledger.chain import entry_hash

SECONDS = 8
PART_BYTES = 3 * 16_400


class Arrived:
    """A copy of the target, and how it is recovered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = House(folder / "recordings")
        self.house.root.mkdir()
        self.copy = folder / "copy"
        self.signer = Ed25519PrivateKey.generate()
        self.public = folder / "ledger_public.txt"
        self.public.write_text(f"{verifier_of('vigilar-ledger', self.signer)}\n")

    def sealed(self, recording_id: str) -> bytes:
        return self.house.path(recording_id).read_bytes()

    def as_file(self, recording_id: str, data: bytes, camera: str = "front") -> Path:
        path = self.copy / "recordings" / camera / f"{recording_id}.vge"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def as_parts(self, recording_id: str, data: bytes) -> list[Path]:
        folder = self.copy / "recordings" / "front" / f"{recording_id}.vge"
        folder.mkdir(parents=True)
        cuts = [0, *range(512 + PART_BYTES, len(data), PART_BYTES), len(data)]
        paths = []
        for start, end in pairwise(cuts):
            paths.append(folder / f"{start:012d}")
            paths[-1].write_bytes(data[start:end])
        return paths

    def recover(self, *more: str, key: Path | None = None) -> tuple[int, dict[str, Any]]:
        out = self.folder / f"out{len(list(self.folder.glob('out*')))}"
        code = cli.main(
            ["recover", str(self.copy), "--key", str(key or self.house.key_file), "--out", str(out), *more]
        )
        self.out = out
        report = out / "report.json"
        return code, json.loads(report.read_text()) if report.exists() else {}

    def ledger(self, *said: tuple[str, str, dict[str, Any]]) -> None:
        """Checkpoint and document of a ledger with two strangers' entries and these: type, subject, body."""
        chain, compact = Chain(), CompactRange()
        entries = [("arm", "secret", {}), ("gap", "other", {}), *said]
        for seq, (kind, subject, body) in enumerate(entries, 1):
            leaf = entry_hash(seq, 1_750_000_000_000, 5, "boot", kind, subject, body, "0" * 64)
            row = {
                "seq": seq, "ts_ms": 1_750_000_000_000, "mono_ms": 5, "boot_id": "boot", "type": kind, "subject": subject,
                "body": body, "prev_hash": "0" * 64, "hash": leaf.hex(),
            }  # fmt: skip
            chain.take(row, lambda subject: subject not in ("secret", "other"))
            compact.append(leaf)
        made = Checkpoint("vigilar/house", compact.size, compact.root())
        text = checkpoint_text(made.origin, made.size, made.root)
        note = sign_note(text, "vigilar-ledger", self.signer)
        for folder in ("checkpoints", "ledger"):
            (self.copy / folder).mkdir(parents=True, exist_ok=True)
        (self.copy / "checkpoints" / f"{made.size:012d}-x.txt").write_text(note)
        document = chain.close(note, made.root)
        self.document = self.copy / "ledger" / f"000000000002-{made.size:012d}-x.json"
        self.document.write_text(json.dumps(document))


@pytest.fixture(name="arrived")
def _arrived(tmp_path: Path) -> Arrived:
    return Arrived(tmp_path)


@pytest.mark.parametrize("parts", [False, True])
def test_a_whole_recording_plays_and_fits_the_signed_ledger(arrived: Arrived, parts: bool) -> None:
    recording_id = arrived.house.record(film(SECONDS))
    data = arrived.sealed(recording_id)
    (arrived.as_parts if parts else arrived.as_file)(recording_id, data)
    end = _chunks_end(arrived, recording_id)
    digest = hashlib.sha256(data[:end]).hexdigest()
    arrived.ledger(
        ("opened", recording_id, {"camera_id": "front"}),
        ("finalised", recording_id, {"camera_id": "front", "sha256": digest}),
    )
    code, report = arrived.recover("--public-key", str(arrived.public))
    (found,) = report["recordings"]
    assert (code, found["state"], found["ledger"]) == (0, "complete", "fits")
    assert found["problems"] == []
    assert found["seconds"] == pytest.approx(SECONDS, abs=0.01)
    count, length = frames(arrived.out / found["film"])
    assert (count, round(length, 1)) == (SECONDS * FPS, SECONDS)
    assert report["ledger"]["signature_checked"]


def _chunks_end(arrived: Arrived, recording_id: str) -> int:
    from vigilar_common.crypto.vge import VgeReader

    with VgeReader(arrived.house.path(recording_id), arrived.house.ring) as reader:
        assert reader.footer is not None
        return reader.footer.chunks_end


def test_nobody_but_the_owner_needs_to_be_asked(arrived: Arrived) -> None:
    arrived.as_file(recording_id := arrived.house.record(film(1)), arrived.sealed(recording_id))
    code, report = arrived.recover()
    assert code == 4, "no signature was checked, and no ledger speaks of it"
    assert report["recordings"][0]["ledger"] == "unknown"


def test_a_recording_cut_at_any_byte_plays_up_to_there(arrived: Arrived) -> None:
    recording_id, file = arrived.house.begin()
    index = FragmentIndex()
    for data in pieces(film(SECONDS)):
        feed(file, data, index)
    grown = arrived.sealed(recording_id)
    file.close()
    arrived.ledger(("opened", recording_id, {"camera_id": "front"}))
    last_seconds = -1.0
    for share in (0.15, 0.4, 0.7, 1.0):
        arrived.as_file(recording_id, grown[: int(len(grown) * share)])
        code, report = arrived.recover("--public-key", str(arrived.public))
        (found,) = report["recordings"]
        assert (code, found["state"], found["ledger"]) == (0, "cut", "fits")
        count, _ = frames(arrived.out / found["film"])
        assert found["seconds"] == pytest.approx(count / FPS, abs=0.01)
        assert found["seconds"] > last_seconds
        last_seconds = found["seconds"]
    assert last_seconds >= SECONDS - 1


def test_a_recording_cut_within_its_footer_loses_no_picture(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(SECONDS))
    data = arrived.sealed(recording_id)
    for missing in (1, 30, len(data) - _chunks_end(arrived, recording_id)):
        arrived.as_file(recording_id, data[:-missing])
        _, report = arrived.recover()
        (found,) = report["recordings"]
        assert (found["state"], found["seconds"]) == ("cut", pytest.approx(SECONDS, abs=0.01))


def test_a_missing_part_is_named_and_what_follows_it_plays(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(SECONDS))
    parts = arrived.as_parts(recording_id, arrived.sealed(recording_id))
    assert len(parts) > 5
    parts[2].unlink()
    code, report = arrived.recover()
    (found,) = report["recordings"]
    assert (code, found["state"]) == (3, "damaged")
    assert found["problems"] == [
        f"a part is missing: bytes {int(parts[2].name)} to {int(parts[3].name) - 1} did not arrive"
    ]
    assert len(found["spans"]) == 2
    lost_s = SECONDS - found["seconds"]
    assert 0.4 < lost_s < 4
    count, length = frames(arrived.out / found["film"])
    assert count == round(found["seconds"] * FPS)
    assert length == pytest.approx(SECONDS, abs=0.1), "the hole stays where it was"


def test_the_first_part_missing_opens_nothing(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(2))
    arrived.as_parts(recording_id, arrived.sealed(recording_id))[0].unlink()
    code, report = arrived.recover()
    (found,) = report["recordings"]
    assert (code, found["state"], found["film"]) == (3, "unreadable", "")
    assert "its beginning is missing: without it nothing opens" in found["problems"]
    assert list(arrived.out.glob("*.mp4")) == []


@pytest.mark.parametrize("at", [0.3, 0.6])
def test_an_altered_byte_is_found_and_the_rest_plays(arrived: Arrived, at: float) -> None:
    recording_id = arrived.house.record(film(SECONDS))
    data = bytearray(arrived.sealed(recording_id))
    byte = int(len(data) * at)
    data[byte] ^= 1
    arrived.as_file(recording_id, bytes(data))
    code, report = arrived.recover()
    (found,) = report["recordings"]
    assert (code, found["state"]) == (3, "damaged")
    chunk = (byte - 512) // 16_400
    assert found["problems"] == [f"1 chunks were altered or did not arrive as they were: {chunk}"]
    assert SECONDS - 3 < found["seconds"] < SECONDS
    assert frames(arrived.out / found["film"])[0] == round(found["seconds"] * FPS)


def test_parts_that_overlap_must_agree(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(SECONDS))
    data = arrived.sealed(recording_id)
    parts = arrived.as_parts(recording_id, data)
    start = int(parts[1].name)
    parts[1].write_bytes(data[start : start + 2 * PART_BYTES])  # sent again after a crash, longer
    _, report = arrived.recover()
    assert (report["recordings"][0]["state"], report["recordings"][0]["problems"]) == ("complete", [])
    parts[2].write_bytes(bytes([data[int(parts[2].name)] ^ 1]) + parts[2].read_bytes()[1:])
    code, report = arrived.recover()
    assert code == 3
    assert report["recordings"][0]["problems"] == [
        f"part {parts[2].name} says something else than the part before it"
    ]


def test_a_wrong_key_opens_nothing_and_says_so(arrived: Arrived, capsys: pytest.CaptureFixture[str]) -> None:
    arrived.as_file(recording_id := arrived.house.record(film(1)), arrived.sealed(recording_id))
    wrong = arrived.folder / "wrong.pem"
    write_private_key(wrong, X25519PrivateKey.generate())
    code, report = arrived.recover(key=wrong)
    assert (code, report) == (1, {})
    assert "opens none of the 1 recordings: they are sealed to another key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda a: None, "no such folder"),
        (lambda a: a.copy.mkdir(), "there is no recording below it"),
    ],
)
def test_nothing_to_recover_is_an_error(
    arrived: Arrived, make: Any, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(arrived)
    assert arrived.recover()[0] == 1
    assert complaint in capsys.readouterr().err


def test_films_are_never_written_among_others(arrived: Arrived, capsys: pytest.CaptureFixture[str]) -> None:
    arrived.as_file(recording_id := arrived.house.record(film(1)), arrived.sealed(recording_id))
    arrived.recover()
    words = ["recover", str(arrived.copy), "--key", str(arrived.house.key_file), "--out", str(arrived.out)]
    assert cli.main(words) == 1
    assert "is not empty" in capsys.readouterr().err


def test_a_ledger_that_was_changed_or_signed_by_another_is_refused(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(1))
    arrived.as_file(recording_id, arrived.sealed(recording_id))
    arrived.ledger(("opened", recording_id, {"camera_id": "front"}))
    good = arrived.document.read_text()
    arrived.document.write_text(good.replace('"front"', '"back"'))
    code, report = arrived.recover("--public-key", str(arrived.public))
    assert code == 3
    assert "do not have the root" in report["ledger"]["problems"][0]
    arrived.document.write_text(good)
    arrived.public.write_text(f"{verifier_of('vigilar-ledger', Ed25519PrivateKey.generate())}\n")
    code, report = arrived.recover("--public-key", str(arrived.public))
    assert code == 3
    assert len(report["ledger"]["problems"]) == 2, "checkpoint and document"
    for nonsense in ("{", "[]", '{"format": 1}', '{"format": 9}'):
        arrived.document.write_text(nonsense)
        code, report = arrived.recover()
        assert len(report["ledger"]["problems"]) == 1


def test_a_recording_put_in_the_place_of_another_is_found(arrived: Arrived) -> None:
    one, two = arrived.house.record(film(1)), arrived.house.record(film(1))
    arrived.as_file(one, arrived.sealed(two))
    arrived.as_file(two, arrived.sealed(two), camera="back")
    arrived.ledger(("opened", two, {"camera_id": "front"}))
    code, report = arrived.recover("--public-key", str(arrived.public))
    by_id = {found["recording_id"]: found for found in report["recordings"]}
    assert code == 3
    assert "it was replaced" in by_id[one]["problems"][0]
    assert by_id[two]["ledger"] == "contradicts"
    assert "is of camera front" in by_id[two]["ledger_text"]


def test_another_file_under_a_registered_id_is_found(arrived: Arrived) -> None:
    recording_id = arrived.house.record(film(1))
    arrived.as_file(recording_id, arrived.sealed(recording_id))
    arrived.ledger(("finalised", recording_id, {"camera_id": "front", "sha256": "00" * 32}))
    code, report = arrived.recover("--public-key", str(arrived.public))
    assert (code, report["recordings"][0]["ledger"]) == (3, "contradicts")


def test_the_text_says_which_seconds_exist(arrived: Arrived, capsys: pytest.CaptureFixture[str]) -> None:
    arrived.as_file(recording_id := arrived.house.record(film(2)), arrived.sealed(recording_id))
    (arrived.copy / "holiday.jpg").write_bytes(b"x")
    arrived.recover()
    said = capsys.readouterr().out
    assert f"complete: camera front, recording {recording_id}" in said
    assert "(2.0 s)" in said
    assert "seconds: 20" in said
    assert "signature not checked" in said
    assert "left alone: 1 files" in said
