"""Copies of a configuration without what must not be seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from vigilar_common.config.base import is_secret

REDACTED = "***"
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/?#]*)@")
# Some cameras take it in the query or path: `?user=admin&password=x`, `/user=admin_password=x_channel=1`.
_PARAMETER = re.compile(
    r"(?i)(?P<name>[?&;/_](?:user(?:name)?|usr|login|password|passwd|pass|pwd|psw|token|secret|api_?key|auth)=)"
    r"[^&;/#\s]*"
)


def shown(model: BaseModel) -> dict[str, Any]:
    """The values as JSON types for people to see: secrets and the userinfo of URLs become ``***``."""
    result = _walk(
        model, lambda text: REDACTED if text else "", lambda text: without_credentials(text, REDACTED)
    )
    assert isinstance(result, dict)
    return result


def scrubbed(model: BaseModel) -> dict[str, Any]:
    """The values as JSON types without secrets, still a valid configuration: they become empty."""
    result = _walk(model, lambda _: "", lambda text: without_credentials(text, ""))
    assert isinstance(result, dict)
    return result


def without_credentials(text: str, instead: str = REDACTED) -> str:
    """The text with the userinfo of every URL in it replaced, and password-like parameters as well."""
    if "://" not in text:
        return text
    userinfo = f"{instead}@" if instead else ""
    text = _USERINFO.sub(lambda found: found.group("scheme") + userinfo, text)
    return _PARAMETER.sub(lambda found: found.group("name") + instead, text)


def _hidden(value: Any, of_secret: Callable[[str], str]) -> Any:
    """A secret text, or a list of them: an entry that leaves nothing behind goes."""
    if isinstance(value, tuple | list):
        return [hidden for entry in value if (hidden := of_secret(str(entry)))]
    return of_secret(str(value))


def _walk(value: Any, of_secret: Callable[[str], str], of_text: Callable[[str], str]) -> Any:
    if isinstance(value, BaseModel):
        return {
            name: _hidden(getattr(value, name), of_secret)
            if is_secret(field)
            else _walk(getattr(value, name), of_secret, of_text)
            for name, field in type(value).model_fields.items()
        }
    if isinstance(value, dict):
        return {str(key): _walk(below, of_secret, of_text) for key, below in value.items()}
    if isinstance(value, tuple | list):
        return [_walk(below, of_secret, of_text) for below in value]
    return of_text(str(value)) if isinstance(value, str) else value
