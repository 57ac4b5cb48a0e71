"""The certificate of the web page, signed by an authority of this house alone.

A phone that was told to trust the authority (docs/guide/phones.md) trusts the page: notifications and the installed app
need that. The authority may vouch for names and addresses inside a house only (RFC 5280 name constraints), so that
whoever steals its key can pretend to be this house and not a bank. Its key stays in `secrets/ca`, which no service reads.
"""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
import socket
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.files import write_atomic
from vigilar_common.config.web import INSIDE_NAMES, INSIDE_NETWORKS

log = logging.getLogger(__name__)

AUTHORITY_DAYS = 3650
VALID_DAYS = 397
"""Of the page's certificate. Apple's systems take no more than 825."""
RENEW_DAYS = 60
"""So long before it ends it is made anew."""
BACKDATED_HOURS = 1
ALWAYS = ("vigilar.local", "localhost", "127.0.0.1", "::1")
SELF_SIGNED_NAMES = frozenset(("vigilar.local", "localhost", "127.0.0.1"))
"""By these we know a certificate of ours from before there was an authority."""
PUBLIC_NAME = "ca.pem"


def make_certificate(
    root: Path, common_name: str, names: Iterable[str] = (), clock: Clock | None = None
) -> list[str]:
    """Authority (`ca`) and the page's certificate (`web`) below the folder of the secrets, where they are missing.

    The certificate is made anew when it lacks one of ``names`` or soon ends. One that this authority did not sign is
    its owner's and is left alone. Raises OSError, ValueError for files that are no keys.
    """
    clock = clock or SystemClock()
    authority, web = root / "ca", root / "web"
    present = _present(web / "cert.pem")
    if present is not None and (web / "key.pem").exists() and not _ours(present, authority):
        return []
    made: list[str] = []
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (authority, web):
        folder.mkdir(mode=0o700, exist_ok=True)
    key = _key(authority / "ca_key.pem", made)
    top = _present(authority / PUBLIC_NAME)
    if top is None or _ends_soon(top, clock):
        top = _authority(key, common_name, clock)
        write_atomic(authority / PUBLIC_NAME, _pem(top), 0o644)
        made.append(f"ca/{PUBLIC_NAME}")
    if not (web / PUBLIC_NAME).exists() or (web / PUBLIC_NAME).read_text("ascii") != _pem(top):
        write_atomic(web / PUBLIC_NAME, _pem(top), 0o644)
    wanted = _vouched(dict.fromkeys((*ALWAYS, *_own_names(), *names)), top)
    page_key = _key(web / "key.pem", made)
    current = present is not None and _signed(present, top) and names_of(present) >= set(wanted)
    if present is None or not current or _ends_soon(present, clock):
        write_atomic(web / "cert.pem", _pem(_leaf(page_key, wanted, key, top, clock)), 0o644)
        made.append("web/cert.pem")
    return made


def names_of(certificate: x509.Certificate) -> set[str]:
    """Host names and addresses as text."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {
        *found.get_values_for_type(x509.DNSName),
        *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    }


def _present(path: Path) -> x509.Certificate | None:
    """Raises ValueError for a file that holds no certificate."""
    return x509.load_pem_x509_certificate(path.read_bytes()) if path.exists() else None


def _ours(certificate: x509.Certificate, authority: Path) -> bool:
    top = _present(authority / PUBLIC_NAME)
    if top is not None:
        return certificate.issuer == top.subject
    return certificate.issuer == certificate.subject and names_of(certificate) == SELF_SIGNED_NAMES


def _signed(certificate: x509.Certificate, top: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(top)
    except (ValueError, TypeError) as error:
        log.debug("the certificate is of another authority: %s", error)
        return False
    except Exception as error:  # the library's InvalidSignature is no ValueError
        log.debug("the certificate is of another authority: %s", type(error).__name__)
        return False
    return True


def _ends_soon(certificate: x509.Certificate, clock: Clock) -> bool:
    return certificate.not_valid_after_utc - _now(clock) < datetime.timedelta(days=RENEW_DAYS)


def _now(clock: Clock) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(clock.now_ms() / 1000, datetime.UTC)


def _own_names() -> tuple[str, ...]:
    """What this host calls itself; a container's name means nothing to anybody."""
    name = socket.gethostname().split(".")[0].lower()
    if "VIGILAR_SERVICE" in os.environ or not name.replace("-", "").isalnum():
        return ()
    return (name, f"{name}.local")


def _vouched(names: Iterable[str], top: x509.Certificate) -> list[str]:
    """Those that this authority may vouch for; the others need a certificate of the world's."""
    allowed = top.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
    good = [name for name in names if any(_below(name, one) for one in allowed)]
    for name in names:
        if name not in good:
            log.warning("%s is no name inside a house: the certificate does not hold it", name)
    return good


def _below(name: str, subtree: x509.GeneralName) -> bool:
    if isinstance(subtree, x509.DNSName):
        return name == subtree.value or name.endswith(f".{subtree.value}")
    try:
        return ipaddress.ip_address(name) in subtree.value
    except (ValueError, TypeError):
        return False


def _key(path: Path, made: list[str]) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{path}: is of another type, must be ECDSA")
        return loaded
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomic(path, pem.decode(), 0o600)
    made.append(f"{path.parent.name}/{path.name}")
    return key


def _authority(key: ec.EllipticCurvePrivateKey, common_name: str, clock: Clock) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{common_name[:40]} (this house)")])
    subtrees: list[x509.GeneralName] = [x509.DNSName(text) for text in (*INSIDE_NAMES, *_own_names()[:1])]
    subtrees += [x509.IPAddress(network) for network in INSIDE_NETWORKS]
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _builder(name, name, key, AUTHORITY_DAYS, clock)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(subtrees, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    signer: ec.EllipticCurvePrivateKey,
    top: x509.Certificate,
    clock: Clock,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ALWAYS[0])])
    return (
        _builder(subject, top.subject, key, VALID_DAYS, clock)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, clock: Clock
) -> x509.CertificateBuilder:
    now = _now(clock)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=BACKDATED_HOURS))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
