"""Log lines on the broker: only while leased, bounded, in order, and without any secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from vigilar_common import logs
from vigilar_common.log_feed import LINES_PER_MESSAGE, MESSAGES_PER_TICK, LogFeed
from vigilar_common.messages.system import LogLease
from vigilar_common.testing import FakeBus, FakeClock
from vigilar_common.topics import LOG_LEASE, LOG_LINES

LOGGER = logging.getLogger("feed.test")


class Service:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.bus = FakeBus(self.clock)
        self.newest = logs.Newest("events")
        self.feed = LogFeed(self.bus, self.clock, "events", 7, self.newest.after)
        self.feed.start()

    def lease(self, anew: int = 1) -> None:
        self.bus.deliver(LOG_LEASE, LogLease(lease_s=8, anew=anew))

    def texts(self) -> list[str]:
        return [line.text for message in self.bus.messages(LOG_LINES) for line in message.lines]


@pytest.fixture(name="service")
def _service() -> Iterator[Service]:
    built = Service()
    LOGGER.addHandler(built.newest)
    LOGGER.setLevel("INFO")
    yield built
    LOGGER.removeHandler(built.newest)


def test_nothing_is_sent_while_nobody_looks_and_what_was_said_before_comes_with_the_lease(
    service: Service,
) -> None:
    LOGGER.info("before")
    assert service.feed.tick() == 0
    assert service.texts() == []
    service.lease()
    service.feed.tick()
    LOGGER.warning("then")
    service.feed.tick()
    service.feed.tick()
    assert service.texts() == ["before", "then"]
    service.clock.advance(9)
    LOGGER.info("after the lease")
    assert service.feed.tick() == 0


def test_a_renewed_lease_sends_nothing_twice_and_a_new_look_everything(service: Service) -> None:
    LOGGER.info("one")
    for anew in (1, 1, 2):
        service.lease(anew)
        service.feed.tick()
    assert service.texts() == ["one", "one"]


def test_no_secret_leaves_the_process_whenever_it_became_known(service: Service) -> None:
    logs.hide("canary-known-before")
    LOGGER.error("token canary-known-before at rtsp://admin:canary-in-url@10.0.0.2/x")
    LOGGER.error("the password is canary-known-late")
    trace = ValueError("canary-known-before in a trace")
    LOGGER.error("failed", exc_info=(ValueError, trace, None))
    logs.hide("canary-known-late")
    service.lease()
    service.feed.tick()
    whole = "".join(message.model_dump_json() for message in service.bus.messages(LOG_LINES))
    assert "***" in whole
    assert "canary" not in whole


def test_a_flood_is_bounded_in_memory_in_messages_and_in_length(service: Service) -> None:
    service.lease()
    for number in range(logs.KEPT_LINES + 50):
        LOGGER.info("line %d %s", number, "x" * 5_000)
    assert service.feed.tick() == LINES_PER_MESSAGE * MESSAGES_PER_TICK
    messages = service.bus.messages(LOG_LINES)
    assert len(messages) == MESSAGES_PER_TICK
    assert messages[0].lines[0].number == 51, "the oldest are gone, and the number tells"
    for message in messages:
        assert len(message.model_dump_json()) < LOG_LINES.max_bytes
        assert all(len(line.text) <= logs.MAX_KEPT_CHARS for line in message.lines)


def test_what_could_not_be_sent_comes_later(service: Service) -> None:
    LOGGER.info("one")
    service.lease()
    service.bus.connected = False
    service.feed.tick()
    service.bus.connected = True
    service.feed.tick()
    assert service.texts() == ["one"]


def test_a_line_break_from_outside_makes_no_second_line(service: Service) -> None:
    LOGGER.info("camera %s", "x\nCRITICAL disarmed")
    service.lease()
    service.feed.tick()
    assert service.texts() == ["camera x | CRITICAL disarmed"]


def test_no_line_however_odd_ends_the_service(service: Service) -> None:
    odd = "a file \udce4 and rtsp://u@h " * 200
    # not through the logger: the report of a test cannot be sent with such a line in it
    service.newest.handle(LOGGER.makeRecord(LOGGER.name, logging.INFO, __file__, 1, odd, (), None))
    service.lease()
    service.feed.tick()
    assert "***@h" in service.texts()[0]
    broken = LogFeed(service.bus, service.clock, "events", 7, lambda *_: [][0])
    broken.start()
    service.lease()
    assert broken.tick() == 0
