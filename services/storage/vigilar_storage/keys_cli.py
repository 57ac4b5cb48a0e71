"""`vigilar keys`: what keys there are, a new pair for recordings, keys that open nothing more, the owner's recovery key.

Runs where the secrets are made (`vigilar init`): it writes into the folders of storage and of the camera workers.
A running storage sees the change within seconds and notes it in the ledger.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vigilar_common.errors import VigilarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vigilar_common.crypto.keys import KeyState

    from vigilar_storage.keyring_file import RingEntry

PRIVATE, PUBLIC = "storage_private.pem", "storage_public.pem"
NEXT = "storage_next.pem"
RECOVERY_PRIVATE, RECOVERY_PUBLIC = "recovery_private.pem", "recovery_public.pem"
LEAST_ID_CHARS = 8


class KeysError(VigilarError):
    """What was asked for cannot be done, and why."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "keys", help="list, rotate and revoke the keys of recordings, export the recovery key"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="ids, kinds and states; no key is shown")
    listing.set_defaults(func=_list)
    rotate = actions.add_parser("rotate", help="make a new pair; the old one only opens from then on")
    rotate.set_defaults(func=_rotate)
    revoke = actions.add_parser("revoke", help="let a retired key open nothing more")
    revoke.add_argument("key", metavar="ID", help=f"as `list` shows it; at least {LEAST_ID_CHARS} characters")
    revoke.add_argument("--undo", action="store_true", help="let it open recordings again")
    revoke.add_argument("--yes", action="store_true", help="do not ask")
    revoke.set_defaults(func=_revoke)
    export = actions.add_parser("export-recovery", help="copy the owner's recovery key to a file")
    export.add_argument(
        "file", type=Path, metavar="FILE", help="a new file, 0600; keep it away from this host"
    )
    export.add_argument("--remove", action="store_true", help="then remove the key from this host")
    export.set_defaults(func=_export)
    for child in (listing, rotate, revoke, export):
        child.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")


def _list(args: argparse.Namespace) -> int:
    from vigilar_common.crypto.keys import (
        load_private_key,
        load_public_key,
        master_key_id,
        public_key_id,
    )

    from vigilar_storage.keyring_file import SEALING, STORAGE_KEY
    from vigilar_storage.keys import RETIRED_KEYS
    from vigilar_storage.ledger.signing import PRIVATE_KEY, PUBLIC_KEY, load_verifier

    storage, recovery = _storage(), _recovery()
    ring = _Ring(storage, args.config)
    states = {entry.key_id: entry.state.value for entry in ring.entries}
    rows: dict[str, tuple[str, str]] = {}
    if (storage / PRIVATE).exists():
        rows[_private_id(storage / PRIVATE)] = (SEALING, "active")
    for entry in ring.entries:
        if entry.kind == SEALING:
            rows.setdefault(entry.key_id, (SEALING, entry.state.value))
    for path in sorted(storage.glob(RETIRED_KEYS)):
        key_id = public_key_id(load_private_key(path).public_key()).hex()
        rows.setdefault(key_id, (SEALING, states.get(key_id, "decrypt-only")))
    if ring.master is not None:
        key_id = master_key_id(ring.master).hex()
        rows[key_id] = (STORAGE_KEY, states.get(key_id, "active"))
    if (recovery / RECOVERY_PUBLIC).exists():
        where = "on this host" if (recovery / RECOVERY_PRIVATE).exists() else "kept elsewhere"
        rows[public_key_id(load_public_key(recovery / RECOVERY_PUBLIC)).hex()] = ("recovery", where)
    if (storage / PUBLIC_KEY).exists():
        signs = "active" if (storage / PRIVATE_KEY).exists() else "private half missing"
        rows[load_verifier(storage / PUBLIC_KEY).key_hash.hex()] = ("ledger", signs)
    if not rows:
        raise KeysError(f"there are no keys in {storage}: run `vigilar init`")
    for key_id, (kind, state) in rows.items():
        sys.stdout.write(f"{key_id:<16}  {kind:<11}  {state}\n")
    return 0


def _rotate(args: argparse.Namespace) -> int:
    """Each step leaves a state that opens every recording; a rotation that was cut off is finished, not repeated."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from vigilar_common.crypto.keys import (
        KeyState,
        load_private_key,
        load_public_key,
        public_key_hex,
        public_key_id,
        sync_folder,
        write_private_key,
    )

    storage = _storage()
    ring = _Ring(storage, args.config)
    active = load_private_key(storage / PRIVATE)
    old_id = public_key_id(active.public_key()).hex()
    told = public_key_id(load_public_key(storage / PUBLIC)).hex()
    ring.take_in_unwrapped()
    if told == old_id:
        ring.keep(old_id, active.private_bytes_raw(), KeyState.DECRYPT_ONLY)
        (storage / NEXT).unlink(missing_ok=True)  # of a rotation that was cut off before it counted
        active = X25519PrivateKey.generate()
        write_private_key(storage / NEXT, active)
        (storage / NEXT).replace(storage / PRIVATE)
        sync_folder(storage)
    public = public_key_hex(active.public_key()) + "\n"
    workers = sorted((storage.parent / "cameras").glob(f"camera-worker-*/{PUBLIC}"))
    from vigilar_common.config.files import write_atomic

    for path in workers:
        write_atomic(path, public, 0o644)
    # Last: until it fits the private half, `rotate` goes on where it was cut off.
    write_atomic(storage / PUBLIC, public, 0o644)
    new_id = public_key_id(active.public_key()).hex()
    sys.stdout.write(
        f"recordings are sealed to {new_id} from now on; {old_id if old_id != new_id else told} only opens old ones\n"
        f"{len(workers)} camera workers have the new public key. Restart the camera workers: until then they use the old one.\n"
        "Make a backup: it must hold the new key.\n"
    )
    return 0


def _revoke(args: argparse.Namespace) -> int:
    from vigilar_common.crypto.keys import KeyState, master_key_id

    storage = _storage()
    ring = _Ring(storage, args.config)
    wanted = args.key.lower()
    if len(wanted) < LEAST_ID_CHARS:
        raise KeysError(f"{args.key!r}: name at least {LEAST_ID_CHARS} characters of the id")
    if (storage / PRIVATE).exists() and _private_id(storage / PRIVATE).startswith(wanted):
        raise KeysError(f"{args.key} is what recordings are sealed to now: `vigilar keys rotate` first")
    ring.take_in_unwrapped()
    master_id = master_key_id(ring.master).hex() if ring.master is not None else ""
    secrets = {entry.key_id: entry.secret for entry in ring.entries if entry.secret} | {master_id: b""}
    found = [key_id for key_id in secrets if key_id and key_id.startswith(wanted)]
    if len(found) != 1:
        raise KeysError(f"{args.key} names {len(found)} keys that can be revoked; see `vigilar keys list`")
    key_id = found[0]
    if not args.undo and not _agreed(
        args.yes, f"Nothing that only {key_id} opens can be read then. Revoke it?"
    ):
        sys.stdout.write("Nothing was changed.\n")
        return 1
    back = KeyState.ACTIVE if key_id == master_id else KeyState.DECRYPT_ONLY
    state = back if args.undo else KeyState.REVOKED
    ring.keep(key_id, secrets[key_id], state)
    sys.stdout.write(
        f"{key_id} is {state.value}; a running storage follows within seconds and notes it in the ledger\n"
    )
    if not args.undo:
        sys.stdout.write(
            "It stays in the ring, wrapped: --undo lets it open again. The owner's recovery key goes on opening what was\n"
            "sealed to both.\n"
        )
    return 0


class _Ring:
    """The ring file and the key that wraps it."""

    def __init__(self, folder: Path, config: str | None) -> None:
        from vigilar_common.crypto.keys import load_master_key

        from vigilar_storage import keyring_file

        self._folder = folder
        self._key_file = _key_file(folder, config)
        self._path = keyring_file.ring_path(self._key_file)
        there = self._key_file.exists() or self._path.exists()
        self.master = load_master_key(self._key_file) if there else None
        self.entries: Sequence[RingEntry] = keyring_file.load(self._path, self.master) if self.master else ()

    def keep(self, key_id: str, secret: bytes, state: KeyState) -> None:
        """Write the entry; the wrapping key is made when this house has none yet."""
        from vigilar_common.clock import SystemClock
        from vigilar_common.crypto.keys import write_master_key

        from vigilar_storage import keyring_file

        if self.master is None:
            self.master = write_master_key(self._key_file)
        kind = keyring_file.SEALING if secret else keyring_file.STORAGE_KEY
        entry = keyring_file.RingEntry(key_id, kind, state, SystemClock().now_ms(), secret)
        self.entries = keyring_file.with_entry(self.entries, entry)
        keyring_file.save(self._path, self.entries, self.master)

    def take_in_unwrapped(self) -> None:
        """Retired keys that an earlier version kept as plain files are wrapped; only then the files go."""
        from vigilar_common.crypto.keys import KeyState, load_private_key, public_key_id, sync_folder

        from vigilar_storage.keys import RETIRED_KEYS

        known = {entry.key_id for entry in self.entries if entry.secret}
        for path in sorted(self._folder.glob(RETIRED_KEYS)):
            key = load_private_key(path)
            key_id = public_key_id(key.public_key()).hex()
            if key_id not in known:
                self.keep(key_id, key.private_bytes_raw(), KeyState.DECRYPT_ONLY)
            path.unlink()
            sync_folder(self._folder)


def _key_file(folder: Path, config: str | None) -> Path:
    """`[storage] key_file`; without a configuration, or where that is another container's path, storage's own."""
    from vigilar_common.config.load import find_config_path, load

    from vigilar_storage.keys import MASTER_KEY, key_file_of

    path = find_config_path(config, os.environ)
    if not path.exists() and not config:
        return folder / MASTER_KEY
    named = key_file_of(folder, load(path).config.storage)
    return named if named.exists() else folder / MASTER_KEY


def _private_id(path: Path) -> str:
    from vigilar_common.crypto.keys import load_private_key, public_key_id

    return public_key_id(load_private_key(path).public_key()).hex()


def _agreed(yes: bool, question: str) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise KeysError("there is no terminal to ask on: give --yes")
    sys.stdout.write(f"{question} [yes/no] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _export(args: argparse.Namespace) -> int:
    from vigilar_common.crypto.keys import (
        load_private_key,
        load_public_key,
        public_key_id,
        sync_folder,
        write_private_key,
    )

    folder = _recovery()
    source = folder / RECOVERY_PRIVATE
    if not source.exists() and (folder / RECOVERY_PUBLIC).exists():
        raise KeysError(f"{source} is not on this host any more: it was exported and removed")
    key = load_private_key(source)
    target: Path = args.file
    try:
        write_private_key(target, key)
    except FileExistsError:
        raise KeysError(f"{target} exists; a key is never written over another file") from None
    key_id = public_key_id(load_private_key(target).public_key()).hex()
    sys.stdout.write(
        f"recovery key {key_id} is in {target}: it opens every recording; keep it away from this host\n"
    )
    if not args.remove:
        sys.stdout.write(f"{source} is still here; --remove takes it away\n")
        return 0
    if public_key_id(load_public_key(folder / RECOVERY_PUBLIC)).hex() != key_id:
        raise KeysError(f"{folder / RECOVERY_PUBLIC} is not the public half of {source}: nothing was removed")
    if target.resolve().is_relative_to(folder.resolve()):
        raise KeysError(f"{target} lies beside the key itself: nothing was removed")
    source.unlink()
    sync_folder(folder)
    sys.stdout.write(f"{source} is removed; recordings go on being sealed to its public half\n")
    return 0


def _storage() -> Path:
    folder = os.environ.get("VIGILAR_SECRETS_DIR", "")
    if not folder:
        raise KeysError("VIGILAR_SECRETS_DIR names no folder of secrets: use the `vigilar` command")
    return Path(folder)


def _recovery() -> Path:
    return _storage().parent / "recovery"
