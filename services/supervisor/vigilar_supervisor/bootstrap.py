"""`vigilar init`: every key, token, password and broker file that is not there yet.

Nothing that exists is ever replaced, except the broker's user and ACL files, which follow the cameras.
Each service gets a folder of its own, so that a container can be given that folder and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets as random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from vigilar_common import broker
from vigilar_common.config.files import write_atomic
from vigilar_common.crypto import keys
from vigilar_common.signed_note import verifier_of
from vigilar_common.topics import SERVICES
from vigilar_common.topics_foreign import Prefixes

CAMERA_FOLDER = "cameras"
"""Camera workers' folders lie together: a container that runs several cameras is given this one."""

LEDGER_KEY_NAME = "vigilar-ledger"
"""By this name checkpoints of the ledger are signed."""

SCOPES: dict[str, tuple[str, ...]] = {
    "camera-worker": ("facts:write",),
    "scout": ("facts:write",),
    "detector": ("facts:write", "media:read"),  # `vigilar vehicles calibrate` looks at what was recorded
    "events": ("facts:write", "facts:read"),
    "alerts": ("facts:write", "facts:read", "push:read"),
    "sensors": ("facts:write",),
    "ups": ("facts:write",),
    "presence": ("facts:write",),
    "homeassistant": ("facts:write",),
    "offsite": ("facts:write", "facts:read", "state:read"),
    "health": ("facts:write", "state:read", "living:read"),
    "pets": ("facts:write", "living:read", "pet-vectors:read"),
    "visitors": ("facts:write", "faces:read", "face-vectors:read"),
    "highlights": ("facts:write", "facts:read", "media:read", "living:read"),
    "web": (
        *("facts:write", "media:read", "media:write", "state:read", "living:read", "faces:read"),
        *("settings:read", "settings:write", "accounts:read", "accounts:write"),
    ),
    "supervisor": ("facts:write", "state:read"),
}


@dataclass(frozen=True)
class SecretsLayout:
    """Where each service's secrets lie below `root`."""

    root: Path

    def folder(self, service: str) -> Path:
        if service.startswith(broker.CAMERA_PREFIX):
            return self.root / CAMERA_FOLDER / service
        return self.root / service

    @property
    def broker_passwords(self) -> Path:
        return self.root / "broker" / "passwd"

    @property
    def broker_acl(self) -> Path:
        return self.root / "broker" / "acl"

    def broker_password(self, user: str) -> str:
        return (self.folder(user) / "broker_password").read_text("utf-8").strip()


def make_secrets(
    root: Path, camera_ids: Iterable[str], prefixes: Prefixes = broker.DEFAULT_PREFIXES
) -> list[str]:
    """Make what is missing below `root`; returns the names of what was made. Raises OSError, VigilarError."""
    cameras = sorted(camera_ids)
    layout = SecretsLayout(root)
    made: list[str] = []
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for user in broker.users(cameras):
        _random_line(layout.folder(user) / "broker_password", made)
    _storage_keys(layout, cameras, made)
    _backup_key(layout, made)
    _tokens(layout, cameras, made)
    ledger_keys(layout.folder("storage"), made)
    _shared_keys(layout, made)
    _vapid(layout.folder("alerts"), made)
    _ssh_key(layout.folder("offsite"), made)
    _broker_files(layout, cameras, prefixes, made)
    return made


def _folder(path: Path) -> Path:
    # `parents=True` would make the parents readable by others.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _write(path: Path, text: str, made: list[str], mode: int = 0o600) -> None:
    _folder(path.parent)
    write_atomic(path, text, mode)
    made.append(f"{path.parent.name}/{path.name}")


def _random_line(path: Path, made: list[str]) -> None:
    if not path.exists():
        _write(path, random.token_urlsafe(32) + "\n", made)


def _storage_keys(layout: SecretsLayout, cameras: list[str], made: list[str]) -> None:
    """The pair that opens recordings, the owner's recovery pair, and the public halves for the workers."""
    master = layout.folder("storage") / "storage.key"
    # Made before the pair: where the pair's public half is, a missing key was lost, and a new one opens nothing.
    if not master.exists() and not (layout.folder("storage") / "storage_public.pem").exists():
        _folder(master.parent)
        keys.write_master_key(master)
        made.append("storage/storage.key")
    for owner in ("storage", "recovery"):
        public = _public_half(_folder(layout.folder(owner)), owner, made)
        for camera in cameras:
            target = _folder(layout.folder(broker.CAMERA_PREFIX + camera)) / f"{owner}_public.pem"
            if not target.exists():
                keys.write_public_key(target, public)


def _public_half(folder: Path, owner: str, made: list[str]) -> X25519PublicKey:
    """Of the owner's pair, which is made when there is none at all. Raises KeyFileError, OSError.

    Where only the public half is left, the private one was lost or taken away on purpose. It is not made anew: a
    new one would open nothing that is sealed to the old pair. Storage says so when it misses its own.
    """
    private, public = folder / f"{owner}_private.pem", folder / f"{owner}_public.pem"
    if public.exists():
        return keys.load_public_key(public)
    if not private.exists():
        keys.write_private_key(private, X25519PrivateKey.generate())
        made.append(f"{owner}/{private.name}")
    half = keys.load_private_key(private).public_key()
    keys.write_public_key(public, half)
    return half


def ledger_keys(folder: Path, made: list[str]) -> None:
    """The Ed25519 pair that signs checkpoints of the ledger; the public half is a C2SP verifier key.

    As with recordings, a lost private half is not made anew: who holds the verifier key would see another signer.
    """
    private_path, public_path = folder / "ledger_private.pem", folder / "ledger_public.txt"
    if public_path.exists():
        return
    if not private_path.exists():
        pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(private_path, pem.decode(), made)
    key = serialization.load_pem_private_key(private_path.read_bytes(), None)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise keys.KeyFileError(f"{private_path}: is of another type, must be Ed25519")
    _write(public_path, f"{verifier_of(LEDGER_KEY_NAME, key)}\n", made, 0o644)


def _backup_key(layout: SecretsLayout, made: list[str]) -> None:
    """Backups are encrypted to storage's `backup_recipient.txt`; what opens them is the owner's, to be kept elsewhere.

    Where only the recipient is left, its owner took the identity away as advised: none is made anew.
    """
    recipient = layout.folder("storage") / "backup_recipient.txt"
    identity = layout.folder("recovery") / "backup_age.txt"
    if recipient.exists():
        return
    from pyrage import x25519

    if identity.exists():
        lines = identity.read_text("utf-8").splitlines()
        key = x25519.Identity.from_str(
            next(line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-"))
        )
    else:
        key = x25519.Identity.generate()
        text = f"# Opens the backups of Vigilar. Keep it away from this machine.\n# public key: {key.to_public()}\n{key}\n"
        _write(identity, text, made)
    _write(recipient, f"{key.to_public()}\n", made)


def _tokens(layout: SecretsLayout, cameras: list[str], made: list[str]) -> None:
    """A bearer token per service; storage gets only their hashes and scopes."""
    known: dict[str, dict[str, object]] = {}
    names = [name for name in SERVICES if name not in ("storage", "camera-worker")]
    for service in [*names, *(broker.CAMERA_PREFIX + camera for camera in cameras)]:
        path = layout.folder(service) / "storage_token"
        _random_line(path, made)
        role = "camera-worker" if service.startswith(broker.CAMERA_PREFIX) else service
        digest = hashlib.sha256(path.read_text("utf-8").strip().encode()).hexdigest()
        known[digest] = {"service": service, "scopes": list(SCOPES[role])}
    target = layout.folder("storage") / "tokens.json"
    text = json.dumps(known, indent=1, sort_keys=True) + "\n"
    if not target.exists() or target.read_text("utf-8") != text:
        _write(target, text, made)


def _shared_keys(layout: SecretsLayout, made: list[str]) -> None:
    for name, holders in (
        ("media_key", ("alerts", "web")),
        ("session_key", ("web",)),
        ("face_key", ("visitors",)),
    ):
        paths = [layout.folder(holder) / name for holder in holders]
        existing = [path.read_text("utf-8") for path in paths if path.exists()]
        text = existing[0] if existing else os.urandom(32).hex() + "\n"
        for path in paths:
            if not path.exists():
                _write(path, text, made)


def _vapid(folder: Path, made: list[str]) -> None:
    """Web Push keys (RFC 8292): P-256, the public half as an uncompressed point in base64url."""
    private_path, public_path = folder / "vapid_private.pem", folder / "vapid_public.txt"
    if not private_path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(private_path, pem.decode(), made)
        public_path.unlink(missing_ok=True)
    if not public_path.exists():
        loaded = serialization.load_pem_private_key(private_path.read_bytes(), None)
        point = loaded.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        _write(public_path, base64.urlsafe_b64encode(point).rstrip(b"=").decode() + "\n", made, 0o644)


def _ssh_key(folder: Path, made: list[str]) -> None:
    """The pair that logs in at an SFTP target; its owner enters the public half there."""
    private_path, public_path = folder / "ssh_key", folder / "ssh_public.txt"
    if not private_path.exists():
        pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        _write(private_path, pem.decode(), made)
        public_path.unlink(missing_ok=True)
    if not public_path.exists():
        key = serialization.load_ssh_private_key(private_path.read_bytes(), None)
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        _write(public_path, f"{public.decode()} vigilar-offsite\n", made, 0o644)


def _broker_files(layout: SecretsLayout, cameras: list[str], prefixes: Prefixes, made: list[str]) -> None:
    """Mosquitto's user and ACL files; rewritten only when the users changed, for the hashes are salted."""
    users = broker.users(cameras)
    passwd = layout.broker_passwords
    passwords = {user: layout.broker_password(user) for user in users}
    if not passwd.exists() or not _same_users(passwd, passwords):
        _write(passwd, "".join(broker.password_line(u, p) + "\n" for u, p in passwords.items()), made)
    acl = broker.acl(cameras, prefixes)
    if not layout.broker_acl.exists() or layout.broker_acl.read_text("utf-8") != acl:
        _write(layout.broker_acl, acl, made)


def _same_users(passwd: Path, passwords: dict[str, str]) -> bool:
    lines = dict(line.split(":", 1) for line in passwd.read_text("utf-8").splitlines() if ":" in line)
    return lines.keys() == passwords.keys() and all(
        broker.password_matches(lines[user], password) for user, password in passwords.items()
    )
