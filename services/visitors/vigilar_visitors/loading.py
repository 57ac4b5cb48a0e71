"""What is known, read from storage once at the start: people, their vectors, visits that were going on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vigilar_common.storage_client import StorageClient

from vigilar_visitors.adapters.sealing import Sealer, SealError
from vigilar_visitors.domain.gallery import Gallery, Limits, Person, Sample
from vigilar_visitors.domain.visits import Visit, Visits

log = logging.getLogger("vigilar.visitors.loading")

PAGE: Final = 200
MAX_PAGES: Final = 500


def load_gallery(storage: StorageClient, sealer: Sealer, limits: Limits) -> tuple[Gallery, int]:
    """And how many vectors cannot be opened. Raises StorageUnavailableError, StorageRefusedError."""
    gallery, unreadable = Gallery(limits), 0
    for row in _rows(storage, "/v1/face-profiles"):
        gallery.put(
            Person(
                row["id"], row["first_seen_ms"], row["last_seen_ms"], row["name"], bool(row["household"]),
                bool(row["ignored"]),
            )
        )  # fmt: skip
    for row in _rows(storage, "/v1/face-vectors"):
        if row["profile_id"] not in gallery.people:
            continue  # the profile went between the two pages
        try:
            values = sealer.open_vector(row["vector"], row["id"], row["model"])
        except SealError as error:
            unreadable += 1
            log.error("a face vector is not used: %s", error)  # noqa: TRY400
            continue
        gallery.add(Sample(row["id"], row["profile_id"], values, row["quality"], row["model"]))
    return gallery, unreadable


def load_visits(storage: StorageClient, visits: Visits, kept: Mapping[str, Any]) -> list[Visit]:
    """Open ones; returned are those that are over because their person has a newer one. Raises as above."""
    return visits.restore(_rows(storage, "/v1/visits", open="true"), kept)


def _rows(storage: StorageClient, path: str, **query: str) -> Iterator[dict[str, Any]]:
    cursor = None
    for _ in range(MAX_PAGES):
        page = storage.get(path, limit=PAGE, cursor=cursor, **query)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return
    log.error("%s has more than %d rows: the rest is not used", path, PAGE * MAX_PAGES)
