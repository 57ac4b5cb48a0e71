"""EfficientNet-Lite0 out of its weights: the graph that they belong to, in OpenVINO's operations.

Tan and Le, "EfficientNet", 2019; the Lite variant has no squeeze-and-excitation and ReLU6 throughout. Normalisation is
folded into the convolutions before it: what runs is convolutions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vigilar_models.arrays import Floats
from vigilar_models.errors import ModelError

SIZE_PX: Final = 224
STEM, HEAD = 32, 1280
EPSILON: Final = 1e-3
STAGES: Final = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
"""Repeats, side of the kernel, stride of the first, widening inside, channels after it."""
MAX_CLASSES: Final = 20_000


class _Graph:
    def __init__(self, weights: Mapping[str, Floats]) -> None:
        from openvino import opset13

        self._weights, self._ops = weights, opset13

    def tensor(self, name: str, shape: tuple[int, ...]) -> Floats:
        array = self._weights.get(name)
        if array is None:
            raise ModelError(f"holds no {name}: these are not the weights of an EfficientNet-Lite0")
        if array.shape != shape:
            raise ModelError(f"holds {name} of shape {list(array.shape)} where {list(shape)} is wanted")
        return array

    def convolution(
        self, what: Any, name: str, norm: str, shape: tuple[int, int, int], *, stride: int = 1, bends: bool = True
    ) -> Any:  # fmt: skip
        """``shape``: channels out, channels in (1: one by one), side of the kernel."""
        out, into, side = shape
        kernel = self.tensor(f"{name}.weight", (out, into, side, side))
        scale = self.tensor(f"{norm}.weight", (out,)) / np.sqrt(
            self.tensor(f"{norm}.running_var", (out,)) + EPSILON
        )
        shift = self.tensor(f"{norm}.bias", (out,)) - self.tensor(f"{norm}.running_mean", (out,)) * scale
        kernel = (kernel * scale[:, None, None, None]).astype(np.float32)
        ops, strides = self._ops, [stride, stride]
        apart = into == 1
        if apart:
            kernel = kernel[:, None]  # groups, out of each, in of each, side, side
        operation = ops.group_convolution if apart else ops.convolution
        done = operation(what, ops.constant(kernel), strides, [0, 0], [0, 0], [1, 1], "same_upper")
        done = ops.add(done, ops.constant(shift.reshape(1, out, 1, 1).astype(np.float32)))
        return ops.clamp(done, 0.0, 6.0) if bends else done

    def block(self, what: Any, name: str, shape: tuple[int, int, int, int, int]) -> Any:
        """``shape``: channels in, channels out, side of the kernel, stride, widening."""
        into, out, side, stride, wider = shape
        wide = into * wider
        inner = what
        if wider > 1:
            inner = self.convolution(inner, f"{name}._expand_conv", f"{name}._bn0", (wide, into, 1))
        inner = self.convolution(
            inner, f"{name}._depthwise_conv", f"{name}._bn1", (wide, 1, side), stride=stride
        )
        inner = self.convolution(inner, f"{name}._project_conv", f"{name}._bn2", (out, wide, 1), bends=False)
        return self._ops.add(inner, what) if stride == 1 and into == out else inner

    def vector(self, picture: Any) -> Any:
        what = self.convolution(picture, "_conv_stem", "_bn0", (STEM, 3, 3), stride=2)
        into, number = STEM, 0
        for repeats, side, stride, wider, out in STAGES:
            for again in range(repeats):
                shape = (into, out, side, 1 if again else stride, wider)
                what = self.block(what, f"_blocks.{number}", shape)
                into, number = out, number + 1
        what = self.convolution(what, "_conv_head", "_bn1", (HEAD, into, 1))
        return self._ops.reduce_mean(what, self._ops.constant(np.array([2, 3], np.int64)), False)

    def logits(self, vector: Any) -> Any:
        """None when the file has no head."""
        bias = self._weights.get("_fc.bias")
        if bias is None:
            return None
        count = len(bias) if bias.ndim == 1 else 0
        if not 0 < count <= MAX_CLASSES:
            raise ModelError(f"holds _fc.bias of shape {list(bias.shape)}")
        weights = self.tensor("_fc.weight", (count, HEAD))
        told = self._ops.matmul(vector, self._ops.constant(weights), False, True)
        return self._ops.add(told, self._ops.constant(bias.reshape(1, count)))


def efficientnet_lite0(weights: Mapping[str, Floats]) -> Any:
    """An OpenVINO model: float32[1, 3, 224, 224] to the vector float32[1, 1280] and, if there is a head, its logits.

    Raises ModelError naming the first tensor that is missing or of another shape.
    """
    import openvino
    from openvino import opset13

    graph = _Graph(weights)
    picture = opset13.parameter([1, 3, SIZE_PX, SIZE_PX], np.float32, name="images")
    vector = graph.vector(picture)
    logits = graph.logits(vector)
    ends = [vector] if logits is None else [vector, logits]
    return openvino.Model([opset13.result(end) for end in ends], [picture], "efficientnet-lite0")
