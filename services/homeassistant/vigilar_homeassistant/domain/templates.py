"""Templates that Home Assistant renders: how commands carry their time, and how values are picked out of our messages.

`now`, `to_json` are Home Assistant's; https://www.home-assistant.io/docs/configuration/templating/. A value is picked with
brackets: `value_json.values` would be the method of the dictionary.
"""

from __future__ import annotations

_ENVELOPE = (
    '"id":"ha-{{ (now().timestamp() * 1000000) | int }}","ts_ms":{{ (now().timestamp() * 1000) | int }}'
)
"""Refused by their receiver: commands older than 30 s, without an id, or with one that was seen before."""

ARM_COMMAND = (
    '{"action":"{{ action }}","pin":{{ (code or "") | string | to_json }},"user":"Home Assistant",'
    + _ENVELOPE
    + "}"
)
"""The PIN stays a text: 0012 is not 12."""


def switch_command(switch: str) -> str:
    on = '{{ "true" if value == "ON" else "false" }}'
    return f'{{"switch":"{switch}","on":{on},"user":"Home Assistant",{_ENVELOPE}}}'


def value_of(key: str) -> str:
    """A number or word below `values`; `None` (unknown to Home Assistant) while there is none."""
    return f"{{{{ value_json['values'].get('{key}') }}}}"


def switch_of(key: str, on_when: bool) -> str:
    """A truth value below `values` as ON or OFF; `on_when` is the value that means ON."""
    found = f"value_json['values'].get('{key}')"
    on, off = ("ON", "OFF") if on_when else ("OFF", "ON")
    return f"{{{{ 'None' if {found} is none else '{on}' if {found} else '{off}' }}}}"


def field_of(name: str) -> str:
    return f"{{{{ value_json['{name}'] }}}}"


def attributes(*names: str) -> str:
    """A JSON object of these fields."""
    pairs = ", ".join(f"'{name}': value_json['{name}']" for name in names)
    return f"{{{{ {{{pairs}}} | to_json }}}}"
