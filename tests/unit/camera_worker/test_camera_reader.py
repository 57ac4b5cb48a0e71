"""Connecting, losing and finding a camera again, without a network: a scripted stream and a clock that tests move."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import camera_media as media
import pytest
from vigilar_camera_worker.adapters.lull import Newest
from vigilar_camera_worker.camera import CameraReader
from vigilar_camera_worker.domain import arrivals
from vigilar_camera_worker.domain.backoff import BackOff
from vigilar_camera_worker.domain.nal import ParameterSets, is_complete, parameter_sets
from vigilar_camera_worker.domain.packets import RawPacket
from vigilar_camera_worker.domain.ring import PacketRing
from vigilar_camera_worker.errors import LoginRefusedError, StalledError, StreamLostError, UnreachableError
from vigilar_camera_worker.report import Report
from vigilar_common.config import Camera
from vigilar_common.messages.camera import CameraCondition, CameraOffline, CameraOnline, CameraState
from vigilar_common.testing import FakeBus, FakeClock, FakeFacts

CAMERA = Camera(
    id="front", display_name="Front", rtsp_url="rtsp://u:secret@host/x", resolution_capture=(320, 240)
)


@dataclass
class Part:
    """Stands for recorder, live and analyser: remembers what it was given."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    good_s: float = 0.0
    sub_analysed: bool = False
    on_start: Callable[[Any], None] = lambda _wanted: None

    def stream_started(self, wanted: Any) -> None:
        self.calls.append(("started", (wanted.codec, wanted.width_px, wanted.height_px)))
        self.on_start(wanted)

    def interrupted(self, reason: str = "", lossless: bool = False) -> None:
        self.calls.append(("interrupted", (reason, lossless)))

    def feed(self, packet: Any) -> None:
        self.calls.append(("packet", packet))

    put = feed

    def order(self, *what: Any) -> None:
        self.calls.append(("order", what))

    def tick(self) -> None: ...

    def measured(self, clocks: Any) -> None: ...

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture(autouse=True)
def packets_are_handed_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "HOLD_S", 0.0)


class Script:
    """A CameraStream that plays a list: packets, errors to raise, callables to run."""

    def __init__(
        self, items: list[Any], codec: str = "h264", described: bytes = b"", unsupported: str = ""
    ) -> None:
        self.items, self.codec, self.described, self.unsupported_audio = items, codec, described, unsupported
        self.audio = None
        self.closed = False

    def needless(self, needless_s: Callable[[], float], newest: Newest) -> None: ...

    def packets(self) -> Iterator[RawPacket]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def close(self) -> None:
        self.closed = True


class House:
    def __init__(self, attempts: list[Any]) -> None:
        self.clock = FakeClock()
        self.bus, self.facts = FakeBus(self.clock), FakeFacts(self.clock)
        self.report = Report(self.bus, self.facts, "front", self.clock)  # type: ignore[arg-type]
        self.recorder, self.live, self.analyser = Part(), Part(), Part()
        self.analyser.good_s = self.clock.monotonic_s() + 10_000
        self.attempts = attempts
        self.tried_at: list[float] = []
        self.reader = CameraReader(
            CAMERA,
            self.clock,
            self.report,
            PacketRing(5),
            self.recorder,  # type: ignore[arg-type]
            self.live,  # type: ignore[arg-type]
            self.analyser,  # type: ignore[arg-type]
            opener=self._open,
            back_off=BackOff(random=random.Random(1)),
        )
        # Pictures are clean as soon as a stream starts.
        self.analyser.on_start = lambda wanted: self.reader.picture_decoded(wanted.stream_id)

    def _open(self, url: str, clock: Any) -> Any:
        self.tried_at.append(self.clock.monotonic_s())
        if not self.attempts:
            self.reader._stopping.set()
            raise StreamLostError("the test is over")
        attempt = self.attempts.pop(0)
        if isinstance(attempt, Exception):
            raise attempt
        return attempt

    def run(self) -> None:
        self.reader._run()

    @property
    def state(self) -> CameraState:
        (state,) = self.bus.states.values()
        assert isinstance(state, CameraState)
        return state


def raw(first: int = 0, count: int = 20, codec: str = "h264") -> list[RawPacket]:
    return [
        RawPacket(True, p.key, p.pts, p.dts, p.duration, p.data) for p in media.video(first, count, codec)
    ]


def test_packets_reach_every_part_and_the_camera_is_online_when_a_picture_decodes() -> None:
    house = House([Script(raw())])
    house.run()
    assert house.recorder.names()[:3] == ["started", "packet", "packet"]
    assert house.live.names() == house.recorder.names()
    assert house.recorder.calls[0][1] == ("h264", 320, 240)
    (online,) = house.facts.of(CameraOnline)
    assert online.offline_s == 0


def test_a_camera_that_cannot_be_reached_is_told_offline_once_with_the_reason() -> None:
    house = House([UnreachableError("host:554/x: connection refused")] * 5)
    house.run()
    (offline,) = house.facts.of(CameraOffline)
    assert offline.reason == "host:554/x: connection refused"
    assert house.state.condition is CameraCondition.OFFLINE


def test_a_short_loss_is_not_told_as_offline_and_a_longer_one_is_and_its_length_is_told() -> None:
    house = House(
        [Script(raw()), Script(raw()), UnreachableError("away"), UnreachableError("away"), Script(raw())]
    )
    house.attempts[0].items.append(StreamLostError("ended"))
    house.attempts[1].items.append(StreamLostError("ended"))
    house.run()
    assert [fact.reason for fact in house.facts.of(CameraOffline)] == ["away"]
    first, second = house.facts.of(CameraOnline)
    assert first.offline_s == 0
    assert second.offline_s > 0.2


def waits(house: House) -> list[float]:
    return [later - earlier for earlier, later in zip(house.tried_at, house.tried_at[1:], strict=False)]


def test_a_camera_that_is_away_is_never_waited_for_longer_than_two_and_a_half_seconds() -> None:
    house = House([UnreachableError("away")] * 14)
    house.run()
    waited = waits(house)
    assert all(0.1 * 2**n <= wait <= 0.2 * 2**n + 0.001 for n, wait in enumerate(waited[:4]))
    assert all(1.25 <= wait <= 2.51 for wait in waited[4:])
    assert len({round(wait, 3) for wait in waited[4:]}) > 5, "each wait is another"


def test_a_camera_that_refuses_the_login_is_soon_left_alone() -> None:
    house = House([LoginRefusedError("401")] * 14)
    house.run()
    waited = waits(house)
    assert sum(waited[:2]) < 1, "while it boots it may refuse anybody"
    assert sum(wait < 30 for wait in waited) <= 7
    assert all(150 <= wait <= 300.01 for wait in waited[10:])


def test_after_a_refusal_a_camera_that_is_merely_away_is_tried_quickly_again() -> None:
    house = House([*[LoginRefusedError("401")] * 9, UnreachableError("away"), UnreachableError("away")])
    house.run()
    assert waits(house)[-1] <= 2.51


def test_sixty_cameras_after_a_power_cut_come_back_within_three_seconds_and_never_at_once() -> None:
    """When each of them tries next, after two minutes without power: the switch is back at second 120."""
    next_tries = []
    for number in range(60):
        back_off, now_s = BackOff(random=random.Random(number)), 0.0
        while now_s < 120:
            now_s += back_off.next_s() + 0.05
        next_tries.append(now_s - 120)
    assert max(next_tries) <= 2.6
    slots = [sum(at <= try_s < at + 0.1 for try_s in next_tries) for at in (n / 10 for n in range(27))]
    assert max(slots) <= 8


def test_losses_are_counted_by_kind() -> None:
    house = House([Script([*raw(), StalledError("silent")]), UnreachableError("away"), Script(raw())])
    house.run()
    assert house.reader.attempts.counters == {"losses": 2, "reconnects": 1, "stalls": 1}
    assert house.reader.attempts.last_error == "unreachable"
    assert house.state.error == ""


def test_the_state_names_the_kind_of_the_failure() -> None:
    house = House([LoginRefusedError("refuses user or password")] * 2)
    house.run()
    assert house.state.error == "login_refused"


def test_pictures_too_large_to_be_looked_at_are_all_recorded_and_never_decoded() -> None:
    house = House([Script(raw())])
    house.reader._limit_px = 320 * 240 - 1
    house.run()
    assert "packet" not in house.analyser.names()
    assert house.recorder.names().count("packet") == 20
    assert house.recorder.names().count("order") >= 2, "again with each keyframe"
    assert house.facts.of(CameraOnline)
    assert "320×240 pixels are too large to be looked at" in " ".join(house.state.findings)


def test_after_a_healthy_connection_the_first_retry_is_quick_again() -> None:
    house = House([UnreachableError("away")] * 8)
    house.attempts += [Script([*raw(), lambda: house.clock.advance(60), StreamLostError("ended")])]
    house.attempts += [UnreachableError("away")]
    house.run()
    assert house.tried_at[9] - house.tried_at[8] < 60.3


def test_a_stream_without_pictures_is_given_up() -> None:
    sound = RawPacket(False, False, 0, 0, 0, b"x")
    house = House([Script(raw())])
    house.attempts[0].items += [lambda: house.clock.advance(1), sound] * 10
    house.run()
    assert "has sent no picture for 8 s" in str(
        next(v for n, v in house.recorder.calls if n == "interrupted")
    )


def test_a_stream_without_a_keyframe_is_given_up() -> None:
    headless = [item for item in raw() if not item.key]
    house = House([Script([])])
    second = functools.partial(house.clock.advance, 1)
    house.attempts[0].items = [item for packet in headless for item in (second, packet)]
    house.run()
    assert "no usable keyframe within 15 s" in house.facts.of(CameraOffline)[0].reason


def test_data_that_never_decodes_is_told_as_such() -> None:
    house: House = House([Script([])])
    house.analyser.on_start = lambda _wanted: None
    house.analyser.good_s = house.clock.monotonic_s()
    second = functools.partial(house.clock.advance, 1)
    house.attempts[0].items = [item for packet in raw() for item in (second, packet)]
    house.run()
    assert "cannot be decoded as h264" in house.facts.of(CameraOffline)[0].reason


def test_a_bug_in_reading_costs_one_connection_and_not_the_camera() -> None:
    house = House([Script([ZeroDivisionError("x")]), Script(raw())])
    house.run()
    assert len(house.facts.of(CameraOnline)) == 1


def test_every_connection_is_closed() -> None:
    scripts = [Script([*raw(), StreamLostError("ended")]), Script([ValueError("x")])]
    House(list(scripts)).run()
    assert all(script.closed for script in scripts)


def test_other_parameters_in_mid_stream_interrupt_without_loss() -> None:
    other = media.access_units("h264", 30, 10)
    assert other
    house = House([Script(raw())])
    changed = raw(20, 10)
    sets = parameter_sets(changed[0].data, "h264")
    # The same stream with another SPS in front: the constraint flags of the profile differ.
    spoiled = sets.replace(b"\x67\x42\xc0", b"\x67\x42\x80", 1)
    changed[0] = RawPacket(
        True, True, changed[0].pts, changed[0].dts, 0, spoiled + changed[0].data[len(sets) :]
    )
    house.attempts[0].items += changed
    house.run()
    assert house.recorder.calls[21] == ("interrupted", ("the camera changed its picture format", True))
    assert house.recorder.names()[22] == "started"


def test_findings_name_unsupported_sound_and_an_unexpected_resolution() -> None:
    house = House([Script(raw(codec="hevc"), codec="hevc", unsupported="pcm_mulaw")])
    object.__setattr__(
        house.reader, "_camera", CAMERA.model_copy(update={"resolution_capture": (1920, 1080)})
    )
    house.run()
    text = " ".join(house.state.findings)
    assert "pcm_mulaw" in text
    assert "320×240 pixels, resolution_capture says 1920×1080" in text


def test_keyframes_without_parameter_sets_get_those_of_the_description() -> None:
    keyframe = media.access_units()[0][0]
    sets = parameter_sets(keyframe, "h264")
    assert is_complete(sets, "h264")
    bare = keyframe[keyframe.index(sets[-4:]) + 4 :]
    follower = ParameterSets("h264", sets)
    data, changed = follower.take(bare)
    assert data == sets + bare
    assert not changed
    house = House([Script([RawPacket(True, True, 0, 0, 0, bare)], described=sets)])
    house.run()
    assert house.recorder.calls[0] == ("started", ("h264", 320, 240))


def test_a_failing_fact_log_does_not_stop_the_camera() -> None:
    import sqlite3

    house = House([UnreachableError("away"), Script(raw())])

    def emit(fact: Any, **ids: str) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    house.facts.emit = emit  # type: ignore[method-assign]
    house.run()
    assert house.recorder.names().count("packet") == 20
