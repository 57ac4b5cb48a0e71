"""A bare Debian of its own, booted with its own systemd, in namespaces: what install.sh is tried on. Needs root.

Its disk is a folder: the bare system below, what was changed on top (overlayfs). Nothing of it outlives the test, and nothing of
this machine is touched: own mounts, processes, network, control group.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from patience import wait_until as until

ROOT = Path(__file__).parents[1]
INCLUDED = "python3,python3-venv,ca-certificates,systemd,systemd-sysv,dbus,util-linux,iproute2,procps"
TOOLS = ("mmdebstrap", "unshare", "nsenter", "mount", "ip")
BUILD_LIMIT_S = 900
COMMAND_LIMIT_S = 900
CGROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")

BOOT = r"""
set -e
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
shift 2
while [ "$1" != -- ]; do mkdir -p ".$2"; mount --bind "$1" ".$2"; mount -o remount,bind,ro ".$2"; shift 2; done
shift
if [ "$1" = boot ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  ip link set lo up
  set -- env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null
else
  rm -f etc/resolv.conf
  cp /etc/resolv.conf etc/resolv.conf
fi
[ -e etc/hosts ] || echo 127.0.0.1 localhost >etc/hosts
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
# As a container manager does: what systemd mounts for one service must reach that service.
mount --make-rshared /
exec "$@"
"""


def missing_tools() -> list[str]:
    return [name for name in TOOLS if not shutil.which(name)] + ([] if os.geteuid() == 0 else ["root"])


def bare_debian(cache: Path) -> Path:
    """The folder of a bare Debian 12, made once from the mirrors that this machine uses."""
    root = cache / "bare-debian"
    if (root / "usr/bin/apt-get").exists():
        return root
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(TARGET_OF) $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    cache.mkdir(parents=True, exist_ok=True)
    sources = cache / "bare-debian.list"
    sources.write_text(
        "".join(f"{line}\n" for line in sorted(set(listed.stdout.splitlines())) if line[:4] == "deb ")
    )
    part = cache / "bare-debian.part"
    shutil.rmtree(part, ignore_errors=True)
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}",
         "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
         "bookworm", str(part), str(sources)],
        check=True, timeout=BUILD_LIMIT_S,
    )  # fmt: skip
    part.rename(root)
    return root


def wheels(cache: Path) -> Path:
    """Everything that `pip install .` needs, so that the bare machine needs no package index."""
    folder = cache / "bare-wheels"
    stamp = folder / ".complete"
    lock = (ROOT / "uv.lock").read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    venv = cache / "bare-venv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    pip = [str(venv / "bin/python"), "-m", "pip", "wheel", "-q", "-w", str(folder)]
    subprocess.run([*pip, str(ROOT), "hatchling", "pip"], check=True, timeout=BUILD_LIMIT_S)
    for built in folder.glob("vigilar-*.whl"):
        built.unlink()  # the machine shall build its own
    stamp.write_text(lock)
    return folder


class Machine:
    """`work` is a new folder on a file system that overlayfs can write to. `shared`: (folder here, place there), read-only."""

    def __init__(self, bare: Path, work: Path, shared: Sequence[tuple[Path, str]] = ()) -> None:
        self._bare, self._work, self._shared = bare, work, shared
        for name in ("upper", "work", "root"):
            (work / name).mkdir(parents=True, exist_ok=True)
        self._unshare: subprocess.Popen[bytes] | None = None
        self._cgroup: Path | None = None
        self.pid = 0

    def _argv(self, words: Sequence[str], *namespaces: str) -> list[str]:
        shared = [str(part) for pair in self._shared for part in pair]
        return ["unshare", "--mount", "--pid", "--fork", *namespaces, "bash", "-c", BOOT, "boot",
                str(self._bare), str(self._work), *shared, "--", *words]  # fmt: skip

    @property
    def files(self) -> Path:
        """The disk of the running machine, as its processes see it."""
        return Path("/proc", str(self.pid), "root")

    def chroot(
        self, *words: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command in the machine while it is off, with this machine's network."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(env or {})}
        done = subprocess.run(
            self._argv(words), env=env, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def boot(self) -> None:
        hierarchy = next(Path(path) for path in CGROUPS if Path(path, "cgroup.procs").exists())
        self._cgroup = hierarchy / f"vigilar-test-{os.getpid()}"
        self._cgroup.mkdir()
        join = f'echo $$ >"{self._cgroup}/cgroup.procs"; exec "$@"'
        argv = self._argv(["boot"], "--net", "--ipc", "--uts", "--cgroup")
        self._unshare = subprocess.Popen(
            ["bash", "-c", join, "join", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until(self._find_systemd, 20, "systemd runs")
        until(self._has_booted, 60, "it has booted")

    def _has_booted(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def _find_systemd(self) -> bool:
        assert self._unshare
        assert self._unshare.poll() is None, "the machine did not start"
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                self.pid = int(child)
        return self.pid > 0

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command in the running machine, as its root."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "sh", "-c", 'cd /; exec "$@"', "sh", *words],
            capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def off(self) -> None:
        if self._unshare and self._unshare.poll() is None:
            os.kill(
                self.pid or self._unshare.pid, signal.SIGKILL
            )  # PID 1 takes all others of its namespace with it
            self._unshare.wait(20)
        self.pid, self._unshare = 0, None
        if self._cgroup:
            for folder in sorted(self._cgroup.rglob("*"), reverse=True):
                if folder.is_dir():
                    until(lambda folder=folder: _gone(folder), 10, f"{folder} is empty")  # type: ignore[misc]
            until(lambda: _gone(self._cgroup), 10, "the control group is empty")
            self._cgroup = None


def _gone(folder: Path | None) -> bool:
    try:
        if folder:
            folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
