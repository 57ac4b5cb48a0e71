"""Real footage: ``vtest.avi`` of OpenCV, fetched from Debian's package archive and checked by its SHA-256.

The package is downloaded, one file is taken out of it, and the package is deleted: nothing is installed. The
film shows pedestrians between parked cars, 768x576, 10 frames a second, 79.5 s.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vigilar_demo_camera.apt import Apt
from vigilar_demo_camera.errors import DemoCameraError

PACKAGE = "opencv-doc"
FILE_NAME = "vtest.avi"
SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
SIZE_BYTES = 8_131_690
UNPACK_TIMEOUT_S = 120

_CHUNK_BYTES = 1 << 20

log = logging.getLogger(__name__)


def default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vigilar" / "footage"


def ensure_footage(cache: Path) -> Path:
    """The footage in ``cache``, fetched if it is not there; DemoCameraError says why it cannot be had."""
    target = cache / FILE_NAME
    cache.mkdir(parents=True, exist_ok=True)
    with exclusive(cache / "footage.lock"):
        if target.exists():
            found = sha256_of(target)
            if found == SHA256:
                return target
            log.warning("%s is damaged (SHA-256 %s), fetching it again", target, found)
            target.unlink()
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            fetched = _fetch(Path(scratch), target)
            fetched.replace(target)
    log.info("footage is ready: %s", target)
    return target


def _fetch(scratch: Path, target: Path) -> Path:
    cure = f"Or put OpenCV's sample {FILE_NAME} (SHA-256 {SHA256}) at {target} yourself."
    try:
        package = Apt(scratch / "apt").download([PACKAGE], scratch)[0]
        log.info("taking %s out of %s", FILE_NAME, package.name)
        extracted = scratch / FILE_NAME
        extract(package, extracted)
    except DemoCameraError as error:
        raise DemoCameraError(f"the demo camera's footage cannot be fetched: {error} {cure}") from error
    found = sha256_of(extracted)
    if found != SHA256:
        raise DemoCameraError(
            f"{FILE_NAME} of {package.name} has SHA-256 {found}, expected {SHA256}: not used. {cure}"
        )
    return extracted


def extract(package: Path, target: Path) -> None:
    """Copy ``vtest.avi`` (plain or gzipped) out of a Debian package, streaming; nothing else is unpacked."""
    program = shutil.which("dpkg-deb")
    if program is None:
        raise DemoCameraError("dpkg-deb is not installed (Debian package dpkg).")
    with subprocess.Popen([program, "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacker:
        assert unpacker.stdout is not None
        try:
            found = _copy_member(unpacker.stdout, target)
        except (tarfile.TarError, EOFError) as error:
            raise DemoCameraError(f"{package.name} cannot be read as a Debian package: {error}.") from error
        finally:
            # The rest of the package is of no interest; dpkg-deb ends by SIGPIPE or is ended.
            unpacker.stdout.close()
            unpacker.terminate()
            unpacker.wait(UNPACK_TIMEOUT_S)
    if not found:
        raise DemoCameraError(f"{package.name} holds no {FILE_NAME}.")


def _copy_member(stream: IO[bytes], target: Path) -> bool:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = Path(member.name).name
            if not member.isfile() or name not in (FILE_NAME, f"{FILE_NAME}.gz"):
                continue
            source = archive.extractfile(member)
            assert source is not None
            with target.open("wb") as out:
                if name.endswith(".gz"):
                    with gzip.open(source) as plain:
                        _copy_bounded(plain, out)
                else:
                    _copy_bounded(source, out)
            return True
    return False


def _copy_bounded(source: IO[bytes] | gzip.GzipFile, out: IO[bytes]) -> None:
    """Copy at most one byte more than expected: the checksum then fails, and the disk does not fill."""
    left = SIZE_BYTES + 1
    while left > 0 and (chunk := source.read(min(_CHUNK_BYTES, left))):
        out.write(chunk)
        left -= len(chunk)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that two processes never fetch or build the same thing at once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
