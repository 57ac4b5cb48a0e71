# ruff: noqa: S608 the attacks are put together from the test's own words
"""Figure 13: footage that is gone, exchanged or unregistered is reported with its time; what storage pruned is not.

The attacker may write every file and every row and knows the code, but has no signing key. Attacks are undone one after
the other, so that each is judged alone and the house is known to be intact between them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import storage_rig
from chaos.evidence_verify import verify
from storage_rig import Rig, now_ms, wait_for
from vigilar_common.messages.alarm import ArmStateChanged
from vigilar_storage import verify_chain
from vigilar_storage.ledger.chain import entry_hash
from vigilar_storage.verify import Checker

KEPT, PRUNED = 5, 6
LONG_KEPT, LONG_PRUNED = 40, 160
STEP_MS = 60_000
FILM_S = 2


class House:
    """A storage that recorded, pruned and stopped; and a way back to that moment."""

    def __init__(self, folder: Path, kept: int, pruned: int) -> None:
        folder.mkdir()
        self.rig = Rig(folder)
        self.rig.configure()
        self.rig.start()
        film = storage_rig.make_film(FILM_S)
        began_ms = now_ms() - (kept + pruned) * STEP_MS
        every = [self.rig.recorded(film, began_ms + place * STEP_MS) for place in range(pruned)]
        self._prune(every)
        self.older = self._copy("older")
        """Of the whole box, as it was before the recordings that are kept."""
        began_ms += pruned * STEP_MS
        self.ids = [self.rig.record(film, began_ms + place * STEP_MS) for place in range(kept)]
        for which in self.ids:
            wait_for(lambda which=which: self.rig.state_of(which) == "complete")
        body = {"from_state": "disarmed", "to_state": "armed_away", "changed_by": "anna", "method": "web"}
        self.rig.post([storage_rig.fact(ArmStateChanged.TYPE, body)], "events")
        self.rig.stop()
        self.spans = {
            row[0]: row[1:] for row in self.query("SELECT id, started_ms, ended_ms FROM recordings")
        }
        self.notes = [row[0] for row in self.query("SELECT note FROM ledger_checkpoints ORDER BY size")]
        self._whole = self._copy("whole")

    def _prune(self, ids: list[str]) -> None:
        """By every policy that storage has, and by request."""
        assert self.rig.app is not None
        policies = ("age", "space", "limit", "request")
        for place, which in enumerate(ids):
            self.rig.app.deleter.delete(which, "storage", "a test", policy=policies[place % len(policies)])

    def _copy(self, name: str) -> Path:
        there = self.rig.folder.with_name(name)
        shutil.copytree(self.rig.folder / "recordings", there / "recordings")
        (there / "data").mkdir()
        source, target = (
            sqlite3.connect(path) for path in (self.rig.database, there / "data" / "vigilar.db")
        )
        source.backup(target)
        source.close()
        target.close()
        return there

    def put_back(self, there: Path | None = None) -> None:
        there = there or self._whole
        shutil.rmtree(self.rig.recordings)
        shutil.copytree(there / "recordings", self.rig.recordings)
        self.put_back_rows(there)

    def put_back_rows(self, there: Path | None = None) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.rig.database.with_name(self.rig.database.name + suffix).unlink(missing_ok=True)
        shutil.copy((there or self._whole) / "data" / "vigilar.db", self.rig.database)

    def query(self, text: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.rig.database)
        try:
            return connection.execute(text).fetchall()
        finally:
            connection.close()

    def edit(self, *statements: str) -> None:
        with sqlite3.connect(self.rig.database) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def verify(self, *more: str) -> dict[str, Any]:
        return verify(self.rig, *more)


def reported(answer: dict[str, Any]) -> set[str]:
    return {file["id"] for file in answer["files"] if file["state"] in ("altered", "missing", "unregistered")}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = House(tmp_path_factory.mktemp("house") / "rig", KEPT, PRUNED)
    assert made.verify()["exit_code"] == 0
    return made


@pytest.fixture(autouse=True)
def intact_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "house" in request.fixturenames:
        request.getfixturevalue("house").put_back()


# -- attacks on one recording -----------------------------------------------------------------------------------

Attack = Callable[[House, str, str], object]
GONE = "UPDATE recordings SET state = 'deleted', path = NULL, deleted_ms = {} WHERE id = '{}'"


def _file(house: House, which: str) -> Path:
    return house.rig.file_of(which)


def _replace_by_older(house: House, which: str, _: str) -> None:
    """A true file of the same id, made earlier with the same keys: an old copy that somebody kept."""
    path = _file(house, which)
    with house.rig.begin(which, house.spans[which][0]) as writer:
        storage_rig.write_film(writer, storage_rig.make_film(1))
        writer.finish({})
    (house.rig.incoming / path.name).replace(path)


def _delete_all_traces(house: House, which: str, _: str) -> None:
    _file(house, which).unlink()
    house.edit(
        f"DELETE FROM recordings WHERE id = '{which}'", f"DELETE FROM facts WHERE body LIKE '%{which}%'"
    )


def _unlink_and_say_deleted(deleted_ms: int) -> Attack:
    def attack(house: House, which: str, _: str) -> None:
        _file(house, which).unlink()
        house.edit(GONE.format(deleted_ms, which))

    return attack


ATTACKS: dict[str, Attack] = {
    "unlink": lambda house, one, _: _file(house, one).unlink(),
    "replace by another": lambda house, one, two: shutil.copy(_file(house, two), _file(house, one)),
    "restore an old copy": _replace_by_older,
    "cut": lambda house, one, _: os.truncate(_file(house, one), 600),
    "delete the row": lambda house, one, _: house.edit(f"DELETE FROM recordings WHERE id = '{one}'"),
    "delete row, facts and file": _delete_all_traces,
    "say it was deleted now": _unlink_and_say_deleted(now_ms()),
    "say it was deleted before the ledger began": _unlink_and_say_deleted(1),
    "move it in time": lambda house, one, _: house.edit(
        f"UPDATE recordings SET started_ms = started_ms - 7 WHERE id = '{one}'"
    ),
    "give it to another camera": lambda house, one, _: house.edit(
        f"UPDATE recordings SET camera_id = 'back' WHERE id = '{one}'"
    ),
}


def check_attack(house: House, attack: Attack, one: str, other: str, *more: str) -> None:
    """The oracle: that recording is reported, no other, with a time within what it held."""
    attack(house, one, other)
    answer = house.verify(*more)
    assert answer["exit_code"] == 3
    assert reported(answer) == {one}
    start_ms, end_ms = house.spans[one]
    told = [(file["from_ms"], file["to_ms"]) for file in answer["files"] if file["id"] == one]
    times = [span for span in told if span[0] is not None]
    assert times, "a stray file tells no time, the row or entry that misses it does"
    for from_ms, to_ms in times:
        assert start_ms - 7 <= from_ms <= to_ms <= end_ms


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_on_a_recording_is_reported_with_its_time(house: House, name: str) -> None:
    check_attack(house, ATTACKS[name], house.ids[1], house.ids[2])


@pytest.mark.parametrize(
    "name", ["unlink", "restore an old copy", "say it was deleted before the ledger began"]
)
def test_a_stranger_with_the_public_key_alone_sees_the_same(house: House, name: str) -> None:
    public = str(house.rig.folder / "secrets" / "ledger_public.txt")
    check_attack(house, ATTACKS[name], house.ids[0], house.ids[2], "--public-key", public)


# -- attacks on the ledger --------------------------------------------------------------------------------------


def rewrite_from(house: House, first: int) -> None:
    """The tail is made anew, its chain right again: only signatures can tell."""
    connection = sqlite3.connect(house.rig.database)
    columns = "seq, ts_ms, mono_ms, boot_id, type, subject, body, prev_hash"
    rows = connection.execute(f"SELECT {columns} FROM ledger WHERE seq >= {first} ORDER BY seq").fetchall()
    prev = rows[0][7]
    for seq, ts_ms, mono_ms, boot_id, kind, subject, text, _ in rows:
        body = json.loads(text)
        if seq == first:
            mono_ms += 1
        own = entry_hash(seq, ts_ms, mono_ms, boot_id, kind, subject, body, prev).hex()
        connection.execute(
            "UPDATE ledger SET mono_ms = ?, prev_hash = ?, hash = ? WHERE seq = ?", (mono_ms, prev, own, seq)
        )
        prev = own
    connection.commit()
    connection.close()


def check_ledger(answer: dict[str, Any], first_ms: int, last_ms: int) -> None:
    """Reported, and the time that is named holds all that was changed: from the first such entry to the last."""
    ledger = answer["ledger"]
    assert answer["exit_code"] == 3
    assert ledger["problems"]
    assert ledger["from_ms"] is not None, ledger["problems"]
    assert ledger["from_ms"] <= first_ms <= last_ms <= ledger["to_ms"] <= now_ms(), ledger


def test_every_cut_and_every_rewriting_of_the_ledgers_end_is_reported_with_its_time(house: House) -> None:
    times = [row[0] for row in house.query("SELECT ts_ms FROM ledger ORDER BY seq")]
    for last in range(1, len(times)):
        house.edit(f"DELETE FROM ledger WHERE seq > {last}")
        check_ledger(house.verify("--quick"), times[last], times[-1])
        house.put_back_rows()
        rewrite_from(house, last)
        check_ledger(house.verify("--quick"), times[last - 1], times[-1])
        house.put_back_rows()
    assert house.verify("--quick")["exit_code"] == 0


def test_a_checkpoint_that_is_rolled_back_is_reported(house: House, tmp_path: Path) -> None:
    """Ledger, rows and files back to an earlier moment: what was kept outside of the box tells."""
    kept = tmp_path / "kept.txt"
    kept.write_text(house.notes[-1])
    (newest,) = house.query("SELECT max(size) FROM ledger_checkpoints")[0]
    house.edit(
        "DELETE FROM ledger_checkpoints WHERE size < 5",
        f"UPDATE ledger_checkpoints SET size = size + 1 WHERE size = {newest}",
    )
    assert house.verify()["exit_code"] == 3, "its row no longer says what its note says"
    house.put_back_rows()

    house.put_back_rows(house.older)  # rows of then, files of now
    answer = house.verify()
    assert set(house.ids) <= reported(answer), "files that no row knows"

    house.put_back(house.older)  # all of then: nothing on the box can tell, the note can
    assert house.verify()["exit_code"] == 0
    answer = house.verify("--checkpoint", str(kept))
    assert "the ledger was cut" in answer["ledger"]["problems"][0]
    (last_ms,) = house.query("SELECT max(ts_ms) FROM ledger")[0]
    check_ledger(answer, last_ms, last_ms)


# -- no false alarm ---------------------------------------------------------------------------------------------


def test_what_storage_pruned_is_never_an_alarm(house: House) -> None:
    answer = house.verify()
    assert (answer["exit_code"], reported(answer), answer["ledger"]["problems"]) == (0, set(), [])
    assert answer["deleted"] == PRUNED
    assert answer["ledger"]["from_ms"] is None
    assert answer["counts"] == {"intact": KEPT}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_recordings_every_attack_on_each_and_many_prunes(tmp_path: Path) -> None:
    house = House(tmp_path / "rig", LONG_KEPT, LONG_PRUNED)
    answer = house.verify()
    assert (answer["exit_code"], answer["deleted"]) == (0, LONG_PRUNED)
    dice = random.Random(13)
    for one in house.ids:
        for attack in ATTACKS.values():
            check_attack(house, attack, one, dice.choice([which for which in house.ids if which != one]))
            house.put_back()
    assert house.verify()["exit_code"] == 0


# -- controls ---------------------------------------------------------------------------------------------------


def test_control_a_verifier_that_ignores_the_ledger_misses_deletions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checker, "_without_row", lambda _: iter(()))
    with pytest.raises(AssertionError):
        check_attack(house, ATTACKS["delete row, facts and file"], house.ids[1], house.ids[2])


def test_control_a_verifier_that_believes_rows_misses_a_pretended_deletion(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checker, "_is_known", lambda *_: False)
    with pytest.raises(AssertionError):
        check_attack(house, ATTACKS["say it was deleted before the ledger began"], house.ids[1], house.ids[2])


def test_control_without_checkpoints_a_rewritten_end_is_not_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain alone is no proof: whoever can write it can write it anew."""
    monkeypatch.setattr(verify_chain, "_open_notes", lambda *_: [])
    (last,) = house.query("SELECT max(seq) FROM ledger")[0]
    rewrite_from(house, last)
    assert house.verify("--quick")["exit_code"] == 0


def test_control_the_file_alone_does_not_tell_an_old_copy(house: House) -> None:
    """An old copy is a valid `.vge` file: only the ledger knows which one was registered."""
    from vigilar_common.crypto.keys import KeyRing
    from vigilar_common.crypto.vge import VerdictState, verify_file

    _replace_by_older(house, house.ids[0], "")
    ring = KeyRing()
    ring.add_private(house.rig.private)
    assert verify_file(_file(house, house.ids[0]), ring).state is VerdictState.INTACT
