"""What is wrong with the power, each with its cure. Health tells it."""

from __future__ import annotations

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

from vigilar_ups.domain.reading import Reading, is_low

OF_FLAGS: dict[str, tuple[str, Severity, str, str]] = {
    "RB": ("ups_replace_battery", Severity.ALERT, "must get a new battery", "Replace the battery of the UPS."),
    "OVER": ("ups_overload", Severity.ALERT, "is overloaded", "Move a device to another outlet."),
    "BYPASS": ("ups_bypass", Severity.ALERT, "is bypassed: a power cut would be felt at once", "Switch the UPS back to normal."),
    "OFF": ("ups_off", Severity.ALERT, "has switched its outlets off", "Switch the UPS on."),
    "HB": ("ups_overfull", Severity.ALERT, "overcharges its battery", "Have the UPS looked at."),
    "ALARM": ("ups_alarm", Severity.ALERT, "reports an alarm of its own", "`upsc` shows it as ups.alarm."),
    "FSD": ("ups_forced_shutdown", Severity.CRITICAL, "is about to cut the power (FSD)", "If this stays, restart upsd."),
    "CAL": ("ups_calibrating", Severity.INFO, "calibrates itself: its battery is emptied on purpose", ""),
}  # fmt: skip


def of_reading(ups: str, reading: Reading, low_charge_pct: float) -> list[Finding]:
    """What the newest reading says."""
    found = []
    if "OB" in reading.flags:
        low = is_low(reading, low_charge_pct)
        title = f"The power is out: UPS {ups} runs on {'a low ' if low else ''}battery{_left(reading)}"
        severity = Severity.CRITICAL if low else Severity.ALERT
        found.append(_finding("ups_low_battery" if low else "ups_on_battery", severity, title, "", ups))
    elif is_low(reading, low_charge_pct):
        title = f"The battery of UPS {ups} is low{_left(reading)}: the next power cut would be short"
        found.append(_finding("ups_low_battery", Severity.ALERT, title, "It recharges by itself; wait.", ups))
    for flag in reading.flags:
        if flag in OF_FLAGS:
            code, severity, says, cure = OF_FLAGS[flag]
            found.append(_finding(code, severity, f"UPS {ups} {says}", cure, ups))
    if reading.oddities:
        title = f"UPS {ups} says what cannot be: {'; '.join(reading.oddities)}"
        cure = "Look at it with `upsc`; the driver in ups.conf may be the wrong one."
        found.append(_finding("ups_nonsense", Severity.ALERT, title, cure, ups))
    return found


def silent(ups: str, why: str, cure: str, ever_heard: bool) -> Finding:
    """No UPS was ever there: only a remark, for `[ups] enabled` is on by default."""
    if ever_heard:
        return _finding("ups_silent", Severity.ALERT, f"UPS {ups} is not heard: {why}", cure, ups)
    cure = f"{cure} Without a UPS set [ups] enabled = false."
    return _finding("ups_never_heard", Severity.INFO, f"No UPS was heard so far: {why}", cure, ups)


def planned(ups: str, reason: str, seconds: float) -> Finding:
    title = f"The host goes down in {max(0, seconds):.0f} s: {reason}"
    return _finding(
        "shutdown_planned", Severity.CRITICAL, title, "It is cancelled when the power returns.", ups
    )


def not_set_up(ups: str, why: str) -> Finding:
    cure = "Run deploy/scripts/setup_nut.sh --host-shutdown on the host (docs/guide/power.md)."
    title = f"Nothing shuts the host down when the battery of UPS {ups} runs out: {why}"
    return _finding("shutdown_not_set_up", Severity.ALERT, title, cure, ups)


def not_followed(ups: str, why: str) -> Finding:
    title = f"The host was to go down because of UPS {ups}, and did not: {why}"
    cure = "Shut it down by hand; `systemctl status vigilar-shutdown.path` on the host tells more."
    return _finding("shutdown_not_followed", Severity.CRITICAL, title, cure, ups)


def _left(reading: Reading) -> str:
    parts = []
    if reading.values.charge_pct is not None:
        parts.append(f"{reading.values.charge_pct:g} %")
    if reading.values.runtime_s is not None:
        parts.append(f"about {reading.values.runtime_s // 60} min")
    return f" ({', '.join(parts)})" if parts else ""


def _finding(code: str, severity: Severity, title: str, cure: str, ups: str) -> Finding:
    return Finding(code=code, severity=severity, title=title[:500], cure=cure, subject=ups)
