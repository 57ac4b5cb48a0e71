"""Files as PyTorch writes them, without PyTorch: the older format and the zip archive, and hostile ones."""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {
    "protocol_version": PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


class Stored:
    """A storage that a tensor points to."""

    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


@contextmanager
def _as_if_torch() -> Iterator[tuple[type, Any]]:
    """Names that a pickle can point to, for as long as it is written."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")

    class FloatStorage:
        pass

    def _rebuild_tensor_v2(*_args: Any) -> None:
        raise AssertionError("nobody calls this")

    for what, module in ((FloatStorage, torch), (_rebuild_tensor_v2, utils)):
        what.__module__, what.__qualname__ = module.__name__, what.__name__
        setattr(module, what.__name__, what)
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield FloatStorage, _rebuild_tensor_v2
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before


class _Tensor:
    def __init__(self, stored: Stored, shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> None:
        self.stored, self.shape, self.stride, self.offset = stored, shape, stride, offset


def _pickled(what: Any, floats: type, rebuild: Any, *, zipped: bool) -> bytes:
    class Pickler(pickle.Pickler):
        def persistent_id(self, one: Any) -> Any:
            if not isinstance(one, Stored):
                return None
            told = ("storage", floats, one.key, "cpu", one.count)
            return told if zipped else (*told, None)

        def reducer_override(self, one: Any) -> Any:
            if isinstance(one, _Tensor):
                return rebuild, (one.stored, one.offset, one.shape, one.stride, False, OrderedDict())
            return NotImplemented

    out = io.BytesIO()
    Pickler(out, 2).dump(what)
    return out.getvalue()


def _tensors(weights: Mapping[str, Floats], changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    tensors = {}
    for number, (name, array) in enumerate(weights.items()):
        stride = tuple(size // 4 for size in np.ascontiguousarray(array).strides)
        stored = Stored(str(number), changes.get("count", array.size))
        tensors[name] = _Tensor(stored, array.shape, changes.get("stride", stride), changes.get("offset", 0))
    return tensors, [str(number) for number in range(len(weights))]


def legacy(weights: Mapping[str, Floats], wrapped: str = "", **changes: Any) -> bytes:
    tensors, keys = _tensors(weights, changes)
    whole = {wrapped: tensors, "epoch": 3} if wrapped else OrderedDict(tensors)
    with _as_if_torch() as (floats, rebuild):
        parts = [MAGIC, PROTOCOL, changes.get("system", SYSTEM), whole, keys]
        out = b"".join(_pickled(part, floats, rebuild, zipped=False) for part in parts)
    for array in weights.values():
        out += array.size.to_bytes(8, "little") + array.astype("<f4").tobytes()
    return out


def zipped(weights: Mapping[str, Floats], **changes: Any) -> bytes:
    tensors, keys = _tensors(weights, changes)
    out = io.BytesIO()
    with _as_if_torch() as (floats, rebuild), zipfile.ZipFile(out, "w") as archive:
        archive.writestr("pets/data.pkl", _pickled(OrderedDict(tensors), floats, rebuild, zipped=True))
        for key, array in zip(keys, weights.values(), strict=True):
            archive.writestr(f"pets/data/{key}", array.astype("<f4").tobytes())
    return out.getvalue()


def efficientnet(classes: int = 0, seed: int = 3) -> dict[str, Floats]:
    """Weights of the right names and shapes that mean nothing."""
    from vigilar_models.efficientnet import HEAD, STAGES, STEM

    random = np.random.default_rng(seed)
    found: dict[str, Floats] = {}

    def convolution(name: str, norm: str, out: int, into: int, side: int) -> None:
        kernel = random.normal(0, (2 / (into * side * side)) ** 0.5, (out, into, side, side))
        found[f"{name}.weight"] = kernel.astype(np.float32)
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            found[f"{norm}.{part}"] = np.full(out, value, np.float32)

    convolution("_conv_stem", "_bn0", STEM, 3, 3)
    into, number = STEM, 0
    for repeats, side, _stride, wider, out in STAGES:
        for _ in range(repeats):
            name, wide = f"_blocks.{number}", into * wider
            if wider > 1:
                convolution(f"{name}._expand_conv", f"{name}._bn0", wide, into, 1)
            convolution(f"{name}._depthwise_conv", f"{name}._bn1", wide, 1, side)
            convolution(f"{name}._project_conv", f"{name}._bn2", out, wide, 1)
            into, number = out, number + 1
    convolution("_conv_head", "_bn1", HEAD, into, 1)
    if classes:
        found["_fc.weight"] = random.normal(0, 0.05, (classes, HEAD)).astype(np.float32)
        found["_fc.bias"] = np.zeros(classes, np.float32)
    return found
