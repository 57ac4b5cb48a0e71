"""Exports that people ask for on the web page: one at a time, each in a process of its own, kept for a day.

The work is `vigilar export`, so that a large one costs this process nothing and may be ended at any moment. A restart
of storage keeps what is done and begins anew what is not (`export_notes`).
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import VigilarError
from vigilar_common.service import Environment

from vigilar_storage import export_notes
from vigilar_storage.export_notes import Export, ExportOrder, ExportState

log = logging.getLogger(__name__)

FOLDER = ".exports"
"""Inside recordings_dir, the only disk with room for film; no camera can be called so."""
MAX_EXPORT_BYTES = 8 * 1000**3
KEPT_EXPORTS = 3
KEEP_MS = 24 * 3_600_000
PARTIAL_SUFFIX = ".part"
LOOK_S = 60.0
RUN_LIMIT_S = 2 * 3_600.0
STOP_S = 4.0
MAX_ERROR_CHARS = 500
MAX_BEGUN = 3
"""So often one is begun over restarts of storage: one that brings storage down must not do so for ever."""


class ExportBusyError(VigilarError):
    """Another export is being made."""


def command_words(order: ExportOrder) -> list[str]:
    """For the command line; never through a shell."""
    what = [f"--recording={recording_id}" for recording_id in order.recording_ids]
    if not what:
        what = [f"--camera={order.camera_id}", f"--from={_iso(order.from_ms)}", f"--to={_iso(order.to_ms)}"]
    return [*what, f"--reason={order.reason}", f"--for-user={order.actor}"]


def plain(export: Export) -> dict[str, Any]:
    """As the API tells it."""
    return {
        "id": export.export_id,
        "state": export.state,
        "actor": export.order.actor,
        "reason": export.order.reason,
        "recording_ids": list(export.order.recording_ids),
        "camera_id": export.order.camera_id or None,
        "created_ms": export.created_ms,
        "progress_pct": export.done_bytes * 100 // export.total_bytes if export.total_bytes else 0,
        "size_bytes": export.size_bytes,
        "sha256": export.sha256,
        "error": export.error,
        "left_out": export.left_out,
        "expires_ms": export.ended_ms + KEEP_MS if export.ended_ms else None,
    }


class Exports:
    """One thread; everything else may be called from any other."""

    def __init__(
        self,
        recordings_dir: Path,
        environment: Environment,
        clock: Clock,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._folder = recordings_dir / FOLDER
        self._clock = clock
        self._env = {
            **env,
            "VIGILAR_CONFIG_RUN": str(environment.config_run),
            "VIGILAR_STATE_DIR": str(environment.state_dir),
            "VIGILAR_SECRETS_DIR": str(environment.secrets_dir),
        }
        self._lock = threading.Lock()
        self._known: dict[str, Export] = {}
        self._wanted: queue.Queue[Export | None] = queue.Queue(2)
        self._process: subprocess.Popen[str] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.counters = {"exports": 0, "failed_exports": 0}

    def start(self) -> None:
        """With what an earlier run left: done ones are kept, the one that was being made is made again."""
        try:
            self._recall()
        except OSError as error:
            log.error("exports of before cannot be listed: %s", error)  # noqa: TRY400 the disk's reason is all
        self._thread = threading.Thread(target=self._loop, name="exports", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()
        self._wanted.put(None)
        if self._thread:
            self._thread.join(STOP_S)

    def ask(self, order: ExportOrder) -> Export:
        """Raises ExportBusyError."""
        with self._lock:
            if self._stopping.is_set() or any(
                export.state is ExportState.RUNNING for export in self._known.values()
            ):
                raise ExportBusyError("another export is being made: wait until it is done")
            export = Export(uuid7(self._clock), order, self._clock.now_ms())
            self._known[export.export_id] = export
        self._note(export)
        self._wanted.put(export)
        return export

    def all(self) -> list[Export]:
        """Newest first."""
        with self._lock:
            return sorted(self._known.values(), key=lambda export: export.created_ms, reverse=True)

    def get(self, export_id: str) -> Export | None:
        with self._lock:
            return self._known.get(export_id)

    def path(self, export: Export) -> Path:
        return self._folder / f"{export.export_id}.zip"

    def remove(self, export_id: str) -> bool:
        """Also ends one that is being made. False: there is none."""
        with self._lock:
            export = self._known.pop(export_id, None)
            if export is not None and export.state is ExportState.RUNNING and self._process is not None:
                self._process.terminate()
        if export is None:
            return False
        for suffix in (export_notes.NOTE_SUFFIX, export_notes.ZIP_SUFFIX):
            (self._folder / f"{export_id}{suffix}").unlink(missing_ok=True)
        log.info("export %s was removed", export_id)
        return True

    def _recall(self) -> None:
        for export in export_notes.read(self._folder):
            self._known[export.export_id] = export
            if export.state is not ExportState.RUNNING:
                continue
            if export.begun < MAX_BEGUN and not self._wanted.full():
                log.info("export %s was cut off by a restart: it is made again", export.export_id)
                self._wanted.put_nowait(export)
            else:
                self._ended(export, "storage was restarted while it was made, too often to begin once more")

    # -- the thread ---------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                export = self._wanted.get(timeout=LOOK_S)
            except queue.Empty:
                export = None
            if self._stopping.is_set():
                return
            try:
                if export is not None:
                    self._make(export)
                self._purge()
            except Exception:
                log.exception("an export failed")
                if export is not None:
                    self._ended(export, "the export could not be made; storage's log says why")

    def _make(self, export: Export) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        export.begun += 1
        self._note(export)
        errors = self._folder / f"{export.export_id}.log"
        words = [
            *command_words(export.order),
            f"--out={self.path(export)}",
            "--progress",
            f"--max-bytes={MAX_EXPORT_BYTES}",
        ]
        with errors.open("w+", encoding="utf-8") as told:
            with self._lock:
                if self._stopping.is_set() or export.export_id not in self._known:
                    return
                self._process = process = subprocess.Popen(
                    [sys.executable, "-m", "vigilar_storage", "export", *words],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, text=True, env=self._env,
                )  # fmt: skip
            ending = threading.Timer(RUN_LIMIT_S, process.kill)
            ending.daemon = True
            ending.start()
            try:
                assert process.stdout is not None, "it is a pipe"
                with process.stdout:
                    for line in process.stdout:
                        self._take(export, line)
                process.wait()
            finally:
                ending.cancel()
                with self._lock:
                    self._process = None
            told.seek(0)
            reason = told.read()[-4 * MAX_ERROR_CHARS :].strip()
        errors.unlink(missing_ok=True)
        if self._stopping.is_set() and not export.size_bytes:
            return  # ended by the stop: the next start makes it again
        if export.size_bytes and self.path(export).is_file():
            self._ended(export, "")
        else:
            last = reason.splitlines()[-1] if reason else f"it was ended (code {process.returncode})"
            self._ended(
                export, last.removeprefix("vigilar: ").replace(f"{self._folder}/", "")[:MAX_ERROR_CHARS]
            )

    def _take(self, export: Export, line: str) -> None:
        told = json.loads(line)
        if "sha256" in told:
            export.size_bytes, export.sha256 = told["bytes"], told["sha256"]
            export.left_out = told["left_out"]
        else:
            export.done_bytes, export.total_bytes = told["done_bytes"], told["total_bytes"]

    def _ended(self, export: Export, error: str) -> None:
        with self._lock:
            export.error, export.ended_ms = error, self._clock.now_ms()
            export.state = ExportState.FAILED if error else ExportState.DONE
            wanted = export.export_id in self._known
        if error or not wanted:
            for path in (self.path(export), self._folder / f".{export.export_id}.zip{PARTIAL_SUFFIX}"):
                path.unlink(missing_ok=True)
        if wanted:
            self._note(export)
        self.counters["failed_exports" if error else "exports"] += 1
        log.info(
            "export %s for %s: %s",
            export.export_id,
            export.order.actor,
            error or f"{export.size_bytes} bytes",
        )

    def _note(self, export: Export) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            export_notes.write(self._folder, export)
        except OSError as error:
            log.error("export %s would be lost by a restart: %s", export.export_id, error)  # noqa: TRY400 as above

    def _purge(self) -> None:
        """What is older than a day, and all but the newest few."""
        now_ms = self._clock.now_ms()
        ended = [export for export in self.all() if export.ended_ms]
        for place, export in enumerate(ended):
            if place >= KEPT_EXPORTS or now_ms - export.ended_ms >= KEEP_MS:
                self.remove(export.export_id)


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds")
