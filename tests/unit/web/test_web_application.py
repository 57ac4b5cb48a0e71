"""The application itself: who gets its pages and files."""

from __future__ import annotations

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
