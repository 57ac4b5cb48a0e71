"""PyTorch's files, read without PyTorch; what is none, or wants more than tensors, is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_files
from vigilar_models.errors import ModelError
from vigilar_models.weights import read_weights

WEIGHTS = {
    "first.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "first.bias": np.array([0.5, -1.5], np.float32),
}


def written(folder: Path, data: bytes) -> Path:
    path = folder / "weights.pth"
    path.write_bytes(data)
    return path


def refused(folder: Path, data: bytes) -> str:
    with pytest.raises(ModelError) as caught:
        read_weights(written(folder, data))
    return str(caught.value)


@pytest.mark.parametrize("write", [torch_files.legacy, torch_files.zipped])
def test_weights_are_read_out_of_both_formats(write: Any, tmp_path: Path) -> None:
    read = read_weights(written(tmp_path, write(WEIGHTS)))
    assert list(read) == list(WEIGHTS)
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(read[name], array)


def test_weights_that_a_training_script_saved_beside_other_things_are_found(tmp_path: Path) -> None:
    read = read_weights(
        written(tmp_path, torch_files.legacy({"module.bias": WEIGHTS["first.bias"]}, "state_dict"))
    )
    np.testing.assert_array_equal(read["bias"], WEIGHTS["first.bias"])


def test_weights_that_were_turned_round_lie_as_their_strides_say(tmp_path: Path) -> None:
    read = read_weights(written(tmp_path, torch_files.legacy({"a": WEIGHTS["first.weight"]}, stride=(1, 2))))
    np.testing.assert_array_equal(read["a"], np.array([[0, 2, 4], [1, 3, 5]], np.float32))


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def test_a_file_that_wants_to_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    told = refused(tmp_path, pickle.dumps(Hostile(marker), 2))
    assert "mkdir, which no file of weights needs" in told
    assert not marker.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no file of weights"),
        (b"\x80\x02K\x01.", "is no file of weights"),
        (os.urandom(4096), "no file of weights"),
        (torch_files.legacy(WEIGHTS)[:-9], "ends within the storage"),
        (torch_files.legacy(WEIGHTS)[:200], "no file of weights"),
        (torch_files.zipped(WEIGHTS)[:-30], "no file of weights"),
        (torch_files.legacy(WEIGHTS, count=1), "larger than its storage"),
        (torch_files.legacy({"a": WEIGHTS["first.weight"]}, stride=(3, 2)), "larger than its storage"),
        (torch_files.legacy(WEIGHTS, offset=4), "larger than its storage"),
        (torch_files.zipped({"a": WEIGHTS["first.bias"]}, count=2**40), "announces"),
        (torch_files.legacy({"a": np.array([np.nan], np.float32)}), "that are none"),
        (torch_files.legacy(WEIGHTS, system={"little_endian": False}), "another order of bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_torn_or_lies_is_refused_with_the_reason(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    assert reason in refused(tmp_path, data)
