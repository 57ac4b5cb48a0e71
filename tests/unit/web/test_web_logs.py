"""Logs on the page: for admins alone, only while somebody looks, bounded, without secrets."""

from __future__ import annotations

from typing import Any

from vigilar_common import topics
from vigilar_common.messages.system import LogLine, LogLines
from vigilar_web.live.log_lines import FORGET_S, MAX_LINES


def tell(home: Any, *numbers: int, service: str = "storage", began_ms: int = 5, level: str = "INFO") -> None:
    lines = [LogLine(number=n, ts_ms=1_000 + n, level=level, logger="x", text=f"line {n}") for n in numbers]
    home.bus.deliver(
        topics.LOG_LINES, LogLines(service=service, began_ms=began_ms, lines=lines), service=service
    )
    home.settle()


def ask(home: Any, after: int = 0) -> Any:
    return home.send("POST", "/api/v1/logs", {"after": after}).json()


def test_lines_come_only_while_somebody_looks_each_once_and_in_order(home: Any) -> None:
    home.login()
    tell(home, 1)
    assert ask(home)["lines"] == [], "nobody looked when it was said"
    tell(home, 1, 2)
    tell(home, 1, 2, 3)
    first = ask(home)
    assert [line["text"] for line in first["lines"]] == ["line 1", "line 2", "line 3"]
    assert first["services"] == ["storage"]
    tell(home, 4)
    assert [line["text"] for line in ask(home, first["after"])["lines"]] == ["line 4"]
    assert len(ask(home, 99_999)["lines"]) == 4, "a page that knew an earlier process begins again"


def test_the_lease_is_renewed_while_somebody_asks_and_a_new_look_asks_for_what_was_said_before(
    home: Any,
) -> None:
    home.login()
    for _ in range(4):
        ask(home)
        home.clock.advance(1)
    sent = home.bus.messages(topics.LOG_LEASE)
    assert len(sent) == 2
    assert sent[0].anew == sent[1].anew
    home.clock.advance(30)
    ask(home)
    assert home.bus.messages(topics.LOG_LEASE)[-1].anew != sent[0].anew


def test_holes_are_counted_a_restart_is_none_and_another_ones_topic_is_refused(home: Any) -> None:
    home.login()
    ask(home)
    tell(home, 5, 6)
    tell(home, 9)
    assert ask(home)["lost"] == 2
    tell(home, 1, 2, began_ms=99)
    found = ask(home)
    assert (found["lost"], [line["text"] for line in found["lines"]][-2:]) == (0, ["line 1", "line 2"])
    forged = LogLines(service="events", began_ms=1, lines=[])
    home.bus.deliver(topics.LOG_LINES, forged, service="storage")
    home.settle()
    assert ask(home)["services"] == ["storage"]


def test_what_is_kept_is_bounded_and_forgotten(home: Any) -> None:
    home.login()
    ask(home)
    for first in range(1, MAX_LINES + 200, 40):
        tell(home, *range(first, first + 40))
    assert len(home.parts.logs._lines) == MAX_LINES
    home.clock.advance(FORGET_S + 1)
    home.parts.logs.forget()
    assert not home.parts.logs._lines


def test_the_file_has_the_lines_that_were_chosen(home: Any) -> None:
    home.login()
    ask(home)
    tell(home, 1)
    tell(home, 2, service="events", level="ERROR")
    whole = home.get("/api/v1/logs/file")
    assert whole.headers["content-disposition"].startswith("attachment; filename=")
    assert whole.text.splitlines() == [
        "1970-01-01T00:00:01.001Z INFO     [storage] x: line 1",
        "1970-01-01T00:00:01.002Z ERROR    [events] x: line 2",
    ]
    assert home.get("/api/v1/logs/file?level=WARNING").text.count("\n") == 1
    assert home.get("/api/v1/logs/file?service=storage").text.count("\n") == 1


def test_without_a_broker_it_says_so(home: Any) -> None:
    home.login()
    home.bus.connected = False
    answer = home.send("POST", "/api/v1/logs", {"after": 0})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "broker_unavailable")
