"""Threads that know for which service they work, as the thread that made them does."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable
from typing import Any


class Thread(threading.Thread):
    """Runs in a copy of the context of who made it (Python does so by itself from 3.14 on, when asked to)."""

    def __init__(
        self,
        target: Callable[..., object],
        name: str,
        args: Iterable[Any] = (),
        *,
        daemon: bool = True,
    ) -> None:
        super().__init__(target=target, name=name, args=args, daemon=daemon)
        self._made_in = contextvars.copy_context()

    def run(self) -> None:
        self._made_in.run(super().run)
