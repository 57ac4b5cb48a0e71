"""`python -m vigilar_sensors`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_sensors.app import build


def main() -> int:
    return run("sensors", build)


if __name__ == "__main__":
    sys.exit(main())
