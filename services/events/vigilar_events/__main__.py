"""`python -m vigilar_events`, and the verbs that the `vigilar` command hands to it."""

from __future__ import annotations

import sys

from vigilar_common.service import run

from vigilar_events.app import build


def main() -> int:
    if len(sys.argv) > 1:
        from vigilar_events import rules_cli

        return rules_cli.main(sys.argv[1:])
    return run("events", build)


if __name__ == "__main__":
    sys.exit(main())
