"""A self-signed certificate, so that the web page is HTTPS from the first minute."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from vigilar_common.clock import SystemClock
from vigilar_common.config.files import write_atomic

VALID_DAYS = 3650


def make_certificate(folder: Path, common_name: str) -> list[str]:
    """ECDSA P-256, 3650 days, as the operator guide says; `cert.pem` and `key.pem` in `folder` unless both exist."""
    certificate_path, key_path = folder / "cert.pem", folder / "key.pem"
    if certificate_path.exists() and key_path.exists():
        return []
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    now = datetime.datetime.fromtimestamp(SystemClock().now_ms() / 1000, datetime.UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("vigilar.local"),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomic(key_path, pem.decode(), 0o600)
    write_atomic(certificate_path, certificate.public_bytes(serialization.Encoding.PEM).decode(), 0o644)
    return ["web/cert.pem", "web/key.pem"]
