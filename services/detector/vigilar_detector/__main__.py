"""`python -m vigilar_detector`, and the verbs that the `vigilar` command hands to it."""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_detector.app import build


def main() -> int:
    if len(sys.argv) > 1:
        from vigilar_detector import cli

        return cli.main(sys.argv[1:])
    return run("detector", build)


if __name__ == "__main__":
    sys.exit(main())
