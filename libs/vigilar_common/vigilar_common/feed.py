"""For consumers that must miss nothing: live messages for speed, the log for truth."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import ValidationError

from vigilar_common.bus import Bus, Received
from vigilar_common.clock import Clock
from vigilar_common.derived import derived_id
from vigilar_common.errors import StorageRefusedError, StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.storage_client import StorageClient
from vigilar_common.topics import FACT_MODELS, FACT_TOPICS, FACTS_COMMITTED

log = logging.getLogger(__name__)

POLL_S = 5.0
HINT_PAUSE_S = 1.0
"""Live messages are the fast way; commit hints only heal what they missed, so they are taken at most once a second."""
PAGE_FACTS = 500
REMEMBERED_IDS = 20_000
TOGETHER = 32
"""So many facts of the log go to the handler in one go, where it can keep them with one commit; a live one waits for those."""

__all__ = ["FactHandler", "Feed", "derived_id"]

FactHandler = Callable[[Fact, float, bool], None]
"""(fact, its age in seconds, whether it came live)"""


class Feed:
    """Calls `handler` once per fact of `types`, from one thread at a time.

    The cursor (epoch, n) is kept in `state_dir` and moves only after the handler returned; a crash in
    between repeats facts, so handlers derive ids with `derived_id`. `together` surrounds up to TOGETHER facts of
    the log: what the handler did with them must be on disk when it is left.
    """

    def __init__(
        self,
        name: str,
        types: Sequence[str],
        handler: FactHandler,
        *,
        bus: Bus,
        storage: StorageClient,
        clock: Clock,
        state_dir: Path,
        together: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._types = tuple(types)
        self._handler = handler
        self._bus, self._storage, self._clock = bus, storage, clock
        self._path = state_dir / f"feed-{name}.json"
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._together = together or contextlib.nullcontext
        self._at_once = TOGETHER if together else 1
        self._turn = threading.RLock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._epoch, self._after = "", 0
        self.caught_up = False
        self.counters = {"live": 0, "log": 0, "repeats": 0, "handler_errors": 0, "unknown": 0}

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            try:
                kept = json.loads(self._path.read_text("utf-8"))
                self._epoch, self._after = str(kept["epoch"]), int(kept["after"])
            except (ValueError, KeyError, TypeError):
                log.exception("feed cursor %s is damaged: reading the log from its beginning", self._path)
        for kind in self._types:
            self._bus.subscribe(FACT_TOPICS[kind], self._on_live)
        self._bus.subscribe(FACTS_COMMITTED, lambda _: self._wake.set())
        self._bus.on_connect(self._wake.set)
        self._thread = threading.Thread(target=self._loop, name=f"feed-{self._path.stem}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join(5)

    def problem(self) -> str:
        if self._thread and not self._thread.is_alive() and not self._stopping.is_set():
            return "the feed's thread died"
        return ""

    def _on_live(self, received: Received) -> None:
        if isinstance(received.message, Fact):
            self._handle(received.message, live=True)

    def _handle(self, fact: Fact, live: bool) -> None:
        with self._turn:
            if fact.id in self._seen:
                self.counters["repeats"] += 1
                return
            age_s = max(0.0, (self._clock.now_ms() - fact.ts_ms) / 1000)
            try:
                self._handler(fact, age_s, live)
            except Exception:
                self.counters["handler_errors"] += 1
                log.exception("fact %s %s could not be handled", fact.TYPE, fact.id)
                if live:
                    return  # the log brings it once more
            self.counters["live" if live else "log"] += 1
            self._seen[fact.id] = None
            if len(self._seen) > REMEMBERED_IDS:
                self._seen.popitem(last=False)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._catch_up()
            except (StorageUnavailableError, StorageRefusedError) as error:
                log.debug("feed: %s", error)
            except OSError:
                log.exception("feed cursor %s cannot be written", self._path)
            self._clock.wait(self._stopping, HINT_PAUSE_S)
            self._clock.wait(self._wake, POLL_S - HINT_PAUSE_S)

    def _catch_up(self) -> None:
        while not self._stopping.is_set():
            page = self._storage.get(
                "/v1/facts",
                epoch=self._epoch,
                after=self._after,
                types=",".join(self._types),
                limit=PAGE_FACTS,
            )
            if page["epoch"] != self._epoch:
                if self._epoch:
                    log.warning("storage began epoch %s: the log is read from its beginning", page["epoch"])
                self._epoch, self._after = page["epoch"], 0
                if not page.get("reset", True):
                    continue
            for start in range(0, len(page["facts"]), self._at_once):
                with self._turn, self._together():
                    for row in page["facts"][start : start + self._at_once]:
                        self._take(row)
            after = (
                page["facts"][-1][0] if len(page["facts"]) >= PAGE_FACTS else max(self._after, page["last_n"])
            )
            if after != self._after:
                self._after = after
                self._keep_cursor()
            if len(page["facts"]) < PAGE_FACTS:
                self.caught_up = True
                return

    def _take(self, row: list[object]) -> None:
        _, source, seq, fact_id, kind, body = row
        model = FACT_MODELS.get(str(kind))
        if model is None or not isinstance(body, dict):
            self.counters["unknown"] += 1
            return
        try:
            fact = model.model_validate({**body, "id": fact_id, "source": source, "seq": seq})
        except ValidationError as error:
            self.counters["unknown"] += 1
            log.error("fact %s in the log does not fit %s: %d errors", fact_id, kind, error.error_count())  # noqa: TRY400 the trace says nothing more
            return
        self._handle(fact, live=False)

    def _keep_cursor(self) -> None:
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"epoch": self._epoch, "after": self._after}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
