"""Faces that packages ship, fetched once into `.cache/face-pictures`; none of them lies in this repository.

`astronaut`: NASA's portrait in scikit-image. `crowds`: six photos of one party in the npm package of face-api, with 23 faces;
two of them are of one person, as far as an eye can tell. A face is labelled by picture and place from the left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from vigilar_models.store import Store

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "face-pictures"
MODELS = ROOT / ".cache" / "models"
FACE_MODELS = ("centerface", "dlib-face-resnet")
WHEEL = "scikit-image==0.26.0"
NPM = "@vladmandic/face-api@1.7.15"
CROWDS = tuple(f"sample{number}.jpg" for number in range(1, 7))
LIMIT_S = 300
Pixels = Any


def ensure_face_models() -> Path:
    """The default models, fetched as their owner would: `vigilar models install`."""
    for model in FACE_MODELS:
        if not (MODELS / model / "manifest.json").exists():
            command = [sys.executable, "-m", "vigilar_detector", "models", "install", model]
            env = {**os.environ, "VIGILAR_MODELS_DIR": str(MODELS)}
            subprocess.run(command, check=True, env=env, timeout=LIMIT_S, stdout=subprocess.DEVNULL)
        Store(MODELS).get(model)
    return MODELS


def astronaut() -> Pixels:
    """uint8[512, 512, 3], blue, green, red."""
    path = CACHE / "astronaut.png"
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
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
                WHEEL,
            ]
            subprocess.run(command, check=True, timeout=LIMIT_S)
            with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as archive:
                _keep(path, archive.read("skimage/data/astronaut.png"))
    return _read(path)


def crowds() -> dict[str, Pixels]:
    """Six photos by their names."""
    if not all((CACHE / name).exists() for name in CROWDS):
        node = subprocess.run(
            [str(ROOT / "deploy" / "scripts" / "setup.sh"), "node-path"],
            check=True, capture_output=True, text=True, timeout=LIMIT_S,
        ).stdout.strip()  # fmt: skip
        with tempfile.TemporaryDirectory() as scratch:
            env = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}"}
            subprocess.run(
                ["npm", "pack", "--silent", NPM], check=True, cwd=scratch, env=env, timeout=LIMIT_S
            )
            with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
                for name in CROWDS:
                    member = archive.extractfile(f"package/demo/{name}")
                    assert member is not None
                    _keep(CACHE / name, member.read())
    return {name: _read(CACHE / name) for name in CROWDS}


def jpeg(picture: Pixels, quality: int = 85) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def changed(picture: Pixels, number: int) -> Pixels:
    """The same face in another picture, as far as one picture allows: light, size, turn, blur, noise; by number, repeatable."""
    rng = np.random.default_rng(number)
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-18, 18), rng.uniform(0.5, 0.9))
    moved = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        moved = cv2.flip(moved, 1)
    lit = moved.astype(np.float32) * rng.uniform(0.5, 1.3) + rng.uniform(-25, 25)
    lit *= np.linspace(rng.uniform(0.7, 1.0), rng.uniform(0.7, 1.0), width, dtype=np.float32)[None, :, None]
    soft = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 1.3))
    noisy = soft + rng.normal(0, rng.uniform(1, 7), soft.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _read(path: Path) -> Pixels:
    found = cv2.imread(str(path))
    assert found is not None, path
    return found
