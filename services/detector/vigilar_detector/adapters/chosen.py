"""Which model the configuration asks for."""

from __future__ import annotations

from pathlib import Path

from vigilar_common.config.detection import Detection
from vigilar_models.errors import ModelError
from vigilar_models.manifest import Task, read_manifest
from vigilar_models.store import Installed, Store, verify


def chosen(settings: Detection, store: Store) -> Installed:
    """The model that the configuration asks for, verified. Raises ModelError.

    `model_path` empty: the installed one that is in use. Else a file, described by a manifest (`model_config_path` where that
    is one (.json), or the file of the same name that ends in .json), or known by itself (`adapters.bare`).
    """
    if not settings.model_path:
        return store.chosen(Task.DETECT)
    found = _by_path(Path(settings.model_path), settings.model_config_path)
    if found.manifest.task is not Task.DETECT:
        raise ModelError(
            f"[detection] model_path {settings.model_path}: is a model for {found.manifest.task}"
        )
    verify(found)
    return found


def _by_path(model: Path, description: str) -> Installed:
    second = Path(description) if description else None
    if not model.exists():
        raise ModelError(f"[detection] model_path {model}: there is no such file")
    if second is not None and not second.exists():
        raise ModelError(f"[detection] model_config_path {second}: there is no such file")
    told = second if second is not None and second.suffix == ".json" else model.with_suffix(".json")
    if not told.exists():
        from vigilar_detector.adapters.bare import by_itself

        return by_itself(model, second)
    manifest = read_manifest(told)
    if manifest.files[0].name != model.name:
        raise ModelError(f"{told}: describes {manifest.files[0].name}, not {model.name}")
    return Installed(manifest, model.parent)
