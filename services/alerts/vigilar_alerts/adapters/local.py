"""Alerts on this machine: syslog and the operator's desktop."""

from __future__ import annotations

import html
import logging
import shutil
import subprocess
from logging.handlers import SysLogHandler
from pathlib import Path

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import LedgerAnchor

from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer

log = logging.getLogger("vigilar.alerts")
"""The logger whose lines are alerts; its lines go to stdout (the journal) too."""

DEV_LOG = Path("/dev/log")
NOTIFY_TIMEOUT_S = 5.0
_LEVELS = {Severity.INFO: logging.INFO, Severity.ALERT: logging.WARNING, Severity.CRITICAL: logging.CRITICAL}
_URGENCY = {Severity.INFO: "low", Severity.ALERT: "normal", Severity.CRITICAL: "critical"}
SENT = Answer(204)


class Syslog:
    """Lines of the logger `vigilar.alerts`; to /dev/log where there is one, always to stdout."""

    def __init__(self, dev_log: Path = DEV_LOG) -> None:
        self._dev_log = dev_log
        self._handler: SysLogHandler | None = None

    def open(self) -> None:
        if self._handler is None and self._dev_log.exists():
            try:
                self._handler = SysLogHandler(str(self._dev_log), facility=SysLogHandler.LOG_DAEMON)
            except OSError as error:
                log.warning("syslog at %s cannot be used (%s): alerts go to stdout", self._dev_log, error)
                return
            self._handler.ident = "vigilar: "
            self._handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
            self._handler.addFilter(lambda record: record.name == log.name)
            log.addHandler(self._handler)

    def close(self) -> None:
        if self._handler:
            log.removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    @property
    def target(self) -> str:
        return str(self._dev_log) if self._handler else "stdout"

    def send(self, alert: Alert, anchor: LedgerAnchor | None = None) -> Answer:
        """With size and root of the ledger: where syslog is kept elsewhere, a history made anew contradicts it."""
        text = f"{alert.title}: {alert.body}" if alert.body else alert.title
        # A camera's name must not forge a second line.
        clean = "".join(c if c.isprintable() else " " for c in text)
        ledger = f" ledger {anchor.size} {anchor.root}" if anchor else ""
        log.log(
            _LEVELS[alert.severity], "ALERT %s %s [%s]%s", alert.severity.value, clean, alert.alert_id, ledger
        )
        return SENT


class Desktop:
    """`notify-send` on the operator's console."""

    def send(self, alert: Alert) -> Answer:
        program = shutil.which("notify-send")
        if program is None:
            return Answer(400, "notify-send is not installed (Debian package libnotify-bin)")
        argv = [
            program,
            "--app-name=Vigilar",
            f"--urgency={_URGENCY[alert.severity]}",
            "--",
            alert.title,
            html.escape(alert.body),
        ]
        try:
            done = subprocess.run(argv, timeout=NOTIFY_TIMEOUT_S, capture_output=True, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Answer(0, f"notify-send failed: {type(error).__name__}")
        if done.returncode:
            return Answer(0, f"notify-send failed: {done.stderr[:200].decode('utf-8', 'replace').strip()}")
        return SENT
