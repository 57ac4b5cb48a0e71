"""The application itself: who gets its pages and files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any


def test_the_application_and_its_files_are_served_to_who_is_logged_in(home: Any) -> None:
    home.build_frontend()
    for path in ("/", "/events", "/cameras/front"):
        response = home.get(path)
        assert response.text == "<!doctype html><title>app</title>"
        assert response.headers["cache-control"] == "no-cache"
    asset = home.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
    assert asset.text == "let a"
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/javascript")
    packed = home.run(_raw(home, "/assets/index-abc.js"))
    assert packed == (b"packed", "gzip")


async def _raw(home: Any, path: str) -> tuple[bytes, str]:
    async with home.client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        return b"".join([chunk async for chunk in response.aiter_raw()]), response.headers["content-encoding"]


def test_before_login_only_what_a_browser_needs_to_install_the_app_is_served(web: Any) -> None:
    web.build_frontend()
    for path in ("/sw.js", "/manifest.webmanifest", "/icons/icon.svg", "/login.css"):
        assert web.get(path).status_code == 200, path
    assert web.get("/assets/index-abc.js").status_code == 401
    assert web.get("/index.html").status_code == 303


def test_without_a_built_frontend_a_page_says_what_to_do(home: Any) -> None:
    response = home.get("/")
    assert response.status_code == 503
    assert "make web" in response.text


def test_only_what_stands_in_the_frame_word_for_word_may_be_inline(home: Any) -> None:
    home.build_frontend()
    style = "p{color:red}"
    (home.folder / "static" / "index.html").write_text(f"<style>{style}</style><script>let a</script>")
    policy = home.get("/").headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}';" in policy
    assert policy.count("sha256-") == 2
    assert "unsafe" not in policy
    assert "sha256-" not in home.get("/api/v1/session").headers["content-security-policy"]
    assert "sha256-" not in home.get("/login").headers["content-security-policy"]


def test_the_code_of_a_page_is_named_with_the_frame(home: Any) -> None:
    home.build_frontend()
    (home.folder / "static" / "preload.json").write_text(
        json.dumps({"events": ["/assets/e.js", "/assets/x.js"], "cameras/*": ["/assets/c.js"]})
    )
    assert "link" not in home.get("/").headers
    assert home.get("/events?day=1").headers["link"].count('rel="modulepreload"') == 2
    assert "</assets/c.js>" in home.get("/cameras/front").headers["link"]
    assert home.get("/preload.json").text == home.get("/").text, "it is no address of its own"


def test_a_page_begins_with_one_answer(home: Any) -> None:
    begun = home.get("/api/v1/start").json()
    assert begun["session"]["csrf"] == home.get("/api/v1/session").json()["csrf"]
    assert begun["cameras"] == home.get("/api/v1/cameras").json()["items"]
    assert begun["alarm"] is None
    assert begun["health"] is None


def test_long_answers_are_packed_for_who_unpacks_them_and_short_ones_are_not(home: Any) -> None:
    rows = [
        {"id": f"{n:08}-0000-7000-8000-000000000000", "type": "motion", "title": "Motion" * 9}
        for n in range(40)
    ]
    home.storage.answers["/v1/events"] = {"items": rows, "next": None}

    async def raw(path: str, encoding: str) -> tuple[bytes, Any]:
        async with home.client.stream("GET", path, headers={"Accept-Encoding": encoding}) as response:
            return b"".join([chunk async for chunk in response.aiter_raw()]), response.headers

    plain, _ = home.run(raw("/api/v1/events", "identity"))
    packed, headers = home.run(raw("/api/v1/events", "gzip, br"))
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(packed) < len(plain) / 4
    assert "Accept-Encoding" in headers["vary"]
    assert gzip.decompress(packed) == plain
    short, headers = home.run(raw("/api/v1/session", "gzip"))
    assert "content-encoding" not in headers
    assert json.loads(short)["user"]
