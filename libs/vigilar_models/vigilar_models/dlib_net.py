"""The face network of dlib, read as data: its weights out of the `.dat` file, its graph built for OpenVINO.

dlib's file is a sequence of objects; of the ones with weights the name stands before the tensor, in the order in which a
picture flows through them. Integers are a byte with their length and little-endian bytes; floats of a tensor are raw. No
code of dlib is needed, and the graph runs wherever OpenVINO does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vigilar_models.errors import ModelError

Floats = NDArray[np.float32]

SIDE_PX: Final = 150
MEAN: Final = (122.782, 117.001, 104.298)
"""Red, green, blue, as the file itself says."""
SCALE: Final = 256.0
LENGTH: Final = 128
MAX_FILE_BYTES: Final = 64 * 1024**2
_TENSOR_VERSION: Final = 2
_NAMED: Final = re.compile(rb"\x05(con_4)|\x07(affine_)|\x04(fc_2)")
_LEVELS: Final = (
    (32, (1, 1, 1)),
    (64, (2, 1, 1, 1)),
    (128, (2, 1, 1)),
    (256, (2, 1, 1)),
    (256, (2,)),
)
"""Channels, and the stride of each residual block, from the picture on."""


def read_network(path: Path) -> Any:
    """An `openvino.Model`: float32[1, 3, 150, 150] red, green, blue 0–255 → float32[1, 128]. Raises ModelError, OSError."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ModelError(f"{path}: is larger than {MAX_FILE_BYTES} bytes")
    layers = _Layers(path)
    import openvino
    from openvino import opset13 as ops

    picture = ops.parameter([1, 3, SIDE_PX, SIDE_PX], np.float32, name="picture")
    mean = np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    net = ops.divide(ops.subtract(picture, mean), np.float32(SCALE))
    net = ops.relu(layers.affine(ops, layers.convolution(ops, net, 3, 32, 7, 2)))
    net = _pool(ops, net, 3, largest=True)
    channels = 32
    for wanted, strides in _LEVELS:
        for stride in strides:
            net = _residual(ops, layers, net, channels, wanted, stride)
            channels = wanted
    net = ops.reduce_mean(net, np.array([2, 3]), keep_dims=False)
    net = ops.matmul(net, layers.matrix(channels, LENGTH), False, False)
    layers.end()
    return openvino.Model([net], [picture], "dlib-face")


def _residual(ops: Any, layers: _Layers, net: Any, channels: int, wanted: int, stride: int) -> Any:
    inner = layers.affine(ops, layers.convolution(ops, net, channels, wanted, 3, stride))
    inner = layers.affine(ops, layers.convolution(ops, ops.relu(inner), wanted, wanted, 3, 1))
    past = net if stride == 1 else _pool(ops, net, 2, largest=False)
    # The two may differ in size: dlib adds what is there, and takes the rest for nothing.
    sizes = [np.array(list(part.output(0).get_shape())) for part in (inner, past)]
    whole = np.maximum(*sizes)
    padded = [_padded(ops, part, whole - size) for part, size in zip((inner, past), sizes, strict=True)]
    return ops.relu(ops.add(*padded))


def _padded(ops: Any, net: Any, missing: NDArray[np.int64]) -> Any:
    return ops.pad(net, np.zeros(4, np.int64), missing, "constant", np.float32(0)) if missing.any() else net


def _pool(ops: Any, net: Any, window: int, largest: bool) -> Any:
    """Two pixels on each; what does not fill a window is left out."""
    if largest:
        from openvino import opset1

        return opset1.max_pool(net, [2, 2], [0, 0], [0, 0], [window, window])
    return ops.avg_pool(net, [2, 2], [0, 0], [0, 0], [window, window], True)


class _Layers:
    """The tensors of a file, one after the other. Every method raises ModelError when the next is another one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = _tensors(path.read_bytes(), path)

    def convolution(self, ops: Any, net: Any, channels: int, wanted: int, side: int, stride: int) -> Any:
        weights = wanted * channels * side * side
        values = self._take("con_4", weights + wanted)
        kernel = values[:weights].reshape(wanted, channels, side, side)
        edge = 0 if stride != 1 else side // 2
        net = ops.convolution(net, kernel, [stride, stride], [edge, edge], [edge, edge], [1, 1])
        return ops.add(net, values[weights:].reshape(1, wanted, 1, 1))

    def affine(self, ops: Any, net: Any) -> Any:
        channels = net.output(0).get_shape()[1]
        gamma, beta = self._take("affine_", 2 * channels).reshape(2, 1, channels, 1, 1)
        return ops.add(ops.multiply(net, gamma), beta)

    def matrix(self, rows: int, columns: int) -> Floats:
        return self._take("fc_2", rows * columns).reshape(rows, columns)

    def end(self) -> None:
        if next(self._next, None) is not None:
            raise ModelError(f"{self._path}: holds more layers than the face network has")

    def _take(self, name: str, count: int) -> Floats:
        found, values = next(self._next, ("its end", np.zeros(0, np.float32)))
        if found != name or values.size != count:
            raise ModelError(
                f"{self._path}: has {found} with {values.size} numbers where the face network has {name} with {count}"
            )
        if not np.isfinite(values).all():
            raise ModelError(f"{self._path}: holds numbers that are none")
        return values


def _tensors(data: bytes, path: Path) -> Iterator[tuple[str, Floats]]:
    at = 0
    while (named := _NAMED.search(data, at)) is not None:
        name = named.group().lstrip(b"\x04\x05\x07").decode()
        at = named.end()
        if name == "fc_2":  # the numbers of outputs and inputs come first
            for _ in range(2):
                _, at = _integer(data, at, path)
        version, at = _integer(data, at, path)
        count = 1
        for _ in range(4):
            length, at = _integer(data, at, path)
            count *= length
        if version != _TENSOR_VERSION or not 0 < count <= (len(data) - at) // 4:
            raise ModelError(f"{path}: {name} is followed by no tensor")
        yield name, np.frombuffer(data, "<f4", count, at).astype(np.float32)
        at += 4 * count


def _integer(data: bytes, at: int, path: Path) -> tuple[int, int]:
    """The value, and where the next one stands."""
    length = data[at] & 0x0F if at < len(data) else 0
    if not 1 <= length <= 8 or data[at] & 0x80 or at + 1 + length > len(data):
        raise ModelError(f"{path}: has no number where one must be")
    return int.from_bytes(data[at + 1 : at + 1 + length], "little"), at + 1 + length
