"""From a `.pth` to a vector: the graph of EfficientNet-Lite0 is built from weights alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_files
from vigilar_models.embedding import embedding
from vigilar_models.errors import ModelError
from vigilar_models.manifest import Manifest, Task, read_manifest
from vigilar_models.runtime import load_model
from vigilar_models.store import KNOWN, Installed, Store

CLASSES = 4


@pytest.fixture(name="data", scope="module")
def _data() -> bytes:
    return torch_files.legacy(torch_files.efficientnet(CLASSES))


def described(data: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "id": "lite", "title": "Lite", "task": "embed-animal", "licence": "Apache-2.0", "source": {"kind": "file"},
        "files": [{"name": "w.pth", "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}],
        "graph": {"architecture": "efficientnet-lite0"}, "decoding": "embedding",
        "input": {"width_px": 224, "height_px": 224, "mean": [127, 127, 127], "scale": [128, 128, 128]},
        "species": {"1": "cat", "2": "cat", "3": "fox"},
    } | changes  # fmt: skip


def installed(folder: Path, data: bytes, **changes: Any) -> Installed:
    source = folder / "given.pth"
    source.write_bytes(data)
    return Store(folder / "models").put(
        Manifest.model_validate(described(data, **changes)), {"w.pth": source}
    )


def picture(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (224, 224, 3), dtype=np.uint8)


def test_a_file_of_weights_becomes_a_model_that_tells_how_things_look(data: bytes, tmp_path: Path) -> None:
    found = installed(tmp_path, data)
    model = load_model(found, 1)
    vector, animals = embedding(model.look(0, picture(1)), found.manifest)
    again, _ = embedding(model.look(0, picture(1)), found.manifest)
    other, _ = embedding(model.look(0, picture(2)), found.manifest)
    assert vector.shape == (1280,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(vector, again, atol=1e-6)
    assert float(vector @ other) < 0.99999
    assert set(animals) == {"cat", "fox"}
    assert 0 < sum(animals.values()) < 1


def test_weights_of_another_shape_are_refused_by_their_name(tmp_path: Path) -> None:
    weights = torch_files.efficientnet()
    del weights["_blocks.3._bn1.running_var"]
    with pytest.raises(ModelError, match=r"holds no _blocks\.3\._bn1\.running_var"):
        load_model(installed(tmp_path, torch_files.legacy(weights)), 1)


def test_each_task_has_a_model_in_use_of_its_own(data: bytes, tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    installed(tmp_path, data)
    before = store.stamp()
    store.use("lite")
    assert store.stamp() != before
    assert store.in_use(Task.EMBED_ANIMAL) == "lite"
    assert store.in_use() == "ssd-mobilenet-v3"
    assert store.chosen(Task.EMBED_ANIMAL).manifest.id == "lite"
    (tmp_path / "models" / "in-use.txt").write_text("lite\n")
    with pytest.raises(ModelError, match="is for embed-animal, not for detect"):
        store.chosen(Task.DETECT)
    with pytest.raises(ModelError, match="dlib-face-resnet is not installed"):
        store.chosen(Task.FACE_EMBED)


def test_manifests_of_before_there_were_tasks_are_read(tmp_path: Path) -> None:
    told = json.loads((KNOWN / "ssd-mobilenet-v3.json").read_text("utf-8")) | {"task": "objects"}
    (tmp_path / "old.json").write_text(json.dumps(told))
    assert read_manifest(tmp_path / "old.json").task is Task.DETECT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task": "detect"}, "must name its classes"),
        ({"task": "detect", "classes": ["cat"]}, "an embedding tells no objects"),
        ({"species": {"x": "cat"}}, "x is no index"),
        ({"task": "everything"}, "task"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Manifest.model_validate(described(b"x", **changes))


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([], "gives nothing"),
        ([np.zeros((1, 8), np.float32)], "length nought"),
        ([np.full((1, 8), np.inf, np.float32)], "no vector"),
        ([np.ones((1, 8), np.float32), np.full((1, 4), np.nan, np.float32)], "numbers that are none"),
        ([np.ones((1, 8), np.float32), np.ones((1, 2), np.float32)], "names class 2 of 2"),
    ],
)
def test_numbers_that_are_no_embedding_are_refused(outputs: list[Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        embedding(outputs, Manifest.model_validate(described(b"x")))
