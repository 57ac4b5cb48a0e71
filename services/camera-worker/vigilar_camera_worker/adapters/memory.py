"""Keeps the process small: glibc's defaults suit neither frames of megabytes nor eight threads."""

from __future__ import annotations

import ctypes
import gc
import logging
from typing import Final

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
LARGE_BYTES: Final = 128 * 1024
"""Blocks of at least this size are given back to the kernel at once; fixed, because glibc would raise it."""


def tune_allocator() -> None:
    """Call before the first large allocation. Does nothing on another C library."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in (
            (_M_ARENA_MAX, 2),
            (_M_MMAP_THRESHOLD, LARGE_BYTES),
            (_M_TRIM_THRESHOLD, LARGE_BYTES),
        ):
            libc.mallopt(option, value)
    except (OSError, AttributeError) as error:
        log.debug("memory allocator is not tuned: %s", error)


def release_start_up() -> None:
    """What importing and validating left behind goes back; what stays is never looked at by the collector again."""
    gc.collect()
    gc.freeze()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError) as error:
        log.debug("memory is not trimmed: %s", error)
