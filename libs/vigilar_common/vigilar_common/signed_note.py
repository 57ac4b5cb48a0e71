"""Signed notes and checkpoints as C2SP describes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), with Ed25519.

A note is text that ends in a newline, an empty line, and signature lines
`— <name> <base64(key hash 4 bytes ‖ signature 64 bytes)>`. A verifier key is `<name>+<key hash hex>+<base64(0x01 ‖ key)>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vigilar_common.errors import VigilarError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
DASH = "\u2014 "
MAX_NOTE_CHARS = 64 * 1024
MAX_SIGNATURES = 16


class NoteError(VigilarError):
    """A note, a verifier key or a checkpoint is malformed, or no signature of the key fits."""


@dataclass(frozen=True)
class Verifier:
    """A public key and the name it signs by."""

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """4 bytes that tell signatures of several keys apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        key = base64.b64encode(ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_hash.hex()}+{key}"


@dataclass(frozen=True)
class Checkpoint:
    """A tree's size and root, and the name of its log."""

    origin: str
    size: int
    root: bytes


def verifier_of(name: str, key: Ed25519PrivateKey | Ed25519PublicKey) -> Verifier:
    """`str()` of it is the verifier key. Raises NoteError on a name that may not be."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    _check_name(name)
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return Verifier(name, public.public_bytes_raw())


def parse_verifier(text: str) -> Verifier:
    """Of a verifier key. Raises NoteError."""
    # The base64 part may hold a plus too, so the first two count.
    name, _, rest = text.strip().partition("+")
    key_hash, _, encoded = rest.partition("+")
    _check_name(name)
    key = _base64(encoded, "verifier key")
    if len(key) != 33 or key[:1] != ED25519:
        raise NoteError("a verifier key is not one of Ed25519")
    verifier = Verifier(name, key[1:])
    if key_hash != verifier.key_hash.hex():
        raise NoteError("a verifier key does not fit its own key hash")
    return verifier


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """The note: `text` (ends in a newline) with one signature. Raises NoteError on text or name that may not be."""
    _check_text(text)
    verifier = verifier_of(name, private_key)
    signature = base64.b64encode(verifier.key_hash + private_key.sign(text.encode())).decode()
    return f"{text}\n{DASH}{name} {signature}\n"


def verify_note(note: str, verifier: Verifier | str) -> str:
    """The text, when a signature of this key fits; those of other keys are passed over. Raises NoteError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    verifier = parse_verifier(verifier) if isinstance(verifier, str) else verifier
    if len(note) > MAX_NOTE_CHARS:
        raise NoteError(f"a note has more than {MAX_NOTE_CHARS} characters")
    body, found, tail = note.rpartition("\n\n")
    text = body + "\n"
    if not found or not tail.endswith("\n"):
        raise NoteError("a note has no signatures")
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"a note has more than {MAX_SIGNATURES} signatures")
    verified = False
    for line in lines:
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH):
            raise NoteError("a signature line of a note is malformed")
        _check_name(name)
        signature = _base64(encoded, "signature of a note")
        if name != verifier.name or signature[:4] != verifier.key_hash:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.public_key).verify(signature[4:], text.encode())
        except InvalidSignature:
            raise NoteError(f"the signature of {verifier.name} does not fit the note") from None
        verified = True
    if not verified:
        raise NoteError(f"a note is not signed by {verifier.name} ({verifier.key_hash.hex()})")
    return text


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """What a checkpoint's note says."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Of a verified note's text; lines after the third are extensions and passed over. Raises NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise NoteError("a checkpoint has not its three lines")
    origin, size, encoded = lines[:3]
    # Only ASCII digits: others would be another spelling of the same size.
    if not (size.isascii() and size.isdigit()) or len(size) > 19 or (size[0] == "0" and size != "0"):
        raise NoteError("a checkpoint's size is not a number")
    root = _base64(encoded, "root of a checkpoint")
    if len(root) != 32:
        raise NoteError("a checkpoint's root is not 32 bytes long")
    return Checkpoint(origin, int(size), root)


def sign_checkpoint(checkpoint: Checkpoint, private_key: Ed25519PrivateKey) -> str:
    """The note, signed by the name of the log. Raises NoteError."""
    text = checkpoint_text(checkpoint.origin, checkpoint.size, checkpoint.root)
    return sign_note(text, checkpoint.origin, private_key)


def verify_checkpoint(note: str, verifier: Verifier | str) -> Checkpoint:
    """Raises NoteError when the note is not signed by this key, or is of another log than the key's name."""
    verifier = parse_verifier(verifier) if isinstance(verifier, str) else verifier
    checkpoint = parse_checkpoint(verify_note(note, verifier))
    if checkpoint.origin != verifier.name:
        raise NoteError(f"a checkpoint of {checkpoint.origin!r} is not one of {verifier.name!r}")
    return checkpoint


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"a {what} is not base64") from None


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise NoteError(f"{name!r} cannot be the name of a key: it is empty or holds a space or a plus")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise NoteError("a note's text does not end in a newline, or holds control characters")
