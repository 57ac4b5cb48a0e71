"""What Home Assistant may switch, and when."""

from __future__ import annotations

from vigilar_common.config.homeassistant import HomeAssistant, Lowering
from vigilar_common.messages.alarm import ArmState
from vigilar_common.messages.camera import CameraSwitch, CameraSwitchName

REFUSALS = {
    "switch_not_allowed": "[homeassistant] switches does not allow this switch.",
    "no_such_camera": "There is no such camera.",
    "armed": "The alarm is not disarmed: a camera may not see or keep less now.",
    "alarm_unknown": "The arm state is not known: a camera may not see or keep less now.",
}


def lowers(command: CameraSwitch) -> bool:
    """Whether the camera sees or keeps less afterwards."""
    return command.on if command.switch is CameraSwitchName.PRIVACY else not command.on


def refusal(command: CameraSwitch, settings: HomeAssistant, state: ArmState | None) -> str:
    """Why it may not be done; empty when it may. `state` None: nothing is known of the alarm.

    Home Assistant is as strong as its weakest add-on. Whoever holds it could blind the house before breaking in, so it lowers
    nothing while the alarm stands, unless the owner says so; it can raise the guard at any time.
    """
    if command.switch not in settings.switches:
        return "switch_not_allowed"
    if not lowers(command) or settings.lowering is Lowering.ALWAYS:
        return ""
    if state is None:
        return "alarm_unknown"
    return "" if state is ArmState.DISARMED else "armed"
