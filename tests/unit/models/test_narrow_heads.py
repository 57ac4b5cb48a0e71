"""A model of which fewer classes are told works out fewer, and says the same of those."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from openvino import opset13
from vigilar_models.heads import narrow
from vigilar_models.manifest import Manifest
from vigilar_models.quantise import convolutions

CLASSES = ("", "person", "chair", "dog", "spoon")
MAPS = ((4, 3), (2, 6))
"""Side of a map of features, and anchors in each of its cells."""
FEATURES = 8


def manifest(**changes: Any) -> Manifest:
    told: dict[str, Any] = {
        "id": "tiny", "title": "Tiny", "licence": "MIT", "source": {"kind": "file"},
        "files": [{"name": "tiny.pb", "sha256": "0" * 64, "size_bytes": 1}],
        "input": {"width_px": 32, "height_px": 32}, "decoding": "ssd", "background": True,
        "classes": CLASSES, "told": ["dog", "person"],
    }  # fmt: skip
    return Manifest.model_validate(told | changes)


def heads(*, plain: bool = False) -> Any:
    """Logits [1, n, 5] of two maps of features; ``plain``: of another form than box predictors have."""
    rng, parameters, tables = np.random.default_rng(3), [], []
    for side, anchors in MAPS:
        rows = anchors * len(CLASSES)
        source = opset13.parameter([1, FEATURES, side, side], np.float32)
        weights = rng.normal(0, 1, (rows, FEATURES, 1, 1)).astype(np.float32)
        found = opset13.convolution(source, weights, [1, 1], [0, 0], [0, 0], [1, 1])
        if not plain:
            found = opset13.add(found, rng.normal(0, 1, (1, rows, 1, 1)).astype(np.float32))
        turned = opset13.transpose(found, np.array([0, 2, 3, 1]))
        size = np.array([1, side * side * anchors, len(CLASSES)])
        parameters.append(source)
        tables.append(opset13.reshape(turned, size, special_zero=False))
    return openvino.Model([opset13.concat(tables, 1).output(0)], parameters)


def answer(model: Any) -> Any:
    rng = np.random.default_rng(4)
    pictures = [rng.normal(0, 1, (1, FEATURES, side, side)).astype(np.float32) for side, _ in MAPS]
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(pictures)[0]


def test_logits_of_the_classes_that_are_told_stay_and_all_others_are_not_worked_out() -> None:
    model, whole = heads(), answer(heads())
    ranges = {key: (-1.0, 1.0) for key, _ in convolutions(model)}
    classes, kept = narrow(model, manifest(ranges=ranges))
    assert classes == ("", "person", "dog")
    assert np.allclose(answer(model), whole[:, :, [0, 1, 3]], atol=1e-5)
    assert set(kept) == {key for key, _ in convolutions(model)}
    assert not set(kept) & set(ranges), "fingerprints are those of the weights that are left"


def test_a_model_of_another_form_or_whose_classes_are_all_told_stays_as_it_is() -> None:
    for model, told in (
        (heads(plain=True), manifest()),
        (heads(), manifest(told=[])),
        (heads(), manifest(decoding="yolox", background=False)),
    ):
        whole = answer(model)
        classes, kept = narrow(model, told)
        assert classes == CLASSES
        assert kept == told.ranges
        assert np.array_equal(answer(model), whole)
