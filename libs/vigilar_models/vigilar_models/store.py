"""Models on disk: one folder each, with the manifest they were installed by; verified whenever one is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vigilar_common.config.files import sync_dir, write_atomic

from vigilar_models.errors import ModelError
from vigilar_models.manifest import Manifest, ModelFile, Task, read_manifest

DEFAULT_MODEL: Final = "ssd-mobilenet-v3"
DEFAULTS: Final[Mapping[Task, str]] = {
    Task.DETECT: DEFAULT_MODEL,
    Task.EMBED_ANIMAL: "efficientnet-lite0",
    Task.FACE_DETECT: "centerface",
    Task.FACE_EMBED: "dlib-face-resnet",
}
"""What is used for a task as long as nobody named another."""
KNOWN: Final = Path(__file__).resolve().parent / "known"
"""Manifests that are shipped."""
MANIFEST_FILE: Final = "manifest.json"
IN_USE_FILE: Final = "in-use.txt"
"""Of models that detect; those of other tasks have the task in the name (`in-use-embed-animal.txt`)."""
_PIECE_BYTES: Final = 1024 * 1024
Progress = Callable[[str, int, int], None]
"""What, bytes so far, bytes in all."""


def models_dir(state_dir: Path, env: Mapping[str, str] = os.environ) -> Path:
    """Where installed models lie: in containers a volume of their own, on one host below the detector's state."""
    named = env.get("VIGILAR_MODELS_DIR", "")
    return Path(named) if named else state_dir / "models"


def known_manifests() -> list[Manifest]:
    """Those that are shipped, by id."""
    return [read_manifest(path) for path in sorted(KNOWN.glob("*.json"))]


def _newest(manifest: Manifest) -> Manifest:
    """What is shipped now of the same files: more may be known of them than when they were installed."""
    shipped = KNOWN / f"{manifest.id}.json"
    if not shipped.exists():
        return manifest
    newest = read_manifest(shipped)
    return newest if newest.files == manifest.files else manifest


@dataclass(frozen=True)
class Installed:
    manifest: Manifest
    folder: Path
    elsewhere: tuple[Path, ...] = ()
    """Its files, where they do not lie in the folder by their names."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Of its files, in the manifest's order."""
        return self.elsewhere or tuple(self.folder / file.name for file in self.manifest.files)


class Store:
    """The folder with installed models."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def installed(self) -> Iterator[Installed]:
        """What has a manifest that can be read; broken ones are left out (`get` says what is wrong with one)."""
        for path in sorted(self.root.glob(f"*/{MANIFEST_FILE}")):
            try:
                manifest = read_manifest(path)
            except ModelError:
                continue
            if manifest.id == path.parent.name:
                yield Installed(manifest, path.parent)

    def get(self, model_id: str) -> Installed:
        """Raises ModelError when it is not there, or not readable."""
        folder = self.root / model_id
        if not (folder / MANIFEST_FILE).exists():
            raise ModelError(f"model {model_id} is not installed: run `vigilar models install {model_id}`")
        manifest = read_manifest(folder / MANIFEST_FILE)
        if manifest.id != model_id:
            raise ModelError(f"{folder / MANIFEST_FILE}: is that of {manifest.id}")
        return Installed(_newest(manifest), folder)

    def in_use(self, task: Task = Task.DETECT) -> str:
        """The id of the model that `vigilar models use` named for this task; the default one where none was ("": none)."""
        path = self._in_use_file(task)
        default = DEFAULTS.get(task, "")
        try:
            return path.read_text("utf-8").strip()[:64] or default
        except FileNotFoundError:
            return default
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read: {error}") from error

    def use(self, model_id: str) -> None:
        """For the task that it has. Raises ModelError when it is not installed, OSError."""
        task = self.get(model_id).manifest.task
        write_atomic(self._in_use_file(task), f"{model_id}\n", 0o644)

    def chosen(self, task: Task) -> Installed:
        """The model in use for this task, verified. Raises ModelError when there is none, or it is for something else."""
        model_id = self.in_use(task)
        if not model_id:
            raise ModelError(f"no model is chosen for {task}: see `vigilar models list`")
        found = self.get(model_id)
        if found.manifest.task is not task:
            raise ModelError(f"model {model_id} is for {found.manifest.task}, not for {task}")
        verify(found)
        return found

    def _in_use_file(self, task: Task) -> Path:
        return self.root / (IN_USE_FILE if task is Task.DETECT else f"in-use-{task}.txt")

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Another one when a model was installed or another is to be used."""
        names = [*map(self._in_use_file, Task), *sorted(self.root.glob(f"*/{MANIFEST_FILE}"))]
        return tuple((str(path), path.stat().st_mtime_ns) for path in names if path.exists())

    def put(self, manifest: Manifest, files: Mapping[str, Path]) -> Installed:
        """Move these files (by their name in the manifest) in, verified. Raises ModelError, OSError."""
        for file in manifest.files:
            verify_file(files[file.name], file)
        fresh = self.root / f".{manifest.id}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for file in manifest.files:
            _copy_synced(files[file.name], fresh / file.name)
        write_atomic(
            fresh / MANIFEST_FILE, json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n", 0o644
        )
        sync_dir(fresh)
        target = self.root / manifest.id
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
        sync_dir(self.root)
        return Installed(manifest, target)

    def remove(self, model_id: str) -> None:
        shutil.rmtree(self.get(model_id).folder)


def verify(found: Installed, progress: Progress | None = None) -> None:
    """Raises ModelError naming the first file that is not what its manifest says."""
    for path, file in zip(found.paths, found.manifest.files, strict=False):
        done = 0

        def hashed(piece_bytes: int, file: ModelFile = file) -> None:
            nonlocal done
            done += piece_bytes
            if progress is not None:
                progress(file.name, done, file.size_bytes)

        verify_file(path, file, hashed)


def verify_file(path: Path, wanted: ModelFile, progress: Callable[[int], None] = lambda _bytes: None) -> None:
    """Raises ModelError."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes != wanted.size_bytes:
            raise ModelError(f"{path}: has {size_bytes} bytes, not {wanted.size_bytes}: it is not used")
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                progress(len(piece))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if digest.hexdigest() != wanted.sha256:
        raise ModelError(f"{path}: has SHA-256 {digest.hexdigest()}, not {wanted.sha256}: it is not used")


def _copy_synced(source: Path, target: Path) -> None:
    with source.open("rb") as given, target.open("wb") as taken:
        shutil.copyfileobj(given, taken, _PIECE_BYTES)
        taken.flush()
        os.fsync(taken.fileno())
