"""The shape of the tree: every service the same, long files justified, one home for time, nothing of this machine."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from vigilar_common.topics import SERVICES

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path for path in (ROOT / "services").iterdir() if path.is_dir())

NOT_RUN_BY_THE_LOOP = {
    "supervisor": "runs the others: it has no bus, no slice and no app.py",
    "demo-camera": "a camera, not a service: no bus; its app.py is a command of its own",
}
NO_CONTAINER = {"supervisor": "in containers the engine does its work; its image runs `init`"}

MAX_LINES = 400
MAX_TEST_LINES = 650
"""A test module is a list of independent cases."""
LONG_FILES = {
    "libs/vigilar_common/vigilar_common/bus.py": "one class around one client and its locks: parts would share all of them",
    "services/web/frontend/src/strings/en.ts": "every word of the page in one place, for who translates it",
}

FAILURE_HEADING = re.compile(r"^## When (things fail|something fails|something is missing)$", re.MULTILINE)
HOMES_OF_TIME = (
    "libs/vigilar_common/vigilar_common/clock.py",
    "libs/vigilar_common/vigilar_common/testing/",  # waits for real brokers
    # The RTSP server runs under Debian's Python, without vigilar_common.
    "services/demo-camera/vigilar_demo_camera/rtsp_server.py",
    "services/demo-camera/vigilar_demo_camera/mounts.py",
)
CLOCK_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "datetime.datetime.utcnow",
    "date.today", "datetime.date.today", "time.time", "time.time_ns", "time.sleep", "time.monotonic", "time.monotonic_ns",
}  # fmt: skip
TEXT = {
    ".py", ".md", ".toml", ".yaml", ".yml", ".json", ".ts", ".mjs", ".js", ".css", ".html", ".sh", ".sql", ".txt", ".mako",
    ".lock", ".webmanifest", "",
}  # fmt: skip
PUBLIC_HOST = re.compile(r"https://[a-z0-9.-]+\.(org|com|net|io)/")
"""A registry that everybody reaches: no port, no user, no address in numbers, no plain http."""


@cache
def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package(folder: Path) -> Path:
    return folder / f"vigilar_{folder.name.replace('-', '_')}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_service_has_the_same_shape(folder: Path) -> None:
    wanted = ["pyproject.toml", "README.md"]
    wanted += [f"{package(folder).name}/{name}" for name in ("__init__.py", "__main__.py", "py.typed")]
    if folder.name not in NOT_RUN_BY_THE_LOOP:
        wanted.append(f"{package(folder).name}/app.py")
    assert [name for name in wanted if not (folder / name).exists()] == []
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == f"vigilar-{folder.name}"
    if folder.name not in NOT_RUN_BY_THE_LOOP:
        assert any(name.startswith("vigilar-common") for name in project["dependencies"])


@pytest.mark.parametrize(
    "folder", [f for f in FOLDERS if f.name not in NOT_RUN_BY_THE_LOOP], ids=lambda folder: folder.name
)
def test_every_service_wires_itself_without_work_at_import(folder: Path) -> None:
    tree = ast.parse((package(folder) / "app.py").read_text("utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert "build" in functions, "app.py has no build(context)"
    calls = [
        node.lineno for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert calls == [], "app.py calls something at import"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_readme_says_its_job_and_what_happens_on_failure(folder: Path) -> None:
    text = (folder / "README.md").read_text("utf-8")
    lines = text.splitlines()
    assert lines[0] == f"# {folder.name}"
    assert lines[1] == "", "the job is the first paragraph under the title"
    assert len(lines[2]) > 40, "the job is the first paragraph under the title"
    assert FAILURE_HEADING.search(text), "a section `## When something fails`"


def test_every_service_of_the_topic_table_with_a_folder_has_a_container() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    blocks = set(
        re.findall(r"^  ([a-z-]+):", text.split("\nservices:\n")[1].split("\nnetworks:\n")[0], re.MULTILINE)
    )
    folders = {folder.name for folder in FOLDERS}
    built = [name for name in SERVICES if name in folders and name not in NO_CONTAINER]
    assert built, "no service of the table has a folder"
    assert [name for name in built if name not in blocks] == []
    assert "init" in blocks


def test_what_the_images_copy_from_the_tree_is_sent_to_their_build() -> None:
    """All is left out of the build but what `.dockerignore` names: a file forgotten there fails no test but a build."""
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(\S+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(f"{path}/") for path in sent), source


def test_every_service_folder_is_known() -> None:
    names = {folder.name for folder in FOLDERS}
    assert names - set(SERVICES) == {"demo-camera"}


def test_every_package_is_under_the_import_contracts_and_mypy() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    for folder in FOLDERS:
        assert package(folder).name in settings["importlinter"]["root_packages"]
        assert any(path.endswith(f"services/{folder.name}") for path in settings["mypy"]["mypy_path"])


def test_no_file_is_long_without_a_reason() -> None:
    long = {}
    for path in tracked("*.py", "*.ts", "*.sh", "*.css", "*.mjs"):
        lines = path.read_text("utf-8").count("\n")
        if lines > (MAX_TEST_LINES if relative(path).startswith("tests/") else MAX_LINES):
            long[relative(path)] = lines
    assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}
    assert [name for name in LONG_FILES if name not in long] == [], "no longer long: take it off the list"


def clock_calls(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCK_CALLS:
            found.append(
                f"{relative(path) if path.is_relative_to(ROOT) else path.name}:{node.lineno} {ast.unparse(node.func)}"
            )
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found.append(f"{path.name}:{node.lineno} from time import …")
    return found


def test_time_comes_from_the_clock() -> None:
    found = []
    for path in tracked("services/*.py", "libs/*.py"):
        if not relative(path).startswith(HOMES_OF_TIME):
            found += clock_calls(path)
    assert found == []


def test_the_check_of_time_sees_every_way_to_ask(tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import time, datetime\ntime.sleep(1)\ndatetime.datetime.now()\nfrom time import sleep\n"
    )
    assert len(clock_calls(probe)) == 3


def machine_words() -> re.Pattern[str]:
    """Folders of people and of this checkout; a checkout in a folder of one level would match too much."""
    words = [r"/home/[a-z]\w*/", r"/Users/\w+/", r"/root/\w"]
    if len(ROOT.parts) > 2:
        words.append(re.escape(f"{ROOT}/"))
    return re.compile("|".join(words))


def test_no_tracked_file_names_a_folder_of_a_machine() -> None:
    words = machine_words()
    found = []
    for path in tracked():
        if path.suffix in TEXT and path != Path(__file__).resolve():
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
                if words.search(line):
                    found.append(f"{relative(path)}:{number}")
    assert found == []


def test_locks_name_public_registries_only_and_no_file_sets_another() -> None:
    locks = {
        "uv.lock": r'(?:registry|url) = "([^"]+)',
        "services/web/frontend/package-lock.json": r'"resolved": "([^"]+)',
        "tests/peers/package-lock.json": r'"resolved": "([^"]+)',
        "tests/lighthouse/package-lock.json": r'"resolved": "([^"]+)',
    }
    for name, address in locks.items():
        addresses = re.findall(address, (ROOT / name).read_text("utf-8"))
        assert [found for found in addresses if not PUBLIC_HOST.match(found)] == [], name
    for path in tracked("*.toml", "*.sh", "*Dockerfile", "*.npmrc", "*.yaml", "Makefile"):
        text = path.read_text("utf-8")
        assert not re.search(r"index-url|extra-index|_authToken|registry *=", text), relative(path)
