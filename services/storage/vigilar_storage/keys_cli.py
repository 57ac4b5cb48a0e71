"""`vigilar keys`: what keys there are, a new pair for recordings, the owner's recovery key.

Runs where the secrets are made (`vigilar init`): it writes into the folders of storage and of the camera workers.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vigilar_common.errors import VigilarError

PRIVATE, PUBLIC = "storage_private.pem", "storage_public.pem"
NEXT = "storage_next.pem"
RECOVERY_PRIVATE, RECOVERY_PUBLIC = "recovery_private.pem", "recovery_public.pem"


class KeysError(VigilarError):
    """What was asked for cannot be done, and why."""


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("keys", help="list and rotate the keys of recordings, export the recovery key")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="ids, kinds and states; no key is shown")
    listing.set_defaults(func=_list)
    rotate = actions.add_parser("rotate", help="make a new pair; the old one only opens from then on")
    rotate.set_defaults(func=_rotate)
    export = actions.add_parser("export-recovery", help="copy the owner's recovery key to a file")
    export.add_argument(
        "file", type=Path, metavar="FILE", help="a new file, 0600; keep it away from this host"
    )
    export.add_argument("--remove", action="store_true", help="then remove the key from this host")
    export.set_defaults(func=_export)
    for child in (listing, rotate, export):
        child.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml (default $VIGILAR_CONFIG)")


def _list(_: argparse.Namespace) -> int:
    from vigilar_common.crypto.keys import (
        load_master_key,
        load_private_key,
        load_public_key,
        master_key_id,
        public_key_id,
    )

    from vigilar_storage.keys import RETIRED_KEYS
    from vigilar_storage.ledger.signing import PRIVATE_KEY, PUBLIC_KEY, load_verifier

    storage, recovery = _storage(), _recovery()
    rows: list[tuple[str, str, str]] = []
    if (storage / PRIVATE).exists():
        rows.append(
            (public_key_id(load_private_key(storage / PRIVATE).public_key()).hex(), "sealing", "active")
        )
    for path in sorted(storage.glob(RETIRED_KEYS)):
        key_id = public_key_id(load_private_key(path).public_key()).hex()
        if all(key_id != known for known, _, _ in rows):
            rows.append((key_id, "sealing", "decrypt-only"))
    if (storage / "storage.key").exists():
        rows.append((master_key_id(load_master_key(storage / "storage.key")).hex(), "storage.key", "active"))
    if (recovery / RECOVERY_PUBLIC).exists():
        where = "on this host" if (recovery / RECOVERY_PRIVATE).exists() else "kept elsewhere"
        rows.append((public_key_id(load_public_key(recovery / RECOVERY_PUBLIC)).hex(), "recovery", where))
    if (storage / PUBLIC_KEY).exists():
        signs = "active" if (storage / PRIVATE_KEY).exists() else "private half missing"
        rows.append((load_verifier(storage / PUBLIC_KEY).key_hash.hex(), "ledger", signs))
    if not rows:
        raise KeysError(f"there are no keys in {storage}: run `vigilar init`")
    for key_id, kind, state in rows:
        sys.stdout.write(f"{key_id:<16}  {kind:<11}  {state}\n")
    return 0


def _rotate(_: argparse.Namespace) -> int:
    """Each step leaves a state that opens every recording; a rotation that was cut off is finished, not repeated."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from vigilar_common.crypto.keys import (
        load_private_key,
        load_public_key,
        public_key_hex,
        public_key_id,
        sync_folder,
        write_private_key,
    )

    storage = _storage()
    active = load_private_key(storage / PRIVATE)
    old_id = public_key_id(active.public_key()).hex()
    told = public_key_id(load_public_key(storage / PUBLIC)).hex()
    if told == old_id:
        retired = storage / f"storage_private_{old_id}.pem"
        if not retired.exists():
            write_private_key(retired, active)
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
        f"{len(workers)} camera workers have the new public key. Restart storage first, then the camera workers:\n"
        "until then they use the old one. Make a backup: it must hold the new key.\n"
    )
    return 0


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
