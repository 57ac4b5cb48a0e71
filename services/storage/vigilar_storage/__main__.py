"""`python -m vigilar_storage`."""

import sys

from vigilar_common.service import run

from vigilar_storage.app import build


def main() -> int:
    return run("storage", build)


if __name__ == "__main__":
    sys.exit(main())
