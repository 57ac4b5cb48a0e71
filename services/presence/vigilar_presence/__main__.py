"""`python -m vigilar_presence`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_presence.app import build


def main() -> int:
    return run("presence", build)


if __name__ == "__main__":
    sys.exit(main())
