"""The alarm as it is kept: its state, what runs, what is left out, what happened; and who asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vigilar_common.messages.alarm import ArmAction, ArmMode, ArmState

SESSION_SENDER = "web"
"""The one sender whose commands come from somebody who logged in with a password."""

PRESENCE_SENDER = "presence"
"""It knows no PIN: phones on the network may arm, and disarm only where the owner says so."""

METHODS = {"web": "web", "home_automation": "mqtt", "presence": "presence"}

MODES: dict[ArmAction, ArmMode] = {
    ArmAction.ARM_HOME: ArmMode.HOME,
    ArmAction.ARM_AWAY: ArmMode.AWAY,
    ArmAction.ARM_NIGHT: ArmMode.NIGHT,
    ArmAction.ARM_VACATION: ArmMode.VACATION,
}
ARMED: dict[ArmState, ArmMode] = {mode.armed: mode for mode in ArmMode}
TIMED = frozenset({ArmState.ARMING, ArmState.PENDING, ArmState.TRIGGERED})
"""States that end by themselves. `disarming` is never taken: nothing waits when the alarm is disarmed."""
MAX_TRIPS = 32


@dataclass(frozen=True)
class Trip:
    """A sensor that opened."""

    sensor_id: str
    what: str
    at_ms: int


@dataclass(frozen=True)
class Alarm:
    """The arm state and what belongs to it. Times are UTC ms; what runs is measured by the monotonic clock besides."""

    state: ArmState
    since_ms: int
    changed_by: str = ""
    mode: ArmMode | None = None
    """What is armed, being armed, or holds again after the alarm; None: disarmed."""
    fallback: ArmMode | None = None
    """Of `arming`: what was armed before, and holds again when arming fails."""
    delay_s: int = 0
    until_ms: int = 0
    """When the running delay ends; 0 in states that last."""
    confirm_ms: int = 0
    """Of `triggered`: when the abort window ends; 0 once the alarm was told as confirmed."""
    cause_id: str = ""
    """Of `pending` and `triggered`: the fact behind them; events get their ids from it."""
    bypassed: Mapping[str, bool] = field(default_factory=dict)
    """Sensors left out; True until disarmed, False until they close."""
    trips: tuple[Trip, ...] = ()
    bypass_open: bool = False
    """Of `arming`: what is open at the end is left out."""
    left: bool = False
    """Of `arming`: an exit door was opened."""
    shut: bool = False
    """Of `arming`: it was closed again."""
    restarted: bool = False
    events: tuple[str, ...] = ()
    """Events of the alarm that are not over."""
    sensor_events: Mapping[str, str] = field(default_factory=dict)
    """Sensor → its event that is not over."""


FIRST = Alarm(ArmState.DISARMED, 0)
"""Before anybody ever armed."""


def after_damage(now_ms: int) -> Alarm:
    """What holds when no copy of the state can be read: guarded rather than open, until somebody says otherwise."""
    return Alarm(ArmState.ARMED_AWAY, now_ms, "restart: state file damaged", ArmMode.AWAY)


def kept(alarm: Alarm) -> dict[str, object]:
    """What goes into the file."""
    return {
        **{name: getattr(alarm, name) for name in _PLAIN},
        "state": alarm.state.value,
        "mode": alarm.mode.value if alarm.mode else None,
        "fallback": alarm.fallback.value if alarm.fallback else None,
        "bypassed": dict(alarm.bypassed),
        "trips": [[trip.sensor_id, trip.what, trip.at_ms] for trip in alarm.trips],
        "events": list(alarm.events),
        "sensor_events": dict(alarm.sensor_events),
    }


_PLAIN: dict[str, type] = {
    "since_ms": int, "changed_by": str, "delay_s": int, "until_ms": int, "confirm_ms": int, "cause_id": str,
    "bypass_open": bool, "left": bool, "shut": bool, "restarted": bool,
}  # fmt: skip


def restored(raw: dict[str, Any]) -> Alarm:
    """The alarm from its file, also from one of an older version. Raises ValueError when the content makes no sense."""
    plain = {name: _plain(raw, name, kind) for name, kind in _PLAIN.items()}
    try:
        state = ArmState(str(raw.get("state")))
        mode = ArmMode(raw["mode"]) if raw.get("mode") else ARMED.get(state)
        alarm = Alarm(
            state,
            mode=mode,
            fallback=ArmMode(raw["fallback"]) if raw.get("fallback") else None,
            bypassed={str(name): bool(always) for name, always in (raw.get("bypassed") or {}).items()},
            trips=tuple(Trip(str(a), str(b), int(c)) for a, b, c in (raw.get("trips") or [])[:MAX_TRIPS]),
            events=tuple(str(event) for event in raw.get("events") or ()),
            sensor_events={str(k): str(v) for k, v in (raw.get("sensor_events") or {}).items()},
            **plain,
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("the alarm's file lacks its fields") from error
    if state is ArmState.DISARMING or (state in ARMED and mode is not ARMED[state]):
        raise ValueError(f"{state} with mode {mode} makes no sense")
    if state in (ArmState.ARMING, ArmState.PENDING) and mode is None:
        raise ValueError(f"{state} without a mode makes no sense")
    if state is ArmState.PENDING and not alarm.trips:
        raise ValueError("pending without a sensor makes no sense")
    if (state in TIMED) != (alarm.until_ms > 0) or (state is ArmState.DISARMED and mode):
        raise ValueError(f"{state} with these times makes no sense")
    return replace(alarm, changed_by=alarm.changed_by[:80])


def _plain(raw: dict[str, Any], name: str, kind: type) -> Any:
    value = raw.get(name, None if name in ("since_ms", "changed_by") else kind())
    if not isinstance(value, kind) or (
        isinstance(value, int) and kind is int and (isinstance(value, bool) or value < 0)
    ):
        raise ValueError(f"{name} is no {kind.__name__}")
    return value


def method_of(sender: str) -> str:
    return METHODS.get(sender, "mqtt")


def requester(sender: str, user: str, pin_name: str = "") -> str:
    """Who asked, for the log: only a session's user name, and the name of a PIN, are known to be true."""
    name = "".join(c for c in user if c.isprintable())
    who = name if sender == SESSION_SENDER and name else f"{sender}:{name}" if name else sender
    tail = f" (PIN of {pin_name})" if pin_name else ""
    return who[: 80 - len(tail[:60])] + tail[:60]


def refusal_without_pin(sender: str, pin_configured: bool, pin: str) -> str:
    """Why a command is refused before any PIN is checked; empty when it may go on."""
    if not pin_configured:
        return "" if sender == SESSION_SENDER else "pin_not_configured"
    return "" if pin else "pin_missing"


GUARDING = (
    ArmState.DISARMED,
    *(mode.armed for mode in (ArmMode.HOME, ArmMode.NIGHT, ArmMode.AWAY, ArmMode.VACATION)),
)
"""From the state that guards least to the one that guards most."""


def refusal_of_presence(action: ArmAction, state: ArmState, pin_configured: bool, may_disarm: bool) -> str:
    """Why presence may not do that; empty when it may. It never lowers the guard on its own: anybody can take an address."""
    if not pin_configured:
        return "pin_not_configured"
    if state in (ArmState.PENDING, ArmState.TRIGGERED):
        return "alarm_active"
    if may_disarm:
        return ""
    if action is ArmAction.DISARM:
        return "presence_may_not_disarm"
    target = MODES[action].armed
    lowers = state in GUARDING and GUARDING.index(target) < GUARDING.index(state)
    return "presence_may_not_disarm" if lowers else ""
