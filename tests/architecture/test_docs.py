"""The documents agree with the tree: links, commands, options, targets, generated pages."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from vigilar_supervisor.cli import parser

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
MAX_IMAGE_BYTES = 300_000
LEAST_FRAGMENT = 14
"""Characters: a message in the guide must hold a literal of the code at least this long."""

LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
PATH = re.compile(r"`((?:services|libs|tests|docs|deploy|config)/[A-Za-z0-9_./-]+)`")


@cache
def documents() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [ROOT / name for name in sorted(names.split("\0")) if name and (ROOT / name).exists()]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text("utf-8"))


def anchors(path: Path) -> set[str]:
    """As the usual renderers make them: lower case, punctuation gone, blanks to hyphens."""
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.*?) *#*$", prose(path), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def broken_links(path: Path, root: Path = ROOT) -> list[str]:
    broken = []
    for target in LINK.findall(CODE.sub("``", prose(path))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (path.parent / name).resolve() if name else path
        if not aim.is_relative_to(root):
            broken.append(f"{target}: leads out of the repository")
        elif not aim.exists():
            broken.append(f"{target}: no such file")
        elif anchor and aim.suffix == ".md" and anchor not in anchors(aim):
            broken.append(f"{target}: {name or path.name} has no heading for this anchor")
    return broken


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_the_link_check_finds_what_is_broken(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`\n[a](missing.md) [b](#one-two) [c](#three) [d](https://example.org/x) [e](../out.md)\n"
        "`[f](in-code.md)`\n```\n[g](in-a-block.md)\n```\n"
    )
    assert broken_links(page, tmp_path) == [
        "missing.md: no such file",
        "#three: page.md has no heading for this anchor",
        "../out.md: leads out of the repository",
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(path: Path) -> None:
    # services/web/vigilar_web/static and the like are made by the build.
    named = [name for name in PATH.findall(prose(path)) if "/static" not in name]
    assert [name for name in named if not (ROOT / name).exists()] == []


def commands(
    top: argparse.ArgumentParser, words: tuple[str, ...] = ("vigilar",)
) -> list[tuple[str, list[str]]]:
    """Every command with its options, walked through the parser itself."""
    subs = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        options = [option for action in top._actions for option in action.option_strings]
        return [(" ".join(words), sorted(set(options) - {"-h", "--help", "--version"}))]
    return [
        found
        for action in subs
        for name, child in action.choices.items()
        for found in commands(child, (*words, name))
    ]


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## +(.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("command", "options"), commands(parser()))
def test_every_command_and_option_is_described(command: str, options: list[str]) -> None:
    verb = command.split()[-1]
    described = {
        title: body
        for title, body in sections((GUIDE / "cli.md").read_text("utf-8")).items()
        if command in title or (command.startswith("vigilar config set-") and f"`{verb}`" in title)
        or f"`{command}`" in title
    }  # fmt: skip
    assert described, f"docs/guide/cli.md has no section for `{command}`"
    body = "\n".join(described.values())
    missing = [option for option in options if not re.search(rf"`{re.escape(option)}(?![\w-])", body)]
    assert missing == [], f"`{command}` has options that docs/guide/cli.md does not describe"


def test_cli_page_describes_no_command_that_is_gone() -> None:
    known = {command for command, _ in commands(parser())}
    titles = "\n".join(sections((GUIDE / "cli.md").read_text("utf-8")))
    for named in re.findall(r"`(vigilar [a-z -]+)`", titles):
        assert named in known, f"docs/guide/cli.md describes `{named}`, which does not exist"


def make_targets() -> list[str]:
    """As `make help` lists them."""
    return re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_every_make_target_is_described() -> None:
    text = "".join((ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    targets = make_targets()
    assert {"help", "run", "test"} <= set(targets)
    assert [target for target in targets if not re.search(rf"make {target}(?![\w-])", text)] == []


def test_no_document_names_a_make_target_that_does_not_exist() -> None:
    known = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for path in documents():
        for named in re.findall(r"`make ([a-z0-9-]+)", path.read_text("utf-8")):
            assert named in known, f"{path.relative_to(ROOT)} names `make {named}`"


def test_every_page_of_the_guide_can_be_reached_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text("utf-8"))}
    pages = [str(page.relative_to(ROOT)) for page in GUIDE.glob("*.md")]
    assert len(pages) >= 9
    assert [page for page in pages if page not in linked] == []


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs" / "architecture" / "README.md").read_text("utf-8")
    missing = [page.name for page in (ROOT / "docs" / "adr").glob("*.md") if page.name not in listed]
    assert missing == []


def test_every_generated_page_names_its_generator() -> None:
    generators = (ROOT / "docs" / "reference" / "generators.txt").read_text("utf-8").split()
    for name in ("config.md", "topics.md", "tables.md"):
        text = (ROOT / "docs" / "reference" / name).read_text("utf-8")[:600]
        assert re.search(r"[Gg]enerated (from|by)", text), (
            f"docs/reference/{name} does not say that it is generated"
        )
    assert len(generators) >= 3


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    large = [path.name for path in pictures if path.stat().st_size > MAX_IMAGE_BYTES]
    assert large == []


SHORT_PIECES = {
    "connection to … broke: …": ("connection to", "broke:"),
    "broker 127.0.0.1:1883: …": ("broker",),
    "broker 127.0.0.1:1883 refused user events: Not authorized": ("refused user",),
    "events died (SIGKILL), restart 1 in 0.2 s": ("died (", "), restart"),
    "12.000–12.500 s": (": chunk", "at byte"),
    "motion_sensitivity: must be less": ("must ",),  # the rest is the library's sentence
}
"""Messages that are put together from short literals, by a part of them: what the code must still hold."""


@cache
def literals() -> frozenset[str]:
    """Every piece of text in the code, as long as people could read it in a message."""
    found: set[str] = set()
    for folder in ("services", "libs"):
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    # %-formatted log lines are pieces too.
                    found |= {piece.strip() for piece in re.split(r"%[-.0-9]*[a-z]", node.value)}
    words = (ROOT / "services" / "web" / "frontend" / "src" / "strings" / "en.ts").read_text("utf-8")
    found |= set(re.findall(r"'([^'\n]{14,})'", words))
    return frozenset(piece for piece in found if len(piece) <= 300)


def messages() -> list[str]:
    """What the first columns of the troubleshooting tables quote."""
    rows = re.findall(r"^\| (.*?) \|", (GUIDE / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    return [
        quoted
        for row in rows
        for pair in re.findall(r"`` (.+?) ``|`([^`]+)`", row)
        for quoted in pair
        if quoted
    ]


def is_printed(message: str) -> bool:
    """Whether the code holds a good part of it. A literal may be cut off where the guide writes an ellipsis."""
    for part, needed in SHORT_PIECES.items():
        if part in message:
            return all(any(piece in literal for literal in literals()) for piece in needed)
    pieces = [piece for piece in map(str.strip, message.split("…")) if len(piece) >= LEAST_FRAGMENT]
    return any(
        len(literal) >= LEAST_FRAGMENT and (literal in message or any(piece in literal for piece in pieces))
        for literal in literals()
    )


@pytest.mark.parametrize("message", messages())
def test_every_message_of_the_troubleshooting_page_is_one_that_the_program_prints(message: str) -> None:
    assert is_printed(message)


def test_every_finding_is_described() -> None:
    described = (GUIDE / "health.md").read_text("utf-8")
    codes: set[str] = set()
    for path in (ROOT / "services").glob("*/vigilar_*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "Finding",
                "_finding",
                "self._keeper.find",
            ):
                values = [word.value for word in node.keywords if word.arg == "code"] or node.args[:1]
                codes |= {
                    value.value
                    for value in values
                    if isinstance(value, ast.Constant) and isinstance(value.value, str)
                }
    unseen = {"more_findings", "finding_unreadable"}  # they explain themselves
    assert len(codes) > 20
    assert [code for code in sorted(codes - unseen) if f"`{code}" not in described] == []


def test_the_check_of_messages_notices_an_invented_one() -> None:
    assert len(messages()) > 60
    assert not is_printed("front: the flux capacitor is not calibrated; turn it round")
