"""Log lines hold no secret and cannot be forged."""

from __future__ import annotations

import logging

import pytest
from vigilar_common import logs
from vigilar_common.logs import _Formatter
from vigilar_common.testing import FakeClock
from vigilar_common.threads import Thread


def line(message: str, *args: object, journal: bool = False) -> str:
    record = logging.LogRecord("vigilar.test", logging.WARNING, "f.py", 1, message, args, None)
    return _Formatter("web", journal).format(record)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:canary-1@10.0.0.2:554/stream",
        "x" * 40 + "rtsp://admin:canary-1@h/",
        "1rtsp://canary-1@h/",
        "https://user:canary-1@host/x",
        "rtsps://canary-1@[::1]/a",
    ],
)
def test_the_userinfo_of_a_url_never_shows(url: str) -> None:
    text = line("cannot open %s", url)
    assert "canary-1" not in text
    assert "***@" in text


def test_a_hidden_secret_never_shows_wherever_it_stands() -> None:
    logs.hide("canary-token-77")
    assert "canary-token-77" not in line("got %r", {"header": "Bearer canary-token-77"})


def test_a_newline_from_outside_does_not_make_a_second_line() -> None:
    text = line("camera named %s", "x\n2026-01-01 CRITICAL vigilar: disarmed")
    assert "\n" not in text


def test_journal_lines_carry_their_priority() -> None:
    assert line("x", journal=True).startswith("<4>[web] WARNING")


def test_lines_that_a_stranger_causes_by_the_thousand_are_few_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    sparing = logs.Sparing(logging.getLogger("sparing"), clock.monotonic_s, per_minute=3)
    for number in range(1_000):
        sparing.tell(logging.WARNING, "refused %d", number)
    assert caplog.messages == ["refused 0", "refused 1", "refused 2"]
    clock.advance(60)
    sparing.tell(logging.WARNING, "refused again")
    assert caplog.messages[3:] == ["997 more lines of this kind were held back", "refused again"]


def test_a_line_names_the_service_whose_thread_said_it() -> None:
    said: list[str] = []

    def speak(name: str) -> None:
        logs.speak_for(name)
        helper = Thread(target=lambda: said.append(line("x")), name="helper")
        helper.start()
        helper.join()

    for name in ("camera-worker-front", "camera-worker-porch"):
        speaker = Thread(target=speak, name=name, args=(name,))
        speaker.start()
        speaker.join()
    assert ["[camera-worker-front]" in said[0], "[camera-worker-porch]" in said[1]] == [True, True]
    assert line("x").startswith("[web]"), "who made the threads is still who it was"
