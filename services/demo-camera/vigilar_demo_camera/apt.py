"""Debian's package archive through apt-get, without root and without installing anything."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from vigilar_demo_camera.errors import DemoCameraError

UPDATE_TIMEOUT_S = 300
DOWNLOAD_TIMEOUT_S = 900
RESOLVE_TIMEOUT_S = 60
PROGRESS_INTERVAL_S = 5.0

_URI_LINE = re.compile(r"'[^']+' (?P<file>\S+) (?P<size>\d+)")
_INSTALL_LINE = re.compile(r"Inst (?P<name>\S+) ")
_MEGABYTE = 1_000_000

log = logging.getLogger(__name__)


class Apt:
    """apt-get with the machine's sources. ``private`` is a folder for package lists, used when the machine
    has none (a fresh image, or lists that are too old for the archive)."""

    def __init__(self, private: Path) -> None:
        private.mkdir(parents=True, exist_ok=True)
        self._private = private
        self._options: list[str] = []
        program = shutil.which("apt-get")
        if program is None:
            raise DemoCameraError("apt-get is not on this machine, it is no Debian.")
        self._program = program

    def download(self, packages: Sequence[str], folder: Path) -> list[Path]:
        """Fetch exactly these packages into ``folder``; their files."""
        files = self._uris(packages)
        try:
            self._fetch(packages, folder, files)
        except DemoCameraError as error:
            if self._options:
                raise
            # Lists of the machine may name a version that the archive has replaced since.
            log.warning("%s Trying again with fresh package lists.", error)
            self.update()
            files = self._uris(packages)
            self._fetch(packages, folder, files)
        return [folder / name for name, _ in files]

    def missing(self, packages: Sequence[str]) -> list[str]:
        """``packages`` and what they depend on, as far as not installed here."""
        arguments = ["install", "--simulate", "--no-install-recommends", "--yes", *packages]
        output = self._run_or_update(arguments)
        return [found["name"] for found in map(_INSTALL_LINE.match, output) if found]

    def update(self) -> None:
        """Fetch package lists into the private folder; the machine's own are not touched."""
        log.info("fetching the package lists of this machine's Debian sources")
        for folder in ("lists/partial", "archives/partial"):
            (self._private / folder).mkdir(parents=True, exist_ok=True)
        options = []
        for key, value in (
            ("Dir::State::lists", self._private / "lists"),
            ("Dir::Cache::archives", self._private / "archives"),
            ("Dir::Cache::pkgcache", self._private / "pkgcache.bin"),
            ("Dir::Cache::srcpkgcache", self._private / "srcpkgcache.bin"),
        ):
            options += ["-o", f"{key}={value}"]
        if os.geteuid() == 0:
            # apt's own user cannot enter a private folder.
            options += ["-o", "APT::Sandbox::User=root"]
        self._options = options
        self._run(["update", "-o", "Acquire::Retries=2", "--error-on=any"], UPDATE_TIMEOUT_S)

    def _uris(self, packages: Sequence[str]) -> list[tuple[str, int]]:
        """(file name, size_bytes) of each package."""
        output = self._run_or_update(["download", "--print-uris", *packages])
        # apt writes an epoch's colon as %3a here and into the name of the file that it downloads.
        files = [(found["file"], int(found["size"])) for found in map(_URI_LINE.match, output) if found]
        if len(files) != len(packages):
            raise DemoCameraError(f"apt-get names {len(files)} files for {len(packages)} packages.")
        return files

    def _run_or_update(self, arguments: Sequence[str]) -> list[str]:
        try:
            return self._run(arguments, RESOLVE_TIMEOUT_S)
        except DemoCameraError:
            if self._options:
                raise
            self.update()
            return self._run(arguments, RESOLVE_TIMEOUT_S)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [self._program, *self._options, "-q", *arguments]

    def _run(self, arguments: Sequence[str], timeout_s: float) -> list[str]:
        try:
            done = subprocess.run(
                self._command(arguments),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                env=_environment(),
                # In a folder that holds a package's file already, apt would not name it.
                cwd=self._private,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoCameraError(f"apt-get {arguments[0]} gave no answer in {timeout_s:.0f} s.") from error
        if done.returncode != 0:
            raise DemoCameraError(_failure(arguments[0], done.stderr))
        return done.stdout.splitlines()

    def _fetch(self, packages: Sequence[str], folder: Path, files: Sequence[tuple[str, int]]) -> None:
        total_bytes = sum(size for _, size in files)
        log.info("downloading %d Debian package(s), %.0f MB", len(files), total_bytes / _MEGABYTE)
        errors = folder / "apt-errors.txt"
        with (
            errors.open("w+", encoding="utf-8", errors="replace") as stderr,
            subprocess.Popen(
                self._command(["download", "-o", "Acquire::Retries=2", *packages]),
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=_environment(),
            ) as process,
        ):
            waited_s = 0.0
            while True:
                try:
                    process.wait(PROGRESS_INTERVAL_S)
                    break
                except subprocess.TimeoutExpired:
                    waited_s += PROGRESS_INTERVAL_S
                have_bytes = sum(part.stat().st_size for part in folder.glob("*.deb*"))
                log.info("%.0f of %.0f MB", have_bytes / _MEGABYTE, total_bytes / _MEGABYTE)
                if waited_s >= DOWNLOAD_TIMEOUT_S:
                    process.kill()
                    raise DemoCameraError(f"the download did not end in {DOWNLOAD_TIMEOUT_S} s.")
            if process.returncode != 0:
                stderr.seek(0)
                raise DemoCameraError(_failure("download", stderr.read()))
        errors.unlink()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def _failure(verb: str, stderr: str) -> str:
    """One sentence from apt's errors, with the cure for the commonest cause."""
    lines = [line[2:].strip() for line in stderr.splitlines() if line.startswith("E:")]
    reason = "; ".join(lines[:1]) or "no reason given"
    return f"apt-get {verb} failed ({reason}). Check this machine's network and its Debian sources."
