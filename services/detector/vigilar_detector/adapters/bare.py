"""`[detection] model_path` without a description of ours: what is known of the file, or what a second file says.

A model that is known here is told by its SHA-256. Of another frozen TensorFlow graph `model_config_path` (the `.pbtxt` that
`cv2.dnn` takes with it) says the size of the input, how pixels are scaled and how many classes there are. Caffe nets cannot be
used: OpenCV 5 reads none.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from vigilar_models.errors import ModelError
from vigilar_models.manifest import (
    MAX_FILE_BYTES,
    Decoding,
    FileSource,
    Manifest,
    ModelFile,
    ModelInput,
    Runtime,
)
from vigilar_models.store import Installed, known_manifests

MAX_TEXT_BYTES: Final = 8 * 1024 * 1024
GRAPH, TEXT = ".pb", ".pbtxt"
VOC: Final = (
    *("", "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog", "horse"),
    *("motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv"),
)  # fmt: skip
_RAW: Final = ModelInput(width_px=300, height_px=300, scale=(1.0, 1.0, 1.0))
_CENTRED: Final = ModelInput(
    width_px=300, height_px=300, mean=(127.5, 127.5, 127.5), scale=(127.5, 127.5, 127.5)
)


def by_itself(model: Path, second: Path | None) -> Installed:
    """Raises ModelError when neither the model is known nor the second file says enough."""
    file = _measured(model)
    known = [found for found in known_manifests() if found.sha256 == file.sha256]
    if known:
        return Installed(known[0], model.parent, (model,))
    if second is None and model.with_suffix(TEXT).exists():
        second = model.with_suffix(TEXT)
    if model.suffix.lower() != GRAPH or second is None or second.suffix.lower() != TEXT:
        pair = (
            f", or name its {TEXT} in [detection] model_config_path" if model.suffix.lower() == GRAPH else ""
        )
        raise ModelError(
            f"[detection] model_path {model}: nothing says how to use it; describe it in {model.with_suffix('.json')} "
            f"(docs/guide/models.md){pair}"
        )
    text = _text(second)
    size, classes = _input(second, text), _classes(second, text)
    told = {name for manifest in known_manifests() for name in manifest.told_classes}
    try:
        manifest = Manifest(
            id=f"file-{file.sha256[:12]}",
            title=model.name[:120],
            licence="unknown",
            source=FileSource(),
            files=(file, _measured(second)),
            runtime=Runtime.OPENCV,
            input=size,
            decoding=Decoding.DETECTION_OUTPUT,
            classes=classes,
            told=tuple(name for name in classes if name in told),
        )
    except ValidationError as error:
        raise ModelError(f"{second}: {error.errors(include_url=False)[0]['msg']}") from error
    return Installed(manifest, model.parent, (model, second))


def _measured(path: Path) -> ModelFile:
    """As it is now: nobody has said what it must be."""
    try:
        size_bytes = path.stat().st_size
        if not 0 < size_bytes <= MAX_FILE_BYTES:
            raise ModelError(f"{path}: has {size_bytes} bytes, at most {MAX_FILE_BYTES} can be")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    return ModelFile(name=f"file{path.suffix.lower()}", sha256=digest, size_bytes=size_bytes)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise ModelError(f"{path}: is larger than {MAX_TEXT_BYTES} bytes")
        return path.read_text("utf-8")
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: is no text") from error


def _input(path: Path, text: str) -> ModelInput:
    _, found, after = text.partition('op: "Placeholder"')
    numbers = [int(size) for size in re.findall(r"\bsize:\s*(-?\d{1,9})", after.split("node {")[0])]
    shape = numbers[1:3] if found and len(numbers) == 4 else []
    # Graphs that take 8-bit pixels scale them by themselves.
    scaled = _RAW if '"image_tensor"' in text else _CENTRED
    if len(shape) != 2 or not all(32 <= side <= 1280 for side in shape):
        raise ModelError(f"{path}: does not say how large its input is")
    return scaled.model_copy(update={"height_px": shape[0], "width_px": shape[1]})


def _classes(path: Path, text: str) -> tuple[str, ...]:
    told = re.search(r'"num_classes"\s*value\s*\{\s*i:\s*(\d{1,6})', text)
    count = int(told.group(1)) if told else 0
    lists = {len(VOC): VOC} | {len(manifest.classes): manifest.classes for manifest in known_manifests()}
    if count not in lists:
        raise ModelError(
            f"{path}: names {count} classes; without a description those of COCO (91) and VOC (21) are known"
        )
    return lists[count]
