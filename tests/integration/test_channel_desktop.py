"""The desktop channel with the real notify-send and a notification daemon (python-dbusmock's) on a private D-Bus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desktop_rig import Desk, skip_without_desktop
from patience import wait_until
from vigilar_alerts.adapters.local import Desktop
from vigilar_alerts.domain.alert import Alert
from vigilar_common.messages.alarm import Severity

ALERT = Alert("a" * 36, None, Severity.CRITICAL, "--Motion at <Front door>", "<b>in</b> drive & yard", "t", 0)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    skip_without_desktop()
    found = Desk(tmp_path)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.address)
    yield found
    found.close()


def test_the_desktop_shows_title_text_and_urgency_and_takes_no_name_for_an_option(desk: Desk) -> None:
    assert Desktop().send(ALERT).status == 204
    told = wait_until(lambda: desk.log.read_text() if "Notify" in desk.log.read_text() else "", 5, "the call")
    line = next(line for line in told.splitlines() if " Notify " in line)
    assert '"Vigilar"' in line
    assert "--Motion at <Front door>" in line
    assert "&lt;b&gt;in&lt;/b&gt; drive &amp; yard" in line
    assert '"urgency": 2' in line


def test_without_a_desktop_the_answer_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    answer = Desktop().send(ALERT)
    assert answer.status == 0
    assert "notify-send failed" in answer.error
