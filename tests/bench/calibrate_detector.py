"""Measures what flows into each convolution of a model, and writes it into its manifest: `ranges`, for 8-bit arithmetic.

Run: `python tests/bench/calibrate_detector.py MANIFEST MODEL CROP.jpg …` (a few hundred crops of what is looked at, by day and
by night; half a minute per hundred).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from vigilar_models import jpeg
from vigilar_models.manifest import Manifest, read_manifest
from vigilar_models.quantise import convolutions
from vigilar_models.runtime import open_graph, with_preparation

KEPT_PCT = 99.99
"""Of the values of a crop: the few beyond are cut, so that the others are told apart better."""
ROW = 4


def measure(manifest: Manifest, model: Path, crops: list[Path]) -> dict[str, tuple[float, float]]:
    import openvino

    core = openvino.Core()
    _, graph = open_graph(core, manifest, model)
    found = convolutions(graph)
    inner = openvino.Model([node.input_value(0) for _, node in found], graph.get_parameters())
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    request: Any = core.compile_model(
        with_preparation(manifest, inner), "CPU", settings
    ).create_infer_request()
    ends = np.zeros((len(crops), len(found), 2))
    for number, path in enumerate(crops):
        picture, _ = jpeg.fit(jpeg.pixels(path.read_bytes()), manifest.input)
        results = request.infer([picture[None]])
        for index in range(len(found)):
            ends[number, index] = np.percentile(results[index], [100 - KEPT_PCT, KEPT_PCT])
    # The mean of what the crops have as extremes, not the extreme of all: one odd crop must not make all others coarse.
    mean = ends.mean(axis=0)
    return {
        key: (round(float(low), 4), round(float(high), 4))
        for (key, _), (low, high) in zip(found, mean, strict=True)
    }


def with_ranges(text: str, ranges: dict[str, tuple[float, float]]) -> str:
    """The manifest, its other lines as they were."""
    body = re.sub(r',\s*"ranges":\s*\{[^}]*\}', "", text).rstrip()
    pairs = [f'"{key}": [{low:g}, {high:g}]' for key, (low, high) in ranges.items()]
    rows = ",\n".join("  " + ", ".join(pairs[i : i + ROW]) for i in range(0, len(pairs), ROW))
    return f'{body[:-1].rstrip()},\n "ranges": {{\n{rows}\n }}\n}}\n'


def main() -> int:
    path, model, *crops = map(Path, sys.argv[1:])
    ranges = measure(read_manifest(path), model, crops)
    path.write_text(with_ranges(path.read_text("utf-8"), ranges), "utf-8")
    print(f"{len(ranges)} ranges of {len(crops)} crops")
    return 0


if __name__ == "__main__":
    sys.exit(main())
