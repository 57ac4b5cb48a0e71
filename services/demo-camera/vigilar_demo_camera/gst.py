"""Finds, or makes without root, an interpreter that can run ``rtsp_server.py``.

GStreamer's Python bindings are built for Debian's own interpreter. Where they are not installed and cannot be
(no root), their packages are unpacked into a folder and used from there.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from vigilar_demo_camera.apt import Apt
from vigilar_demo_camera.errors import DemoCameraError
from vigilar_demo_camera.footage import exclusive

DEBIAN_PACKAGES = (
    "python3-gi",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
)
"""What ``apt-get install --no-install-recommends`` needs, for callers who are root."""

INTERPRETER = Path("/usr/bin/python3")
SERVER = Path(__file__).with_name("rtsp_server.py")
CHECK_TIMEOUT_S = 60
UNPACK_TIMEOUT_S = 60

# Unpacked together with all that they depend on ...
_LIBRARIES = (
    "python3-gi",
    "gir1.2-glib-2.0",
    "libgstreamer1.0-0",
    "libgstreamer-plugins-base1.0-0",
)
# ... and these without: they hold plugins and typelibs for many devices and formats (300 packages with all they
# could use), of which the few that are used here need the libraries above alone.
_ALONE = (
    "gir1.2-gstreamer-1.0",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-rtsp-server-1.0",
    "libgstrtspserver-1.0-0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
)

log = logging.getLogger(__name__)


def find_interpreter(state: Path) -> tuple[Path, dict[str, str]]:
    """(interpreter, its whole environment); packages that are not installed are unpacked into ``state``.

    DemoCameraError when there is none, with the command that an administrator can run instead.
    """
    state.mkdir(parents=True, exist_ok=True)
    # The registry of plugins is rebuilt at every start where HOME cannot be written.
    system = {**clean_environment(os.environ), "GST_REGISTRY": str(state / "gstreamer-registry.bin")}
    problem = check(INTERPRETER, system)
    if problem is None:
        return INTERPRETER, system
    log.info("GStreamer's RTSP server is not installed (%s); unpacking it into %s", problem, state)
    root = state / "gstreamer"
    with exclusive(state / "gstreamer.lock"):
        if not root.exists():
            unpack(root)
    unpacked = unpacked_environment(root, system)
    python = INTERPRETER if INTERPRETER.exists() else root / "usr/bin/python3"
    if not INTERPRETER.exists():
        unpacked["PYTHONHOME"] = str(root / "usr")
    problem = check(python, unpacked)
    if problem is not None:
        raise DemoCameraError(
            f"the packages unpacked into {root} do not work: {problem} Delete that folder, or have an "
            f"administrator run: apt-get install --no-install-recommends {' '.join(DEBIAN_PACKAGES)}"
        )
    return python, unpacked


def check(python: Path, environment: Mapping[str, str]) -> str | None:
    """Why ``python`` cannot run the RTSP server, None when it can."""
    if not python.exists():
        return f"{python} does not exist."
    try:
        done = subprocess.run(
            [str(python), "-s", "-B", str(SERVER), "--check"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECK_TIMEOUT_S,
            env=dict(environment),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{python} gave no answer in {CHECK_TIMEOUT_S} s."
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"{python} ended with code {done.returncode}."


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what a virtual environment sets: it would give Debian's interpreter the wrong packages."""
    return {
        key: value
        for key, value in environment.items()
        if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    }


def unpack(root: Path) -> None:
    """Download what is not installed and unpack it into ``root``, which appears only when it is complete."""
    program = shutil.which("dpkg-deb")
    if program is None:
        raise DemoCameraError("dpkg-deb is not on this machine, so Debian packages cannot be unpacked.")
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="unpack-") as folder:
        scratch = Path(folder)
        apt = Apt(scratch / "apt")
        packages = apt.download([*apt.missing(_LIBRARIES), *_ALONE], scratch)
        tree = scratch / "tree"
        for package in packages:
            _run([program, "-x", str(package), str(tree)])
            package.unlink()
        tree.replace(root)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=UNPACK_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise DemoCameraError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def unpacked_environment(root: Path, base: Mapping[str, str]) -> dict[str, str]:
    """``base`` with every search path that leads into ``root``."""
    found = sorted((root / "usr/lib").glob("*/libgstreamer-1.0.so.0"))
    if not found:
        raise DemoCameraError(f"{root} holds no libgstreamer-1.0. Delete that folder and try again.")
    libraries = found[0].parent
    return {
        **base,
        "LD_LIBRARY_PATH": f"{libraries}:{root / 'lib' / libraries.name}",
        "GI_TYPELIB_PATH": str(libraries / "girepository-1.0"),
        "GST_PLUGIN_PATH": str(libraries / "gstreamer-1.0"),
        "GST_PLUGIN_SCANNER": str(libraries / "gstreamer1.0/gstreamer-1.0/gst-plugin-scanner"),
        "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"),
    }
