"""A recording as it is handed out: its content unchanged, with a segment index put in before the first fragment.

The index lets any player seek by one or two requests instead of walking through all fragments. It is the only byte
added: without it the delivered file is the recorded one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from vigilar_common.crypto.vge import V1Reader
from vigilar_common.fmp4 import Fmp4Error, FragmentIndex
from vigilar_common.fmp4.sidx import make_sidx

from vigilar_storage.files import MediaFile, Reader

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """`sidx` (may be empty) stands before byte `at` of the content, which has `content_bytes`."""

    reader: Reader
    content_bytes: int
    at: int = 0
    sidx: bytes = b""

    @property
    def length(self) -> int:
        return self.content_bytes + len(self.sidx)

    def iter_read(self, a: int, b: int) -> Iterator[bytes]:
        """Bytes `[a, b)` of the delivered file. Raises as the reader does."""
        after = self.at + len(self.sidx)
        if a < min(b, self.at):
            yield from self.reader.iter_read(a, min(b, self.at))
        if piece := self.sidx[max(0, a - self.at) : max(0, b - self.at)]:
            yield piece
        if max(a, after) < b:
            yield from self.reader.iter_read(max(a, after) - len(self.sidx), b - len(self.sidx))


def deliver(file: MediaFile) -> Delivery:
    """With an index where one can be made: a file that grows, one of version 1 and what is no MP4 come as they are.

    (Files of version 1 may hold absolute positions, which would no longer be right.) Raises FileDamagedError.
    """
    length = file.length
    plain = Delivery(file.reader, length)
    if isinstance(file.reader, V1Reader):
        return plain
    if file.sidx is not None:
        return Delivery(file.reader, length, *file.sidx)
    try:
        at, fragments, finished = file.layout()
        if not finished or not fragments:
            return plain
        index = FragmentIndex()
        for piece in file.reader.iter_read(0, at):
            index.feed(piece)
        track = index.video or (index.tracks[0] if index.tracks else None)
        if track is None:
            return plain
        at = fragments[0].offset
        sidx = make_sidx(fragments, length, track.track_id, track.timescale)
        file.sidx = (at, sidx)
        return Delivery(file.reader, length, at, sidx)
    except Fmp4Error as error:
        log.warning("recording %s is handed out without an index: %s", file.file_id, error)
        return plain
