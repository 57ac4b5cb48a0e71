"""`python -m vigilar_alerts`, and the verbs that the `vigilar` command hands to it."""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_alerts.app import build


def main() -> int:
    if len(sys.argv) > 1:
        from vigilar_alerts import alerts_cli

        return alerts_cli.main(sys.argv[1:])
    return run("alerts", build)


if __name__ == "__main__":
    sys.exit(main())
