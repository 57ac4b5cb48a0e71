"""The first view on a phone: Lighthouse against a running demo, its throttled phone profile, logged in.

Each page is loaded `RUNS` times and the median stands; JavaScript is what the page transfers, compressed.
`RUNS` and `PAGES` (with commas) make it shorter; `KEEP=folder` keeps the reports.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import walk
from stack import Api, Stack, wait_for
from vigilar_common.testing.broker import free_port

LIGHTHOUSE = Path(__file__).parents[1] / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
RUNS = int(os.environ.get("RUNS", "3"))
RUN_LIMIT_S = 180
PAGES = tuple(os.environ.get("PAGES", "/,/events,/alerts,/login").split(","))
SCORES = {"performance": 95, "accessibility": 100, "best-practices": 95}
FIRST_VIEW_MS = 1_000
INTERACTIVE_MS = 1_500
SCRIPT_BYTES = 150_000


@dataclass(frozen=True)
class Run:
    scores: dict[str, float]
    first_view_ms: float
    interactive_ms: float
    blocked_ms: float
    script_bytes: int
    main_thread_ms: float
    """What the phone's processor does, four times as slow as this one."""
    requests: int
    transfer_bytes: int
    shift: float
    largest_ms: float
    failed: tuple[str, ...]
    """Audits of accessibility and best practices that did not pass."""


def load(url: str, cookie: str, folder: Path) -> Run:
    headers, report = folder / "headers.json", folder / "report.json"
    headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}), encoding="utf-8")
    command = [
        str(LIGHTHOUSE),
        url,
        "--quiet",
        "--output=json",
        f"--output-path={report}",
        f"--extra-headers={headers}",  # a file: the session is in no argument
        f"--only-categories={','.join(SCORES)}",
        f"--chrome-flags=--headless=new {' '.join(walk.CHROMIUM_FLAGS)}",
    ]
    environment = {**os.environ, "CHROME_PATH": walk.chromium()}
    # On a busy machine the browser is sometimes not ready for the trace in time (NO_NAVSTART): that is no result.
    for last in (False, False, True):
        if subprocess.run(command, check=last, timeout=RUN_LIMIT_S, env=environment).returncode == 0:
            break
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    if keep := os.environ.get("KEEP"):
        shutil.copy(report, Path(keep) / f"{url.rsplit('/', 1)[1] or 'home'}.json")
    audits = found["audits"]
    requests = audits["network-requests"]["details"]["items"]
    wanted = {
        ref["id"]
        for name in ("accessibility", "best-practices")
        for ref in found["categories"][name]["auditRefs"]
    }
    return Run(
        scores={name: 100 * found["categories"][name]["score"] for name in SCORES},
        first_view_ms=audits["first-contentful-paint"]["numericValue"],
        interactive_ms=audits["interactive"]["numericValue"],
        blocked_ms=audits["total-blocking-time"]["numericValue"],
        script_bytes=sum(
            int(item["transferSize"]) for item in requests if item.get("resourceType") == "Script"
        ),
        main_thread_ms=audits["mainthread-work-breakdown"]["numericValue"],
        requests=len(requests),
        transfer_bytes=sum(int(item.get("transferSize", 0)) for item in requests),
        shift=audits["cumulative-layout-shift"]["numericValue"],
        largest_ms=audits["largest-contentful-paint"]["numericValue"],
        failed=tuple(sorted(name for name in wanted if audits[name]["score"] not in (None, 1))),
    )


def main() -> int:
    if not LIGHTHOUSE.exists():
        raise SystemExit("Lighthouse is missing: make bench-page installs it")
    folder = Path(tempfile.mkdtemp(prefix="vigilar-page-"))
    stack = Stack(folder / "home", free_port())
    stack.start()
    missed = 0
    try:
        info = stack.info
        api = stack.api()
        wait_for("an event to show", lambda: api.events(), 120)
        print(
            "| page | performance | accessibility | best practices | first view ms | interactive ms | blocked ms | JS kB "
            "| largest ms | shift | requests | kB in all | main thread ms |"
        )
        print(f"|{'---|' * 13}")
        for page in PAGES:
            cookie = "" if page == "/login" else cookie_of(api)
            runs = [load(info["url"] + page, cookie, folder) for _ in range(RUNS)]
            missed += row(page, runs)
    finally:
        stack.stop()
        shutil.rmtree(folder)
    print(
        f"\nTargets: {SCORES}, first view ≤ {FIRST_VIEW_MS} ms, interactive ≤ {INTERACTIVE_MS} ms, "
        f"JS ≤ {SCRIPT_BYTES // 1000} kB; load {os.getloadavg()[0]:.1f}."
    )
    return 1 if missed else 0


def row(page: str, runs: list[Run]) -> int:
    def median(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    scores = {name: statistics.median(run.scores[name] for run in runs) for name in SCORES}
    first, interactive, blocked = median("first_view_ms"), median("interactive_ms"), median("blocked_ms")
    scripts = max(run.script_bytes for run in runs)
    cells = [f"{score:.0f}" for score in scores.values()] + [
        f"{first:.0f}",
        f"{interactive:.0f}",
        f"{blocked:.0f}",
        f"{scripts / 1000:.0f}",
        f"{median('largest_ms'):.0f}",
        f"{median('shift'):.3f}",
        f"{median('requests'):.0f}",
        f"{median('transfer_bytes') / 1000:.0f}",
        f"{median('main_thread_ms'):.0f}",
    ]
    print(f"| {page} | {' | '.join(cells)} |", flush=True)
    for name in sorted({name for run in runs for name in run.failed}):
        print(f"  not passed on {page}: {name}", file=sys.stderr)
    good = (
        all(scores[name] >= least for name, least in SCORES.items())
        and first <= FIRST_VIEW_MS
        and interactive <= INTERACTIVE_MS
        and scripts <= SCRIPT_BYTES
    )
    return 0 if good else 1


def cookie_of(api: Api) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in api.cookies)


if __name__ == "__main__":
    sys.exit(main())
