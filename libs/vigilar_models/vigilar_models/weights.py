"""The weights in a PyTorch file (`.pth`), without PyTorch and without running anything that the file holds.

Such a file is a pickle, which may name any function to be called. Here it may name tensors, their storages and ordered
dictionaries, and nothing else; what the tensors hold lies behind the pickle (the older format) or beside it in a zip archive.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from vigilar_models.arrays import Floats
from vigilar_models.errors import ModelError

MAX_WEIGHTS_BYTES: Final = 512 * 1024**2
MAX_TENSORS: Final = 4096
MAX_DIMENSIONS: Final = 8
MAX_PICKLE_BYTES: Final = 16 * 1024**2
"""Of the part that names tensors; what they hold is not in it."""
MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
COUNT_BYTES: Final = 8
STORAGES: Final[Mapping[str, type[np.generic]]] = {
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "DoubleStorage": np.float64,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
}
WRAPPERS: Final = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts put the weights beside other things."""
_PREFIX: Final = "module."
"""Before every name, when the model was trained on several processors."""


@dataclass(frozen=True)
class _Storage:
    key: str
    kind: type[np.generic]
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    """Of numbers between neighbours, by dimension; all of them lie within the storage."""


def read_weights(path: Path) -> dict[str, Floats]:
    """Every tensor by its name, as float32. Raises ModelError naming the file and what is wrong with it, OSError."""
    size_bytes = path.stat().st_size
    if size_bytes > MAX_WEIGHTS_BYTES:
        raise ModelError(f"{path}: is larger than {MAX_WEIGHTS_BYTES} bytes")
    try:
        with path.open("rb") as file:
            zipped = zipfile.is_zipfile(file)
            file.seek(0)
            found = _zipped(file) if zipped else _in_a_row(file)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, IndexError,
            AttributeError, OverflowError, MemoryError, RecursionError) as error:  # fmt: skip
        raise ModelError(f"{path}: is no file of weights ({type(error).__name__})") from error
    return found


class _Reader(pickle.Unpickler):
    """Whatever the file names that is no tensor is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise ModelError(f"wants {module}.{name}, which no file of weights needs")

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            _refuse("names something that is no storage")
        _, kind, key, _, count = pid[:5]
        if kind not in STORAGES.values() or not isinstance(key, str) or not isinstance(count, int):
            _refuse("names a storage of a kind that is not known")
        return _Storage(key, kind, count)


def _refuse(why: str) -> NoReturn:
    raise ModelError(why)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_rest: Any) -> _Tensor:
    numbers = (*shape, *stride, offset)
    if not isinstance(storage, _Storage) or not all(isinstance(one, int) and one >= 0 for one in numbers):
        _refuse("holds a tensor that is none")
    if len(shape) > MAX_DIMENSIONS or len(shape) != len(stride):
        _refuse(f"holds a tensor of {len(shape)} dimensions")
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if 0 in shape or prod(shape) > storage.count or last >= storage.count:
        _refuse("holds a tensor that is larger than its storage")
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


def _parameter(data: Any, *_rest: Any) -> Any:
    return data


def _in_a_row(file: Any) -> dict[str, Floats]:
    """The older format: four pickles, the names of the storages, then the storages one after the other."""
    if _Reader(file).load() != MAGIC:
        _refuse("is no file of weights")
    if _Reader(file).load() != PROTOCOL:
        _refuse("is of a version that is not known")
    system = _Reader(file).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        _refuse("was written by a machine with another order of bytes")
    tensors = _named(_Reader(file).load())
    keys = _Reader(file).load()
    known = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    held: dict[str, NDArray[np.generic]] = {}
    for key in keys:
        storage = known.get(key)
        if storage is None:
            _refuse(f"holds a storage {str(key)[:40]} that nothing uses")
        count = int.from_bytes(file.read(COUNT_BYTES), "little")
        if count != storage.count:
            _refuse(f"holds {count} numbers where {storage.count} were announced")
        held[key] = _numbers(file.read(count * np.dtype(storage.kind).itemsize), storage)
    return _filled(tensors, lambda storage: held[storage.key])


def _zipped(file: Any) -> dict[str, Floats]:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(names) != 1:
            _refuse("holds no data.pkl")
        folder = names[0].removesuffix("data.pkl")
        tensors = _named(_Reader(io.BytesIO(_member(archive, names[0], MAX_PICKLE_BYTES))).load())
        held: dict[str, NDArray[np.generic]] = {}

        def of(storage: _Storage) -> NDArray[np.generic]:
            if storage.key not in held:
                limit = storage.count * np.dtype(storage.kind).itemsize
                held[storage.key] = _numbers(_member(archive, f"{folder}data/{storage.key}", limit), storage)
            return held[storage.key]

        return _filled(tensors, of)


def _member(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    """Never more of it than was announced, however it is packed."""
    if not 0 <= limit_bytes <= MAX_WEIGHTS_BYTES:
        _refuse(f"announces {limit_bytes} bytes in {name[:60]}")
    with archive.open(name) as member:
        data = member.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        _refuse(f"holds more in {name[:60]} than was announced")
    return data


def _numbers(data: bytes, storage: _Storage) -> NDArray[np.generic]:
    numbers = np.frombuffer(data, np.dtype(storage.kind).newbyteorder("<"))
    if len(numbers) != storage.count:
        _refuse(f"ends within the storage {storage.key[:40]}")
    return numbers


def _named(read: Any) -> dict[str, _Tensor]:
    for name in WRAPPERS:
        if isinstance(read, dict) and isinstance(read.get(name), dict):
            read = read[name]
            break
    if not isinstance(read, dict) or len(read) > MAX_TENSORS:
        _refuse("holds no dictionary of weights")
    found = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in read.items()
        if isinstance(name, str) and isinstance(tensor, _Tensor)
    }
    if not found:
        _refuse("holds no weights")
    return found


def _filled(
    tensors: Mapping[str, _Tensor], of: Callable[[_Storage], NDArray[np.generic]]
) -> dict[str, Floats]:
    result: dict[str, Floats] = {}
    for name, tensor in tensors.items():
        numbers = of(tensor.storage)[tensor.offset :]
        strides = [step * numbers.itemsize for step in tensor.stride]
        array = np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides, writeable=False)
        array = np.ascontiguousarray(array, np.float32)
        if not bool(np.isfinite(array).all()):
            _refuse(f"holds numbers in {name[:80]} that are none")
        result[name] = array
    return result
