"""What the ledger, as far as it came off-site, says of recordings: checked against signatures, trusted no further."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilar_common.merkle import CompactRange
from vigilar_common.signed_note import NoteError, Verifier, parse_checkpoint, verify_note

from vigilar_storage.ledger.chain import entry_hash

FORMAT = 1
MAX_SUBJECTS = 100_000
TOLD = ("finalised", "recovered", "damaged")


@dataclass
class Said:
    """Of one recording: its entries that are in a signed ledger."""

    opened_ms: int | None = None
    camera_id: str = ""
    body: dict[str, Any] | None = None
    """Of the newest entry that says what its file is."""


@dataclass
class Ledgers:
    checkpoints: int = 0
    newest_size: int = 0
    signed: bool = False
    """A verifier key was given; else all the rest only fits together."""
    said: dict[str, Said] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check(
    notes: Iterable[tuple[Path, bytes]], documents: Iterable[tuple[Path, bytes]], verifier: Verifier | None
) -> Ledgers:
    """Go through everything that arrived. Each problem names its file."""
    found = Ledgers(signed=verifier is not None)
    roots: dict[tuple[str, int], bytes] = {}
    for path, data in notes:
        try:
            said = _open_note(data.decode("utf-8"), verifier)
        except (NoteError, UnicodeDecodeError) as error:
            found.problems.append(f"checkpoint {path.name}: {error}")
            continue
        if roots.setdefault((said.origin, said.size), said.root) != said.root:
            found.problems.append(
                f"checkpoint {path.name}: another one of {said.size} entries has another root"
            )
        found.checkpoints += 1
        found.newest_size = max(found.newest_size, said.size)
    for path, data in documents:
        try:
            _take(json.loads(data), verifier, roots, found)
        except (NoteError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            found.problems.append(
                f"{path.name}: {error if isinstance(error, (NoteError, _MisfitError)) else 'cannot be read'}"
            )
    return found


class _MisfitError(ValueError):
    """A document that contradicts itself or what is signed."""


def _open_note(note: str, verifier: Verifier | None) -> Any:
    if verifier is not None:
        return parse_checkpoint(verify_note(note, verifier))
    text, found, _ = note.rpartition("\n\n")
    if not found:
        raise NoteError("a note has no signatures")
    return parse_checkpoint(text + "\n")


def _take(raw: Any, verifier: Verifier | None, roots: dict[tuple[str, int], bytes], found: Ledgers) -> None:
    if raw["format"] != FORMAT:
        raise _MisfitError(f"format {raw['format']!r} is not known")
    signed = _open_note(str(raw["checkpoint"]), verifier)
    start = CompactRange(int(raw["from"]["size"]), [bytes.fromhex(item) for item in raw["from"]["range"]])
    known = roots.get((signed.origin, start.size))
    if known is not None and known != start.root():
        raise _MisfitError(f"its beginning does not fit the checkpoint of {start.size} entries")
    entries = []
    for leaf in raw["leaves"]:
        if isinstance(leaf, str):
            start.append(bytes.fromhex(leaf))
            continue
        entry = leaf["entry"]
        if entry["seq"] != start.size + 1:
            raise _MisfitError(f"entry {entry['seq']} stands in the place of entry {start.size + 1}")
        start.append(
            entry_hash(
                entry["seq"], entry["ts_ms"], entry["mono_ms"], entry["boot"], entry["type"], entry["subject"],
                entry["body"], entry["prev"],
            )
        )  # fmt: skip
        entries.append(entry)
    if start.size != signed.size or start.root() != signed.root:
        raise _MisfitError(f"its entries do not have the root of the checkpoint of {signed.size} entries")
    for entry in entries:
        _say(entry, found)


def _say(entry: dict[str, Any], found: Ledgers) -> None:
    subject, body = str(entry["subject"]), entry["body"]
    if len(found.said) >= MAX_SUBJECTS or not isinstance(body, dict):
        return
    said = found.said.setdefault(subject, Said())
    if entry["type"] == "opened":
        said.opened_ms = int(entry["ts_ms"])
        said.camera_id = said.camera_id or str(body.get("camera_id", ""))
    elif entry["type"] in TOLD:
        said.body = body
        said.camera_id = str(body.get("camera_id", "")) or said.camera_id
