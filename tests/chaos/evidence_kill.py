"""Work that is killed where one likes: at its n-th SQL statement or file operation, in a child made by fork.

A program with many boundaries to try loads its code once, and each try costs a fork.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

Operation = tuple[Any, str]
"""An object and the name of a function in it."""


def watch(left: int, operations: Sequence[Operation]) -> None:
    """From here on this process dies at the boundary of that number: before a statement or one of `operations`."""

    def boundary(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    connect = sqlite3.connect

    def watched(*words: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*words, **more)
        connection.set_trace_callback(boundary)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]
    for owner, name in operations:
        setattr(owner, name, _counted(getattr(owner, name), boundary))


def _counted(inner: Any, boundary: Callable[[], None]) -> Any:
    def counted(*words: Any, **more: Any) -> Any:
        boundary()
        return inner(*words, **more)

    return counted


def die_at_each(
    boundaries: Sequence[int], operations: Sequence[Operation], work: Callable[[int], object]
) -> None:
    """Try `work` once per boundary; a line on standard output says how each ended: killed, done, or otherwise."""
    for at in boundaries:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                watch(at, operations)
                work(at)
                code = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                raise
            finally:
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        ending = "killed" if os.WIFSIGNALED(status) else "done" if status == 0 else f"ended with {status}"
        sys.stdout.write(f"{at} {ending}\n")
        sys.stdout.flush()
