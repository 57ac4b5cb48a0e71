"""`python -m vigilar_health`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_health.app import build


def main() -> int:
    return run("health", build)


if __name__ == "__main__":
    sys.exit(main())
