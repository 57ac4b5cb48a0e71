"""Small files that survive a power cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from vigilar_common.state_file import StateFile


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "deep" / "x.json")
    assert file.load().value is None
    assert file.load().problem == ""
    file.save({"n": 1})
    file.save({"n": 2})
    assert file.load().value == {"n": 2}


def test_every_damaged_byte_is_noticed_and_the_copy_before_serves(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "x.json")
    file.save({"state": "armed_away"})
    file.save({"state": "armed_home"})
    good = file.path.read_bytes()
    for at in range(len(good)):
        file.path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        loaded = file.load()
        assert loaded.value == {"state": "armed_away"}
        assert str(file.path) in loaded.problem
    for length in range(len(good)):
        file.path.write_bytes(good[:length])
        assert file.load().value == {"state": "armed_away"}


def test_saving_over_a_damaged_file_keeps_the_good_copy_before_it(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "x.json")
    for number in (1, 2):
        file.save({"n": number})
    file.path.write_bytes(b"rubbish")
    file.save({"n": 3})
    file.path.write_bytes(b"rubbish")
    assert file.load().value == {"n": 1}


def test_both_copies_damaged_leave_nothing_and_say_so(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "x.json")
    file.save({"n": 1})
    file.save({"n": 2})
    file.path.write_bytes(b"")
    file.previous.write_bytes(b"\xff\xfe")
    loaded = file.load()
    assert loaded.value is None
    assert loaded.problem.count("is damaged:") == 2


def test_a_disk_that_refuses_is_an_error_and_the_old_value_stays(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "x.json")
    file.save({"n": 1})
    (tmp_path / "x.json.tmp").mkdir()
    with pytest.raises(OSError):
        file.save({"n": 2})
    assert file.load().value == {"n": 1}
