"""`python -m vigilar_alerts`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_alerts.app import build


def main() -> int:
    return run("alerts", build)


if __name__ == "__main__":
    sys.exit(main())
