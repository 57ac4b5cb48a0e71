"""`python -m vigilar_pets`."""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_pets.app import build

if __name__ == "__main__":
    sys.exit(run("pets", build))
