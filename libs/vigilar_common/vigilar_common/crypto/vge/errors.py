"""Errors of `.vge` files: each names the file and, where it applies, chunk, byte offset and time."""

from __future__ import annotations

from datetime import UTC, datetime

from vigilar_common.errors import FileDamagedError, VigilarError


class ChunkDamagedError(FileDamagedError):
    """A chunk that does not authenticate or is not there.

    ``chunk`` counts from 0; ``offset`` is the byte in the file where it starts; ``time_range_ms`` is the media
    time (from the start of the file) that the chunk touches, or None when it is not known.
    """

    def __init__(
        self, name: str, chunk: int, offset: int, time_range_ms: tuple[int, int] | None, when: str, what: str
    ) -> None:
        super().__init__(f"{name}: chunk {chunk} at byte {offset}{when}: {what}")
        self.chunk = chunk
        self.offset = offset
        self.time_range_ms = time_range_ms


class HeaderDamagedError(FileDamagedError):
    """The first 512 bytes are not a header that its key made."""


class FooterDamagedError(FileDamagedError):
    """The footer is there but does not authenticate or contradicts the file."""


class WriterAliveError(VigilarError):
    """A writer holds the file's lock: it is not for recovery."""


def describe_times(created_ms: int, time_range_ms: tuple[int, int] | None) -> str:
    """`` (12.000–12.500 s, 2026-01-01T00:00:12.000Z)`` for error messages; empty when not known."""
    if time_range_ms is None:
        return ""
    start_ms, end_ms = time_range_ms
    try:
        utc = datetime.fromtimestamp((created_ms + start_ms) / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):  # a created_ms outside the calendar
        return f" ({start_ms / 1000:.3f}–{end_ms / 1000:.3f} s)"
    stamp = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f" ({start_ms / 1000:.3f}–{end_ms / 1000:.3f} s, {stamp})"
