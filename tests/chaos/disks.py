"""Small disks for tests: file systems in a file or in memory, filled, made read-only, or cut off from power. Needs root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = b"\x02\x00\x00\x00"
"""Nothing that is still in memory, the journal included, reaches the disk: what a power cut does."""
DETACH_LIMIT_S = 20.0
MKFS = {"ext4": ("-q", "-F", "-m", "0"), "xfs": ("-q", "-f")}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")


@dataclass(frozen=True)
class Disk:
    mount: Path
    image: Path | None

    def attach(self) -> None:
        """Mount it (again); the file system replays its journal."""
        assert self.image is not None
        _run("mount", "-o", "loop", str(self.image), str(self.mount))

    def detach(self) -> None:
        """As soon as nobody uses it: what a killed process had started may die a moment later."""
        until_s = time.monotonic() + DETACH_LIMIT_S
        while (
            done := subprocess.run(["umount", str(self.mount)], capture_output=True, text=True)
        ).returncode:
            assert time.monotonic() < until_s, done.stderr
            time.sleep(0.05)

    def cut_power(self) -> tuple[float, float]:
        """From here on every write and sync fails, and what was not synced is gone after `detach` and `attach`.

        When the call began and when it returned, monotonic seconds.
        """
        folder = os.open(self.mount, os.O_RDONLY)
        try:
            began_s = time.monotonic()
            fcntl.ioctl(folder, FS_IOC_SHUTDOWN, NO_LOG_FLUSH)
            return began_s, time.monotonic()
        finally:
            os.close(folder)

    def turn_read_only(self) -> None:
        """As a kernel does that finds the file system damaged: open files take no more writes. ext4 alone."""
        _run("mount", "-o", "remount,errors=remount-ro", str(self.mount))
        device = subprocess.run(
            ["findmnt", "-n", "-o", "SOURCE", str(self.mount)], check=True, capture_output=True, text=True
        ).stdout.strip()
        switch = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        try:
            switch.write_text("1")
        except OSError as error:
            pytest.skip(f"ext4 cannot be told to fail here: {error}")

    def repair(self) -> None:
        assert self.image is not None
        done = subprocess.run(["e2fsck", "-fy", str(self.image)], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stdout

    def fill(self, leave_bytes: int = 0) -> Path:
        """A file over all free space but `leave_bytes`, down to the last block."""
        filler = self.mount / "filler"
        with filler.open("wb") as file:
            free = os.statvfs(self.mount)
            size = free.f_bavail * free.f_frsize - leave_bytes
            while size >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), size)
                    file.seek(0, os.SEEK_END)
                    free = os.statvfs(self.mount)
                    size = free.f_bavail * free.f_frsize - leave_bytes
                except OSError:
                    size //= 2
        return filler

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.mount).free


@contextmanager
def loop_disk(folder: Path, size_mb: int, kind: str = "ext4") -> Iterator[Disk]:
    """A file system of its own, mounted; the test is skipped where that cannot be."""
    program = shutil.which(f"mkfs.{kind}") or shutil.which(f"mkfs.{kind}", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"mkfs.{kind} is not installed")
    disk = Disk(folder / "disk", folder / "disk.img")
    disk.mount.mkdir(parents=True)
    assert disk.image is not None
    with disk.image.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    _run(program, *MKFS[kind], str(disk.image))
    try:
        disk.attach()
    except AssertionError as error:
        pytest.skip(f"{kind} cannot be mounted here: {error}")
    try:
        yield disk
    finally:
        if os.path.ismount(disk.mount):
            subprocess.run(["umount", "-l", str(disk.mount)], check=True)
        disk.image.unlink()


@contextmanager
def memory_disk(folder: Path, size_mb: int) -> Iterator[Disk]:
    disk = Disk(folder, None)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder))
    except AssertionError as error:
        pytest.skip(f"tmpfs cannot be mounted here: {error}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
