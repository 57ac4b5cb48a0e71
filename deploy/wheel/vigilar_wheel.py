"""`pip install .` in the root: one wheel `vigilar` with every package of the workspace and the built page.

A build backend (PEP 517) in front of hatchling. The root is a virtual workspace on purpose (each member is a package of its
own, and has its own image); here the members are put side by side in a folder of their own, with one pyproject.toml whose
dependencies are all of theirs, and hatchling builds that.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "services/supervisor"
"""The member that has the command, and whose version is that of the whole."""
PAGE = "services/web"
NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc", ".cache", "test-results")


def members(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Folder → its pyproject.toml, as the workspace lists them."""
    patterns = _toml(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    found = sorted(path for pattern in patterns for path in root.glob(f"{pattern}/pyproject.toml"))
    return {path.parent.relative_to(root).as_posix(): _toml(path) for path in found}


def project_text(known: dict[str, dict[str, Any]]) -> str:
    """The pyproject.toml of the one wheel. Strings of JSON are strings of TOML."""
    own = {member["project"]["name"] for member in known.values()}
    needs = {need for member in known.values() for need in member["project"].get("dependencies", [])}
    command = known[COMMAND]["project"]
    wheel = [member["tool"]["hatch"]["build"]["targets"]["wheel"] for member in known.values()]
    packages = [name for target in wheel for name in target["packages"]]
    artifacts = [name for target in wheel for name in target.get("artifacts", [])]
    scripts = "\n".join(f"{name} = {json.dumps(what)}" for name, what in command["scripts"].items())
    return f"""[project]
name = "vigilar"
version = {json.dumps(command["version"])}
description = "Self-hosted home security"
readme = "README.md"
requires-python = {json.dumps(command["requires-python"])}
dependencies = {json.dumps(sorted(needs - own))}

[project.scripts]
{scripts}

[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = {json.dumps(packages)}
artifacts = {json.dumps(artifacts)}

[tool.hatch.build.targets.sdist]
include = {json.dumps([f"/{name}" for name in [*packages, "README.md"]])}
artifacts = {json.dumps(artifacts)}
"""


def stage(folder: Path, root: Path = ROOT) -> None:
    """All packages side by side in `folder`, ready to be built; the page is built if it is missing or old."""
    known = members(root)
    workshop = folder / "workshop"
    shutil.copytree(root / PAGE, workshop / PAGE, ignore=NOT_COPIED)
    (workshop / "deploy/scripts").mkdir(parents=True)
    shutil.copy2(root / "deploy/scripts/setup.sh", workshop / "deploy/scripts/setup.sh")
    (workshop / PAGE / "vigilar_web/static").mkdir(exist_ok=True)
    # Does nothing when the page was built from these very sources.
    subprocess.run(["deploy/scripts/setup.sh", "web"], cwd=workshop, check=True)
    for place, member in known.items():
        source = workshop if place == PAGE else root
        for package in member["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
            shutil.copytree(source / place / package, folder / package, ignore=NOT_COPIED)
    shutil.rmtree(workshop)
    shutil.copy2(root / "README.md", folder / "README.md")
    (folder / "pyproject.toml").write_text(project_text(known), "utf-8")


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,  # noqa: ARG001 part of the interface
) -> str:
    from hatchling.build import build_wheel as build

    with _staged(build) as ready:
        name: str = ready(wheel_directory, config_settings)
        return name


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    from hatchling.build import build_sdist as build

    with _staged(build) as ready:
        name: str = ready(sdist_directory, config_settings)
        return name


@contextmanager
def _staged(build: Callable[..., str]) -> Iterator[Callable[..., str]]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="vigilar-wheel-") as folder:
        stage(Path(folder))
        os.chdir(folder)  # hatchling builds where it stands
        try:
            yield build
        finally:
            os.chdir(before)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
