"""A model in memory: pictures in, its raw numbers out. OpenVINO, or `cv2.dnn` for what OpenVINO cannot read."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vigilar_models.arrays import Floats, Pixels
from vigilar_models.errors import ModelError
from vigilar_models.heads import Ranges, narrow
from vigilar_models.manifest import Decoding, Manifest, Runtime
from vigilar_models.store import Installed

log = logging.getLogger(__name__)

TENSORFLOW: Final = frozenset((".pb",))
CPU, AUTO = "CPU", "AUTO"
MAX_WORKERS: Final = 2
"""Threads that look at the same time: what a small machine can give beside recording."""


def workers_here() -> int:
    return max(1, min(MAX_WORKERS, len(os.sched_getaffinity(0))))


class LoadedModel(Protocol):
    """`look` may be called by as many threads at a time as were told when it was loaded."""

    device: str
    anchors: Floats | None
    classes: tuple[str, ...]
    """Those that its numbers stand for, in their order: of the manifest's those that are told, if it can be narrowed."""

    def look(self, worker: int, picture: Pixels) -> list[NDArray[np.generic]]: ...


def load_model(found: Installed, workers: int) -> LoadedModel:
    """Raises ModelError. The files must have been verified."""
    manifest = found.manifest
    try:
        if manifest.runtime is Runtime.OPENCV:
            return _OpenCvModel(manifest, found.paths, workers)
        return _OpenVinoModel(manifest, found.paths[0], workers)
    except ModelError:
        raise
    except Exception as error:  # both libraries throw what they like at a file that is none
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"model {manifest.id} cannot be loaded: {reason[-1][:200]}") from error


class _OpenVinoModel:
    def __init__(self, manifest: Manifest, path: Path, workers: int) -> None:
        import openvino

        self._manifest = manifest
        core = openvino.Core()
        self.anchors, model = open_graph(core, manifest, path)
        self._sized = len(model.inputs) > 1
        wanted = CPU if core.available_devices in ([CPU], []) else AUTO
        self.classes, ranges = narrow(model, manifest)
        if ranges and wanted == CPU:
            _quantised(manifest, model, ranges)
        prepared = with_preparation(manifest, model)
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT"}
        if wanted == CPU:
            # A stream of one thread each: two crops at the same time are faster than one on two cores.
            settings = {"NUM_STREAMS": workers, "INFERENCE_NUM_THREADS": workers, "ENABLE_CPU_PINNING": False}
        compiled = core.compile_model(prepared, wanted, settings)
        self.device = CPU if wanted == CPU else "+".join(compiled.get_property("EXECUTION_DEVICES"))
        self._requests = [compiled.create_infer_request() for _ in range(workers)]

    def look(self, worker: int, picture: Pixels) -> list[NDArray[np.generic]]:
        request = self._requests[worker]
        inputs: list[NDArray[np.generic]] = [picture[None]]
        if self._sized:
            inputs.append(np.ones((1, 2), np.int64))
        results = request.infer(inputs, share_inputs=True)
        return [np.array(results[index]) for index in range(len(results))]


def _quantised(manifest: Manifest, model: Any, ranges: Ranges) -> None:
    from vigilar_models.quantise import quantise

    found = quantise(model, ranges)
    if found != len(manifest.ranges):
        log.warning("%s: %d of %d ranges fit, it looks slower", manifest.id, found, len(manifest.ranges))


def open_graph(core: Any, manifest: Manifest, path: Path) -> tuple[Floats | None, Any]:
    """The constant that the decoding needs, and the model, ending where the manifest says. Raises ModelError."""
    import openvino

    graph = manifest.graph
    if path.suffix in TENSORFLOW:
        from openvino.frontend import FrontEndManager

        # Partially: the node behind the cut is of no kind that OpenVINO knows.
        frontend = FrontEndManager().load_by_framework("tf")
        model = frontend.convert_partially(frontend.load(str(path)))
    elif graph.architecture:
        model = _from_weights(path, graph.architecture)
    else:
        model = core.read_model(path)
    anchors = _constant(manifest, _port(manifest, model, graph.anchors)) if graph.anchors else None
    if graph.outputs:
        ends = [_port(manifest, model, name) for name in graph.outputs]
        model = openvino.Model(ends, model.get_parameters())
    _check_input(manifest, model)
    return anchors, model


def _from_weights(path: Path, architecture: str) -> Any:
    """Raises ModelError."""
    if architecture == "dlib-face":
        from vigilar_models.dlib_net import read_network

        return read_network(path)
    from vigilar_models.efficientnet import efficientnet_lite0
    from vigilar_models.weights import read_weights

    weights = read_weights(path)
    try:
        return efficientnet_lite0(weights)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _port(manifest: Manifest, model: Any, name: str) -> Any:
    """The output of a node, by the tensor's name or by the node's and its number (`concat:0`)."""
    node_name, _, number = name.partition(":")
    for node in model.get_ordered_ops():
        for index, port in enumerate(node.outputs()):
            if name in port.get_names() or (
                node.get_friendly_name() == node_name and str(index) == (number or "0")
            ):
                return port
    raise ModelError(f"model {manifest.id} has no tensor {name}")


def _constant(manifest: Manifest, port: Any) -> Floats:
    node = port.get_node()
    while node.get_type_name() in ("Convert", "Reshape"):
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        raise ModelError(f"model {manifest.id}: {manifest.graph.anchors} is no constant")
    return np.array(node.data, dtype=np.float32)


def _check_input(manifest: Manifest, model: Any) -> None:
    """Fixes what is open in the input's shape; refuses what contradicts the manifest."""
    wanted = manifest.input
    size = (wanted.height_px, wanted.width_px)
    shape = [1, *size, 3] if wanted.layout == "NHWC" else [1, 3, *size]
    inputs = list(model.inputs)
    extra = 2 if manifest.decoding is Decoding.DETR_LABELLED else 1
    if not 1 <= len(inputs) <= extra:
        raise ModelError(f"model {manifest.id} has {len(inputs)} inputs")
    has = inputs[0].get_partial_shape()
    fits = (
        (manifest.graph.resized and len(has) == 4)
        or has.rank.is_dynamic
        or (
            len(has) == 4
            and all(has[i].is_dynamic or has[i].get_length() == length for i, length in enumerate(shape))
        )
    )
    if not fits:
        raise ModelError(f"model {manifest.id} takes pictures of shape {has}, not of {shape}")
    shapes = {inputs[0]: shape}
    if len(inputs) == 2:
        shapes[inputs[1]] = [1, 2]
    model.reshape(shapes)


def with_preparation(manifest: Manifest, model: Any) -> Any:
    """Conversion from 8 bits, order of colours and normalisation become a part of the model: faster than done here."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    wanted = manifest.input
    steps = PrePostProcessor(model)
    picture = steps.input(0)
    picture.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC")).set_color_format(
        ColorFormat.BGR
    )
    picture.model().set_layout(openvino.Layout(wanted.layout))
    preparing = picture.preprocess().convert_element_type(openvino.Type.f32)
    if wanted.colours == "rgb":
        preparing = preparing.convert_color(ColorFormat.RGB)
    preparing.mean(list(wanted.mean)).scale(list(wanted.scale))
    return steps.build()


class _OpenCvModel:
    """One network per thread: cv2's are not thread-safe."""

    def __init__(self, manifest: Manifest, paths: tuple[Path, ...], workers: int) -> None:
        import cv2

        cv2.setNumThreads(1)
        names = [str(path) for path in paths]
        second = names[1] if len(names) > 1 else ""
        self._manifest = manifest
        self.classes = manifest.classes
        self._networks = [cv2.dnn.readNet(names[0], second) for _ in range(workers)]
        self._scale = manifest.input.scale[0]
        if len(set(manifest.input.scale)) > 1:
            raise ModelError(f"model {manifest.id}: cv2.dnn divides all colours by the same number")
        self.device = "CPU (cv2.dnn)"
        self.anchors: Floats | None = None

    def look(self, worker: int, picture: Pixels) -> list[NDArray[np.generic]]:
        import cv2

        wanted = self._manifest.input
        network = self._networks[worker]
        blob = cv2.dnn.blobFromImage(
            picture,
            1.0 / self._scale,
            (wanted.width_px, wanted.height_px),
            wanted.mean,
            wanted.colours == "rgb",
        )
        network.setInput(blob)
        return list(network.forward(network.getUnconnectedOutLayersNames()))
