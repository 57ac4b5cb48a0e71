"""`pip install .` in the root: what the one wheel is made of. Building it is slow and stands in test_bare_metal."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vigilar_wheel", ROOT / "deploy/wheel/vigilar_wheel.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_package_of_the_workspace_is_in_the_wheel_with_the_command(backend: ModuleType) -> None:
    described = tomllib.loads(backend.project_text(backend.members()))
    there = {path.parent.name for path in ROOT.glob("*/*/vigilar_*/__init__.py")}
    assert set(described["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == there
    assert len(there) >= 15
    assert described["project"]["scripts"] == {"vigilar": "vigilar_supervisor.cli:main"}


def test_the_wheel_needs_what_any_member_needs_and_no_member(backend: ModuleType) -> None:
    needs = tomllib.loads(backend.project_text(backend.members()))["project"]["dependencies"]
    assert not [need for need in needs if need.startswith("vigilar")]
    for path in ROOT.glob("*/*/pyproject.toml"):
        for need in tomllib.loads(path.read_text())["project"].get("dependencies", []):
            assert need in needs or need.startswith("vigilar"), (path, need)


def test_pip_finds_the_backend_that_the_root_names(backend: ModuleType) -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    assert Path(str(backend.__file__)) == ROOT / named["backend-path"][0] / f"{named['build-backend']}.py"
    assert callable(backend.build_wheel)
    assert callable(backend.build_sdist)


def test_the_page_of_the_wheel_is_the_built_one(backend: ModuleType) -> None:
    described = tomllib.loads(backend.project_text(backend.members()))
    assert described["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"] == ["vigilar_web/static/**"]
