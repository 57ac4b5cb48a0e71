"""Who did what, from where: facts for storage's audit log and ledger. Written while storage is down, too."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vigilar_common.errors import OutboxFullError
from vigilar_common.messages import Fact
from vigilar_common.messages.audit import Audited, AuditOutcome

log = logging.getLogger(__name__)

MAX_WAITING = 500
"""Entries that may wait for the disk; more are counted and logged."""
BROWSERS = (
    ("Edge", r"\bEdg(?:A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bSafari/"),
    ("curl", r"^curl/"),
    ("Python", r"^(?:python-|Python-|aiohttp)"),
    ("Home Assistant", r"HomeAssistant/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def device_words(user_agent: str) -> str:
    """`Firefox on Android`. What cannot be told is left out; the text itself is never shown."""
    seen = user_agent[:400]
    browser = next((name for name, pattern in BROWSERS if re.search(pattern, seen)), "")
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, seen)), "")
    return " on ".join(part for part in (browser, system) if part) or "unknown device"


@dataclass(frozen=True)
class Origin:
    """From where a request came."""

    address: str
    device: str
    method: str = "form"


class Audit:
    """Never blocks the event loop; `emit` puts a fact into the outbox and may take milliseconds."""

    def __init__(self, emit: Callable[[Fact], object]) -> None:
        self._emit = emit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._waiting = 0
        self.lost = 0

    def note(
        self,
        action: str,
        origin: Origin,
        *,
        account_id: str = "",
        actor: str = "",
        subject: str = "",
        outcome: AuditOutcome = AuditOutcome.DONE,
        detail: str = "",
    ) -> None:
        fact = Audited(
            account_id=account_id,
            actor=actor[:120],
            method=origin.method,
            action=action,
            subject=subject[:120],
            outcome=outcome,
            address=origin.address[:64],
            device=origin.device[:120],
            detail=detail[:500],
        )
        if self._waiting >= MAX_WAITING:
            self._lose(f"{MAX_WAITING} entries wait already", fact)
            return
        self._waiting += 1
        self._thread.submit(self._write, fact)

    def close(self) -> None:
        """What waits is written first."""
        self._thread.shutdown(wait=True)

    def _write(self, fact: Audited) -> None:
        try:
            self._emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            self._lose(str(error), fact)
        finally:
            self._waiting -= 1

    def _lose(self, reason: str, fact: Audited) -> None:
        self.lost += 1
        log.critical("not in the audit log (%s): %s of %s, %s", reason, fact.action, fact.actor, fact.outcome)
