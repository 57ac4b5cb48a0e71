"""Links to pictures in notifications."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from vigilar_common.signed_urls import VALID_MS, media_key, sign_picture, verify_picture

KEY, NOW = bytes(range(32)), 1_750_000_000_000


def _parts(link: str) -> tuple[str, str, str]:
    url = urlsplit(link)
    query = parse_qs(url.query, strict_parsing=True)
    return url.path.removeprefix("/media/p/"), query["e"][0], query["s"][0]


def test_a_link_opens_its_picture_for_ten_minutes_and_no_longer() -> None:
    picture, expires, signature = _parts(sign_picture(KEY, str(uuid4()), NOW))
    assert int(expires) == NOW + 600_000
    for at_ms, valid in (
        (NOW, True),
        (NOW + VALID_MS - 1, True),
        (NOW + VALID_MS, False),
        (NOW - 120_000, False),
    ):
        assert verify_picture(KEY, picture, expires, signature, at_ms) is valid


def test_no_part_of_a_link_can_be_changed() -> None:
    picture, expires, signature = _parts(sign_picture(KEY, str(uuid4()), NOW))
    for bad in (
        (str(uuid4()), expires, signature),
        (picture, str(int(expires) + 1), signature),
        (picture, "0" + expires, signature),
        (picture, expires, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        (picture, expires, signature.upper()),
        (picture, expires, ""),
        (picture, "", signature),
        (picture, expires + "x", signature),
        ("../" + picture, expires, signature),
        (picture.upper(), expires, signature),
    ):
        assert not verify_picture(KEY, *bad, NOW)
    assert not verify_picture(bytes(32), picture, expires, signature, NOW)


def test_a_key_is_32_bytes_of_hexadecimal_and_never_repeated() -> None:
    assert media_key(KEY.hex()) == KEY
    for bad in ("", "zz", "00" * 31, "secret key that is no hex"):
        with pytest.raises(ValueError) as caught:
            media_key(bad)
        assert not bad or bad not in str(caught.value)


def test_an_id_that_is_none_cannot_be_signed() -> None:
    with pytest.raises(ValueError):
        sign_picture(KEY, "../../etc/passwd", NOW)
