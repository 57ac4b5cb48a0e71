"""How the page is reached: what its certificate vouches for, and the authority of the house behind it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vigilar_web.settings import Settings

AUTHORITY_FILE = "ca.pem"
"""Beside the certificate, where `vigilar init --certificate` made both. Its key is not within this service's reach."""
MAX_PEM_BYTES = 65_536
ADDRESS = r"^https?://(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?$"


@dataclass(frozen=True)
class Address:
    tls: bool
    names: tuple[str, ...]
    """Host names and addresses in the certificate."""
    ends_ms: int
    own_authority: bool
    fingerprint: str
    """SHA-256 of the authority, `AB:CD:…`; empty without one."""
    page_url: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def address_of(settings: Settings) -> Address:
    """Reads two small files. Raises OSError or ValueError when the certificate cannot be read."""
    if not settings.tls:
        return Address(False, (), 0, False, "", settings.trusted_address)
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(_read(Path(settings.tls_cert)))
    names: tuple[str, ...] = ()
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = (str(one) for one in found.get_values_for_type(x509.IPAddress))
        names = (*found.get_values_for_type(x509.DNSName), *addresses)
    except x509.ExtensionNotFound:
        names = ()  # an old certificate, which browsers refuse
    top = authority(settings)
    own = top is not None and x509.load_pem_x509_certificate(top).subject == certificate.issuer
    ends_ms = int(certificate.not_valid_after_utc.timestamp() * 1000)
    fingerprint = _fingerprint(top) if own and top is not None else ""
    return Address(True, names, ends_ms, own, fingerprint, settings.trusted_address)


def authority(settings: Settings) -> bytes | None:
    """The authority's certificate as PEM; None where the page has a certificate of another. Raises OSError."""
    if not settings.tls:
        return None
    path = Path(settings.tls_cert).with_name(AUTHORITY_FILE)
    return _read(path) if path.is_file() else None


def qr_code(address: str) -> str:
    """An SVG that leads a phone to the page that tells how to trust this house. Raises ValueError."""
    if not re.fullmatch(ADDRESS, address):
        raise ValueError("this is no address of a page")
    import segno

    code = segno.make(f"{address}/trust", error="m", micro=False)
    return str(code.svg_inline(scale=4, border=3, dark="#000000", light="#ffffff"))


def _fingerprint(pem: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_PEM_BYTES)
