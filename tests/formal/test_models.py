"""The two protocols where a mistake loses a fact or a house, in every order of their steps (docs/design/formal)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[2] / "docs/design/formal"
MISSING = [program for program in ("spin", "gcc") if shutil.which(program) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)}: apt-get install spin gcc libc6-dev"),
]

ONCE_REPEATED = "-DKILLS=1"
THREE_COMMANDS = "-DKILLS=1 -DOWNERS=3 -DSAID_ONCE"
HOLD = (("facts", "-DKILLS=2"), ("alarm", ONCE_REPEATED), ("alarm", THREE_COMMANDS))
CONTROLS = (
    ("facts", "-DKILLS=2 -DCONFIRM_BEFORE_FSYNC"),
    ("facts", "-DKILLS=2 -DDELETE_WHEN_SENT"),
    ("facts", "-DKILLS=2 -DNO_CONFLICT_CLAUSE"),
    ("facts", "-DKILLS=2 -DCURSOR_FIRST"),
    ("facts", "-DKILLS=2 -DEPOCH_IGNORED"),
    ("facts", "-DKILLS=2 -DRANDOM_DERIVED_ID"),
    ("alarm", f"{ONCE_REPEATED} -DTELL_BEFORE_KEEP"),
    ("alarm", f"{ONCE_REPEATED} -DCURSOR_FIRST"),
    ("alarm", f"{ONCE_REPEATED} -DSTART_DISARMED"),
    ("alarm", f"{ONCE_REPEATED} -DNO_ASSERT_AT_START"),
    ("alarm", f"{ONCE_REPEATED} -DREPEATS_CARRIED_OUT"),
    ("alarm", f"{THREE_COMMANDS} -DTRUTH_NOT_KEPT"),
)
SEARCH_LIMIT_S = 1_200


def searched(model: str, defines: str, folder: Path) -> tuple[int, str, int]:
    """Errors found, the assertion that fell, states stored. The search is exhaustive, with partial order reduction."""
    shutil.copy(MODELS / f"{model}.pml", folder / "model.pml")
    run = ["spin", "-a", *defines.split(), "model.pml"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    build = ["gcc", "-O2", "-DSAFETY", "-o", "pan", "pan.c"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    search = ["./pan", "-m200000", "-w24"]
    told = subprocess.run(
        search, cwd=folder, check=True, capture_output=True, text=True, timeout=SEARCH_LIMIT_S
    ).stdout
    assert "max search depth too small" not in told
    errors, states = re.search(r"errors: (\d+)", told), re.search(r"(\d+) states, stored", told)
    assert errors is not None, told[-2_000:]
    assert states is not None, told[-2_000:]
    fell = re.search(r"assertion violated (.+) \(at depth", told)
    return int(errors[1]), fell[1] if fell else "", int(states[1])


@pytest.mark.parametrize(("model", "defines"), HOLD)
def test_nothing_is_lost_doubled_or_swallowed_in_any_order_of_steps(
    model: str, defines: str, tmp_path: Path
) -> None:
    errors, fell, states = searched(model, defines, tmp_path)
    print(f"\n{model} {defines}: {states:,} states")
    assert (errors, fell) == (0, "")
    assert states > 100_000, "the model still has something to search"


@pytest.mark.parametrize(("model", "defines"), CONTROLS)
def test_a_rule_taken_away_is_found_out(model: str, defines: str, tmp_path: Path) -> None:
    errors, fell, _states = searched(model, defines, tmp_path)
    assert errors, "a model that holds without the rule proves nothing about it"
    assert fell, "it fails for what it asserts, not for a mistake in the model"
    assert "array index" not in fell


def test_every_control_of_the_models_is_tried() -> None:
    for model in MODELS.glob("*.pml"):
        rules = set(re.findall(r"^#ifn?def ([A-Z_]+)$", model.read_text("utf-8"), re.MULTILINE))
        settings = {"KILLS", "OWNERS", "SAID_ONCE"}
        tried = {word[2:] for name, words in CONTROLS if name == model.stem for word in words.split()}
        assert rules - settings == {rule for rule in tried if "=" not in rule} - settings, model.name
