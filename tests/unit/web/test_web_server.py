"""Listening, the certificate's files, and what is wrong with them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from vigilar_common.errors import StartupError
from vigilar_web.server import listen
from vigilar_web.tls import Certificate


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(StartupError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_a_certificate_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with pytest.raises(StartupError, match=r"cert\.pem.*No such file"):
        Certificate(cert, key)
    cert.write_text("no certificate")
    key.write_text("no key")
    with pytest.raises(StartupError, match=r"cert\.pem.*cannot be used"):
        Certificate(cert, key)
