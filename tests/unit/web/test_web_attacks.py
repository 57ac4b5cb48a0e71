"""Attack classes 2 and 7 to 10 against every route, made from the application: a new route is attacked from its first day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from vigilar_web.policy import SAFE_METHODS, Access, Role, kind_of
from vigilar_web.sessions import COOKIE
from web_corpora import CANARY, CLIMBS, FOREIGN, MARKUP, SHORT_CLIMBS, SIMPLE_TYPES, in_query
from web_people import BASE, ROUTES, add_account, filled, sign_in

T = TypeVar("T")
SECRET = "secret"
JSON = "application/json"
UNSAFE = [
    (method, route)
    for route in ROUTES
    if isinstance(route, APIRoute)
    for method in sorted((route.methods or set()) - set(SAFE_METHODS))
]
READING = [route for route in ROUTES if isinstance(route, APIRoute) and "GET" in (route.methods or ())]
SOCKETS = [route for route in ROUTES if isinstance(route, APIWebSocketRoute)]
WITH_PARAMETER = [route for route in READING if "{" in route.path]


@pytest.fixture
def house(web: Any) -> Any:
    """An admin is signed in, pages are built, and beside them lies what nobody may read."""
    web.build_frontend()
    account = add_account(web, "ann", role=Role.ADMIN)
    sign_in(web, account)
    web.parts.closing.set()
    web.parts.stream.join = web.parts.hls.playlist = refuse
    return web


FEW = pytest.param(True, id="few")
ALL = pytest.param(False, id="all", marks=pytest.mark.slow)
"""All of the corpus for every route is slow; the few go round, so that each of them meets some routes."""


def some(corpus: Sequence[T], at: int, few: bool, count: int = 2) -> Sequence[T]:
    return [corpus[(at + step * 5) % len(corpus)] for step in range(count)] if few else corpus


def refuse(*_: Any) -> Any:
    from vigilar_web.errors import ApiError

    raise ApiError(503, "busy", "let in")


def csrf_of(web: Any) -> str:
    return str(web.parts.sessions.find(web.client.cookies.get(COOKIE, "")).csrf)


@pytest.mark.parametrize("few", [FEW, ALL])
def test_every_route_that_changes_something_refuses_other_sites(house: Any, few: bool) -> None:
    """× foreign origin or fetch site: with a valid session, token and type, so that each guard alone must hold."""
    published, asked = len(house.bus.published), len(house.storage.requests)
    own = {"X-CSRF-Token": csrf_of(house)}
    through = []
    for at, (method, route) in enumerate(UNSAFE):
        if kind_of(route.endpoint) is Access.SIGNED:
            continue  # no cookie counts there: the signature is in the body
        form = kind_of(route.endpoint) is not Access.SESSION and not route.path.startswith("/api/")
        for headers in some(FOREIGN, at, few):
            sent = {"Content-Type": "application/x-www-form-urlencoded" if form else JSON, **own, **headers}
            answer = house.ask(method, filled(route.path), headers=sent, content="" if form else "{}")
            if answer.status_code != 403 or answer.json()["error"]["code"] != "csrf":
                through.append(f"{method} {route.path} {headers}: {answer.status_code}")
    assert through == []
    assert len(house.bus.published) == published
    assert len(house.storage.requests) == asked


@pytest.mark.parametrize("few", [FEW, ALL])
def test_every_route_that_changes_something_wants_token_and_json(house: Any, few: bool) -> None:
    published, asked = len(house.bus.published), len(house.storage.requests)
    own = csrf_of(house)
    lacking = [{"Content-Type": JSON}, {"Content-Type": JSON, "X-CSRF-Token": own[:-1] + "~"}]
    lacking += [{"Content-Type": JSON, "X-CSRF-Token": "é" * 20}]
    lacking += [{"Content-Type": kind, "X-CSRF-Token": own} for kind in SIMPLE_TYPES]
    through = []
    for at, (method, route) in enumerate(UNSAFE):
        if kind_of(route.endpoint) is not Access.SESSION:
            continue
        for headers in some(lacking, at, few):
            raw = [(name.encode(), value.encode()) for name, value in {"Origin": BASE, **headers}.items()]
            answer = house.ask(method, filled(route.path), headers=raw, content="{}")
            if answer.status_code != 403 or answer.json()["error"]["code"] != "csrf":
                through.append(f"{method} {route.path} {headers}: {answer.status_code}")
    assert through == []
    assert len(house.bus.published) == published
    assert len(house.storage.requests) == asked


def test_sign_in_takes_no_form_of_another_site(web: Any) -> None:
    """Whoever could sign a browser in as somebody else would read what its owner then types."""
    for method, route in UNSAFE:
        if kind_of(route.endpoint) is not Access.FORM or not route.path.startswith("/api/"):
            continue
        for kind in SIMPLE_TYPES:
            answer = web.ask(method, route.path, headers={"Origin": BASE, "Content-Type": kind}, content="{}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf"), (route.path, kind)


def climb(web: Any, climbs: Sequence[str], few: bool) -> list[str]:
    """Each in the place of each parameter of each path, and after the folders of static files."""
    found = []
    for at, route in enumerate(WITH_PARAMETER):
        takes_path = ":path" in route.path
        for parameter in re.findall(r"\{[^}]+\}", route.path):
            for text in some(climbs, at, few and not takes_path, 6):
                path = "/".join(
                    text if piece == parameter else filled(piece) if piece else piece
                    for piece in route.path.split("/")
                )
                before = len(web.storage.requests)
                answer = web.get(path)
                found += faults(web, answer, before, f"{route.path} ← {text}")
    return found


def faults(web: Any, answer: Any, before: int, what: str) -> list[str]:
    found = []
    body = answer.content
    if b"root:" in body or body.strip() == SECRET.encode() or b"-----BEGIN" in body:
        found.append(f"{what}: handed out")
    if answer.status_code >= 500 and answer.status_code != 503:
        found.append(f"{what}: {answer.status_code}")
    if str(web.folder) in answer.text:
        found.append(f"{what}: tells a path of the machine")
    for request in web.storage.requests[before:]:
        raw = request.url.raw_path.decode().partition("?")[0]
        if ".." in unquote(unquote(raw)).replace("\\", "/").split("/") or "\0" in unquote(raw):
            found.append(f"{what}: storage was asked for {raw}")
    return found


@pytest.mark.parametrize("few", [FEW, ALL])
def test_no_path_climbs_out_of_its_folder(house: Any, few: bool) -> None:
    deep = (
        *SHORT_CLIMBS,
        *CLIMBS,
        *(f"{text}.js" for text in CLIMBS),
        *(f"index-abc.js/{text}" for text in CLIMBS),
    )
    assert climb(house, SHORT_CLIMBS if few else deep, few) == []


def questions(route: APIRoute) -> list[str]:
    """The names of its query parameters."""
    found = [field.alias for field in route.dependant.query_params]
    for inner in route.dependant.dependencies:
        found += [field.alias for field in inner.query_params]
    return found


@pytest.mark.parametrize("few", [FEW, ALL])
def test_markup_in_any_parameter_comes_back_as_text_or_not_at_all(house: Any, few: bool) -> None:
    """Reflected: what a link can carry. No answer that a browser would show as a page holds it as markup."""
    wrong = []
    for at, route in enumerate(READING):
        asked = [(name, f"{filled(route.path)}?{name}=") for name in questions(route)]
        if "{" in route.path:
            head, _, rest = route.path.partition("{")
            asked.append(("path", filled(head + "\0" + rest.partition("}")[2]).replace("\0", "")))
        for name, start in asked:
            for markup in some(MARKUP, at, few):
                answer = house.get(start + in_query(markup))
                kind = answer.headers.get("content-type", "")
                if answer.headers.get("x-content-type-options") != "nosniff":
                    wrong.append(f"{route.path} {name}: may be sniffed")
                if "html" in kind and re.search(
                    rf"<[^>]*(?:onerror|onload|<script|iframe)[^>]*>?{CANARY}", answer.text
                ):
                    wrong.append(f"{route.path} {name}: {markup}")
                if any(CANARY in value and "\n" in value for value in answer.headers.values()):
                    wrong.append(f"{route.path} {name}: header")
    assert wrong == []


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_forms_and_names_is_escaped_in_the_pages_before_login(new_web: Any, markup: str) -> None:
    web = new_web()
    web.change(system_name=markup)
    for path in ("/login", "/trust", "/setup", "/invite?token=x", "/login?language=de"):
        safe(web.get(path).text)
    form = {"username": markup, "password": "x", "next": markup}
    answer = web.ask("POST", "/login", data=form, headers={"Origin": BASE})
    assert answer.status_code in (401, 429)
    safe(answer.text)
    answer = web.ask(
        "POST", "/login/code", data={"next": markup, "pending": markup}, headers={"Origin": BASE}
    )
    safe(answer.text)


def safe(text: str) -> None:
    for dangerous in ("<img src=x", "<svg/onload", "<script>canary", "<iframe", "<math>", "<a href='data:"):
        assert dangerous not in text
    assert not re.search(r'(?:href|src|action)="javascript:', text)


def test_no_answer_gives_another_site_permission_or_lets_a_page_run_what_it_does_not_bring_along(
    house: Any,
) -> None:
    for route in READING:
        answer = house.get(
            filled(route.path), headers={"Origin": "https://evil.example", "Accept-Encoding": "identity"}
        )
        assert [name for name in answer.headers if name.startswith("access-control-")] == [], route.path
        assert answer.headers["cross-origin-resource-policy"] == "same-origin", route.path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, route.path
        for source in ("script-src", "connect-src", "form-action", "base-uri", "frame-ancestors"):
            assert f"{source} " in policy, route.path
        for wide in ("unsafe", "http", "*"):
            assert wide not in policy, route.path


WAYS_OUT = (
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "javascript:canary()",
    "http:evil.example", "///evil.example", "/ /evil.example", "\t//evil.example", "https:/evil.example", "/\n//evil.example",
)  # fmt: skip


def test_signing_in_leads_to_this_house_only(web: Any, house: Any) -> None:
    for way in WAYS_OUT:
        there = house.get(f"/login?next={in_query(way)}").headers["location"]
        assert re.match(r"/(?![/\\])", there), way
        shown = web.browser()
        assert not re.search(
            r'value="(?!/(?![/\\]))',
            web.ask("GET", f"/login?next={in_query(way)}", shown).text.split("username")[0],
        )
