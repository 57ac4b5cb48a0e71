"""Time to the first byte of a seek to any moment of any recording, through the API of a real storage process.

Ten-minute recordings with a fragment each half second, more of them than storage keeps open. Each seek asks for the
fragment at a random second. Cold: the recording whose turn is furthest away, thus opened anew, its pages dropped from the
kernel's cache first. `content` is asked for one fragment (as by a playlist), `download` from there to the end (as by a
`<video>` element). Run: `python tests/bench/bench_storage_seek.py [recordings] [fragment bytes]` (under a minute).
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import urllib3
from footage import cpu_s
from storage_rig import Rig, auth, make_film, now_ms, wait_for
from vigilar_common.fmp4 import FragmentIndex

RECORDINGS = 40
FRAGMENT_BYTES = 32_000
FRAGMENTS = 1_200
FRAGMENT_MS = 500
SEEKS = 200
TARGET_MS, TARGET_RSS_MB = 50.0, 150.0


def ten_minutes(fragment_bytes: int) -> tuple[bytes, list[int]]:
    """A film and where its fragments begin: one real fragment again and again, later each time, and a box to its size."""
    source = make_film(2)
    index = FragmentIndex()
    index.feed(source)
    first, video = index.fragments[0], index.video
    assert video is not None
    fragment = bytearray(source[first.offset : first.offset + first.size])
    time_at = (
        fragment.index(b"tfdt") + 8
    )  # version 1: eight bytes of base decode time follow version and flags
    assert fragment[time_at - 4] == 1
    free = max(8, fragment_bytes - len(fragment))
    padding = struct.pack(">I4s", free, b"free") + os.urandom(free - 8)
    film, offsets = bytearray(source[: index.init_length]), []
    for number in range(FRAGMENTS):
        struct.pack_into(">Q", fragment, time_at, number * FRAGMENT_MS * video.timescale // 1000)
        offsets.append(len(film))
        film += fragment + padding
    return bytes(film), offsets


def first_byte_ms(pool: urllib3.HTTPConnectionPool, path: str, span: str) -> float:
    began_s = time.perf_counter()
    answer = pool.request(
        "GET", path, headers={**auth("web"), "Range": f"bytes={span}"}, preload_content=False
    )
    first = answer.read(1)
    took_ms = (time.perf_counter() - began_s) * 1000
    assert (answer.status, len(first)) == (206, 1), answer.status
    # An open range is not read to its end: a player that seeks again leaves as well.
    if span.endswith("-"):
        answer.close()
    else:
        answer.drain_conn()
        answer.release_conn()
    return took_ms


def forget_pages(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS
    film, offsets = ten_minutes(int(sys.argv[2]) if len(sys.argv) > 2 else FRAGMENT_BYTES)
    dice = random.Random(3)
    took_ms: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        rig = Rig(Path(name))
        rig.configure()
        rig.spawn()
        try:
            newest_ms = now_ms() - 700_000
            ids = [rig.record(film, newest_ms - place * 600_000) for place in range(count)]
            for recording_id in ids:
                wait_for(lambda which=recording_id: rig.state_of(which) == "complete", 120)
            pool = urllib3.HTTPConnectionPool("127.0.0.1", rig.port, maxsize=1)
            assert rig.process is not None
            cpu_before_s = cpu_s(rig.process.pid)
            for turn in range(SEEKS):
                for kind in ("cold", "warm"):
                    for way in ("content", "download"):
                        recording_id = ids[turn % count] if kind == "cold" else dice.choice(ids[:16])
                        place = dice.randrange(FRAGMENTS - 1)
                        end = offsets[place + 1] - 1 if way == "content" else ""
                        if kind == "cold" and way == "content":
                            forget_pages(rig.file_of(recording_id))
                        label = (
                            f"{kind} {way}"
                            if kind == "warm" or way == "content"
                            else "opened a moment ago, download"
                        )
                        path = f"/v1/recordings/{recording_id}/{way}"
                        took_ms.setdefault(label, []).append(
                            first_byte_ms(pool, path, f"{offsets[place]}-{end}")
                        )
            cpu_ms = (cpu_s(rig.process.pid) - cpu_before_s) / (SEEKS * 4) * 1000
            rss_mb = int(Path(f"/proc/{rig.process.pid}/statm").read_text().split()[1]) * 4096 / 1e6
        finally:
            rig.kill(15)
    print(f"{count} recordings of {len(film) / 1e6:.0f} MB, {FRAGMENTS} fragments each")
    print(f"{'first byte of a seek':<34}{'p50 ms':>8}{'p95 ms':>8}{'worst':>8}{'target p95':>12}")
    good = rss_mb < TARGET_RSS_MB
    load = f"the machine's load was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"storage: {cpu_ms:.1f} ms of CPU a seek; {load}")
    for label, values in took_ms.items():
        values.sort()
        p95_ms = values[int(len(values) * 0.95)]
        good = good and p95_ms < TARGET_MS
        print(
            f"{label:<34}{values[len(values) // 2]:>8.1f}{p95_ms:>8.1f}{values[-1]:>8.1f}{TARGET_MS:>12.0f}"
        )
    print(
        f"storage: {rss_mb:.0f} MB resident (target {TARGET_RSS_MB:.0f}); targets {'reached' if good else 'MISSED'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
