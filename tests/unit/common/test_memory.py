"""Giving memory back: what may be dropped, and that nothing breaks when it is."""

from __future__ import annotations

import subprocess
import sys

from vigilar_common.memory import untouched_library_parts

SMAPS = """\
7f0000000000-7f0000200000 r-xp 00001000 fe:00 11                         /usr/lib/libbig.so.1
Rss:                2048 kB
Anonymous:             0 kB
7f0000200000-7f0000400000 r--p 00201000 fe:00 11                         /usr/lib/libbig.so.1
Rss:                2048 kB
Anonymous:           128 kB
7f0000400000-7f0000600000 rw-p 00401000 fe:00 11                         /usr/lib/libbig.so.1
Rss:                2048 kB
Anonymous:             0 kB
7f0000600000-7f0000610000 r-xp 00000000 fe:00 12                         /usr/lib/libsmall.so
Rss:                  64 kB
Anonymous:             0 kB
7f0000700000-7f0000900000 r--s 00000000 fe:00 13                         /var/lib/data.db
Rss:                2048 kB
Anonymous:             0 kB
7f0000a00000-7f0000c00000 r--p 00000000 00:00 0
Rss:                2048 kB
Anonymous:             0 kB
7f0000d00000-7f0000e00000 r--p 00100000 fe:00 14                         /opt/a folder/mod.cpython-311.so
Rss:                1024 kB
Anonymous:             0 kB
"""

RELEASING = """
import threading
from vigilar_common import memory
memory.tune_allocator()
import numpy

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

def work():
    return float(numpy.linalg.det(numpy.diag(numpy.arange(1.0, 7.0))))

start = work()
before = status("VmRSS")
memory.release_start_up()
after = status("VmRSS")
memory.release()
assert round(start) == round(work()) == 720

kept = []
size = status("VmSize")
threads = [threading.Thread(target=lambda: kept.extend(bytes(2000) for _ in range(500))) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(before - after, status("VmSize") - size)
"""


def test_only_large_unchanged_read_only_parts_of_libraries_are_dropped() -> None:
    assert list(untouched_library_parts(SMAPS.splitlines())) == [
        (0x7F0000000000, 0x200000),
        (0x7F0000D00000, 0x100000),
    ]


def test_a_process_goes_on_working_with_megabytes_less_and_its_threads_need_no_heaps_of_their_own() -> None:
    environment = {"OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", RELEASING], capture_output=True, text=True, check=True, env=environment
    )
    freed_kb, grown_kb = map(int, done.stdout.split())
    assert freed_kb > 4_000
    # The kept bytes and six stacks; each heap of its own would reserve 64 MB.
    assert grown_kb < 62_000 + 8_192 + 4_096
