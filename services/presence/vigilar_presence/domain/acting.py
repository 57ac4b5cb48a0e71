"""What a change of the household may do to the alarm. An address on the network proves nothing: it may arm, not disarm."""

from __future__ import annotations

from vigilar_common.messages.alarm import ArmAction, ArmState

ACTIONS: dict[ArmState, ArmAction] = {
    ArmState.DISARMED: ArmAction.DISARM,
    ArmState.ARMED_HOME: ArmAction.ARM_HOME,
    ArmState.ARMED_NIGHT: ArmAction.ARM_NIGHT,
    ArmState.ARMED_AWAY: ArmAction.ARM_AWAY,
    ArmState.ARMED_VACATION: ArmAction.ARM_VACATION,
}
"""Settled states, from the one that guards least to the one that guards most."""
_ORDER = tuple(ACTIONS)
BUSY = frozenset({ArmState.PENDING, ArmState.TRIGGERED})
"""Somebody is at the alarm, or it rings: nobody's phone has a say in that."""


def refusal(target: ArmState, current: ArmState | None, allow_disarm: bool) -> str:
    """Why presence itself does not ask for `target`; empty when it may. `current` is None while unknown."""
    if current in BUSY:
        return f"the alarm is {current}"
    if allow_disarm:
        return ""
    if target is ArmState.DISARMED:
        return "a phone alone does not disarm ([presence] allow_disarm)"
    # Arming, disarming and the like are on the way somewhere: events decides.
    if current in _ORDER and _ORDER.index(target) < _ORDER.index(current):
        return f"{target} guards less than {current}, and a phone alone does not lower the guard ([presence] allow_disarm)"
    return ""
