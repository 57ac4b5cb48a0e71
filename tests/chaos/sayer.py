"""A producer inside the test, which no power cut reaches: what it knows to be confirmed is the oracle's truth."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Self

import httpx
from chaos.oracle import Journal
from storage_rig import new_id, now_ms

BATCH = 10


@dataclass(frozen=True)
class Answer:
    """A batch that was confirmed; times are monotonic seconds of this process."""

    asked_s: float
    at_s: float
    ids: frozenset[str]


class Sayer(threading.Thread):
    """Sends batches in order, each again until it is confirmed."""

    def __init__(self, source: str, url: str, token: str, rate: float) -> None:
        super().__init__(daemon=True)
        self.journal = Journal(source, [], set(), set())
        self.enough = threading.Event()
        self.refusals: list[tuple[float, str]] = []
        """When (monotonic) and why a batch was not taken."""
        self.answers: list[Answer] = []
        self._url, self._rate = url, rate
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            verify=False,  # noqa: S501 plain HTTP on loopback
        )
        self._seq = 0

    def run(self) -> None:
        while not self.enough.is_set():
            batch = [self._fact() for _ in range(BATCH)]
            ids = [str(item[1]) for item in batch]
            self.journal.intended.extend(ids)
            asked_s = time.monotonic()
            while not self._taken(batch):
                if self.enough.wait(0.05):
                    return
                asked_s = time.monotonic()
            self.answers.append(Answer(asked_s, time.monotonic(), frozenset(ids)))
            self.journal.confirmed.update(ids)
            time.sleep(BATCH / self._rate)

    def stop(self) -> None:
        self.enough.set()
        if self.ident is not None:
            self.join(30)
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _fact(self) -> list[object]:
        self._seq += 1
        body = {
            "ts_ms": now_ms(),
            "component": "chaos",
            "level": "info",
            "code": "chaos",
            "message": "m" * 60,
        }
        return [self._seq, new_id(), "system.event", body]

    def _taken(self, batch: list[list[object]]) -> bool:
        try:
            body = {"source": self.journal.source, "facts": batch}
            answer = self._client.post(f"{self._url}/v1/facts", json=body)
        except httpx.HTTPError as error:
            self.refusals.append((time.monotonic(), type(error).__name__))
            return False
        if answer.status_code != 200:
            self.refusals.append((time.monotonic(), f"{answer.status_code} {answer.text[:200]}"))
            return False
        assert not answer.json()["rejected"], answer.text
        return True
