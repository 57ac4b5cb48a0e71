"""What NUT's variables mean; nothing in them is believed before it is checked.

Names of variables and flags: NUT's developer guide, "Names of variables", and the flags of `ups.status` as upsd(8) and its
clients use them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from vigilar_common.messages.power import PowerState, PowerValues

STATUS = "ups.status"
FLAGS = {
    "OL": "on mains",
    "OB": "on battery",
    "LB": "the battery is low",
    "HB": "the battery is overfull",
    "RB": "the battery must be replaced",
    "CHRG": "charging",
    "DISCHRG": "discharging",
    "BYPASS": "bypassed: the battery protects nothing",
    "CAL": "calibrating",
    "OFF": "its outlets are off",
    "OVER": "overloaded",
    "TRIM": "trims a mains voltage that is too high",
    "BOOST": "boosts a mains voltage that is too low",
    "FSD": "forced shutdown: it is about to cut the power",
    "ALARM": "reports an alarm of its own",
    "WAIT": "its driver is starting",
}
PASSING = frozenset({"CHRG", "DISCHRG"})
"""They come and go with every other reading: no news by themselves."""
MAX_FLAGS = 16
FLAG = re.compile(r"[A-Z0-9_-]{1,16}")

NUMBERS: dict[str, tuple[str, float, float]] = {
    "charge_pct": ("battery.charge", 0, 100),
    "runtime_s": ("battery.runtime", 0, 10_000_000),
    "load_pct": ("ups.load", 0, 1_000),
    "input_v": ("input.voltage", 0, 10_000),
    "temperature_c": ("ups.temperature", -100, 300),
}


@dataclass(frozen=True)
class Reading:
    """One answer of the server, cleaned."""

    flags: tuple[str, ...]
    values: PowerValues
    oddities: tuple[str, ...] = ()
    """What was left out because it cannot be true, one phrase each."""

    @property
    def on_battery(self) -> bool:
        """Only where it does not also say that it is on mains: some drivers say both while switching."""
        return "OB" in self.flags and "OL" not in self.flags

    @property
    def on_mains(self) -> bool:
        return "OL" in self.flags and "OB" not in self.flags

    @property
    def told(self) -> frozenset[str]:
        """The flags that are news."""
        return frozenset(self.flags) - PASSING


def read(variables: Mapping[str, str]) -> Reading:
    """The reading in NUT's variables. Never raises: what makes no sense is left out and named."""
    oddities: list[str] = []
    words = variables.get(STATUS, "").split()
    flags = list(dict.fromkeys(word for word in words if FLAG.fullmatch(word)))
    if not words:
        oddities.append(f"{STATUS} is missing or empty")
    strange = len(words) - sum(bool(FLAG.fullmatch(word)) for word in words)
    if strange or len(flags) > MAX_FLAGS:
        oddities.append(f"{STATUS} has {strange} words that are no flags and {len(flags)} that may be")
    if {"OL", "OB"} <= set(flags):
        oddities.append(f"{STATUS} says both OL and OB")
    # Those that mean something come first, so that a flood of others cannot push them out.
    flags = sorted(flags, key=lambda flag: flag not in FLAGS)[:MAX_FLAGS]
    values: dict[str, float] = {}
    for key, (name, least, most) in NUMBERS.items():
        raw = variables.get(name)
        if raw is None:
            continue
        number = _number(raw)
        if number is None or not least <= number <= most:
            said = raw if number is not None else "something that is no number"
            oddities.append(f"{name} is {said[:24]}, not {least:g} to {most:g}")
        else:
            values[key] = int(number) if key == "runtime_s" else number
    return Reading(tuple(flags), PowerValues.model_validate(values), tuple(oddities))


def state_of(reading: Reading, low_charge_pct: float) -> PowerState:
    """The state. On mains a low battery is no power cut: the flags still tell it."""
    if reading.on_battery or ("OB" in reading.flags and "OL" in reading.flags):
        return PowerState.LOW_BATTERY if is_low(reading, low_charge_pct) else PowerState.ON_BATTERY
    if reading.on_mains or {"BYPASS", "TRIM", "BOOST"} & set(reading.flags):
        return PowerState.ON_LINE
    return PowerState.UNKNOWN


def is_low(reading: Reading, low_charge_pct: float) -> bool:
    charge = reading.values.charge_pct
    return "LB" in reading.flags or (charge is not None and charge < low_charge_pct)


def _number(raw: str) -> float | None:
    try:
        number = float(raw)
    except ValueError:
        return None
    return number if math.isfinite(number) and len(raw) <= 32 else None
