"""Real photos of animals out of a package (taken from its wheel as data, MIT), and crops of them as a camera would send them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from vigilar_models.fetch import from_package
from vigilar_models.manifest import ModelFile, PackageSource
from vigilar_models.store import Store, verify_file

Pixels = NDArray[np.uint8]
CACHE: Final = Path(__file__).parents[1] / ".cache"
PHOTOS, MODELS = CACHE / "animal-photos", CACHE / "models"
MODEL: Final = "efficientnet-lite0"
LIMIT_S = 300
PACKAGE: Final = PackageSource(
    package="foolbox",
    version="3.3.4",
    sha256="11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
)
FILES: Final = {
    "mastiff": ModelFile(
        name="imagenet_00_243.jpg", path="foolbox/data/imagenet_00_243.jpg", size_bytes=86225,
        sha256="28b7b933c8028c6e20bf74a86a709eda42ce99f14c8742cb657cb386f08a4c9d",
    ),
    "dalmatian": ModelFile(
        name="imagenet_16_251.jpg", path="foolbox/data/imagenet_16_251.jpg", size_bytes=73665,
        sha256="ce3440a3b7beb6ca3009817504c44d39fa789e7c2f70a2eef7e2f9cc9a87b129",
    ),
    "spoonbill": ModelFile(
        name="imagenet_14_129.jpg", path="foolbox/data/imagenet_14_129.jpg", size_bytes=18186,
        sha256="ad9371d813bf24b0365ee2f78f28c08718ee7c5975f060caa16c3f264e828139",
    ),
    "goose": ModelFile(
        name="imagenet_15_99.jpg", path="foolbox/data/imagenet_15_99.jpg", size_bytes=111008,
        sha256="4b588649cd835d4c65521727ebee03d9621baff1f54d3e8a53a26b53d983ec2e",
    ),
    "eagle": ModelFile(
        name="imagenet_17_22.jpg", path="foolbox/data/imagenet_17_22.jpg", size_bytes=30745,
        sha256="b432341845620e9cfd67d848c4783c32dd6eaddad45513866b17180d2b09fcf5",
    ),
    "jeep": ModelFile(
        name="imagenet_06_609.jpg", path="foolbox/data/imagenet_06_609.jpg", size_bytes=91478,
        sha256="fb061102a4e58b3ed942bb2a4f9542e1e1acdc8f225ef95498e93889290e192f",
    ),
}  # fmt: skip
ANIMALS: Final = ("mastiff", "dalmatian", "spoonbill", "goose", "eagle")


@cache
def photo(name: str) -> Pixels:
    """One of FILES, fetched when it is not there yet."""
    file = FILES[name]
    path = PHOTOS / file.name
    if not path.exists():
        PHOTOS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=PHOTOS) as folder:
            found = from_package(PACKAGE, tuple(FILES.values()), Path(folder), lambda *_: None)
            for wanted in FILES.values():
                verify_file(found[wanted.name], wanted)
                found[wanted.name].replace(PHOTOS / wanted.name)
    read: Any = cv2.imread(str(path))
    pixels: Pixels = read
    return pixels


def ensure_model() -> Path:
    """The folder of models, with the default one for animals in it."""
    if not (MODELS / MODEL / "manifest.json").exists():
        env = {**os.environ, "VIGILAR_MODELS_DIR": str(MODELS)}
        command = [sys.executable, "-m", "vigilar_detector", "models", "install", MODEL]
        subprocess.run(command, check=True, env=env, timeout=LIMIT_S)
    Store(MODELS).get(MODEL)
    return MODELS


def seen(name: str, number: int) -> Pixels:
    """The animal as a camera might show it: another cut, turned, lighter or darker, blurred, small, noisy, at times infrared.

    The same animal in the same pose, however: what another day, coat or pose changes is not in it.
    """
    random = np.random.default_rng([number, *name.encode()])
    whole = photo(name)
    high, wide = whole.shape[:2]
    share = random.uniform(0.6, 0.95)
    h, w = int(high * share), int(wide * share)
    y, x = random.integers(0, high - h + 1), random.integers(0, wide - w + 1)
    cut: Any = whole[y : y + h, x : x + w]
    cut = cut[:, ::-1] if random.random() < 0.5 else cut
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), random.uniform(-12, 12), 1)
    cut = cv2.warpAffine(np.ascontiguousarray(cut), turn, (w, h), borderMode=cv2.BORDER_REFLECT)
    light = cut.astype(np.float32) * random.uniform(0.6, 1.3) + random.uniform(-20, 20)
    side = int(random.integers(70, 260))
    small: Any = cv2.resize(cv2.GaussianBlur(light, (0, 0), random.uniform(0.3, 1.6)), (side, side * h // w))
    noisy = (small + random.normal(0, random.uniform(0, 10), small.shape)).clip(0, 255).astype(np.uint8)
    if random.random() < 0.2:
        noisy = cv2.cvtColor(cv2.cvtColor(noisy, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    shown: Pixels = noisy
    return shown


def jpeg(picture: Pixels, side_px: int = 320, quality: int = 80) -> bytes:
    scale = min(1.0, side_px / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    done, data = cv2.imencode(".jpg", cv2.resize(picture, size), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()
