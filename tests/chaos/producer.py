"""A producer of facts as a program of its own, to be killed: the real outbox, drain, client and broker connection.

Reads its orders as JSON from standard input. SIGTERM: nothing new, and it ends when storage has confirmed everything.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from vigilar_common.bus import BrokerAddress, MqttBus
from vigilar_common.clock import SystemClock, uuid7
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import SystemEvent
from vigilar_common.outbox import FactLog, Outbox
from vigilar_common.service import publish_live
from vigilar_common.storage_client import StorageClient

DRAIN_LIMIT_S = 300.0
STEP_S = 0.05


class Journal:
    """Every line is in the kernel's hands when `note` returns, so a kill cannot take it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            os.write(self._fd, b"\n")

    def note(self, what: str, *ids: str) -> None:
        os.write(self._fd, f"{what} {' '.join(ids)}\n".encode())


class WitnessedClient(StorageClient):
    """Writes down what storage confirmed, before the outbox forgets it."""

    journal: Journal

    def post_facts(self, source: str, facts: list[tuple[int, str, str, dict[str, Any]]]) -> dict[str, Any]:
        answer = super().post_facts(source, facts)
        assert not answer["rejected"], answer
        self.journal.note("c", *(fact[1] for fact in facts))
        return answer


def main() -> int:
    orders = json.load(sys.stdin)
    source, clock = orders["source"], SystemClock()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    journal = Journal(Path(orders["journal"]))
    outbox = Outbox(Path(orders["outbox"]), source, clock)
    outbox.open()
    client = WitnessedClient(orders["storage_url"], orders["token"])
    client.journal = journal
    address = BrokerAddress("127.0.0.1", orders["broker_port"], source, orders["password"])
    bus = MqttBus(address, source, clock)
    bus.start()
    outbox.start_drain(client)
    facts = FactLog(outbox, lambda fact, ids: publish_live(bus, source, fact, ids))
    began_s, said = clock.monotonic_s(), 0
    while not stopping.is_set():
        # On a machine that is too busy for this rate it never comes to rest.
        while not stopping.is_set() and said < (clock.monotonic_s() - began_s) * orders["rate"]:
            fact_id = uuid7(clock)
            journal.note("i", fact_id)
            fact = SystemEvent(
                id=fact_id, component="chaos", level=Severity.INFO, code="chaos", message=f"number {said}"
            )
            facts.emit(fact)
            journal.note("k", fact_id)
            said += 1
        clock.wait(stopping, STEP_S)
    outbox.close(DRAIN_LIMIT_S)
    bus.stop()
    return 1 if outbox.depth else 0


if __name__ == "__main__":
    sys.exit(main())
