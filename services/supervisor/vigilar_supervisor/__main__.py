"""`python -m vigilar_supervisor` is the `vigilar` command."""

import sys

from vigilar_supervisor.cli import main

if __name__ == "__main__":
    sys.exit(main())
