"""What differs between two configurations, for people to look at before and after a change."""

from __future__ import annotations

from typing import Any, TypedDict

from vigilar_common.config.load import leaves
from vigilar_common.config.models import Path
from vigilar_common.config.redact import shown
from vigilar_common.config.root import Config


class Difference(TypedDict):
    key: str
    """`web.port`, `cameras.front.rtsp_url`"""
    before: Any
    """As `config show` prints it, secrets as ***; None where the entry was not there."""
    after: Any


def differences(before: Config, after: Config) -> list[Difference]:
    """Every key whose value differs, in the order of the reference; a changed secret is named, not shown."""
    old, new = _values(before), _values(after)
    keys = list(new) + [key for key in old if key not in new]
    absent = (None, None)
    found: list[Difference] = []
    for key in keys:
        (was, was_shown), (now, now_shown) = old.get(key, absent), new.get(key, absent)
        if was != now:
            found.append({"key": key, "before": was_shown, "after": now_shown})
    return found


def _values(config: Config) -> dict[str, tuple[Any, Any]]:
    visible = shown(config)
    return {".".join(label): (value, _at(visible, path)) for path, label, value in leaves(config)}


def _at(values: Any, path: Path) -> Any:
    for part in path:
        values = values[part]
    return values
