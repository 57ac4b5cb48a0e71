"""The key pair that signs checkpoints, and what a signed checkpoint must be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vigilar_common.crypto.keys import KeyFileError
from vigilar_common.signed_note import (
    Checkpoint,
    NoteError,
    Verifier,
    checkpoint_text,
    parse_checkpoint,
    parse_verifier,
    sign_note,
    verify_note,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_KEY = "ledger_private.pem"
PUBLIC_KEY = "ledger_public.txt"
MAX_KEY_BYTES = 4096


@dataclass(frozen=True)
class Signer:
    """Signs by the name of its verifier key."""

    verifier: Verifier
    key: Ed25519PrivateKey

    def sign(self, checkpoint: Checkpoint) -> str:
        """The note."""
        text = checkpoint_text(checkpoint.origin, checkpoint.size, checkpoint.root)
        return sign_note(text, self.verifier.name, self.key)


def origin_of(database_uuid: str) -> str:
    return f"vigilar/{database_uuid}"


def load_signer(folder: Path) -> Signer:
    """From the folder of secrets. Raises KeyFileError naming the file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = folder / PRIVATE_KEY
    try:
        key = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError):
        # The cause is left out on purpose: its text could quote key material.
        raise KeyFileError(f"ledger key {path}: is no private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"ledger key {path}: is of another type, must be Ed25519")
    verifier = load_verifier(folder / PUBLIC_KEY)
    if verifier.public_key != key.public_key().public_bytes_raw():
        raise KeyFileError(f"ledger key {path}: {PUBLIC_KEY} beside it is of another key")
    return Signer(verifier, key)


def load_verifier(path: Path) -> Verifier:
    """The C2SP verifier key in a file. Raises KeyFileError."""
    try:
        return parse_verifier(_read(path).decode("ascii"))
    except (NoteError, ValueError) as error:
        raise KeyFileError(f"ledger key {path}: {error}") from error


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """What a note says, once its signature fits. Raises NoteError."""
    return parse_checkpoint(verify_note(note, verifier))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise KeyFileError(f"ledger key {path}: cannot be read: {error.strerror}") from error
