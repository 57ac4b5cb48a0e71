"""Neural networks of a few hundred bytes: ONNX and TensorFlow files written by hand, whose answers a test knows.

Protocol buffers' wire format is small enough to write here; the libraries that write these files weigh a hundred megabytes.
Field numbers: onnx.proto3 and tensorflow's graph.proto, node_def.proto, attr_value.proto, tensor.proto.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FLOAT, INT64 = 1, 7
TF_FLOAT, TF_INT32 = 1, 3


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, body: bytes | str) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(raw)) + raw


# -- ONNX -----------------------------------------------------------------------------------------------


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, kind) + message(8, name) + message(9, values.tobytes())


def _value(name: str, shape: Sequence[int], kind: int = FLOAT) -> bytes:
    dims = b"".join(message(1, number(1, size)) for size in shape)
    return message(1, name) + message(2, message(1, number(1, kind) + message(2, dims)))


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(message(1, name) for name in inputs) + message(2, output) + message(4, kind) + attributes


def onnx(
    answers: Mapping[str, Floats], *, size: tuple[int, int] = (32, 32), slope: float = 0.0, sized: bool = False,
    moved: Sequence[str] = (), keep: bool = False,
) -> bytes:  # fmt: skip
    """A model whose outputs are these numbers, plus ``slope`` times the mean of what it is shown (those named in ``moved``
    alone, if any is). ``keep``: the mean has as many dimensions as a picture."""
    shape = [1, 3, size[1], size[0]]
    axes = message(1, "axes") + number(20, 7) + b"".join(number(8, axis) for axis in range(len(shape)))
    kept = message(1, "keepdims") + number(20, 2) + number(3, int(keep))
    body = message(1, _node("ReduceMean", ["images"], "mean", message(5, axes) + message(5, kept)))
    body += message(1, _node("Mul", ["mean", "slope"], "share"))
    body += message(1, _node("Mul", ["mean", "nothing"], "none"))
    body += message(5, _tensor("slope", np.array(slope, np.float32)))
    body += message(5, _tensor("nothing", np.array(0, np.float32)))
    inputs = message(11, _value("images", shape))
    if sized:
        inputs += message(11, _value("orig_target_sizes", (1, 2), INT64))
    outputs = b""
    for name, values in answers.items():
        share = "share" if name in (moved or answers) else "none"
        body += message(1, _node("Add", [f"{name}_is", share], name))
        body += message(5, _tensor(f"{name}_is", values.astype(np.float32)))
        outputs += message(12, _value(name, values.shape))
    graph = body + message(2, "tiny") + inputs + outputs
    return number(1, 8) + message(7, graph) + message(8, message(1, "") + number(2, 13))


# -- TensorFlow -----------------------------------------------------------------------------------------


def _attribute(name: str, body: bytes) -> bytes:
    return message(5, message(1, name) + message(2, body))


def _tf_node(name: str, kind: str, inputs: Sequence[str], *attributes: bytes) -> bytes:
    return message(
        1,
        message(1, name) + message(2, kind) + b"".join(message(3, i) for i in inputs) + b"".join(attributes),
    )


def _tf_constant(name: str, values: NDArray[Any]) -> bytes:
    kind = TF_INT32 if values.dtype == np.int32 else TF_FLOAT
    shape = b"".join(message(2, number(1, size)) for size in values.shape)
    tensor = number(1, kind) + message(2, shape) + message(4, values.tobytes())
    return _tf_node(
        name, "Const", [], _attribute("dtype", number(6, kind)), _attribute("value", message(8, tensor))
    )


def frozen_graph(boxes: Floats, logits: Floats, anchors: Floats, side_px: int = 32) -> bytes:
    """An SSD as TensorFlow freezes it, with the post-processing node that nobody else knows at its end."""
    kind = _attribute("T", number(6, TF_FLOAT))
    shape = b"".join(message(2, number(1, size)) for size in (1, side_px, side_px, 3))
    graph = _tf_node(
        "image",
        "Placeholder",
        [],
        _attribute("dtype", number(6, TF_FLOAT)),
        _attribute("shape", message(7, shape)),
    )
    graph += _tf_constant("axes", np.arange(4, dtype=np.int32)) + _tf_constant(
        "nothing", np.zeros((), np.float32)
    )
    graph += _tf_node("mean", "Mean", ["image", "axes"], kind, _attribute("Tidx", number(6, TF_INT32)))
    graph += _tf_node("share", "Mul", ["mean", "nothing"], kind)
    for name, values in (("concat", boxes[None, :, None, :]), ("concat_1", logits[None])):
        graph += _tf_constant(f"{name}_is", values.astype(np.float32))
        graph += _tf_node(name, "AddV2", [f"{name}_is", "share"], kind)
    graph += _tf_constant("anchors", anchors.astype(np.float32))
    return graph + _tf_node("end", "TFLite_Detection_PostProcess", ["concat", "concat_1", "anchors"])


# -- installed ------------------------------------------------------------------------------------------

CLASSES = ["person", "car", "dog"]


def manifest(data: bytes, file: str = "model.onnx", **changes: Any) -> dict[str, Any]:
    return {
        "id": "tiny",
        "title": "A tiny model",
        "licence": "Apache-2.0",
        "source": {"kind": "file"},
        "files": [{"name": file, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}],
        "input": {"width_px": 32, "height_px": 32},
        "decoding": "detr",
        "classes": CLASSES,
    } | changes


def install(models: Path, data: bytes, file: str = "model.onnx", **changes: Any) -> Path:
    """As `vigilar models install` leaves it, and in use; its folder."""
    told = manifest(data, file, **changes)
    folder = models / str(told["id"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(told), "utf-8")
    (models / "in-use.txt").write_text(f"{told['id']}\n", "utf-8")
    return folder


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def person_in_the_middle(score: float = 0.9) -> dict[str, Floats]:
    """What a model of the DETR family says of one person and of a second query that sees nothing."""
    boxes = np.array([[[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1]]], np.float32)
    logits = np.full((1, 2, 3), logit(0.01), np.float32)
    logits[0, 0, 0] = logit(score)
    return {"dets": boxes, "labels": logits}


def jpeg(width_px: int = 32, height_px: int = 32, value: int = 127) -> bytes:
    import cv2

    done, encoded = cv2.imencode(".jpg", np.full((height_px, width_px, 3), value, np.uint8))
    assert done
    return encoded.tobytes()


def claimed_size(data: bytes, width_px: int, height_px: int) -> bytes:
    """The same JPEG, whose header says that it is of another size."""
    at = next(data.index(bytes((0xFF, kind))) for kind in (0xC0, 0xC2) if bytes((0xFF, kind)) in data)
    return data[: at + 5] + struct.pack(">HH", height_px, width_px) + data[at + 9 :]
