"""`python -m vigilar_ups`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_ups.app import build


def main() -> int:
    return run("ups", build)


if __name__ == "__main__":
    sys.exit(main())
