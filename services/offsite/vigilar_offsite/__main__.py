"""`python -m vigilar_offsite`"""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_offsite.app import build


def main() -> int:
    return run("offsite", build)


if __name__ == "__main__":
    sys.exit(main())
