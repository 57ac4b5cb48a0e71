"""Recording on command, splits and merging: which frames lie in which file, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import camera_media as media
import pytest
from recorder_bench import MOTION_ID, Bench, frames
from vigilar_camera_worker.domain.packets import TICKS_PER_S, Packet
from vigilar_camera_worker.domain.recording import Policy
from vigilar_camera_worker.last_recorded import LastRecorded
from vigilar_camera_worker.orders import Orders
from vigilar_camera_worker.report import Report
from vigilar_common import topics
from vigilar_common.bus import Received
from vigilar_common.messages import Reply
from vigilar_common.messages.camera import RecordAction, RecordCommand, RecordingOpened, Trigger
from vigilar_common.testing import FakeBus

SILENT = Policy(False, False, pre_s=2, post_s=3, onset_slack_s=0.5)
ON_MOTION = Policy(False, True, pre_s=2, post_s=3, onset_slack_s=0.5)


@pytest.fixture(name="make")
def _make(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(policy: Policy = SILENT, **more: Any) -> Bench:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Bench(folder, policy=policy, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.recorder.stop(5)


def live(bench: Bench, packets: list[Packet]) -> None:
    """Fed as a camera does: our clock goes on with the pictures."""
    for packet in packets:
        bench.feed([packet])
        bench.clock.advance(1 / media.FPS)


def files(bench: Bench) -> list[list[int]]:
    return [frames(bench.content(fact.recording_id)) for fact in bench.finished()]


def test_an_order_records_with_pre_roll_for_its_time_and_with_post_roll(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.begin()
    live(bench, media.video(0, 60))
    ordered = bench.recorder.order("web", Trigger.MANUAL, None, 4)
    live(bench, media.video(60, 120))
    bench.finish()
    (opened,) = bench.facts.of(RecordingOpened)
    assert (opened.trigger, opened.recording_id) == (Trigger.MANUAL, ordered.recording_id)
    (got,) = files(bench)
    assert got == list(range(30, 60 + 40 + 30)), "two seconds before to a keyframe, four, three after"
    assert bench.finished()[0].reason == "time is up"


def test_another_start_makes_the_order_longer_never_shorter_and_a_stop_ends_only_ones_own(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.begin()
    live(bench, media.video(0, 30))
    first = bench.recorder.order("web", Trigger.MANUAL, None, 8)
    assert bench.recorder.order("web", Trigger.MANUAL, None, 1).until_s == first.until_s
    assert bench.recorder.order("events", Trigger.RULE, None, 5).recording_id == first.recording_id
    assert bench.recorder.cancel("web")
    assert not bench.recorder.cancel("web")
    live(bench, media.video(30, 150))
    bench.finish()
    (got,) = files(bench)
    assert got[-1] == 30 + 50 + 30 - 1, "the rule's five seconds and the post-roll"


def test_an_order_while_the_camera_is_away_is_kept_and_what_it_missed_is_a_gap(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.begin()
    live(bench, media.video(0, 10))
    bench.recorder.interrupted("connection refused")
    bench.ring.clear()
    ordered = bench.recorder.order("events", Trigger.RULE, MOTION_ID, 10)
    assert (ordered.recording_id, ordered.away) == (None, "connection refused")
    bench.clock.advance(2)
    bench.begin()
    live(bench, media.video(30, 150))
    bench.finish()
    (opened,) = bench.facts.of(RecordingOpened)
    assert (opened.trigger, opened.cause_id) == (Trigger.RULE, MOTION_ID)
    (gap,) = bench.gaps()
    assert (gap.from_ms, gap.to_ms) == (media.START_MS + 1000, media.START_MS + 3000)
    (got,) = files(bench)
    assert got == list(range(30, 30 + 80 + 30))


def test_an_order_outlives_a_lost_connection(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.begin()
    live(bench, media.video(0, 20))
    bench.recorder.order("web", Trigger.MANUAL, None, 9)
    live(bench, media.video(20, 20))
    bench.recorder.interrupted("gone")
    bench.ring.clear()
    bench.clock.advance(1)
    bench.begin()
    live(bench, media.video(50, 140))
    bench.finish()
    assert [fact.reason for fact in bench.finished()] == ["gone", "time is up"]
    assert files(bench)[1][-1] == 20 + 90 + 30 - 1


def test_motion_soon_after_the_post_roll_goes_on_in_the_same_file_and_no_frame_is_there_twice(
    make: Callable[..., Bench],
) -> None:
    bench = make(ON_MOTION)
    bench.begin()
    bench.feed(media.video(0, 50))
    first = bench.recorder.motion_started(4.5, MOTION_ID)
    bench.recorder.motion_ended(5, MOTION_ID)
    bench.feed(media.video(50, 45))
    other = MOTION_ID[:-1] + "2"
    assert bench.recorder.motion_started(9.2, other) == first
    bench.recorder.motion_ended(9.3, other)
    bench.feed(media.video(95, 60))
    bench.finish()
    (got,) = files(bench)
    assert got == list(range(20, 124))


def test_motion_later_than_the_pre_roll_begins_a_file_of_its_own(make: Callable[..., Bench]) -> None:
    bench = make(ON_MOTION)
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.motion_started(4.5, MOTION_ID)
    bench.recorder.motion_ended(5, MOTION_ID)
    bench.feed(media.video(50, 70))
    other = MOTION_ID[:-1] + "2"
    bench.recorder.motion_started(11.8, other)
    bench.recorder.motion_ended(11.9, other)
    bench.feed(media.video(120, 60))
    bench.finish()
    first, second = files(bench)
    assert first[-1] == 80
    assert second[0] == 90


def test_the_end_of_a_motion_of_an_earlier_connection_ends_nothing(make: Callable[..., Bench]) -> None:
    bench = make(ON_MOTION)
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.motion_started(4.5, MOTION_ID)
    bench.recorder.interrupted("gone")
    bench.ring.clear()
    bench.begin()
    bench.feed(media.video(60, 10, number=0))
    other = MOTION_ID[:-1] + "2"
    bench.recorder.motion_started(6.5, other)
    bench.recorder.motion_ended(4.9, MOTION_ID)
    bench.feed(media.video(70, 60, number=10))
    bench.finish()
    assert files(bench)[1] == list(range(60, 130))


def sound(first_s: float, last_s: float, late_s: float) -> list[tuple[float, Packet]]:
    """(arrival, packet): AAC of 16 kHz that arrives later than the pictures of its time."""
    track, units = media.aac(16_000, 300)
    step = 1024 * TICKS_PER_S // track.sample_rate_hz
    found = []
    for index, data in enumerate(units):
        at_s = index * step / TICKS_PER_S
        if first_s <= at_s < last_s:
            packet = Packet(0, False, False, index * step, index * step, step, 0, data)
            found.append((at_s + late_s, packet))
    return found


def test_a_split_loses_and_doubles_no_frame_and_no_sound(make: Callable[..., Bench]) -> None:
    import io

    import av

    track, _ = media.aac(16_000, 300)
    bench = make(replace(ON_MOTION, continuous=True, split_s=3))
    bench.begin(media.stream_format("h264", track))
    arriving = [(p.time_s, p) for p in media.video(0, 100)] + sound(0, 9.9, late_s=0.25)
    arriving.sort(key=lambda item: item[0])
    bench.feed([replace(packet, number=number) for number, (_, packet) in enumerate(arriving)])
    bench.finish()
    got = files(bench)
    assert [part[0] for part in got] == [0, 30, 60, 90]
    assert [frame for part in got for frame in part] == list(range(100))
    spans = [(fact.started_ms, fact.ended_ms) for fact in bench.finished()]
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]], "no gap, no overlap"
    heard = 0
    for fact in bench.finished():
        with av.open(io.BytesIO(bench.content(fact.recording_id)), mode="r") as container:
            heard += len([packet for packet in container.demux(audio=0) if packet.size])
    assert heard == len(sound(0, 9.9, 0))


def test_motion_in_a_continuous_recording_names_the_file_that_shows_its_onset(
    make: Callable[..., Bench],
) -> None:
    bench = make(replace(ON_MOTION, continuous=True, split_s=3))
    bench.begin()
    bench.feed(media.video(0, 25))
    first = bench.recorder.motion_started(2, MOTION_ID)
    bench.recorder.motion_ended(2.2, MOTION_ID)
    bench.feed(media.video(25, 8))
    assert bench.recorder.motion_started(2.9, MOTION_ID) == first, "it began before the split"
    assert bench.recorder.motion_started(3.1, MOTION_ID) != first
    bench.finish()
    assert [fact.trigger for fact in bench.facts.of(RecordingOpened)] == [Trigger.CONTINUOUS] * 2


def test_the_next_process_tells_what_was_missed(make: Callable[..., Bench]) -> None:
    policy = replace(ON_MOTION, continuous=True)
    bench = make(policy)
    bench.writer.note = LastRecorded(bench.folder / "last.json", bench.clock).note
    bench.begin()
    live(bench, media.video(0, 25))
    bench.finish()
    bench.clock.advance(60)
    after = make(policy, clock=bench.clock)
    LastRecorded(bench.folder / "last.json", bench.clock).tell(after.recorder, continuous=True)
    after.begin()
    after.feed([replace(p, wall_ms=p.wall_ms + 62_500) for p in media.video(0, 20)])
    after.finish()
    (gap,) = after.gaps()
    assert (gap.from_ms, gap.to_ms) == (media.START_MS + 2500, media.START_MS + 62_500)
    assert gap.reason == "the camera worker did not run"
    (opened,) = after.facts.of(RecordingOpened)
    assert opened.trigger is Trigger.CONTINUOUS


def test_after_a_recording_that_was_over_nothing_is_missing(make: Callable[..., Bench]) -> None:
    bench = make(ON_MOTION)
    bench.writer.note = LastRecorded(bench.folder / "last.json", bench.clock).note
    bench.begin()
    bench.feed(media.video(0, 50))
    bench.recorder.motion_started(4.5, MOTION_ID)
    bench.recorder.motion_ended(4.6, MOTION_ID)
    bench.feed(media.video(50, 60))
    bench.finish()
    bench.clock.advance(60)
    after = make(ON_MOTION, clock=bench.clock)
    LastRecorded(bench.folder / "last.json", bench.clock).tell(after.recorder, continuous=False)
    after.clock.advance(60)
    after.recorder.tick()
    after.finish()
    assert after.gaps() == []
    (bench.folder / "last.json").write_text("rubbish")
    (bench.folder / "last.json.previous").write_text("rubbish")
    LastRecorded(bench.folder / "last.json", bench.clock).tell(after.recorder, continuous=True)


def test_commands_are_answered_and_the_state_tells_when_the_order_ends(make: Callable[..., Bench]) -> None:
    bench = make()
    bus = FakeBus(bench.clock)
    report = Report(bus, bench.facts, "front", bench.clock)  # type: ignore[arg-type]
    orders = Orders(bench.recorder, report, bench.clock)
    replies: list[Reply] = []

    def send(sender: str, action: RecordAction, duration_s: float = 60) -> Reply:
        command = RecordCommand(action=action, duration_s=duration_s)
        ids = {"sender": sender, "camera_id": "front"}
        orders.received(Received(topics.CMD_RECORD, ids, command, _answer=replies.append))
        return replies[-1]

    def until_ms() -> int:
        (state,) = bus.states.values()
        return int(state.ordered_until_ms)  # type: ignore[attr-defined]

    assert send("web", RecordAction.START, 20).code == "waiting"
    assert send("web", RecordAction.STOP).ok
    bench.begin()
    live(bench, media.video(0, 30))
    reply = send("events", RecordAction.START, 20)
    assert (reply.ok, reply.data["until_ms"]) == (True, until_ms())
    assert until_ms() == bench.clock.now_ms() + 20_000
    assert reply.data["recording_id"] == bench.recorder.recording_id
    bench.recorder.order("unseen", Trigger.CONTINUOUS, None, 60)
    assert until_ms() == bench.clock.now_ms() + 20_000, "what nobody ordered is not told as an order"
    assert send("web", RecordAction.STOP).ok, "people may end what a rule began"
    assert send("web", RecordAction.STOP).code == "not_recording"
    assert send("events", RecordAction.STOP).code == "not_recording"
    assert until_ms() == 0
    bench.finish()
    assert [fact.trigger for fact in bench.facts.of(RecordingOpened)][-1] is Trigger.RULE
