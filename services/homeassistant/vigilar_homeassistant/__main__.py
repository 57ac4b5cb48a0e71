"""`python -m vigilar_homeassistant`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_homeassistant.app import build


def main() -> int:
    return run("homeassistant", build)


if __name__ == "__main__":
    sys.exit(main())
