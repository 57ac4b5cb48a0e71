"""NUT's variables, believed only as far as they can be true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vigilar_common.messages.power import PowerState, PowerValues
from vigilar_ups.domain import findings
from vigilar_ups.domain.reading import FLAGS, MAX_FLAGS, Reading, read, state_of

LOW_PCT = 20


def reading(status: str, **numbers: str) -> Reading:
    names = {"charge": "battery.charge", "runtime": "battery.runtime", "load": "ups.load"}
    return read({"ups.status": status, **{names[key]: value for key, value in numbers.items()}})


@pytest.mark.parametrize(
    ("status", "charge", "state"),
    [
        ("OL", "100", PowerState.ON_LINE),
        ("OL CHRG", "40", PowerState.ON_LINE),
        ("OL CHRG LB", "8", PowerState.ON_LINE),
        ("OL BOOST", "100", PowerState.ON_LINE),
        ("OL TRIM OVER", "100", PowerState.ON_LINE),
        ("OL RB", "100", PowerState.ON_LINE),
        ("OL HB", "100", PowerState.ON_LINE),
        ("BYPASS", "100", PowerState.ON_LINE),
        ("OL OFF", "100", PowerState.ON_LINE),
        ("OL FSD", "100", PowerState.ON_LINE),
        ("OB DISCHRG", "80", PowerState.ON_BATTERY),
        ("OB DISCHRG CAL", "80", PowerState.ON_BATTERY),
        ("OB DISCHRG LB", "80", PowerState.LOW_BATTERY),
        ("OB DISCHRG", "19.9", PowerState.LOW_BATTERY),
        ("OB DISCHRG", "20", PowerState.ON_BATTERY),
        ("FSD OB LB", "5", PowerState.LOW_BATTERY),
        ("OL OB", "90", PowerState.ON_BATTERY),
        ("OFF", "90", PowerState.UNKNOWN),
        ("", "90", PowerState.UNKNOWN),
        ("nonsense", "90", PowerState.UNKNOWN),
    ],
)
def test_the_state_follows_the_flags_and_the_charge(status: str, charge: str, state: PowerState) -> None:
    assert state_of(reading(status, charge=charge), LOW_PCT) is state


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_of_nut_is_kept(flag: str) -> None:
    found = reading(f"OL {flag}" if flag != "OL" else flag)
    assert flag in found.flags
    assert found.oddities == (("ups.status says both OL and OB",) if flag == "OB" else ())


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("RB", "ups_replace_battery"), ("OVER", "ups_overload"), ("BYPASS", "ups_bypass"), ("OFF", "ups_off"),
        ("HB", "ups_overfull"), ("ALARM", "ups_alarm"), ("FSD", "ups_forced_shutdown"), ("CAL", "ups_calibrating"),
        ("LB", "ups_low_battery"), ("OB", "ups_on_battery"),
    ],
)  # fmt: skip
def test_flags_that_mean_trouble_are_findings(flag: str, code: str) -> None:
    status = flag if flag == "OB" else f"OL {flag}"
    assert [f.code for f in findings.of_reading("ups", reading(status), LOW_PCT)] == [code]


@pytest.mark.parametrize("flag", ["OL", "CHRG", "OL DISCHRG", "OL TRIM", "OL BOOST"])
def test_flags_of_daily_life_are_none(flag: str) -> None:
    assert findings.of_reading("ups", reading(flag), LOW_PCT) == []


@pytest.mark.parametrize("number", ["-1", "101", "1e9", "nan", "inf", "-inf", "", "full", "1" * 40, "٣"])
def test_a_charge_that_cannot_be_is_left_out_and_named(number: str) -> None:
    found = reading("OL", charge=number, load="7")
    if number == "٣":  # a digit of another script is a number to Python, and 3 % is a charge
        assert found.values.charge_pct == 3
        return
    assert found.values == PowerValues(load_pct=7)
    assert len(found.oddities) == 1
    assert "battery.charge" in found.oddities[0]
    assert [f.code for f in findings.of_reading("ups", found, LOW_PCT)] == ["ups_nonsense"]


def test_a_fraction_of_a_second_of_runtime_is_cut_off() -> None:
    assert reading("OB", runtime="1799.9").values.runtime_s == 1799


def test_a_flood_of_flags_cannot_push_out_those_that_count() -> None:
    found = reading(" ".join(f"X{number}" for number in range(500)) + " OB LB")
    assert len(found.flags) == MAX_FLAGS
    assert state_of(found, LOW_PCT) is PowerState.LOW_BATTERY
    assert found.oddities


@given(
    st.dictionaries(
        st.sampled_from(["ups.status", "battery.charge", "battery.runtime", "x"]), st.text(max_size=200)
    )
)
def test_no_answer_breaks_the_reader(variables: dict[str, str]) -> None:
    found = read(variables)
    assert isinstance(state_of(found, LOW_PCT), PowerState)
    for finding in findings.of_reading("ups", found, LOW_PCT):
        assert len(finding.title) <= 500
