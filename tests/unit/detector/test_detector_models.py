"""Every family of models on a tiny one of its kind, and what is done about models that are not what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import tiny_models
from tiny_models import logit
from vigilar_common.config.detection import Detection
from vigilar_detector.adapters.chosen import chosen
from vigilar_detector.domain.decode import Found
from vigilar_detector.loading import load
from vigilar_detector.looker import look
from vigilar_models.errors import ModelError
from vigilar_models.manifest import read_manifest
from vigilar_models.store import DEFAULT_MODEL, Installed, Store, known_manifests


def installed(folder: Path, data: bytes, file: str = "model.onnx", **changes: Any) -> Installed:
    at = tiny_models.install(folder, data, file, **changes)
    return Installed(read_manifest(at / "manifest.json"), at)


def seen(found: Installed, picture: bytes | None = None, threshold: float = 0.5) -> list[Found]:
    return look(load(found, threshold, 1), 0, picture or tiny_models.jpeg())


def corners(found: Found) -> list[float]:
    return [round(value, 2) for value in (found.x, found.y, found.w, found.h)]


def test_a_model_of_the_detr_family_tells_its_objects(tmp_path: Path) -> None:
    (only,) = seen(installed(tmp_path, tiny_models.onnx(tiny_models.person_in_the_middle())))
    assert (only.object_class, round(only.score, 2), corners(only)) == ("person", 0.9, [0.4, 0.3, 0.2, 0.4])


def test_rf_detr_names_a_background_class_and_either_order_of_its_outputs_will_do(tmp_path: Path) -> None:
    answer = tiny_models.person_in_the_middle()
    turned = {"labels": answer["labels"], "dets": answer["dets"]}
    found = installed(tmp_path, tiny_models.onnx(turned), background=True, classes=["", "person", "car"])
    assert seen(found) == [], "class 0 is nothing"


def test_d_fine_and_rt_detr_with_labels_and_a_size_as_second_input(tmp_path: Path) -> None:
    answer = {
        "labels": np.array([[1.0, 2.0]], np.float32),
        "boxes": np.array([[[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]]], np.float32),
        "scores": np.array([[0.8, 0.3]], np.float32),
    }
    (only,) = seen(installed(tmp_path, tiny_models.onnx(answer), decoding="detr_labelled"))
    assert (only.object_class, corners(only)) == ("car", [0.1, 0.2, 0.4, 0.4])


def test_yolox_reads_its_grids(tmp_path: Path) -> None:
    rows = np.zeros((1, 16 + 4 + 1, 8), np.float32)
    # Second cell of the second row of the grid of stride 8: its centre is at (1.5, 1.5) · 8 = 12 of 32 pixels.
    rows[0, 5] = [0.5, 0.5, np.log(2), np.log(1), 0.9, 0.0, 0.0, 1.0]
    (only,) = seen(installed(tmp_path, tiny_models.onnx({"output": rows}), decoding="yolox"))
    assert (only.object_class, round(only.score, 2)) == ("dog", 0.9)
    assert corners(only) == [0.12, 0.25, 0.5, 0.25]


def test_a_letterboxed_picture_gives_boxes_in_parts_of_the_picture(tmp_path: Path) -> None:
    answer = tiny_models.person_in_the_middle()
    answer["dets"][0, 0] = [
        0.5,
        0.25,
        0.5,
        0.5,
    ]  # the upper half is the whole of a picture twice as wide as high
    size = {"width_px": 32, "height_px": 32, "resize": "letterbox"}
    (only,) = seen(installed(tmp_path, tiny_models.onnx(answer), input=size), tiny_models.jpeg(64, 32))
    assert corners(only) == [0.25, 0.0, 0.5, 1.0]


def ssd(folder: Path, **changes: Any) -> Installed:
    anchors = np.array([[0.5, 0.5, 0.2, 0.4], [0.2, 0.2, 0.1, 0.1]], np.float32)
    boxes = np.zeros((2, 4), np.float32)
    boxes[0] = [0, 0, 5 * np.log(2), 0]  # twice as high as its anchor
    logits = np.full((2, 4), logit(0.01), np.float32)
    logits[0, 1] = logit(0.7)
    told: dict[str, Any] = {
        "decoding": "ssd", "background": True, "classes": ["", *tiny_models.CLASSES],
        "graph": {"outputs": ["concat:0", "concat_1:0"], "anchors": "anchors:0"},
        "input": {"width_px": 32, "height_px": 32, "layout": "NHWC"},
    }  # fmt: skip
    return installed(folder, tiny_models.frozen_graph(boxes, logits, anchors), "model.pb", **(told | changes))


def test_a_frozen_tensorflow_graph_is_cut_before_the_node_that_nobody_knows(tmp_path: Path) -> None:
    (only,) = seen(ssd(tmp_path))
    assert (only.object_class, round(only.score, 2), corners(only)) == ("person", 0.7, [0.3, 0.3, 0.4, 0.4])


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ({"outputs": ["concat:0", "nowhere:0"], "anchors": "anchors:0"}, "has no tensor nowhere:0"),
        ({"outputs": ["concat:0", "concat_1:0"], "anchors": "mean:0"}, "mean:0 is no constant"),
        ({"outputs": ["concat:0", "concat_1:0"]}, "brings no anchors"),
    ],
)
def test_a_manifest_that_names_what_is_not_in_the_graph_is_refused(
    tmp_path: Path, graph: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        seen(ssd(tmp_path, graph=graph))


def test_what_openvino_cannot_use_goes_through_opencv(tmp_path: Path) -> None:
    rows = np.array([[[[0, 1, 0.8, 0.1, 0.2, 0.5, 0.6], [-1, 0, 0, 0, 0, 0, 0]]]], np.float32)
    found = installed(
        tmp_path, tiny_models.onnx({"out": rows}, keep=True), decoding="detection_output", runtime="opencv"
    )
    (only,) = seen(found)
    assert (only.object_class, corners(only)) == ("car", [0.1, 0.2, 0.4, 0.4])


def test_a_machine_with_more_than_its_processor_lets_the_runtime_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such machine is at hand: what is asked for is seen, and runs on the processor."""
    real, asked = openvino.Core(), list[tuple[str, dict[str, Any]]]()

    class TwoDevices:
        available_devices = ("CPU", "GPU")
        read_model = staticmethod(real.read_model)

        def compile_model(self, model: Any, device: str, settings: dict[str, Any]) -> Any:
            asked.append((device, settings))
            return real.compile_model(model, "CPU", settings)

    monkeypatch.setattr(openvino, "Core", TwoDevices)
    found = installed(tmp_path, tiny_models.onnx(tiny_models.person_in_the_middle()))
    (only,) = seen(found)
    assert (only.object_class, asked) == ("person", [("AUTO", {"PERFORMANCE_HINT": "THROUGHPUT"})])


def test_pixels_reach_the_model_normalised_and_in_its_order_of_colours(tmp_path: Path) -> None:
    """The mean of what the model sees is added to its logits: (127 − 27) / 50 = 2."""
    answer = tiny_models.person_in_the_middle()
    answer["labels"][0, 0] = [logit(0.5), -20, -20]
    size = {"width_px": 32, "height_px": 32, "mean": [27, 27, 27], "scale": [50, 50, 50]}
    only = seen(installed(tmp_path, tiny_models.onnx(answer, slope=1.0, moved=["labels"]), input=size))[0]
    assert logit(only.score) == pytest.approx(2.0, abs=0.05)


def test_of_two_boxes_of_a_class_that_cover_each_other_the_surer_stays(tmp_path: Path) -> None:
    boxes = np.array([[[0.5, 0.5, 0.4, 0.4], [0.52, 0.5, 0.4, 0.4], [0.5, 0.52, 0.4, 0.4]]], np.float32)
    logits = np.full((1, 3, 3), -9, np.float32)
    logits[0, 0, 0], logits[0, 1, 0], logits[0, 2, 1] = 1.0, 2.0, 1.5
    found = seen(installed(tmp_path, tiny_models.onnx({"dets": boxes, "labels": logits})))
    assert [one.object_class for one in found] == ["person", "car"]
    assert found[0].score == pytest.approx(0.88, abs=0.01)


def test_a_class_that_a_house_seldom_sees_must_be_surer(tmp_path: Path) -> None:
    """By odds: 0.55 becomes 0.45, 0.7 becomes 0.61."""

    def scores(probability: float, folder: str, *seldom: str) -> list[float]:
        logits = np.full((1, 1, 3), -9, np.float32)
        logits[0, 0, 0] = logit(probability)
        answer = {"dets": np.array([[[0.5, 0.5, 0.4, 0.4]]], np.float32), "labels": logits}
        found = installed(tmp_path / folder, tiny_models.onnx(answer), seldom=list(seldom))
        return [round(one.score, 2) for one in seen(found)]

    assert scores(0.55, "often") == [0.55]
    assert scores(0.55, "seldom", "person") == []
    assert scores(0.7, "sure", "person") == [0.61]


def test_classes_that_are_not_to_be_told_are_not(tmp_path: Path) -> None:
    found = installed(tmp_path, tiny_models.onnx(tiny_models.person_in_the_middle()), told=["car"])
    assert seen(found) == []


# -- models that are not what they say ------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(tmp_path: Path, bad: float) -> None:
    answer = tiny_models.person_in_the_middle()
    answer["dets"][0, 1, 0] = bad
    with pytest.raises(ModelError, match="numbers that are none"):
        seen(installed(tmp_path, tiny_models.onnx(answer)))


def test_a_model_that_begins_to_give_nan_while_it_looks_is_refused_too(tmp_path: Path) -> None:
    answer = tiny_models.person_in_the_middle()
    size = {"width_px": 32, "height_px": 32, "mean": [114, 114, 114], "scale": [1, 1, 1]}
    found = installed(tmp_path, tiny_models.onnx(answer, slope=3e38), input=size)
    loaded = load(found, 0.5, 1)  # what it is tried with has the mean 0
    with pytest.raises(ModelError, match="numbers that are none"):
        look(loaded, 0, tiny_models.jpeg(value=255))


@pytest.mark.parametrize(
    ("answer", "changes", "reason"),
    [
        ({"dets": (1, 2, 5), "labels": (1, 2, 3)}, {}, "boxes of shape"),
        ({"dets": (1, 2, 4), "labels": (1, 3, 3)}, {}, "classes of shape"),
        ({"dets": (1, 2, 4), "labels": (1, 2, 80)}, {}, "classes of shape"),
        ({"dets": (2, 2, 4), "labels": (2, 2, 3)}, {}, "not of one picture"),
        ({"dets": (1, 2, 4)}, {}, "gives 1 outputs"),
        ({"out": (1, 20, 8)}, {"decoding": "yolox"}, "cells of shape"),
        ({"out": (1, 1, 1, 8)}, {"decoding": "detection_output"}, "rows of seven"),
        ({"labels": (1, 3), "boxes": (1, 2, 4), "scores": (1, 2)}, {"decoding": "detr_labelled"}, "3 labels"),
    ],
)
def test_a_model_that_lies_about_its_shapes_is_not_used(
    tmp_path: Path, answer: dict[str, tuple[int, ...]], changes: dict[str, Any], reason: str
) -> None:
    data = tiny_models.onnx({name: np.zeros(shape, np.float32) for name, shape in answer.items()})
    with pytest.raises(ModelError, match=reason):
        load(installed(tmp_path, data, **changes), 0.5, 1)


def test_a_model_that_takes_other_pictures_than_its_manifest_says_is_not_used(tmp_path: Path) -> None:
    data = tiny_models.onnx(tiny_models.person_in_the_middle(), size=(64, 64))
    with pytest.raises(ModelError, match="takes pictures of shape"):
        load(installed(tmp_path, data), 0.5, 1)


@pytest.mark.parametrize("data", [b"", b"\0" * 300, b"not a model", tiny_models.onnx({})[:80]])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    found = installed(tmp_path, data or b"\n")
    with pytest.raises(ModelError, match="model tiny"):
        load(found, 0.5, 1)


def test_a_model_with_another_hash_is_never_loaded(tmp_path: Path) -> None:
    folder = tiny_models.install(tmp_path, tiny_models.onnx(tiny_models.person_in_the_middle()))
    data = bytearray((folder / "model.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "model.onnx").write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"has SHA-256 .* it is not used"):
        chosen(Detection(), Store(tmp_path))
    (folder / "model.onnx").write_bytes(bytes(data) + b"more")
    with pytest.raises(ModelError, match=r"has \d+ bytes"):
        chosen(Detection(), Store(tmp_path))


def test_a_model_that_is_not_there_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"ssd-mobilenet-v3 is not installed: run `vigilar models install"):
        chosen(Detection(), Store(tmp_path))


def test_model_path_is_described_by_the_manifest_beside_it_or_the_one_that_is_named(tmp_path: Path) -> None:
    data = tiny_models.onnx(tiny_models.person_in_the_middle())
    model, told = tmp_path / "model.onnx", tmp_path / "elsewhere.json"
    model.write_bytes(data)
    settings = Detection(model_path=str(model))
    with pytest.raises(ModelError, match="nothing says how to use it"):
        chosen(settings, Store(tmp_path))
    told.write_text(json.dumps(tiny_models.manifest(data)), "utf-8")
    named = Detection(model_path=str(model), model_config_path=str(told))
    assert chosen(named, Store(tmp_path)).manifest.id == "tiny"
    told.rename(tmp_path / "model.json")
    assert chosen(settings, Store(tmp_path)).manifest.id == "tiny"
    with pytest.raises(ModelError, match="there is no such file"):
        chosen(Detection(model_path=str(tmp_path / "gone.onnx")), Store(tmp_path))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"decoding": "guess"}, "decoding"),
        ({"told": ["unicorn"]}, "unicorn"),
        ({"classes": []}, "classes"),
        ({"input": {"width_px": 5000, "height_px": 32}}, "width_px"),
        ({"input": {"width_px": 32, "height_px": 32, "scale": [0, 1, 1]}}, "divided"),
        ({"files": [{"name": "../x", "sha256": "0" * 64, "size_bytes": 1}]}, "name"),
        ({"source": {"kind": "url", "url": "http://models.example/x"}}, "url"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(tiny_models.manifest(b"x", **changes)), "utf-8")
    with pytest.raises(ModelError, match=reason):
        read_manifest(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 5000, "x" * 300_000])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(path)


def test_what_is_shipped_is_described_in_full() -> None:
    default = next(one for one in known_manifests() if one.id == DEFAULT_MODEL)
    assert (default.licence, len(default.classes), default.crop_px) == ("Apache-2.0", 91, 320)
    assert {"person", "car", "dog", "cat", "bird"} <= set(default.told_classes)
