"""Arm commands as a sender experiences them."""

from __future__ import annotations

from pathlib import Path

import pytest
from alarm_house import House
from vigilar_common.bus import Received
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import (
    ArmAction,
    ArmCommand,
    ArmRefused,
    ArmState,
    ArmStateChanged,
)
from vigilar_common.messages.system import SystemEvent
from vigilar_common.passwords import verify_pin
from vigilar_common.topics import CMD_ALARM

HASH_OF_0012 = (
    "pbkdf2_sha256$000102030405060708090a0b0c0d0e0f$"
    "2066e9193efb2be4ee7c80cd228f939a5ba503552bafe632ebcc8481a9ef820c"
)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_right_pin_arms_tells_everybody_and_writes_the_log(house: House) -> None:
    reply = house.ask("ARM_AWAY", "1234")
    assert reply.ok
    assert reply.data["state"] == "armed_away"
    assert house.told.state is ArmState.ARMED_AWAY
    assert house.told.changed_by == "admin"
    (changed,) = house.facts.of(ArmStateChanged)
    assert (changed.from_state, changed.to_state, changed.method) == ("disarmed", "armed_away", "web")


@pytest.mark.parametrize(("pin", "code"), [("", "pin_missing"), ("4321", "wrong_pin")])
def test_a_wrong_or_missing_pin_changes_nothing_and_is_told(house: House, pin: str, code: str) -> None:
    reply = house.ask("ARM_AWAY", pin)
    assert (reply.ok, reply.code) == (False, "wrong_pin")
    assert house.told.state is ArmState.DISARMED
    (refused,) = house.facts.of(ArmRefused)
    assert (refused.code, refused.requested_by) == (code, "admin")
    assert "4321" not in repr(house.facts.emitted) + reply.message


def test_disarming_needs_the_pin_as_arming_does(house: House) -> None:
    house.ask("ARM_NIGHT", "1234")
    assert not house.ask("DISARM", "").ok
    assert house.ask("DISARM", "1234").ok
    assert house.told.state is ArmState.DISARMED


def test_after_five_wrong_pins_even_the_right_one_waits_and_nothing_is_hashed(house: House) -> None:
    for _ in range(5):
        assert house.ask("ARM_AWAY", "0000").code == "wrong_pin"
    hashed = house.hashed
    reply = house.ask("ARM_AWAY", "1234")
    assert reply.code == "too_many_tries"
    assert 1 <= reply.data["retry_after_s"] <= 61
    assert house.hashed == hashed
    house.clock.advance(reply.data["retry_after_s"])
    assert house.ask("ARM_AWAY", "1234").ok


def test_the_limit_survives_kill_9_and_a_clock_that_jumps(house: House) -> None:
    for _ in range(5):
        house.ask("ARM_AWAY", "0000", sender="home_automation")
    house.restart()
    house.clock.jump_wall(86_400)
    assert house.ask("ARM_AWAY", "1234", sender="home_automation").code == "too_many_tries"


def test_forged_names_from_outside_are_one_source(house: House) -> None:
    codes = [house.ask("DISARM", "0000", "home_automation", f"user{n}").code for n in range(1000)]
    assert codes.count("wrong_pin") == house.hashed == 5
    assert len(house.facts.of(ArmRefused)) == 6, "five wrong ones, and one word about all the rest"


def test_without_a_pin_the_web_session_arms_and_mqtt_is_refused(tmp_path: Path) -> None:
    house = House(tmp_path, pin="")
    reply = house.ask("ARM_AWAY", "1234", sender="home_automation")
    assert (reply.ok, reply.code) == (False, "pin_not_configured")
    assert house.ask("ARM_AWAY").ok
    assert not house.told.pin_configured
    assert [finding.code for finding in house.arming.findings()] == ["pin_not_configured"]
    assert house.hashed == 0


def test_the_same_state_again_is_fine_and_makes_no_row(house: House) -> None:
    house.ask("ARM_HOME", "1234")
    assert house.ask("ARM_HOME", "1234").ok
    assert len(house.facts.of(ArmStateChanged)) == 1


def test_the_arm_state_survives_a_restart(house: House) -> None:
    house.ask("ARM_VACATION", "1234")
    since_ms = house.told.since_ms
    house.clock.advance(1000)
    house.bus.states.clear()
    house.restart()
    assert (house.told.state, house.told.since_ms) == (ArmState.ARMED_VACATION, since_ms)
    assert len(house.facts.of(ArmStateChanged)) == 1


def test_a_change_that_a_crash_kept_from_the_log_is_told_after_the_restart(house: House) -> None:
    real = house.facts.emit_first
    house.facts.emit_first = _dies  # type: ignore[assignment, method-assign]
    with pytest.raises(SystemExit):
        house.ask("ARM_AWAY", "1234")
    house.facts.emit_first = real  # type: ignore[method-assign]
    house.restart()
    assert house.told.state is ArmState.ARMED_AWAY
    assert [fact.to_state for fact in house.facts.of(ArmStateChanged)] == ["armed_away"]
    house.restart()
    assert len(house.facts.of(ArmStateChanged)) == 1


def _dies(*_: object, **__: object) -> None:
    raise SystemExit


def test_a_damaged_state_file_falls_back_to_the_copy_before_and_is_loud(house: House) -> None:
    house.ask("ARM_AWAY", "1234")
    (house.folder / "alarm.json").write_bytes(b"\0" * 100)
    house.restart()
    assert house.told.state is ArmState.ARMED_AWAY
    assert "arm_state_damaged" in [finding.code for finding in house.arming.findings()]
    assert [event.code for event in house.facts.of(SystemEvent)] == ["arm_state_damaged"]


def test_with_no_readable_copy_the_house_is_guarded_rather_than_open(house: House) -> None:
    house.ask("ARM_NIGHT", "1234")
    for name in ("alarm.json", "alarm.json.previous"):
        (house.folder / name).write_bytes(b"rubbish")
    house.restart()
    assert house.told.state is ArmState.ARMED_AWAY
    assert house.ask("DISARM", "1234").ok


def test_a_disk_that_refuses_does_not_keep_the_owner_from_disarming(house: House) -> None:
    house.ask("ARM_AWAY", "1234")
    for name in (
        "alarm.json.tmp",
        "alarm.json.previous.tmp",
        "pin-limiter.json.tmp",
        "pin-limiter.json.previous.tmp",
    ):
        (house.folder / name).mkdir()
    assert house.ask("DISARM", "1234").ok
    assert house.told.state is ArmState.DISARMED
    codes = {finding.code for finding in house.arming.findings()}
    assert codes == {"arm_state_not_kept", "pin_limiter_not_kept"}


def test_a_new_pin_takes_effect_at_once(house: House) -> None:
    house.configure(security={})
    assert not house.told.pin_configured
    assert house.ask("ARM_AWAY").ok


def test_the_real_hash_is_checked(tmp_path: Path) -> None:
    house = House(tmp_path, "", {"security": {"pin_hash": HASH_OF_0012}})
    house.arming._verify = verify_pin
    assert not house.ask("ARM_AWAY", "12").ok
    assert house.ask("ARM_AWAY", "0012").ok


def test_a_flood_of_commands_is_answered_busy_and_never_blocks(house: House) -> None:
    replies: list[Reply] = []
    command = ArmCommand(action=ArmAction.ARM_AWAY, pin="1")
    for _ in range(100):
        house.arming.submit(Received(CMD_ALARM, {"sender": "web"}, command, b"", {}, False, replies.append))
    assert {reply.code for reply in replies} == {"alarm_unavailable"}
    assert len(replies) == 84
