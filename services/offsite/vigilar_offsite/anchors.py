"""Checkpoints of the ledger, and what the ledger says of recordings that are off-site, made ready to be sent.

A thread of its own asks storage, so that a storage that hangs holds up no footage.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from vigilar_common.clock import Clock
from vigilar_common.errors import StorageRefusedError, StorageUnavailableError
from vigilar_common.messages.system import StorageCheckpoint

from vigilar_offsite.domain.chain import BrokenLedgerError, Chain

log = logging.getLogger("vigilar.offsite.ledger")

SETTLE_S = 2.0
"""The checkpoint of an alarm may be quicker than the news of the alarm: which recordings are meant is known then."""
RETRY_S = 5.0
BROKEN_RETRY_S = 300.0
PAGE_ENTRIES = 500
MAX_NOTES = 64
MAX_DOCUMENTS = 16
TOLD = ("finalised", "recovered", "damaged")
"""Entries that say what a recording's file is."""


class Ledger(Protocol):
    """Storage's API, as far as it is needed."""

    def get(self, path: str, **query: Any) -> Any: ...


@dataclass(frozen=True)
class Small:
    """A small file for the target. `told`: recordings of which the ledger has said, with it, what they are."""

    name: str
    data: bytes
    told: tuple[str, ...] = ()


class Anchors:
    """`heard` from the bus; `next` and `sent` from the thread that sends; the rest on a thread of its own."""

    def __init__(
        self, storage: Ledger, clock: Clock, is_ours: Callable[[str], bool], ready: Callable[[], None]
    ) -> None:
        self._storage, self._clock, self._is_ours, self._ready = storage, clock, is_ours, ready
        self._lock = threading.Lock()
        self._chain = Chain()
        self._newest: StorageCheckpoint | None = None
        self._due_s = 0.0
        self._waiting: list[Small] = []
        self._last_sent = ""
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="offsite-ledger", daemon=True)
        self.counters: Counter[str] = Counter(notes=0, documents=0, broken=0, dropped=0)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(2)

    def problem(self) -> str:
        dead = self._thread.ident is not None and not self._thread.is_alive() and not self._stopping.is_set()
        return "the thread that reads the ledger died" if dead else ""

    # -- from other threads -------------------------------------------------------------------------------

    def heard(self, checkpoint: StorageCheckpoint) -> None:
        """A retained message: it comes again at each connection."""
        name = f"checkpoints/{_name(checkpoint)}.txt"
        with self._lock:
            known = name == self._last_sent or any(small.name == name for small in self._waiting)
            if not known:
                self._put(Small(name, checkpoint.note.encode()), MAX_NOTES)
            self._newest = checkpoint
            self._due_s = self._clock.monotonic_s() + SETTLE_S
        self._wake.set()
        if not known:
            self._ready()

    def next(self) -> Small | None:
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def sent(self, small: Small) -> None:
        with self._lock:
            self._waiting = [other for other in self._waiting if other is not small]
            if small.name.startswith("checkpoints/"):
                self._last_sent = small.name
                self.counters["notes"] += 1
            else:
                self.counters["documents"] += 1

    def kept(self) -> dict[str, Any]:
        with self._lock:
            return {"chain": self._chain.kept(), "last": self._last_sent}

    def restore(self, kept: dict[str, Any]) -> None:
        """What `kept` gave. Raises KeyError, TypeError, ValueError on anything else."""
        chain = kept["chain"]
        self._chain = Chain(int(chain["size"]), tuple(bytes.fromhex(item) for item in chain["range"]))
        self._last_sent = str(kept["last"])

    # -- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._clock.wait(self._wake, self._pause_s())
            self._wake.clear()
            try:
                self.follow()
            except Exception:
                log.exception(
                    "what the ledger says cannot be made ready; tried again in %g s", BROKEN_RETRY_S
                )
                self._due_s = self._clock.monotonic_s() + BROKEN_RETRY_S

    def _pause_s(self) -> float:
        newest = self._newest
        if newest is None or newest.size == self._chain.size:
            return 60.0
        return max(0.05, self._due_s - self._clock.monotonic_s())

    def follow(self) -> None:
        """Read the ledger up to the newest checkpoint; an answer of storage is a page at most."""
        aim = self._newest
        if aim is None or self._clock.monotonic_s() < self._due_s:
            return
        if aim.size < self._chain.size:
            log.warning(
                "the ledger has fewer entries than before: it was restored, and is read from its beginning"
            )
            self._chain = Chain()
        while self._chain.size < aim.size and not self._stopping.is_set():
            first = self._chain.size
            try:
                self._read(aim)
            except (StorageUnavailableError, StorageRefusedError) as error:
                log.debug("the ledger is read later: %s", error)
                self._due_s = self._clock.monotonic_s() + RETRY_S
                return
            except BrokenLedgerError as error:
                self.counters["broken"] += 1
                text = "the ledger does not fit its checkpoint of %d entries: %s; see `vigilar verify`"
                log.error(text, aim.size, error)  # noqa: TRY400 the trace says nothing more
                self._chain, self._due_s = Chain(), self._clock.monotonic_s() + BROKEN_RETRY_S
                return
            if self._chain.size == first:
                self._due_s = self._clock.monotonic_s() + RETRY_S
                return

    def _read(self, aim: StorageCheckpoint) -> None:
        limit = min(PAGE_ENTRIES, aim.size - self._chain.size)
        rows = self._storage.get("/v1/ledger", after=self._chain.size, limit=limit)["items"]
        for row in rows:
            self._chain.take(row, self._is_ours)
        if self._chain.size < aim.size:
            return
        try:
            root = base64.b64decode(aim.root, validate=True)
        except binascii.Error as error:
            raise BrokenLedgerError("the root of the checkpoint is no base64") from error
        start = self._chain.kept()["size"]
        with self._lock:
            document = self._chain.close(aim.note, root)
            if document is None:
                return
            told = {
                leaf["entry"]["subject"]
                for leaf in document["leaves"]
                if isinstance(leaf, dict) and leaf["entry"]["type"] in TOLD
            }
            data = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
            self._put(
                Small(f"ledger/{start:012d}-{_name(aim)}.json", data, tuple(sorted(told))), MAX_DOCUMENTS
            )
        self._ready()

    def _put(self, small: Small, most: int) -> None:
        """With the lock held. The oldest of a kind goes when there are too many: a newer one proves what it proved."""
        folder = small.name.partition("/")[0]
        same = [other for other in self._waiting if other.name.startswith(folder)]
        if len(same) >= most:
            self.counters["dropped"] += 1
            log.warning("%s is not sent any more: too many wait", same[0].name)
            self._waiting.remove(same[0])
        self._waiting.append(small)


def _name(checkpoint: StorageCheckpoint) -> str:
    """Of another ledger with as many entries it is another one, so that nothing is replaced."""
    short = "".join(character for character in checkpoint.root if character.isalnum())[:12]
    return f"{checkpoint.size:012d}-{short}"
