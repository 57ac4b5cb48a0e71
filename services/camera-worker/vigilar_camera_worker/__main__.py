"""`python -m vigilar_camera_worker --camera ID` runs one camera, `--pool` one child process per camera,
`--scout` what finds and tries out cameras for the page; `cameras …` finds and tries out cameras (`vigilar cameras …`)."""

from __future__ import annotations

import argparse
import os
import re
import sys
from functools import partial


def main(arguments: list[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["cameras"]:
        from vigilar_camera_worker import cli

        return cli.main(words[1:])
    parser = argparse.ArgumentParser(prog="python -m vigilar_camera_worker", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--camera", metavar="ID", help="run the worker of this camera")
    what.add_argument(
        "--pool", action="store_true", help="run all enabled cameras without a container of their own"
    )
    what.add_argument("--scout", action="store_true", help="find and try out cameras that are not set up yet")
    parser.add_argument(
        "--guarded", action="store_true", help="with --camera: start the worker again at once should it crash"
    )
    options = parser.parse_args(words)
    if options.pool:
        from vigilar_camera_worker.pool import run_pool

        return run_pool()
    if options.scout:
        from vigilar_common.service import run as run_service

        from vigilar_camera_worker.scout import build as build_scout

        return run_service("scout", build_scout)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", options.camera):
        parser.error("a camera id consists of letters, digits, '_' and '-'")
    # Before numpy is loaded: its linear algebra is never used, its thread pool would cost megabytes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from vigilar_camera_worker.domain.history import History
    from vigilar_camera_worker.names import NAME_PREFIX

    name = f"{NAME_PREFIX}{options.camera}"

    def work(history: History) -> int:
        from vigilar_common.service import run

        from vigilar_camera_worker.app import build

        return run(name, partial(build, history=history))

    if options.guarded:
        from vigilar_camera_worker.guard import run_guarded

        return run_guarded(name, work)
    return work(History())


if __name__ == "__main__":
    sys.exit(main())
