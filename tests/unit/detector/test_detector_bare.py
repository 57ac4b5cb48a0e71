"""`[detection] model_path` and `model_config_path` as they always were: a graph and its text, without a description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_models
from vigilar_common.config.detection import Detection
from vigilar_detector.adapters import bare
from vigilar_detector.adapters.chosen import chosen
from vigilar_models import store
from vigilar_models.errors import ModelError
from vigilar_models.manifest import Runtime
from vigilar_models.store import Installed, Store

TEXT = """node {
  name: "%(name)s"
  op: "Placeholder"
  attr { key: "shape" value { shape { dim { size: -1 } dim { size: %(high)d } dim { size: 300 } dim { size: 3 } } } }
}
node {
  name: "detection_out"
  op: "DetectionOutput"
  attr {
    key: "num_classes"
    value {
      i: %(classes)d
    }
  }
}
"""
GRAPH = b"a frozen graph"


def pair(folder: Path, name: str = "image_tensor", high: int = 300, classes: int = 91) -> Detection:
    (folder / "net.pb").write_bytes(GRAPH)
    (folder / "text.pbtxt").write_text(TEXT % {"name": name, "high": high, "classes": classes}, "utf-8")
    return Detection(
        model_path=str(folder / "net.pb"), model_config_path=str(folder / "text.pbtxt"), person_detection=True
    )


def found(settings: Detection, folder: Path) -> Installed:
    return chosen(settings, Store(folder / "models"))


def test_a_graph_and_its_text_are_enough(tmp_path: Path) -> None:
    manifest = found(pair(tmp_path), tmp_path).manifest
    assert (manifest.runtime, manifest.input.width_px, manifest.input.height_px) == (Runtime.OPENCV, 300, 300)
    assert manifest.input.scale == (1.0, 1.0, 1.0), "such a graph scales pixels by itself"
    assert manifest.classes[1] == "person"
    assert "person" in manifest.told_classes
    assert "bench" not in manifest.told_classes


def test_a_graph_that_takes_normalised_pixels_gets_them(tmp_path: Path) -> None:
    manifest = found(pair(tmp_path, "normalized_input_image_tensor", classes=21), tmp_path).manifest
    assert (manifest.input.mean[0], manifest.input.scale[0]) == (127.5, 127.5)
    assert manifest.classes[15] == "person"


def test_the_text_beside_the_graph_is_found_by_its_name(tmp_path: Path) -> None:
    settings = pair(tmp_path)
    (tmp_path / "text.pbtxt").rename(tmp_path / "net.pbtxt")
    alone = settings.model_copy(update={"model_config_path": ""})
    assert found(alone, tmp_path).paths == (tmp_path / "net.pb", tmp_path / "net.pbtxt")


def test_a_file_of_a_known_model_is_known_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "known").mkdir()
    told = tiny_models.manifest(GRAPH, "model.pb", id="known-one")
    (tmp_path / "known" / "known-one.json").write_text(json.dumps(told), "utf-8")
    monkeypatch.setattr(store, "KNOWN", tmp_path / "known")
    alone = pair(tmp_path).model_copy(update={"model_config_path": ""})
    one = found(alone, tmp_path)
    assert (one.manifest.id, one.paths) == ("known-one", (tmp_path / "net.pb",))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"classes": 7}, "names 7 classes"),
        ({"high": 9}, "how large its input is"),
        ({"high": 99999}, "how large its input is"),
    ],
)
def test_a_text_that_says_too_little_is_refused_by_name(
    tmp_path: Path, change: dict[str, int], reason: str
) -> None:
    with pytest.raises(ModelError, match=rf"text\.pbtxt: .*{reason}"):
        found(pair(tmp_path, **change), tmp_path)  # type: ignore[arg-type]


def test_files_that_are_missing_no_text_or_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pair(tmp_path)
    (tmp_path / "text.pbtxt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="is no text"):
        found(settings, tmp_path)
    monkeypatch.setattr(bare, "MAX_TEXT_BYTES", 1)
    with pytest.raises(ModelError, match="is larger than 1 bytes"):
        found(settings, tmp_path)
    (tmp_path / "text.pbtxt").unlink()
    with pytest.raises(ModelError, match=r"model_config_path .*: there is no such file"):
        found(settings, tmp_path)
    with pytest.raises(ModelError, match=r"describe it in .*net\.json .*or name its \.pbtxt"):
        found(settings.model_copy(update={"model_config_path": ""}), tmp_path)


def test_a_graph_that_is_none_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    from vigilar_detector.loading import load

    with pytest.raises(ModelError, match="cannot be loaded"):
        load(found(pair(tmp_path), tmp_path), 0.5, 1)
