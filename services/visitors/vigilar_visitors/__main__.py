"""`python -m vigilar_visitors`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_visitors.app import build


def main() -> int:
    return run("visitors", build)


if __name__ == "__main__":
    sys.exit(main())
