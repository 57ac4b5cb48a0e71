"""Recordings and pictures as bytes and playlists: found, opened, decrypted, never a byte that was not verified."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vigilar_common.errors import FileDamagedError, VigilarError, WrongKeyError
from vigilar_common.fmp4 import Fmp4Error, Fragment, from_zero

from vigilar_storage import paths, playlist, queries
from vigilar_storage.db import Database
from vigilar_storage.delivery import Delivery, deliver
from vigilar_storage.files import MediaFile, OpenFiles
from vigilar_storage.film_probe import is_fragmented
from vigilar_storage.ranges import ByteRange, parse
from vigilar_storage.schema import FileFormat, RecordingState

log = logging.getLogger(__name__)

CHECKED_FIRST_BYTES = 4 * 1024 * 1024
"""Up to here a range is verified as a whole before its first byte is sent; beyond, each piece before it is sent.

A player's seek asks for all that follows: to verify much more first would be felt as waiting."""
MAX_PICTURE_BYTES = 8 * 1024 * 1024
MAX_SPAN_MS = 24 * 3600 * 1000
MAX_SPAN_FILMS = 500
MAX_KEYFRAME_BYTES = 16 * 1024 * 1024


class NotFoundError(VigilarError):
    """No such recording or picture (any more)."""


class NotFragmentedError(VigilarError):
    """A film that no playlist can be made of; its content plays as one file."""


class SpanTooLargeError(VigilarError):
    """A playlist over too long a time or of too many recordings."""


class Content:
    """An answer to a content request; iterate `pieces` to the end or call `close`."""

    def __init__(self, source: Delivery, part: ByteRange | None, file: MediaFile, files: OpenFiles) -> None:
        self.length = source.length
        self.part = part
        self.file = file
        self.source = source
        self._files = files
        self._open = True

    @property
    def size(self) -> int:
        return self.part.end - self.part.start if self.part else self.length

    def pieces(self) -> Iterator[bytes]:
        """Verified plaintext. A piece that fails ends the answer short, which the client sees."""
        start, end = (self.part.start, self.part.end) if self.part else (0, self.length)
        try:
            yield from self.source.iter_read(start, end)
        except (FileDamagedError, OSError) as error:
            log.error("sending %s stopped: %s", self.file.file_id, error)  # noqa: TRY400 the text says where
            raise
        finally:
            self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._files.give_back(self.file)

    def __del__(self) -> None:
        # A client that leaves before the first piece never starts the generator.
        self.close()


class Media:
    """Thread-safe."""

    def __init__(self, root: Path, database: Database, files: OpenFiles) -> None:
        self._root = root
        self._database = database
        self._files = files
        self.counters = {"content_requests": 0, "content_bytes": 0, "damaged": 0}

    def content(self, recording_id: str, range_header: str | None) -> Content:
        """Raises NotFoundError, UnsatisfiableRangeError, FileDamagedError, WrongKeyError, StorageUnavailableError."""
        return self._content(recording_id, range_header, lambda file: Delivery(file.reader, file.length))

    def download(self, recording_id: str, range_header: str | None) -> Content:
        """As `content`, with the index for seeking that `delivery` adds."""
        return self._content(recording_id, range_header, deliver)

    def _content(
        self, recording_id: str, range_header: str | None, source_of: Callable[[MediaFile], Delivery]
    ) -> Content:
        file = self._open(self._recording(recording_id))
        content: Content | None = None
        try:
            source = source_of(file)
            content = Content(source, parse(range_header, source.length), file, self._files)
            self._check_first(content)
        except FileDamagedError:
            self.counters["damaged"] += 1
            raise
        finally:
            if content is None:
                self._files.give_back(file)
        self.counters["content_requests"] += 1
        self.counters["content_bytes"] += content.size
        return content

    def _check_first(self, content: Content) -> None:
        if content.size > CHECKED_FIRST_BYTES:
            return
        start = content.part.start if content.part else 0
        try:
            for _ in content.source.iter_read(start, start + content.size):
                pass  # only whether it verifies; sending reads it again, from the page cache
        except BaseException:
            content.close()
            raise

    def picture(self, picture_id: str) -> tuple[bytes, str]:
        """JPEG, and the camera that it is of. Raises as `content`."""
        with self._database.read() as connection:
            row = queries.get_picture(connection, picture_id)
        if row is None:
            raise NotFoundError(f"there is no picture {picture_id}")
        file = self._open(row)
        try:
            length = file.length
            if length > MAX_PICTURE_BYTES:
                raise FileDamagedError(f"picture {picture_id} has {length} bytes: that is no picture")
            return file.reader.read(0, length), str(row["camera_id"])
        finally:
            self._files.give_back(file)

    def recording_playlist(self, recording_id: str) -> str:
        """Of one recording, with its film beside it. Raises as `content`, and NotFragmentedError."""
        return playlist.of_recording(self._film(self._recording(recording_id), playlist.FILM_NAME))

    def span_playlist(self, camera_id: str, from_ms: int, to_ms: int) -> str:
        """Of what a camera recorded between two UTC times. Raises as `span_films`."""
        return playlist.of_span(self.span_films(camera_id, from_ms, to_ms), from_ms, to_ms)

    def span_index(self, camera_id: str, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
        """The same as `playlist.index_of_span`, one segment for each keyframe. Raises as `span_films`."""
        films = self.span_films(camera_id, from_ms, to_ms, least_ms=1)
        return playlist.index_of_span(films, from_ms, to_ms)

    def span_films(
        self, camera_id: str, from_ms: int, to_ms: int, *, least_ms: int = playlist.SEGMENT_MS
    ) -> list[playlist.Film]:
        """What a camera recorded between two UTC times; a damaged recording is left out, and logged.

        Raises SpanTooLargeError, StorageUnavailableError.
        """
        if to_ms - from_ms > MAX_SPAN_MS:
            raise SpanTooLargeError(f"a playlist covers at most {MAX_SPAN_MS // 3_600_000} hours")
        with self._database.read() as connection:
            rows = queries.recordings_of_span(
                connection, camera_id, queries.Span(from_ms, to_ms), MAX_SPAN_FILMS + 1
            )
        if len(rows) > MAX_SPAN_FILMS:
            raise SpanTooLargeError(f"more than {MAX_SPAN_FILMS} recordings: ask for a shorter time")
        films = []
        for row in rows:
            uri = f"/api/v1/recordings/{row['id']}/{playlist.FILM_NAME}"
            try:
                films.append(self._film(row, uri, least_ms))
            except (FileDamagedError, WrongKeyError, NotFoundError, NotFragmentedError, Fmp4Error) as error:
                log.warning("recording %s is left out of a playlist: %s", row["id"], error)
        return films

    def keyframe(self, camera_id: str, at_ms: int) -> tuple[bytes, int]:
        """(a film of the fragment that shows this moment, when its keyframe was seen). Raises as `content`."""
        with self._database.read() as connection:
            rows = queries.recordings_of_span(
                connection, camera_id, queries.Span(at_ms, at_ms + 1), MAX_SPAN_FILMS
            )
        for row in reversed(rows):
            file = self._open(row)
            try:
                init_bytes, fragments, _ = file.layout()
                start_ms = row["started_ms"] - (fragments[0].time_ms if fragments else 0)
                shown = keyframe_at(fragments, at_ms - start_ms)
                if shown is None:
                    continue
                if shown.size > MAX_KEYFRAME_BYTES:
                    raise FileDamagedError(f"recording {row['id']}: a fragment has {shown.size} bytes")
                init = file.reader.read(0, init_bytes)
                film = file.reader.read(shown.offset, shown.offset + shown.size)
                return init + from_zero(film), start_ms + shown.time_ms
            finally:
                self._files.give_back(file)
        raise NotFoundError(f"nothing of {camera_id} was recorded at {at_ms}")

    def _film(self, row: Mapping[str, Any], uri: str, least_ms: int = playlist.SEGMENT_MS) -> playlist.Film:
        file = self._open(row)
        try:
            if settled_as_file(row) and not is_fragmented(file.reader):
                raise NotFragmentedError(
                    f"recording {row['id']} is no film in fragments: it plays as one file"
                )
            init_bytes, fragments, finished = file.layout()
            mime = file.mime()
        except FileDamagedError:
            self.counters["damaged"] += 1
            raise
        finally:
            self._files.give_back(file)
        found = playlist.segments(fragments, finished=finished, least_ms=least_ms)
        lead_ms = found[0].time_ms - fragments[0].time_ms if found else 0
        return playlist.Film(uri, row["started_ms"] + lead_ms, init_bytes, found, finished, row["id"], mime)

    def _recording(self, recording_id: str) -> dict[str, Any]:
        with self._database.read() as connection:
            row = queries.get_recording(connection, recording_id)
        if row is None:
            raise NotFoundError(f"there is no recording {recording_id}")
        return row

    def _open(self, row: Mapping[str, Any]) -> MediaFile:
        settled = row["state"] not in (RecordingState.GROWING, "incoming")
        for path in self._places(row):
            try:
                return self._files.take(row["id"], path, row["format"], settled=settled)
            except FileNotFoundError:
                continue  # still in incoming, or moved a moment ago
        raise FileDamagedError(f"recording {row['id']}: its file is missing")

    def _places(self, row: Mapping[str, Any]) -> list[Path]:
        """Planned place, incoming, planned place again: intake may move the file between two looks."""
        incoming = self._root / paths.INCOMING / str(row["camera_id"])
        suffix = {FileFormat.MP4: ".mp4", FileFormat.JPEG: ".jpg"}.get(row["format"], ".vge")
        expected = row["path"] or paths.stored(row["camera_id"], _time(row), row["id"], suffix)
        return [self._root / expected, incoming / f"{row['id']}{suffix}", self._root / expected]


def keyframe_at(fragments: Sequence[Fragment], time_ms: int) -> Fragment | None:
    """The last keyframe at or before this media time, or the first one there is; None without any."""
    shown: Fragment | None = None
    for fragment in fragments:
        if fragment.keyframe and (shown is None or fragment.time_ms <= time_ms):
            shown = fragment
    return shown


def _time(row: Mapping[str, Any]) -> int:
    value = row["started_ms"] if "started_ms" in row else row["ts_ms"]
    return int(value)


def settled_as_file(row: Mapping[str, Any]) -> bool:
    """A whole file that may come from version 1, which wrote other MP4 than ours."""
    return row["format"] in (FileFormat.VGE1, FileFormat.MP4) and row["state"] != RecordingState.GROWING
