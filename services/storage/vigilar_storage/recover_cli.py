"""`vigilar recover`: footage out of what arrived off-site, on any machine, with the owner's recovery key."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vigilar_storage.recover import Result
    from vigilar_storage.recover_ledger import Ledgers

DAMAGED_CODE = 3
UNCHECKED_CODE = 4
REPORT = "report.json"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("recover", help="play what arrived off-site, with the owner's recovery key")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a copy of what lies at the off-site target")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="as `vigilar keys export-recovery` wrote it"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("recovered"), metavar="FOLDER",
        help="a new or empty folder for films and report (default: recovered)",
    )  # fmt: skip
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="ledger_public.txt: checks the signature of checkpoints",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0: all that arrived plays and fits, 3: something is missing or was altered, 4: something could not be checked.

    Raises RecoverError, KeyFileError, OSError.
    """
    from vigilar_common.crypto.keys import KeyRing, load_private_key

    from vigilar_storage import recover_ledger
    from vigilar_storage.ledger.signing import load_verifier
    from vigilar_storage.recover import recover_one
    from vigilar_storage.recover_find import RecoverError, find, small_files

    ring = KeyRing()
    ring.add_private(load_private_key(args.key))
    verifier = load_verifier(args.public_key) if args.public_key else None
    arrived = find(args.folder)
    if not arrived.sources:
        raise RecoverError(f"{args.folder}: there is no recording below it (files or folders named <id>.vge)")
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise RecoverError(f"{out} is not empty: name a new folder with --out")
    ledgers = recover_ledger.check(small_files(arrived.notes), small_files(arrived.documents), verifier)
    results = []
    for source in arrived.sources:
        result = recover_one(source, ring, out, ledgers)
        results.append(result)
        if not args.json:
            _say(result)
    if all(result.wrong_key for result in results):
        raise RecoverError(
            f"{args.key} opens none of the {len(results)} recordings: they are sealed to another key"
        )
    code = exit_code(results, ledgers)
    strangers = [str(path.relative_to(args.folder)) for path in arrived.strangers]
    report = _report(code, results, ledgers, strangers)
    (out / REPORT).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if args.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        _sum_up(results, ledgers, strangers, out)
    return code


def exit_code(results: list[Result], ledgers: Ledgers) -> int:
    from vigilar_storage.recover import Fits, State

    bad = (State.DAMAGED, State.UNREADABLE)
    if ledgers.problems or any(item.state in bad or item.ledger is Fits.CONTRADICTS for item in results):
        return DAMAGED_CODE
    if not ledgers.signed or any(item.ledger is Fits.UNKNOWN for item in results):
        return UNCHECKED_CODE
    return 0


def _report(code: int, results: list[Result], ledgers: Ledgers, strangers: list[str]) -> dict[str, Any]:
    return {
        "exit_code": code,
        "recordings": [result.plain() for result in results],
        "ledger": {
            "checkpoints": ledgers.checkpoints,
            "newest_size": ledgers.newest_size,
            "signature_checked": ledgers.signed,
            "problems": ledgers.problems,
        },
        "strangers": strangers[:1000],
    }


def _say(result: Result) -> None:
    from vigilar_storage.recover import utc

    sys.stdout.write(f"{result.state.value}: camera {result.camera_id}, recording {result.recording_id}\n")
    if result.film:
        sys.stdout.write(f"  film: {result.film} ({result.seconds:.1f} s)\n")
    for start, end in result.spans:
        sys.stdout.write(f"  seconds: {utc(start)} – {utc(end)}\n")
    for problem in result.problems:
        sys.stdout.write(f"  {problem}\n")
    if result.ledger_text:
        sys.stdout.write(f"  ledger: {result.ledger_text}\n")


def _sum_up(results: list[Result], ledgers: Ledgers, strangers: list[str], out: Path) -> None:
    counts = Counter(result.state.value for result in results)
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    seconds = sum(result.seconds for result in results)
    for problem in ledgers.problems:
        sys.stdout.write(f"ledger: {problem}\n")
    checked = "signature checked" if ledgers.signed else "signature not checked: give --public-key"
    sys.stdout.write(
        f"ledger: {ledgers.checkpoints} checkpoints, up to entry {ledgers.newest_size}, {checked}\n"
    )
    if strangers:
        sys.stdout.write(f"left alone: {len(strangers)} files that are not Vigilar's\n")
    sys.stdout.write(f"recordings: {told}; {seconds:.1f} s of film in {out}, with {REPORT}\n")
