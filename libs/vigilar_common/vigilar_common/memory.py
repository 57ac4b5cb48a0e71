"""Keeps every process small: glibc's defaults suit machines with more memory than cameras."""

from __future__ import annotations

import ctypes
import gc
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

LARGE_BYTES: Final = 128 * 1024
"""Blocks of at least this size are given back to the kernel at once; fixed, because glibc would raise it."""
ARENAS: Final = 1
"""Python's threads allocate one at a time anyway: a further arena only adds memory that nothing else can use."""
WORTHWHILE_BYTES: Final = 512 * 1024
"""Smaller parts of libraries are left alone."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MADV_DONTNEED: Final = 4
_HEAD: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \S+ +(/\S.*)?")


def tune_allocator() -> None:
    """Call before the first thread starts. Does nothing on another C library."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in (
            (_M_ARENA_MAX, ARENAS),
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
    release()


def release() -> None:
    """Free heap goes back to the kernel, and so does library code that was needed once, such as symbol tables.

    The code stays in the page cache that all services share; what is needed again comes back from there.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.malloc_trim(0)
        with Path("/proc/self/smaps").open() as smaps:
            parts = list(untouched_library_parts(smaps))
        for start, size in parts:
            if libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _MADV_DONTNEED) != 0:
                log.debug("madvise: error %d", ctypes.get_errno())
    except (OSError, AttributeError) as error:
        log.debug("memory is not trimmed: %s", error)


def untouched_library_parts(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(address, bytes) of large read-only parts of shared libraries that are exactly what the file holds.

    Only those may be dropped: a page of which this process has a changed copy of its own would lose the change.
    Libraries are never unloaded in a Python process, so the addresses stay theirs.
    """
    start = size = 0
    wanted = False
    for line in smaps:
        head = _HEAD.match(line)
        if head is not None:
            start, end = int(head[1], 16), int(head[2], 16)
            size = end - start
            wanted = "w" not in head[3] and ".so" in (head[4] or "") and size >= WORTHWHILE_BYTES
        elif wanted and line.startswith("Anonymous:") and line.split()[1] == "0":
            yield start, size
