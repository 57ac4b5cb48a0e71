"""Real sealed files sent to a target that lies, forgets and breaks: nothing missing, nothing twice that differs."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from offsite_rig import CLOCK, House, feed, film, finish, pieces
from vigilar_common.config.offsite import Offsite
from vigilar_common.crypto.vge import VgeReader, recover
from vigilar_common.fmp4 import FragmentIndex
from vigilar_common.messages.alarm import ArmState, ArmStateChanged, Severity
from vigilar_common.messages.camera import RecordingOpened, Trigger
from vigilar_common.messages.system import StorageCheckpoint
from vigilar_common.state_file import StateFile
from vigilar_common.testing import FakeClock, FakeStorage
from vigilar_offsite.adapters.recordings import Recordings
from vigilar_offsite.adapters.target import part_name
from vigilar_offsite.anchors import Anchors
from vigilar_offsite.chooser import Chooser
from vigilar_offsite.domain.errors import TargetError, Why
from vigilar_offsite.keeping import Keeping
from vigilar_offsite.standing import Standing
from vigilar_offsite.streamer import Streamer

ID = "0190f000-0000-7000-8000-000000000001"


class Target:
    """Keeps what it is given; `fail` decides before each request."""

    shown = "sftp://there"
    most_bytes = 65_600

    def __init__(self, in_parts: bool = False) -> None:
        self.in_parts = in_parts
        self.files: dict[str, bytearray] = {}
        self.fail: Callable[[str], None] = lambda _what: None
        self.opened = self.appends = 0

    def open(self) -> None:
        self.fail("open")
        self.opened += 1

    def close(self) -> None: ...

    def has(self, name: str, sent_bytes: int) -> int:
        return sent_bytes if self.in_parts else min(sent_bytes, len(self.files.get(name, b"")))

    def append(self, name: str, offset: int, data: bytes) -> None:
        self.fail(name)
        self.appends += 1
        if self.in_parts:
            self.files[part_name(name, offset)] = bytearray(data)
            return
        file = self.files.setdefault(name, bytearray())
        assert len(file) >= offset, "a hole"
        assert file[offset : offset + len(data)] == data[: len(file) - offset], "what was there is changed"
        file[offset : offset + len(data)] = data

    def put(self, name: str, data: bytes) -> None:
        self.fail(name)
        self.files[name] = bytearray(data)


class Bench:
    def __init__(self, folder: Path, target: Target | None = None, **settings: Any) -> None:
        self.folder = folder
        self.house = House(folder / "recordings")
        self.house.root.mkdir()
        self.clock = FakeClock(CLOCK.now_ms())
        self.target = target or Target()
        self.settings = Offsite.model_validate(
            {"enabled": True, "url": "https://there.example", "max_upload_mbps": 0, **settings}
        )
        self.told: list[tuple[Severity, str, str]] = []
        self.storage = FakeStorage()
        self.start()

    def start(self) -> None:
        recordings = Recordings(self.house.root)
        self.chooser = Chooser(self.settings, recordings, self.clock)
        self.anchors = Anchors(self.storage, self.clock, self.chooser.is_ours, self.chooser.wake.set)
        self.keeping = Keeping(
            StateFile(self.folder / "offsite.json"), self.chooser, self.anchors, self.clock, self.target.shown
        )
        self.keeping.load()
        self.standing = Standing(
            self.target.shown, self.chooser, self.clock, lambda *event: self.told.append(event), lambda: 0.0
        )
        self.streamer = Streamer(
            clock=self.clock, settings=self.settings, recordings=recordings, target=self.target,
            chooser=self.chooser, anchors=self.anchors, keeping=self.keeping, standing=self.standing,
        )  # fmt: skip

    def findings(self) -> list[str]:
        return [finding.code for finding in self.standing.findings(self.keeping.problem)]

    def run(self, seconds: float = 3.0) -> None:
        """Let that much time pass, as the thread of the service does."""
        until_s = self.clock.monotonic_s() + seconds
        while (left_s := until_s - self.clock.monotonic_s()) > 0:
            pause_s = self.streamer.step()
            self.clock.advance(min(pause_s, left_s))

    def alarm(self, state: ArmState = ArmState.TRIGGERED) -> None:
        self.clock.advance(5)
        fact = ArmStateChanged(
            from_state=ArmState.ARMED_AWAY, to_state=state, changed_by="x", method="x", ts_ms=self.clock.now_ms()
        )  # fmt: skip
        self.chooser.on_fact(fact, 0, True)

    def opened(self, recording_id: str, trigger: Trigger = Trigger.RULE, **more: Any) -> None:
        fact = RecordingOpened(
            camera_id="front", recording_id=recording_id, stream_id=ID, trigger=trigger, codec="avc1", width_px=1,
            height_px=1, ts_ms=self.clock.now_ms(), **more,
        )  # fmt: skip
        self.chooser.on_fact(fact, 0, True)

    def arrived(self, recording_id: str, generation: str = "") -> bytes:
        """What is at the target, parts joined."""
        name = f"recordings/front/{recording_id}{generation}.vge"
        if not self.target.in_parts:
            return bytes(self.target.files.get(name, b""))
        joined = bytearray()
        for part in sorted(key for key in self.target.files if key.startswith(name)):
            at = int(part.rpartition("/")[2])
            assert at <= len(joined), "a hole"
            joined[at : at + len(self.target.files[part])] = self.target.files[part]
        return bytes(joined)


@pytest.fixture(name="bench", params=[False, True], ids=["appended", "in parts"])
def _bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, Target(request.param))


def place(bench: Bench, recording_id: str) -> Path:
    """Storage takes it over."""
    day = bench.house.root / "front" / datetime.fromtimestamp(CLOCK.now_ms() / 1000, UTC).strftime("%Y/%m/%d")
    day.mkdir(parents=True, exist_ok=True)
    return bench.house.path(recording_id).rename(day / f"{recording_id}.vge")


def test_a_recording_grows_off_site_in_whole_chunks_and_to_its_last_byte(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    bench.alarm()
    index = FragmentIndex()
    for data in pieces(film(4)):
        feed(file, data, index)
        bench.run(0.5)
    bench.run(2.5)
    sealed = bench.house.path(recording_id).read_bytes()
    assert (len(sealed) - 512) % 16_400 == 0
    assert bench.arrived(recording_id) == sealed
    finish(file)
    bench.run(1)
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()
    assert [event[1] for event in bench.told] == ["offsite_complete"]
    assert bench.standing.summary()["waiting"] == 0


def test_without_an_alarm_nothing_is_sent_and_thumbnails_never(bench: Bench) -> None:
    bench.house.record(film(1))
    bench.run(5)
    assert [name for name in bench.target.files if name.startswith("recordings")] == []
    bench.alarm()
    thumbnail = bench.house.path(bench.house.record(film(1)))
    raw = bytearray(thumbnail.read_bytes())
    raw[11] = 2
    thumbnail.write_bytes(raw)
    bench.run(5)
    sent = [name for name in bench.target.files if thumbnail.stem in name]
    assert sent == []


def test_what_ended_shortly_before_the_alarm_is_sent_too_and_older_is_not(bench: Bench) -> None:
    before, old = bench.house.record(film(1)), bench.house.record(film(1))
    place(bench, before)
    stale = place(bench, old)
    os.utime(stale, (CLOCK.now_ms() / 1000 - 300,) * 2)
    bench.alarm()
    bench.run()
    assert bench.arrived(before)
    assert not bench.arrived(old)


def test_times_that_nobody_can_have_meant_cost_no_more_than_the_days_on_disk(bench: Bench) -> None:
    recording_id = bench.house.record(film(1))
    place(bench, recording_id)
    found = list(Recordings(bench.house.root).ended(-(1 << 60), 1 << 60))
    assert [file.recording_id for file in found] == [recording_id]


def test_an_alarm_that_was_over_before_we_heard_of_it_is_gone_through(bench: Bench) -> None:
    recording_id = bench.house.record(film(1))
    place(bench, recording_id)
    bench.alarm()
    bench.clock.advance(1)
    bench.alarm(ArmState.DISARMED)
    late, file = bench.house.begin(created_ms=bench.clock.now_ms() + 60_000)
    feed(file, film(1))
    finish(file)
    bench.run()
    assert bench.arrived(recording_id)
    assert not bench.arrived(late), "begun after it"


def test_when_the_clock_was_set_back_ids_run_ahead_and_recordings_are_sent_all_the_same(bench: Bench) -> None:
    recording_id = bench.house.record(film(1))
    path = bench.house.path(recording_id)
    ahead = f"7{recording_id[1:]}"  # made in the year 6000, by what the id says
    path.rename(path.with_name(f"{ahead}.vge"))
    place(bench, ahead)
    bench.alarm()
    bench.clock.advance(1)
    bench.alarm(ArmState.DISARMED)
    bench.run()
    assert bench.arrived(ahead)


def test_a_recording_moved_by_storage_while_it_is_sent_arrives_whole(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    bench.opened(recording_id)
    data = pieces(film(4))
    index = FragmentIndex()
    for piece in data[:4]:
        feed(file, piece, index)
    bench.run()
    assert bench.arrived(recording_id)
    for piece in data[4:]:
        feed(file, piece, index)
    finish(file)
    final = place(bench, recording_id)
    bench.run()
    assert bench.arrived(recording_id) == final.read_bytes()


def test_other_reasons_for_a_recording_are_looked_at(tmp_path: Path) -> None:
    bench = Bench(tmp_path, occasions=["manual"])
    by_rule, by_hand = bench.house.record(film(1)), bench.house.record(film(1))
    bench.opened(by_rule)
    bench.opened(by_hand, Trigger.MANUAL)
    bench.alarm()
    bench.run()
    assert bench.arrived(by_hand)
    assert not bench.arrived(by_rule)


def test_after_failures_it_goes_on_where_the_target_is(bench: Bench) -> None:
    recording_id = bench.house.record(film(4))
    bench.alarm()
    counted = {"left": 2}

    def fail(what: str) -> None:
        if what.startswith("recordings"):
            counted["left"] -= 1
            if counted["left"] < 0 and counted["left"] > -4:
                raise TargetError(Why.UNREACHABLE, "the line was cut")

    bench.target.fail = fail
    bench.run(40)
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()
    assert bench.standing.counters["failures"] == 3
    assert bench.standing.summary()["target_state"] == "ok"
    assert bench.target.opened == 4


def test_what_the_target_lost_is_sent_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    recording_id, file = bench.house.begin()
    bench.alarm()
    index = FragmentIndex()
    data = pieces(film(4))
    for piece in data[:5]:
        feed(file, piece, index)
    bench.run()
    there = bench.target.files[f"recordings/front/{recording_id}.vge"]
    assert len(there) > 17_000
    del there[17_000:]
    bench.run(70)  # the connection was closed meanwhile: nothing had to be sent
    for piece in data[5:]:
        feed(file, piece, index)
    finish(file)
    bench.run()
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()
    assert bench.standing.counters["resumed"] == 1


def test_a_restart_sends_nothing_twice(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    bench.alarm()
    data = pieces(film(4))
    index = FragmentIndex()
    for piece in data[:4]:
        feed(file, piece, index)
    bench.run()
    bench.streamer.stop()
    sent = bench.target.appends
    bench.start()
    bench.run()
    assert bench.target.appends == sent
    for piece in data[4:]:
        feed(file, piece, index)
    finish(file)
    bench.run()
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()
    appends = bench.target.appends
    bench.streamer.stop()
    bench.start()
    bench.run()
    assert bench.target.appends == appends
    assert bench.chooser.alarms.active, "the alarm is known again without a broker"


def test_killed_before_the_state_was_kept_parts_overlap_and_agree(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    bench.alarm()
    bench.run(0.1)
    data = pieces(film(4))
    index = FragmentIndex()
    for piece in data:
        feed(file, piece, index)
        bench.run(0.7)
        bench.start()  # what was not kept is forgotten
    finish(file)
    bench.run(4)
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()


def test_a_torn_end_that_was_cut_off_leads_to_a_second_file_beside_the_first(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    bench.alarm()
    index = FragmentIndex()
    for piece in pieces(film(4)):
        feed(file, piece, index)
    bench.run()
    file.close()
    first = bench.arrived(recording_id)
    path = bench.house.path(recording_id)
    os.truncate(path, path.stat().st_size - 20_000)  # the power cut took what was not on the disk yet
    recover(path, bench.house.ring)
    bench.run()
    assert bench.arrived(recording_id) == first, "what was there stays"
    assert bench.arrived(recording_id, ".2") == path.read_bytes()
    assert bench.standing.counters["anew"] == 1
    arrived = tmp_file(bench, first)
    with VgeReader(arrived, bench.house.ring) as reader:
        assert reader.scan_growing() > 0


def tmp_file(bench: Bench, data: bytes) -> Path:
    path = bench.folder / "arrived.vge"
    path.write_bytes(data)
    return path


def test_a_recording_that_is_deleted_before_it_was_sent_is_told(bench: Bench) -> None:
    recording_id = bench.house.record(film(1))
    bench.opened(recording_id)
    bench.house.path(recording_id).unlink()
    bench.run(40)
    assert [event[:2] for event in bench.told] == [(Severity.ALERT, "offsite_lost")]
    assert bench.findings() == ["offsite_lost"]
    bench.opened(recording_id)
    bench.run(40)
    assert bench.standing.counters["lost"] == 1


def test_what_cannot_be_sent_for_hours_is_given_up_however_the_clock_jumps(tmp_path: Path) -> None:
    bench = Bench(tmp_path, keep_trying_h=1)
    bench.opened(bench.house.record(film(1)))

    def away(_what: str) -> None:
        raise TargetError(Why.UNREACHABLE, "sftp://there is away")

    bench.target.fail = away
    bench.run(1)
    bench.clock.jump_wall(10**8)
    bench.run(600)
    assert bench.standing.counters["lost"] == 0
    assert bench.findings() == ["offsite_target"]
    bench.run(3_700)
    assert bench.standing.counters["lost"] == 1
    assert {event[1] for event in bench.told} == {"offsite_target", "offsite_lost"}


def test_recordings_without_encryption_stay_in_the_house(bench: Bench) -> None:
    folder = bench.house.root / "incoming" / "front"
    folder.mkdir(parents=True)
    (folder / f"{ID}.mp4").write_bytes(film(1))
    bench.alarm()
    bench.run()
    assert [name for name in bench.target.files if name.startswith("recordings")] == []
    assert bench.findings() == ["offsite_unsealed"]


def test_recordings_that_their_owner_could_not_open_are_sent_and_told(bench: Bench) -> None:
    recording_id = bench.house.record(film(1), owner=False)
    bench.alarm()
    bench.run()
    assert bench.arrived(recording_id)
    assert bench.findings() == ["offsite_unsealed"]


@pytest.mark.parametrize("name", ["x.vge", f"{ID}.vge.tmp", f"{ID.replace('7', '4', 1)}.vge", ".vge"])
def test_strangers_links_and_pipes_in_incoming_are_left_alone(bench: Bench, name: str) -> None:
    folder = bench.house.root / "incoming" / "front"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"x" * 600)
    os.mkfifo(folder / f"{ID}.vge")
    (folder / f"{ID[:-1]}2.vge").symlink_to("/etc/passwd")
    (folder / f"{ID[:-1]}3.vge").write_bytes(b"no header")
    bench.alarm()
    bench.run()
    assert [found for found in bench.target.files if found.startswith("recordings")] == []


def test_a_slow_line_is_shared_and_the_delay_is_known(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_upload_mbps=0.5)
    ids = [bench.house.record(film(8)) for _ in range(3)]
    bench.alarm()
    bench.run(8)
    arrived = [len(bench.arrived(recording_id)) for recording_id in ids]
    assert max(arrived) - min(arrived) <= 65_600
    assert sum(arrived) < 8.5 * 62_500 + 3 * 65_600
    assert bench.standing.summary()["lag_s"] >= 6
    assert bench.standing.summary()["waiting_alarm"] == 3
    assert bench.standing.counters["bytes"] >= sum(arrived)


def checkpoint(size: int = 3) -> StorageCheckpoint:
    return StorageCheckpoint(origin="vigilar/x", size=size, root="AAAA", note=f"note {size}")


def test_checkpoints_are_sent_once_also_without_an_alarm(bench: Bench) -> None:
    bench.anchors.heard(checkpoint())
    bench.run()
    bench.anchors.heard(checkpoint())
    bench.run()
    assert bench.target.files["checkpoints/000000000003-AAAA.txt"] == b"note 3"
    assert bench.anchors.counters["notes"] == 1
    bench.streamer.stop()
    bench.start()
    bench.anchors.heard(checkpoint())
    bench.run()
    assert bench.anchors.counters["notes"] == 0


def test_footage_goes_on_when_the_target_takes_no_small_files(bench: Bench) -> None:
    def picky(what: str) -> None:
        if what.startswith("checkpoints"):
            raise TargetError(Why.REFUSED, "may not be written")

    bench.run(1)
    bench.target.fail = picky
    recording_id = bench.house.record(film(2))
    bench.alarm()
    bench.anchors.heard(checkpoint())
    bench.run(10)
    assert bench.arrived(recording_id) == bench.house.path(recording_id).read_bytes()


def test_another_target_gets_everything_that_waits_from_its_beginning(bench: Bench) -> None:
    recording_id, file = bench.house.begin()
    feed(file, film(2))
    bench.alarm()
    bench.run()
    bench.streamer.stop()
    before = bench.arrived(recording_id)
    bench.target = Target(bench.target.in_parts)
    bench.target.shown = "sftp://elsewhere"
    bench.start()
    bench.run()
    assert bench.arrived(recording_id) == before


def test_a_damaged_state_file_is_told_and_the_alarm_is_heard_anew(bench: Bench) -> None:
    (bench.folder / "offsite.json").write_text("{")
    bench.start()
    assert "offsite_state" in bench.findings()
    recording_id = bench.house.record(film(1))
    bench.alarm()
    bench.run()
    assert bench.arrived(recording_id)
