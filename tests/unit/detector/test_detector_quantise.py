"""Convolutions in 8 bits: nearly the same numbers, and nothing changed where no range is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13
from vigilar_models.quantise import convolutions, quantise

PICTURE = np.random.default_rng(1).uniform(-1, 1, (1, 3, 16, 16)).astype(np.float32)


def two_convolutions() -> Any:
    """A full and a depthwise one, with a normalisation between them that is folded into the weights."""
    rng = np.random.default_rng(2)
    source = opset13.parameter([1, 3, 16, 16], np.float32)
    first = opset13.convolution(
        source, rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32), [1, 1], [1, 1], [1, 1], [1, 1]
    )
    scaled = opset13.multiply(first, rng.uniform(0.5, 2, (1, 8, 1, 1)).astype(np.float32))
    second = opset13.group_convolution(
        opset13.relu(scaled),
        rng.normal(0, 0.3, (8, 1, 1, 3, 3)).astype(np.float32),
        [1, 1], [1, 1], [1, 1], [1, 1],
    )  # fmt: skip
    return openvino.Model([second.output(0)], [source])


def answer(model: Any) -> Any:
    return openvino.Core().compile_model(model, "CPU")([PICTURE])[0]


def test_eight_bits_give_nearly_the_same_numbers() -> None:
    exact = answer(two_convolutions())
    model = two_convolutions()
    keys = [key for key, _ in convolutions(model)]
    assert len(set(keys)) == 2
    assert quantise(model, {keys[0]: (-1.0, 1.0), keys[1]: (0.0, 6.0)}) == 2
    rounded = answer(model)
    assert np.abs(rounded - exact).max() < 0.03 * np.abs(exact).max()
    assert np.abs(rounded - exact).max() > 0


def test_a_convolution_without_a_range_stays_as_it_is() -> None:
    exact, model = answer(two_convolutions()), two_convolutions()
    assert quantise(model, {"00000000": (0.0, 1.0)}) == 0
    assert answer(model) == pytest.approx(exact, abs=1e-5)


def test_fingerprints_are_those_of_the_weights_and_not_of_names() -> None:
    assert [key for key, _ in convolutions(two_convolutions())] == [
        key for key, _ in convolutions(two_convolutions())
    ]
