"""Who may call what: every route, logged in or not, from here or from another site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from vigilar_web.gate import Access, gate, safe_next
from vigilar_web.headers import HEADERS
from vigilar_web.middleware import Shell
from web_people import ROUTES, UUID, filled

BASE = "http://house.lan:49735"


def http_cases(*kinds: Access) -> list[tuple[str, str]]:
    return [
        (method, filled(route.path))
        for route in ROUTES
        if isinstance(route, APIRoute) and access_of(route) in kinds
        for method in sorted(route.methods or ())
    ]


def access_of(route: Any) -> Access:
    kind = route.endpoint.__vigilar_access__
    assert isinstance(kind, Access)
    return kind


def test_every_route_is_behind_the_gate_and_declares_its_access(web: Any) -> None:
    served = [route for route in web.api.router.routes if getattr(route, "path", "") != ""]
    assert len(served) >= 35
    for route in served:
        assert isinstance(route, APIRoute | APIWebSocketRoute), f"{route} is no route that the gate can guard"
        assert gate in [dependant.call for dependant in route.dependant.dependencies], route.path
        assert access_of(route), route.path


def test_public_routes_are_a_short_known_list() -> None:
    """Whoever makes a route reachable without a login has to change this list."""
    open_routes = {
        route.path
        for route in ROUTES
        if access_of(route) not in (Access.SESSION, Access.PAGE, Access.PAGE_FORM)
    }
    assert open_routes == {
        "/login", "/setup", "/login.css", "/sw.js", "/manifest.webmanifest", "/icons/{name}", "/media/p/{picture_id}",
        "/trust", "/vigilar-house.crt", "/api/v1/notification-actions", "/login/code", "/login.js", "/invite", "/api/v1/sign-in",
        "/api/v1/sign-in/passkey", "/api/v1/sign-in/passkey/challenge",
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path"), http_cases(Access.SESSION))
def test_without_a_session_every_api_route_answers_401(web: Any, error: Any, method: str, path: str) -> None:
    response = web.ask(method, path, headers={"Origin": BASE})
    assert response.status_code == 401, response.text
    assert error(response) == "not_logged_in"
    assert not web.storage.requests
    assert not web.bus.published


FAULTS: tuple[dict[str, str | None], ...] = (
    {"X-CSRF-Token": ""},
    {"X-CSRF-Token": "0" * 64},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://house.lan:49736"},
    {"Origin": "http://house.lan.evil.example:49735"},
    {"Origin": "file://house.lan:49735"},
    {"Origin": None},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
)


@pytest.mark.parametrize(
    ("method", "path"), [case for case in http_cases(Access.SESSION) if case[0] not in ("GET", "HEAD")]
)
def test_an_unsafe_request_that_is_not_our_pages_is_refused(
    home: Any, error: Any, method: str, path: str
) -> None:
    csrf = home.get("/api/v1/session").json()["csrf"]
    right: dict[str, str | None] = {
        "Origin": BASE, "X-CSRF-Token": csrf, "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin",
    }  # fmt: skip
    for fault in FAULTS:
        sent = {name: value for name, value in (right | fault).items() if value is not None}
        response = home.ask(method, path, content="{}", headers=sent)
        assert response.status_code == 403, fault
        assert error(response) == "csrf"
    assert not home.bus.published
    assert home.get("/api/v1/session").status_code == 200, "the session must have survived"


@pytest.mark.parametrize("path", ["/", "/events", "/cameras/front", "/a/b?c=d"])
def test_without_a_session_pages_lead_to_the_login_and_back(web: Any, path: str) -> None:
    web.build_frontend()
    response = web.get(path)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/login?next=%2F")
    assert "app" not in response.text


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\/evil.example", "javascript:alert(1)", "",
        "/\tevil", "/ evil", "evil", "///evil.example", "/" + "a" * 600, "/é", "/\r\nSet-Cookie: a=b",
    ],
)  # fmt: skip
def test_the_way_back_never_leads_to_another_site(web: Any, wanted: str) -> None:
    assert safe_next(wanted) == "/"
    page = web.get("/login", params={"next": wanted})
    assert '<input type="hidden" name="next" value="/">' in page.text


def test_the_way_back_leads_where_one_wanted_to_go(web: Any) -> None:
    assert web.login(next="/events?camera=front").headers["location"] == "/events?camera=front"


def test_a_login_form_from_another_site_is_refused(web: Any, error: Any) -> None:
    form = {"username": "admin", "password": "correct horse battery"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = web.ask("POST", "/login", data=form, headers=headers)
        assert response.status_code == 403
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../secret.txt", "/assets/%2e%2e/secret.txt", "/assets/..%2fsecret.txt", "/assets/..%5csecret.txt",
        "/assets//etc/passwd", "/assets/%2fetc%2fpasswd", "/assets/index-abc.js%00.png", "/assets/.", "/assets/",
        "/assets/....//secret.txt", "/assets/link.js", "/icons/..%2f..%2fsecret.txt", "/icons/%2e%2e",
        "/hls/front/..%2fsecret.txt", "/hls/front/%2e%2e%2f%2e%2e%2fsecret.txt", "/hls/front/..%5c..%5csecret.txt",
        "/hls/%2e%2e/secret.txt", "/hls/front/seg-1.m4s", "/hls/front/init-1.mp4%00", "/hls/front/.", "/hls/front/",
        "/hls/nobody/index.m3u8", "/hls/front/index.m3u8.bak", "/hls/front//etc/passwd",
        "/api/v1/recordings/..%2f..%2fsettings/content", "/api/v1/recordings/%2e%2e/content",
        f"/api/v1/recordings/{UUID}%2f..%2fx", f"/api/v1/recordings/{UUID.upper()}", "/api/v1/pictures/x.jpg",
        "/api/v1/events/1%20or%201=1", "/api/v1/cameras/..%2ffront/snapshot.jpg", "/media/p/..%2fx", "/api/", "/api/v2",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_reaches_a_file_or_another_part_of_storage(
    home: Any, error: Any, path: str
) -> None:
    home.build_frontend()
    (home.folder / "hls" / "front").mkdir(parents=True)
    (home.folder / "hls" / "secret.txt").write_text("secret")
    response = home.get(path)
    assert "secret" not in response.text
    if "/../" in path or path.endswith(
        "s/."
    ):  # the client itself folds these, as browsers do: an unknown page is the application
        assert response.text == "<!doctype html><title>app</title>"
    else:
        assert response.status_code == 404, response.text
        assert error(response) == "not_found"
    assert not [r for r in home.storage.requests if "settings" in r.url.path]


def test_a_route_that_forgot_its_access_is_refused(home: Any, error: Any) -> None:
    from vigilar_web.gate import guarded_router

    router = guarded_router()

    @router.get("/api/v1/forgotten")
    async def forgotten() -> dict[str, str]:
        return {"secret": "x"}

    home.api.router.routes.insert(0, router.routes[0])
    response = home.get("/api/v1/forgotten")
    assert response.status_code == 403
    assert error(response) == "forbidden"


def test_an_answer_that_did_not_pass_the_gate_is_held_back(home: Any, error: Any) -> None:
    @home.api.get("/outside")  # type: ignore[untyped-decorator]
    async def outside() -> dict[str, str]:
        return {"secret": "x"}

    home.api.router.routes.insert(0, home.api.router.routes.pop())
    response = home.get("/outside")
    assert response.status_code == 403
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "path",
    ["/login", "/", "/nowhere", "/api/v1/session", "/api/nowhere", "/login.css", "/setup", "/media/p/x"],
)
def test_every_answer_has_the_security_headers(home: Any, path: str) -> None:
    response = home.get(path)
    for name in HEADERS:
        assert response.headers.get(name), name
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in response.headers
    if path.startswith("/api/"):
        assert response.headers["cache-control"] == "no-store"


def test_errors_are_json_of_one_shape_and_tell_no_secrets(home: Any, error: Any) -> None:
    assert error(home.get("/api/v1/nothing")) == "not_found"
    assert error(home.send("POST", "/api/v1/nothing")) == "not_found"
    wrong_method = home.send("POST", "/api/v1/events")
    assert wrong_method.status_code == 405
    assert error(wrong_method) == "method_not_allowed"
    assert "GET" in wrong_method.headers["allow"]
    invalid = home.get("/api/v1/events?limit=100000")
    assert invalid.status_code == 422
    assert invalid.json()["error"]["field"] == "limit"


def test_a_crash_is_a_plain_500_with_the_reason_in_the_log_only(home: Any, error: Any, caplog: Any) -> None:
    def crash(_: Any) -> Any:
        raise KeyError("secret detail")

    home.storage.answers["/v1/events"] = crash
    response = home.get("/api/v1/events")
    assert response.status_code == 500
    assert error(response) == "internal"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert "secret detail" in caplog.text
    assert response.headers["x-request-id"] in caplog.text


def test_a_body_that_is_too_large_is_refused(home: Any, error: Any) -> None:
    response = home.send("POST", "/api/v1/alarm", {"action": "DISARM", "pin": "1" * 100_000})
    assert response.status_code == 413
    assert error(response) == "too_large"

    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    chunked = home.ask(
        "POST", "/login", content=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert chunked.status_code == 413


def test_the_live_socket_needs_a_session_and_our_own_origin(new_web: Callable[..., Any]) -> None:
    web = new_web()
    cookie = web.login().headers["set-cookie"].split(";")[0]

    def knock(
        origin: str | None, cookies: str, path: str = "/api/v1/cameras/front/live"
    ) -> list[dict[str, Any]]:
        headers = [(b"host", b"house.lan:49735"), (b"cookie", cookies.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
            "scheme": "ws", "client": ("192.0.2.7", 1), "server": ("house.lan", 49735), "subprotocols": [],
            "extensions": {"websocket.http.response": {}}, "root_path": "", "http_version": "1.1", "state": {},
        }  # fmt: skip
        inbox: list[dict[str, Any]] = [
            {"type": "websocket.connect"},
            {"type": "websocket.disconnect", "code": 1001},
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return inbox.pop(0) if inbox else {"type": "websocket.disconnect", "code": 1001}

        async def send(message: Any) -> None:
            sent.append(message)

        web.run(Shell(web.api, web.parts)(scope, receive, send))
        return sent

    assert knock(BASE, "")[0]["status"] == 401
    assert knock(BASE, "vigilar_session=forged")[0]["status"] == 401
    assert knock("http://evil.example", cookie)[0]["status"] == 403
    assert knock(None, cookie)[0]["status"] == 403
    assert knock(BASE, cookie, "/api/v1/cameras/nobody/live")[0]["status"] == 404
    assert not web.parts.live.watched
    assert knock(BASE, cookie)[0]["type"] == "websocket.accept"
    assert not web.parts.live.watched, "who has left is forgotten"
