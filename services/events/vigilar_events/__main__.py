"""`python -m vigilar_events`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_events.app import build


def main() -> int:
    return run("events", build)


if __name__ == "__main__":
    sys.exit(main())
