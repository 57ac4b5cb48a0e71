"""The arm state machine: which state a command leads to, and who may give it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vigilar_common.messages.alarm import ArmAction, ArmState

SESSION_SENDER = "web"
"""The one sender whose commands come from somebody who logged in with a password."""

METHODS = {"web": "web", "home_automation": "mqtt", "presence": "presence"}

TARGETS: dict[ArmAction, ArmState] = {
    ArmAction.DISARM: ArmState.DISARMED,
    ArmAction.ARM_HOME: ArmState.ARMED_HOME,
    ArmAction.ARM_AWAY: ArmState.ARMED_AWAY,
    ArmAction.ARM_NIGHT: ArmState.ARMED_NIGHT,
    ArmAction.ARM_VACATION: ArmState.ARMED_VACATION,
}
SETTLED = frozenset(TARGETS.values())
"""States that a command leads to at once; the others (arming, pending, …) are passed through."""


@dataclass(frozen=True)
class Alarm:
    """The arm state and where it comes from."""

    state: ArmState
    since_ms: int
    changed_by: str = ""

    def after(self, action: ArmAction, now_ms: int, changed_by: str) -> Alarm:
        """The alarm once `action` is carried out; the same object when it is in that state already."""
        target = TARGETS[action]
        if target is self.state:
            return self
        return replace(self, state=target, since_ms=now_ms, changed_by=changed_by)


FIRST = Alarm(ArmState.DISARMED, 0)
"""Before anybody ever armed."""


def after_damage(now_ms: int) -> Alarm:
    """What holds when no copy of the state can be read: guarded rather than open, until somebody says otherwise."""
    return Alarm(ArmState.ARMED_AWAY, now_ms, "restart: state file damaged")


def restored(raw: dict[str, object]) -> Alarm:
    """The alarm from its file. Raises ValueError when the content makes no sense."""
    state, since_ms, changed_by = raw.get("state"), raw.get("since_ms"), raw.get("changed_by")
    if not isinstance(since_ms, int) or isinstance(since_ms, bool) or since_ms < 0:
        raise ValueError("since_ms is not a time")
    if not isinstance(changed_by, str):
        raise ValueError("changed_by is not a text")  # noqa: TRY004 - one error type for a bad file
    return Alarm(ArmState(str(state)), since_ms, changed_by[:80])


def kept(alarm: Alarm) -> dict[str, object]:
    """What goes into the file."""
    return {"state": alarm.state.value, "since_ms": alarm.since_ms, "changed_by": alarm.changed_by}


def method_of(sender: str) -> str:
    return METHODS.get(sender, "mqtt")


def requester(sender: str, user: str) -> str:
    """Who asked, for the log: only a session's user name is known to be true."""
    name = "".join(c for c in user if c.isprintable())
    return (name if sender == SESSION_SENDER and name else f"{sender}:{name}" if name else sender)[:80]


def refusal_without_pin(sender: str, pin_configured: bool, pin: str) -> str:
    """Why a command is refused before any PIN is checked; empty when it may go on."""
    if not pin_configured:
        return "" if sender == SESSION_SENDER else "pin_not_configured"
    return "" if pin else "pin_missing"
