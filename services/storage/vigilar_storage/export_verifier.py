#!/usr/bin/env python3
"""Checks an export of Vigilar without Vigilar: `python3 verify.py [FOLDER or FILE.zip] [--key FILE]`.

Needs Python 3.9 or newer and the package `cryptography`, and no network. It checks that the manifest is signed, that
every file is the one that was signed, that the film is as recorded, and that the recordings stand in the ledger.
Exit code: 0 intact, 3 altered or incomplete (each file is named), 1 the check could not be made.
"""

# Runs on Python 3.9 outside Vigilar, so it is written plainly: no types, no imports of ours.
# mypy: allow-any-generics, allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# ruff: noqa: PTH100, PTH112, PTH114, PTH118, PTH120, PTH123, RET502, RET503, T201, TRY004, TRY301, UP031

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import sys
import time
import zipfile

MANIFEST, SIGNATURE, KEY, LEDGER = "manifest.json", "manifest.sig", "public_key.pem", "ledger.json"
FORMAT = "vigilar-export/1"
MAX_SMALL_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 1024 * 1024


class CannotCheckError(Exception):
    """The check could not be made; says why."""


class Folder:
    """An export that was unpacked."""

    def __init__(self, root):
        self.root = root
        found = []
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                found.append(os.path.relpath(path, root).replace(os.sep, "/"))
        self.names = set(found)

    def pieces(self, name):
        path = os.path.join(self.root, *name.split("/"))
        if os.path.islink(path):
            raise OSError("is a link, not a file")
        with open(path, "rb") as file:
            while True:
                piece = file.read(PIECE_BYTES)
                if not piece:
                    return
                yield piece


class Archive:
    """An export as it was handed out."""

    def __init__(self, path):
        self.zip = zipfile.ZipFile(path)
        names = [info.filename for info in self.zip.infolist() if not info.is_dir()]
        self.twice = sorted({name for name in names if names.count(name) > 1})
        self.names = set(names)

    def pieces(self, name):
        with self.zip.open(name) as file:
            while True:
                piece = file.read(PIECE_BYTES)
                if not piece:
                    return
                yield piece


class Check:
    """Collects what is wrong; `problems` holds (file, why)."""

    def __init__(self, source, trusted_key):
        self.source = source
        self.trusted_key = trusted_key
        self.problems = []
        self.notes = []
        self.key = None
        self.manifest = {}

    def wrong(self, name, why):
        self.problems.append((name, why))

    def small(self, name):
        """The whole member, or None when it cannot be read."""
        if name not in self.source.names:
            return self.wrong(name, "is missing")
        data = bytearray()
        try:
            for piece in self.source.pieces(name):
                data += piece
                if len(data) > MAX_SMALL_BYTES:
                    return self.wrong(name, "is larger than any export has it")
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            return self.wrong(name, "cannot be read: %s" % error)
        return bytes(data)

    def json(self, name):
        data = self.small(name)
        if data is None:
            return None
        try:
            value = json.loads(data.decode("utf-8"))
            if not isinstance(value, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            return self.wrong(name, "is not the JSON it was: %s" % error)
        return value

    def run(self):
        for name in getattr(self.source, "twice", []):
            self.wrong(name, "is in the archive twice")
        self.check_signature()
        manifest = self.json(MANIFEST)
        if manifest is None:
            return
        self.manifest = manifest
        try:
            if manifest["format"] != FORMAT:
                return self.wrong(MANIFEST, "is of a format that this program does not know")
            self.check_files(manifest)
            self.check_ledger(manifest)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            self.wrong(MANIFEST, "contradicts itself (%s: %s)" % (type(error).__name__, error))

    # -- who signed -----------------------------------------------------------------------------------------

    def check_signature(self):
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        pem, text, signature = self.small(KEY), self.small(MANIFEST), self.small(SIGNATURE)
        if pem is None or text is None or signature is None:
            return
        try:
            key = serialization.load_pem_public_key(pem)
        except Exception as error:
            return self.wrong(KEY, "is no public key: %s" % error)
        if not isinstance(key, Ed25519PublicKey):
            return self.wrong(KEY, "is a key of another kind")
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if self.trusted_key is not None and raw != self.trusted_key:
            self.wrong(KEY, "is another key than the one you trust (--key)")
        self.key = raw
        try:
            key.verify(signature, text)
        except InvalidSignature:
            self.wrong(
                MANIFEST,
                "does not fit its signature: manifest.json, manifest.sig or public_key.pem was changed",
            )

    # -- files ------------------------------------------------------------------------------------------------

    def check_files(self, manifest):
        listed = manifest["files"]
        films = {row["file"]: row for row in manifest["recordings"]}
        for name in sorted(self.source.names - set(listed) - {MANIFEST, SIGNATURE}):
            self.wrong(name, "does not belong to the export")
        for name in sorted(listed):
            if name not in self.source.names:
                self.wrong(name, "is missing")
                continue
            self.check_file(name, listed[name], films.get(name))
        for name in sorted(set(films) - set(listed)):
            self.wrong(name, "is a recording of the manifest but not one of its files")

    def check_file(self, name, said, film):
        """Its hash; of a film also that of the recorded bytes, which is everything but the index."""
        whole, recorded = hashlib.sha256(), hashlib.sha256()
        start = film["sidx_at"] if film else 0
        end = start + film["sidx_bytes"] if film else 0
        at = 0
        try:
            for piece in self.source.pieces(name):
                whole.update(piece)
                if film:
                    recorded.update(piece[: max(0, start - at)])
                    recorded.update(piece[max(0, end - at) :])
                at += len(piece)
        except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            return self.wrong(name, "cannot be read: %s" % error)
        if at != said["size_bytes"]:
            self.wrong(name, "has %d bytes, not %d" % (at, said["size_bytes"]))
        elif whole.hexdigest() != said["sha256"]:
            self.wrong(name, "was changed: its SHA-256 is another")
        elif film and recorded.hexdigest() != film["content_sha256"]:
            self.wrong(name, "is not what was recorded with an index added")

    # -- the ledger -------------------------------------------------------------------------------------------

    def check_ledger(self, manifest):
        ledger = self.json(LEDGER)
        if ledger is None:
            return
        try:
            size, root = self.read_note(ledger["checkpoint"])
            if [size, root.hex()] != [manifest["checkpoint"]["size"], manifest["checkpoint"]["root"]]:
                self.wrong(LEDGER, "has another checkpoint than the manifest")
            self.check_published(ledger, size, root)
            entries: dict[str, list] = {}
            for item in ledger["entries"]:
                entry = item["entry"]
                text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                leaf = hashlib.sha256(b"\0" + text.encode("utf-8")).digest()
                proof = [bytes.fromhex(step) for step in item["proof"]]
                if not included(leaf, entry["seq"] - 1, size, proof, root):
                    self.wrong(LEDGER, "entry %s is not in the ledger that was signed" % entry["seq"])
                entries.setdefault(entry["subject"], []).append(entry)
            for row in manifest["recordings"]:
                self.check_recording(row, entries.get(row["id"], []))
        except CheckpointError as error:
            self.wrong(LEDGER, str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.wrong(LEDGER, "contradicts itself (%s: %s)" % (type(error).__name__, error))

    def check_recording(self, row, entries):
        told = [e for e in entries if e["type"] in ("finalised", "recovered", "registered-v1")]
        if not told:
            if row["in_ledger"]:
                self.wrong(row["file"], "has no entry in the ledger, though the manifest says so")
            else:
                self.notes.append(
                    "%s is older than the ledger: only the signature speaks for it." % row["file"]
                )
            return
        body = told[-1]["body"]
        # Of other formats the hash is of the whole file, so it says the length too.
        other_length = row["stored_as"] == "vge2" and body["plain_bytes"] != row["content_bytes"]
        if body["sha256"] != row["sealed_sha256"] or other_length:
            self.wrong(row["file"], "is not the recording that the ledger has under this id")
        if told[-1]["type"] == "registered-v1":
            day = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(told[-1]["ts_ms"] // 1000))
            self.notes.append("%s is of version 1: not tamper-evident before %s." % (row["file"], day))
        if any(e["type"] == "deleted" for e in entries):
            self.notes.append("%s was deleted from the system at the time of the export." % row["file"])

    def check_published(self, ledger, size, root):
        """An earlier checkpoint, of which copies left the house, is the beginning of the one signed here."""
        if not ledger.get("published"):
            self.notes.append("No checkpoint had left the house before this export.")
            return
        old_size, old_root = self.read_note(ledger["published"])
        proof = [bytes.fromhex(step) for step in ledger["consistency"]]
        if not consistent(old_size, size, proof, old_root, root):
            self.wrong(LEDGER, "does not go on from the checkpoint that was published before")
        else:
            self.notes.append("Compare with a copy sent earlier: ledger size %d, root %s."
                              % (old_size, base64.b64encode(old_root).decode()))  # fmt: skip

    def read_note(self, note):
        """(size, root) of a checkpoint signed by the key of the export."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        body, found, tail = note.rpartition("\n\n")
        text = body + "\n"
        lines = text.split("\n")
        if not found or len(lines) < 4 or self.key is None:
            raise CheckpointError("a checkpoint is malformed, or there is no key to check it with")
        for line in tail.rstrip("\n").split("\n"):
            dash, name, encoded = [*line.split(" "), "", ""][:3]
            key_id = hashlib.sha256(name.encode() + b"\n\x01" + self.key).digest()[:4]
            try:
                raw = base64.b64decode(encoded, validate=True)
            except ValueError:
                continue
            if dash != "\u2014" or raw[:4] != key_id:
                continue
            try:
                Ed25519PublicKey.from_public_bytes(self.key).verify(raw[4:], text.encode("utf-8"))
            except InvalidSignature:
                break
            return int(lines[1]), base64.b64decode(lines[2], validate=True)
        raise CheckpointError("a checkpoint is not signed by the key of this export")


class CheckpointError(Exception):
    """A checkpoint that proves nothing."""


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def included(leaf, index, size, proof, root):
    """RFC 9162, 2.1.3.2: leaf `index` is in the tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(old, new, proof, old_root, new_root):
    """RFC 9162, 2.1.4.2: the tree of `new` leaves begins with that of `old` leaves."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_found = found = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_found, found = node(step, old_found), node(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old_found == old_root and found == new_root


def read_key(path):
    """Raw bytes of a PEM public key, or of a line like ledger_public.txt."""
    from cryptography.hazmat.primitives import serialization

    with open(path, "rb") as file:
        data = file.read(65536)
    try:
        if b"BEGIN" in data:
            key = serialization.load_pem_public_key(data)
            return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64decode(data.decode("ascii").strip().split("+", 2)[2], validate=True)[1:]
    except (ValueError, IndexError, TypeError) as error:
        raise CannotCheckError("%s holds no public key: %s" % (path, error)) from error


def main(argv=None):
    parser = argparse.ArgumentParser(prog="verify.py", description="Checks an export of Vigilar.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument(
        "path", nargs="?", default=here, help="the unpacked folder or the zip (default: this folder)"
    )
    parser.add_argument(
        "--key", help="public key that you trust, from the owner of the system by another way"
    )
    args = parser.parse_args(argv)
    try:
        import cryptography  # noqa: F401
    except ImportError:
        print("Cannot check: the Python package 'cryptography' is not installed (pip install cryptography).")
        return 1
    try:
        trusted = read_key(args.key) if args.key else None
        source = Folder(args.path) if os.path.isdir(args.path) else Archive(args.path)
    except (OSError, zipfile.BadZipFile, CannotCheckError) as error:
        print("Cannot check: %s" % error)
        return 1
    check = Check(source, trusted)
    check.run()
    return report(check)


def report(check):
    for name, why in check.problems:
        print("ALTERED  %s: %s" % (name, why))
    for note in check.notes:
        print("note     %s" % note)
    if check.key is not None:
        print("key      SHA-256 %s" % hashlib.sha256(check.key).hexdigest())
        if check.trusted_key is None:
            print("         Nobody proves whose key this is but its owner: compare it, or give --key.")
    if check.problems:
        print("VERDICT  ALTERED: this is not what was exported.")
        return 3
    manifest = check.manifest
    print("checked  %d recordings, %d files" % (len(manifest["recordings"]), len(manifest["files"])))
    for row in manifest["left_out"]:
        print("left out recording %s: %s" % (row["id"], row["reason"]))
    gaps = len(manifest["gaps"])
    print("VERDICT  INTACT%s" % (", with %d declared gaps (gaps.json)" % gaps if gaps else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
