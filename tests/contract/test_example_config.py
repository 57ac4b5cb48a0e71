"""The shipped example and the generated reference agree with the models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from vigilar_common.config import Config
from vigilar_common.config.load import load
from vigilar_common.config.reference import EXAMPLE_PATH, REFERENCE_PATH, main, sections
from vigilar_common.config.system import System

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_equals_the_defaults_with_its_time_zone() -> None:
    loaded = load(ROOT / EXAMPLE_PATH, {})
    assert loaded.config == Config(system=System(timezone="America/New_York"))
    assert loaded.warnings == ()


def test_the_example_still_loads_with_every_commented_block_in_use(tmp_path: Path) -> None:
    text = (ROOT / EXAMPLE_PATH).read_text(encoding="utf-8")
    # A comment that is TOML: a header, a key, a line of an array. The rest is prose.
    used = re.sub(r"(?m)^# (?=\[\[?[a-z.]+\]\]?$|[a-z_A-Z]+ = |  \{|\]$)", "", text)
    path = tmp_path / "vigilar.toml"
    path.write_text(used, encoding="utf-8")
    config = load(path, {}).config
    assert len(config.cameras[0].zones) == len(config.sensors) == len(config.rules) == 1
    assert len(config.presence.members) == len(config.vehicles.known) == 1
    assert config.presence.actions
    assert config.sensors_gpio.bounce_time_ms == 50


@pytest.mark.parametrize(("dotted", "header", "model"), list(sections()), ids=lambda value: str(value)[:40])
def test_the_example_and_the_reference_name_every_key(
    dotted: str, header: str, model: type[BaseModel]
) -> None:
    example = (ROOT / EXAMPLE_PATH).read_text(encoding="utf-8")
    start = example.index(f"\n{header}\n") if f"\n{header}\n" in example else example.index(f"\n# {header}\n")
    following = re.compile(r"\n(# )?\[\[?(?!cameras\.zones|cameras\.lines|presence\.actions)").search(
        example, start + 2
    )
    block = example[start : following.start() if following else None]
    reference = (
        (ROOT / REFERENCE_PATH).read_text(encoding="utf-8").split(f"## `{header}`\n")[1].split("\n## ")[0]
    )
    for name in model.model_fields:
        assert f"| `{name}` |" in reference, f"{dotted}.{name}"
        if f"[[{dotted}.{name}]]" not in example and f"\n[{dotted}.{name}]\n" not in example:
            assert re.search(rf"^(# )?({name} = |\[{dotted}\.{name}\])", block, re.MULTILINE), (
                f"{dotted}.{name}"
            )


def test_generated_files_are_fresh(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_the_check_notices_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert main(["--check"]) == 0
    path = tmp_path / REFERENCE_PATH
    path.write_text(path.read_text(encoding="utf-8").replace("49735", "1"), encoding="utf-8")
    assert main(["--check"]) == 1
    assert "docs/reference/config.md differs from the models" in capsys.readouterr().err


def test_every_key_has_a_title_and_a_meaning() -> None:
    for dotted, _, model in sections():
        for name, field in model.model_fields.items():
            assert field.title, f"{dotted}.{name}"
            assert field.description, f"{dotted}.{name}"
