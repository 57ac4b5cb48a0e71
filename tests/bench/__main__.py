"""Every benchmark, one after the other:  python -m tests.bench [those whose name begins so [events recordings]]"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SIZED = "bench_storage_timeline"
"""The one that takes a number of events and of recordings."""


def main() -> int:
    which, sizes = "".join(sys.argv[1:2]), sys.argv[2:]
    worst = 0
    for script in sorted(Path(__file__).parent.glob(f"bench_{which}*.py")):
        print(f"\n## {script.stem.removeprefix('bench_')}\n", flush=True)
        words = [sys.executable, str(script), *(sizes if script.stem == SIZED else [])]
        worst = max(worst, subprocess.run(words, check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
