"""`vigilar verify`: files × rows × ledger, with storage running or not."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vigilar_common.errors import VigilarError

if TYPE_CHECKING:
    from vigilar_common.crypto.keys import KeyRing
    from vigilar_common.signed_note import Verifier

    from vigilar_storage.verify import Wanted
    from vigilar_storage.verify_chain import ChainReport

ALTERED_CODE = 3
UNCHECKED_CODE = 4
BUSY_TIMEOUT_S = 10.0
BAR_CHARS = 30
MAX_FOUND = 200
"""Files that are not intact, in a result for a page; the counts are of all."""
NICENESS = 10
MAX_NOTE_BYTES = 64 * 1024


class VerifyError(VigilarError):
    """Nothing can be verified, and why."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("verify", help="check recordings, database and ledger against each other")
    parser.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--camera", metavar="ID", help="only this camera")
    parser.add_argument(
        "--from", dest="from_ms", type=_time, metavar="TIME", help="only what began at or after"
    )
    parser.add_argument("--to", dest="to_ms", type=_time, metavar="TIME", help="only what began before")
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="use this verifier key and no other: nothing is decrypted",
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", action="append", default=[],
        help="a checkpoint that was kept elsewhere must fit too; may be repeated",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="compare SHA-256 only, decrypt no chunk")
    parser.add_argument(
        "--progress",
        action="store_true",
        help="lines of JSON: how many bytes are done, at last the result with at most 200 files that are not intact",
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """0: all is intact, 3: something was altered or is missing, 4: something could not be checked.

    Raises ConfigError, VerifyError, OSError.
    """
    from vigilar_common.config.load import find_config_path, load
    from vigilar_common.secrets import Secrets

    from vigilar_storage import keys
    from vigilar_storage.verify import Checker, Wanted
    from vigilar_storage.verify_chain import check

    settings = os.environ.get("VIGILAR_SETTINGS")
    config = load(
        find_config_path(args.config, os.environ), os.environ, Path(settings) if settings else None
    ).config
    root = Path(config.system.recordings_dir)
    if not root.is_dir():
        raise VerifyError(f"{root}: no such folder of recordings")
    secrets = Secrets(Path(os.environ.get("VIGILAR_SECRETS_DIR", "")))
    ring = None if args.public_key else keys.load_ring(secrets, config.storage)[0]
    outside = tuple(_note(path) for path in args.checkpoint)
    database = Path(config.system.data_dir) / "vigilar.db"
    try:
        connection = open_read_only(database)
        try:
            report = check(connection, _verifier(args.public_key, secrets.folder), outside)
            wanted = Wanted(args.camera, args.from_ms, args.to_ms, args.quick)
            if args.progress:
                os.nice(NICENESS)  # somebody looks at a live picture meanwhile
                return _run_with_progress(connection, root, ring, wanted, report)
            bar = _Bar(show=sys.stderr.isatty() and not args.json)
            checker = Checker(connection, root, ring, wanted, report.begun_ms, bar.advance)
            bar.total_bytes = checker.total_bytes() if bar.show else 0
            verdicts = []
            for verdict in checker.run():
                verdicts.append(verdict.plain())
                if not args.json and verdict.state != "intact":
                    bar.clear()
                    sys.stdout.write(_line(verdicts[-1]) + "\n")
            bar.clear()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise VerifyError(f"{database}: {error}") from error
    counts = Counter(str(verdict["state"]) for verdict in verdicts)
    code = exit_code(counts, report)
    _print(args, verdicts, counts, checker.deleted, report, code)
    return code


def _run_with_progress(
    connection: sqlite3.Connection, root: Path, ring: KeyRing | None, wanted: Wanted, report: ChainReport
) -> int:
    """For a page: bounded, however many files there are. Raises sqlite3.Error, OSError."""
    from vigilar_storage.export_cli import ProgressLines, json_line
    from vigilar_storage.verify import Checker

    tell, done_bytes, total_bytes = ProgressLines(), 0, 0

    def advance(more_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += more_bytes
        tell(min(done_bytes, total_bytes), total_bytes)

    checker = Checker(connection, root, ring, wanted, report.begun_ms, advance)
    total_bytes = checker.total_bytes()
    counts: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    plain = 0
    for verdict in checker.run():
        counts[str(verdict.state)] += 1
        plain += not verdict.encrypted
        if verdict.state != "intact" and len(found) < MAX_FOUND:
            found.append(verdict.plain())
    code = exit_code(counts, report)
    told = {"exit_code": code, "counts": dict(counts), "deleted": checker.deleted, "not_encrypted": plain}
    json_line({**told, "bytes": done_bytes, "ledger": _of_ledger(report), "files": found})
    return code


def exit_code(counts: Counter[str], report: ChainReport) -> int:
    from vigilar_storage.verify import BAD, State

    if report.problems or any(counts[state] for state in BAD):
        return ALTERED_CODE
    return UNCHECKED_CODE if report.unchecked or counts[State.UNKNOWN_KEY] else 0


def open_read_only(path: Path) -> sqlite3.Connection:
    """In autocommit mode: no snapshot is held. Raises VerifyError, sqlite3.Error."""
    if not path.is_file():
        raise VerifyError(f"{path}: no such database")

    def connect(mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?{mode}", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
        )
        connection.execute("PRAGMA query_only=ON")
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'ledger'").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        if not tables[0]:
            connection.close()
            raise VerifyError(f"{path}: has no ledger yet; start storage once, it upgrades the database")
        return connection

    try:
        return connect("mode=ro")
    except sqlite3.OperationalError:
        journal = path.with_name(path.name + "-wal")
        if journal.exists() and journal.stat().st_size:
            raise
        # On a read-only disk SQLite can make no index of an (empty) journal; nobody writes there either.
        return connect("immutable=1")


def _verifier(given: Path | None, folder: Path) -> Verifier | None:
    from vigilar_storage.ledger.signing import PUBLIC_KEY, load_verifier

    if given is not None:
        return load_verifier(given)
    path = folder / PUBLIC_KEY
    return load_verifier(path) if path.is_file() else None


def _note(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_NOTE_BYTES).decode("utf-8", "replace")


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date or time such as 2026-01-31T18:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _line(verdict: dict[str, Any]) -> str:
    name = verdict["path"] or verdict["id"]
    return (
        f"{verdict['state']}: {verdict['what']} {name}{_span(verdict)}: {verdict['detail'] or 'see its gaps'}"
    )


def _span(verdict: dict[str, Any]) -> str:
    if verdict["from_ms"] is None:
        return ""
    ends = [verdict["from_ms"], verdict["to_ms"] or verdict["from_ms"]]
    start, end = (_utc(ms) for ms in ends)
    chunk = f", chunk {verdict['chunk']}" if verdict["chunk"] is not None else ""
    return f" ({start} – {end}{chunk})"


def _utc(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _print(
    args: argparse.Namespace, verdicts: list[dict[str, Any]], counts: Counter[str], deleted: int,
    report: ChainReport, code: int,
) -> None:  # fmt: skip
    if args.json:
        answer = {
            "exit_code": code,
            "counts": dict(counts),
            "deleted": deleted,
            "ledger": _of_ledger(report),
            "files": verdicts,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    for problem in report.problems:
        sys.stdout.write(f"ledger: {problem}\n")
    for reason in report.unchecked:
        sys.stdout.write(f"not checked: {reason}\n")
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "nothing recorded"
    sys.stdout.write(f"files: {told}; {deleted} deleted as the ledger says\n")
    plain = sum(not verdict["encrypted"] for verdict in verdicts)
    if plain:
        sys.stdout.write(f"not encrypted: {plain} files; whoever has the disk can watch them\n")
    sealed = [verdict["sealed_ms"] for verdict in verdicts if verdict["sealed_ms"] is not None]
    if sealed:
        sys.stdout.write(
            f"version 1: {len(sealed)} files are not tamper-evident before they were sealed ({_utc(min(sealed))}"
            f" – {_utc(max(sealed))})\n"
        )
    sys.stdout.write(
        f"ledger: {report.entries} entries, {report.checkpoints} checkpoints, signed up to entry "
        f"{report.checkpoint_size}, root {report.root}\n"
    )


def _of_ledger(report: ChainReport) -> dict[str, Any]:
    return {
        "entries": report.entries,
        "root": report.root,
        "checkpoints": report.checkpoints,
        "checkpoint_size": report.checkpoint_size,
        "problems": report.problems,
        "from_ms": report.from_ms,
        "to_ms": report.to_ms,
        "unchecked": report.unchecked,
    }


class _Bar:
    """Bytes gone through, on a terminal."""

    def __init__(self, *, show: bool) -> None:
        self.show = show
        self.total_bytes = 0
        self._done_bytes = 0
        self._drawn = -1

    def advance(self, more_bytes: int) -> None:
        self._done_bytes += more_bytes
        if not self.show or not self.total_bytes:
            return
        permille = min(1000, self._done_bytes * 1000 // self.total_bytes)
        if permille != self._drawn:
            self._drawn = permille
            full = permille * BAR_CHARS // 1000
            sys.stderr.write(f"\r[{'#' * full}{'.' * (BAR_CHARS - full)}] {permille / 10:.1f} %")
            sys.stderr.flush()

    def clear(self) -> None:
        if self.show and self._drawn >= 0:
            sys.stderr.write("\r\x1b[K")
            self._drawn = -1
