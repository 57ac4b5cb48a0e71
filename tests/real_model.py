"""The default model, fetched once into `.cache/models` as its owner would: `vigilar models install`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vigilar_models.store import DEFAULT_MODEL, Installed, Store

MODELS = Path(__file__).parents[1] / ".cache" / "models"
LIMIT_S = 300


def ensure_model() -> Installed:
    store = Store(MODELS)
    if not (MODELS / DEFAULT_MODEL / "manifest.json").exists():
        env = {**os.environ, "VIGILAR_MODELS_DIR": str(MODELS)}
        command = [sys.executable, "-m", "vigilar_detector", "models", "install"]
        subprocess.run(command, check=True, env=env, timeout=LIMIT_S)
    return store.get(DEFAULT_MODEL)
