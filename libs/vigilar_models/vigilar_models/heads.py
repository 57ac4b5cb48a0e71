"""Only the classes that are told are worked out: a tenth less time for a model of ninety classes of which twenty are told.

Rows of the weights that make the logits of other classes are left out, so the numbers of those that stay are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from vigilar_models.manifest import Decoding, Manifest
from vigilar_models.quantise import convolutions

HEAD: Final = ("Reshape", "Transpose", "Add", "Convolution")
"""From the table of logits back to the weights, as TensorFlow's box predictors are read."""
Ranges = Mapping[str, tuple[float, float]]


def narrow(model: Any, manifest: Manifest) -> tuple[tuple[str, ...], Ranges]:
    """Changes the model where its heads are of the known form; the classes it has now, and the ranges of its convolutions."""
    told = set(manifest.told_classes)
    keep = [i for i, name in enumerate(manifest.classes) if name in told or (manifest.background and i == 0)]
    heads = _heads(model, len(manifest.classes)) if manifest.decoding is Decoding.SSD else []
    if not heads or len(keep) == len(manifest.classes):
        return manifest.classes, manifest.ranges
    before = {node.get_friendly_name(): key for key, node in convolutions(model)}
    for head in heads:
        _keep(head, keep, len(manifest.classes))
    model.validate_nodes_and_infer_types()
    ranges = {
        key: manifest.ranges[old]
        for key, node in convolutions(model)
        if (old := before.get(node.get_friendly_name(), "")) in manifest.ranges
    }
    return tuple(manifest.classes[i] for i in keep), ranges


def _heads(model: Any, classes: int) -> list[list[Any]]:
    """Of every map of features the nodes of HEAD; empty: the model has another form."""
    for result in model.outputs:
        joined = result.get_node().input_value(0).get_node()
        shape = joined.output(0).get_partial_shape()
        if joined.get_type_name() != "Concat" or len(shape) != 3 or shape[2] != classes:
            continue
        heads = [_chain(joined.input_value(index).get_node()) for index in range(joined.get_input_size())]
        return [] if any(len(head) < len(HEAD) for head in heads) else heads
    return []


def _chain(node: Any) -> list[Any]:
    found: list[Any] = []
    for kind in HEAD:
        if node.get_type_name() != kind:
            return []
        found.append(node)
        node = node.input_value(0).get_node()
    constant = all(found[i].input_value(1).get_node().get_type_name() == "Constant" for i in (0, 2, 3))
    return found if constant else []


def _keep(head: Sequence[Any], keep: Sequence[int], classes: int) -> None:
    """Rows of weights and biases are anchors × classes."""
    from openvino import opset13

    shaped, _, biased, convolution = head
    weights = np.asarray(convolution.input_value(1).get_node().data)
    rows = (np.arange(len(weights) // classes)[:, None] * classes + np.asarray(keep)).ravel()
    bias = np.asarray(biased.input_value(1).get_node().data)
    across = bias.shape.index(len(weights))
    size = [1, shaped.output(0).get_partial_shape()[1].get_length(), len(keep)]
    for node, values in (
        (convolution, weights[rows]),
        (biased, bias.take(rows, axis=across)),
        (shaped, np.array(size, np.int64)),
    ):
        node.input(1).replace_source_output(opset13.constant(np.ascontiguousarray(values)).output(0))
