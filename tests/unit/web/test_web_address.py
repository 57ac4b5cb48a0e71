"""The trusted address: what the certificate vouches for, what is handed out of the authority, and what never is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vigilar_common.testing import FakeClock
from vigilar_supervisor.certificate import make_certificate
from vigilar_web.templates_trust import DEVICES, device_of


@pytest.fixture(name="house")
def _house(home: Any, tmp_path: Path) -> Any:
    make_certificate(tmp_path, "House", ["192.168.1.10"], FakeClock())
    web = tmp_path / "web"
    home.parts.settings = replace(
        home.parts.settings, tls_cert=str(web / "cert.pem"), tls_key=str(web / "key.pem")
    )
    return home


def test_the_address_tells_names_and_the_fingerprint_of_the_authority(house: Any) -> None:
    told = house.get("/api/v1/address").json()
    assert "192.168.1.10" in told["names"]
    assert told["own_authority"]
    assert len(told["fingerprint"].split(":")) == 32


def test_without_tls_there_is_nothing_to_install(home: Any) -> None:
    assert home.get("/api/v1/address").json()["tls"] is False
    assert home.get("/vigilar-house.crt").status_code == 404
    assert "not encrypted" in home.get("/trust").text


def test_the_certificate_of_another_is_not_handed_out_as_ours(house: Any, tmp_path: Path) -> None:
    (tmp_path / "web" / "ca.pem").unlink()
    told = house.get("/api/v1/address").json()
    assert (told["own_authority"], told["fingerprint"]) == (False, "")
    assert house.get("/vigilar-house.crt").status_code == 404


def test_the_authority_is_downloaded_without_signing_in_and_holds_no_key(house: Any) -> None:
    answer = house.get("/vigilar-house.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert "BEGIN CERTIFICATE" in answer.text
    assert "KEY" not in answer.text


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "ios"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9)", "android"),
        ("Mozilla/5.0 (Windows NT 10.0)", "desktop"),
        ("", "desktop"),
    ],
)
def test_the_page_opens_with_the_way_of_the_device_and_tells_all(house: Any, agent: str, device: str) -> None:
    text = house.get("/trust", headers={"User-Agent": agent}).text
    assert device_of(agent) == device
    assert text.index(f"<details open><summary>{DEVICES[device][0]}") > 0
    assert all(f"<summary>{heading}" in text for heading, _ in DEVICES.values())


def test_a_code_leads_to_the_instructions_and_to_nothing_else(house: Any) -> None:
    answer = house.get("/api/v1/address/code.svg", params={"to": "https://192.168.1.10:49735"})
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg")
    for wrong in ("javascript:alert(1)", "https://a/b", "https://a b", "ftp://a", "", "https://" + "a" * 300):
        assert house.get("/api/v1/address/code.svg", params={"to": wrong}).status_code == 422, wrong


def test_a_certificate_that_cannot_be_read_is_told(house: Any, tmp_path: Path) -> None:
    (tmp_path / "web" / "cert.pem").write_text("nonsense")
    assert house.get("/api/v1/address").status_code == 503
    assert house.get("/trust").status_code == 503
