"""The authority of the house and the page's certificate: what they vouch for, and when they are made anew."""

from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from vigilar_common.testing import FakeClock
from vigilar_supervisor.certificate import RENEW_DAYS, VALID_DAYS, make_certificate, names_of

DAY_S = 86_400


def page(root: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((root / "web" / "cert.pem").read_bytes())


def test_a_second_run_changes_nothing_and_keys_are_for_their_owner(tmp_path: Path) -> None:
    clock = FakeClock()
    assert make_certificate(tmp_path, "House", (), clock) == [
        "ca/ca_key.pem",
        "ca/ca.pem",
        "web/key.pem",
        "web/cert.pem",
    ]
    assert make_certificate(tmp_path, "House", (), clock) == []
    for name in ("ca/ca_key.pem", "web/key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "web").iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        tmp_path / "web/cert.pem", tmp_path / "web/key.pem"
    )


def test_who_trusts_the_authority_trusts_the_page_under_its_names_alone(tmp_path: Path) -> None:
    make_certificate(tmp_path, "House", ["192.168.1.10", "nas.lan"], FakeClock())
    top = x509.load_pem_x509_certificate((tmp_path / "web" / "ca.pem").read_bytes())
    assert {"192.168.1.10", "nas.lan", "vigilar.local", "127.0.0.1"} <= names_of(page(tmp_path))
    page(tmp_path).verify_directly_issued_by(top)
    assert page(tmp_path).not_valid_after_utc - page(tmp_path).not_valid_before_utc < datetime.timedelta(
        days=398
    )


def test_the_authority_may_vouch_for_nothing_outside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_certificate(tmp_path, "House", ["bank.example.com", "8.8.8.8"], FakeClock())
    assert not names_of(page(tmp_path)) & {"bank.example.com", "8.8.8.8"}
    assert "bank.example.com" in caplog.text
    top = x509.load_pem_x509_certificate((tmp_path / "ca" / "ca.pem").read_bytes())
    limits = top.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert limits.value.permitted_subtrees


def test_a_new_name_makes_a_new_certificate_of_the_same_authority_and_key(tmp_path: Path) -> None:
    clock = FakeClock()
    make_certificate(tmp_path, "House", (), clock)
    top, key = (tmp_path / "ca/ca.pem").read_bytes(), (tmp_path / "web/key.pem").read_bytes()
    assert make_certificate(tmp_path, "House", ["10.0.0.4"], clock) == ["web/cert.pem"]
    assert "10.0.0.4" in names_of(page(tmp_path))
    assert (top, key) == ((tmp_path / "ca/ca.pem").read_bytes(), (tmp_path / "web/key.pem").read_bytes())


def test_it_is_made_anew_before_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    make_certificate(tmp_path, "House", (), clock)
    clock.advance((VALID_DAYS - RENEW_DAYS - 1) * DAY_S)
    assert make_certificate(tmp_path, "House", (), clock) == []
    clock.advance(2 * DAY_S)
    assert make_certificate(tmp_path, "House", (), clock) == ["web/cert.pem"]


def self_signed(folder: Path, *names: str) -> bytes:
    """As `vigilar init` made it before there was an authority, or as an owner may have made it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(text) for text in names]
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder.mkdir(parents=True)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    secret = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*secret))
    return pem


def test_an_owners_certificate_is_left_alone(tmp_path: Path) -> None:
    pem = self_signed(tmp_path / "web", "cameras.example.org")
    assert make_certificate(tmp_path, "House", ["10.0.0.4"], FakeClock()) == []
    assert (tmp_path / "web" / "cert.pem").read_bytes() == pem
    assert not (tmp_path / "ca").exists()
