"""Logging in, staying logged in, and being kept out."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from vigilar_common.passwords import hash_password
from vigilar_common.testing import FakeClock
from vigilar_web.limiter import ALL_TRIES, CLIENT_TRIES, client_key
from vigilar_web.sessions import COOKIE, MAX_SESSIONS

BASE = "http://house.lan:49735"


@pytest.fixture
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are tested here, not scrypt."""
    monkeypatch.setattr(
        "vigilar_web.login.verify_password", lambda password, _: password == "correct horse battery"
    )


def test_the_right_password_opens_and_sets_a_guarded_cookie(web: Any) -> None:
    response = web.login()
    assert response.status_code == 303
    assert response.headers["location"] == "/"
    cookie = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == "3600"
    assert not cookie["secure"]
    session = web.get("/api/v1/session").json()
    assert session["user"] == "admin"
    assert session["name"] == "Our <House>"
    assert session["timezone"] == "Europe/Vienna"
    assert session["expires_ms"] == web.clock.now_ms() + 3_600_000


def test_over_tls_the_cookie_is_secure_and_hsts_is_sent(web: Any) -> None:
    web.change(tls_cert="/c", tls_key="/k")
    client = web.browser("https://house.lan:49735")
    form = {"username": "admin", "password": "correct horse battery"}
    response = web.ask("POST", "/login", client, data=form, headers={"Origin": "https://house.lan:49735"})
    assert SimpleCookie(response.headers["set-cookie"])[COOKIE]["secure"]
    assert "max-age=" in response.headers["strict-transport-security"]
    plain = web.ask("POST", "/login", client, data=form, headers={"Origin": "http://house.lan:49735"})
    assert plain.status_code == 403, "a page of the unencrypted port is another site"


def test_a_wrong_password_or_name_says_so_in_a_page_that_works_without_scripts(web: Any) -> None:
    for response in (web.login("wrong"), web.login(username="<root>")):
        assert response.status_code == 401
        assert "User name or password is wrong." in response.text
        assert "Our &lt;House&gt;" in response.text
        assert re.findall("<script[^>]*>", response.text) == ['<script src="/login.js" defer>']
        assert "<root>" not in response.text
        assert 'role="alert"' in response.text
        assert "set-cookie" not in response.headers
    assert web.get("/api/v1/session").status_code == 401


@pytest.mark.usefixtures("quick_hash")
def test_after_five_wrong_tries_the_right_password_has_to_wait(web: Any) -> None:
    for _ in range(CLIENT_TRIES):
        assert web.login("wrong").status_code == 401
    refused = web.login()
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    assert "60 seconds" in refused.text
    other = web.browser(address="192.0.2.99")
    assert web.login(client=other).status_code == 303, "another address is not held up"
    web.clock.advance(60)
    assert web.login().status_code == 303


def test_the_limit_is_asked_before_the_password_is_hashed(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def verify(password: str, _: str) -> bool:
        hashed.append(password)
        return False

    monkeypatch.setattr("vigilar_web.login.verify_password", verify)
    for _ in range(CLIENT_TRIES + 10):
        web.login("wrong")
    assert len(hashed) == CLIENT_TRIES


@pytest.mark.usefixtures("quick_hash")
def test_the_limit_survives_a_restart_and_forwarded_addresses_do_not_lift_it(
    new_web: Callable[..., Any],
) -> None:
    clock = FakeClock()
    before = new_web("same", clock=clock)
    for number in range(CLIENT_TRIES):
        headers = {
            "Origin": BASE,
            "X-Forwarded-For": f"198.51.100.{number}",
            "Forwarded": f"for=198.51.100.{number}",
        }
        form = {"username": "admin", "password": "wrong"}
        assert before.ask("POST", "/login", data=form, headers=headers).status_code == 401
    after = new_web("same", clock=clock)
    assert after.login().status_code == 429


@pytest.mark.usefixtures("quick_hash")
def test_many_addresses_together_are_limited_but_the_owners_own_is_not(web: Any) -> None:
    owner = web.browser(address="192.0.2.1")
    assert web.login(client=owner).status_code == 303
    refused = 0
    for number in range(ALL_TRIES + 10):
        attacker = web.browser(address=f"198.51.100.{number}")
        refused += web.login("wrong", client=attacker).status_code == 429
    assert refused >= 10
    assert web.login(client=owner).status_code == 303


@pytest.mark.usefixtures("quick_hash")
def test_a_clock_that_jumps_back_locks_nobody_out(web: Any) -> None:
    for _ in range(CLIENT_TRIES):
        web.login("wrong")
    web.clock.jump_wall(-86_400)
    assert int(web.login().headers["retry-after"]) <= 60


def test_addresses_of_one_household_share_a_limit() -> None:
    assert client_key("2001:db8:1:2:3:4:5:6") == client_key("2001:db8:1:2::1")
    assert client_key("2001:db8:1:3::1") != client_key("2001:db8:1:2::1")
    assert client_key("::ffff:192.0.2.1") == client_key("192.0.2.1")
    assert client_key("fe80::1%eth0") == client_key("fe80::2")
    assert client_key("no address") == "unknown"


def test_a_session_planted_before_login_is_worth_nothing_afterwards(web: Any) -> None:
    web.client.cookies.set(COOKIE, "planted-by-somebody")
    web.login()
    new = web.client.cookies.get(COOKIE, domain="house.lan") or ""
    assert new
    assert new != "planted-by-somebody"
    thief = web.browser()
    thief.cookies.set(COOKIE, "planted-by-somebody")
    assert web.ask("GET", "/api/v1/session", thief).status_code == 401


def test_logging_in_again_replaces_the_old_session(home: Any) -> None:
    old = dict(home.client.cookies)[COOKIE]
    home.login()
    thief = home.browser()
    thief.cookies.set(COOKIE, old)
    assert home.ask("GET", "/api/v1/session", thief).status_code == 401


def test_logout_ends_the_session_on_the_server_too(home: Any) -> None:
    old = dict(home.client.cookies)[COOKIE]
    response = home.send("POST", "/api/v1/logout")
    assert response.status_code == 204
    assert "Max-Age=0" in response.headers["set-cookie"]
    thief = home.browser()
    thief.cookies.set(COOKIE, old)
    assert home.ask("GET", "/api/v1/session", thief).status_code == 401


def test_an_idle_session_ends_and_a_used_one_does_not(home: Any) -> None:
    for _ in range(3):
        home.clock.advance(3_000)
        renewed = home.get("/api/v1/session")
        assert renewed.status_code == 200
        assert "Max-Age=3600" in renewed.headers["set-cookie"]
    home.clock.advance(3_601)
    assert home.get("/api/v1/session").status_code == 401


def test_what_a_page_fetches_by_itself_does_not_keep_a_session_alive(home: Any) -> None:
    for _ in range(4):
        home.clock.advance(1_000)
        home.get("/api/v1/cameras")
    assert home.get("/api/v1/cameras").status_code == 401


def test_a_new_password_ends_all_sessions(home: Any) -> None:
    home.change(password_hash=hash_password("another password"))
    assert home.get("/api/v1/session").status_code == 401


def test_sessions_survive_a_restart_but_their_ids_are_not_on_disk(new_web: Callable[..., Any]) -> None:
    clock = FakeClock()
    before = new_web("same", clock=clock)
    before.login()
    token = before.client.cookies[COOKIE]
    after = new_web("same", clock=clock)
    after.client.cookies.set(COOKIE, token)
    assert after.get("/api/v1/session").status_code == 200
    for file in after.folder.glob("web.db*"):
        assert token.encode() not in file.read_bytes()
    assert (after.folder / "web.db").stat().st_mode & 0o077 == 0


def test_the_number_of_sessions_is_bounded_and_the_oldest_goes_first(web: Any) -> None:
    tokens = []
    for _ in range(MAX_SESSIONS + 1):
        tokens.append(web.parts.sessions.open("owner"))
        web.clock.advance(1)
    assert len(web.parts.sessions) == MAX_SESSIONS
    assert web.parts.sessions.find(tokens[0]) is None
    assert web.parts.sessions.find(tokens[1]) is not None


def test_a_damaged_session_file_costs_a_login_and_no_more(new_web: Callable[..., Any], tmp_path: Any) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "web.db").write_bytes(b"this is no database" * 100)
    web = new_web("bad")
    assert web.login().status_code == 303
    assert (tmp_path / "bad" / "web.damaged").exists()


def test_a_form_that_is_no_form_is_refused(web: Any) -> None:
    for content, kind in (
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"a=1", ""),
    ):
        response = web.ask("POST", "/login", content=content, headers={"Content-Type": kind, "Origin": BASE})
        assert response.status_code in (401, 422)
    huge = "&".join(f"a{n}=1" for n in range(100))
    kind = "application/x-www-form-urlencoded"
    assert web.ask("POST", "/login", content=huge, headers={"Content-Type": kind}).status_code == 422


# -- the first password ---------------------------------------------------------------------------------


@pytest.fixture
def fresh(new_web: Callable[..., Any]) -> Any:
    """No password is set; storage takes one."""
    web = new_web(password="")
    web.token = web.parts.setup_token.new()
    web.storage.answers["/v1/settings"] = {"revision": "r1"}
    return web


def set_up(web: Any, **form: str) -> Any:
    data = {"token": web.token, "password": "a new password", "repeat": "a new password", **form}
    return web.ask("POST", "/setup", data=data, headers={"Origin": BASE})


def test_without_a_password_only_the_set_up_page_is_served(fresh: Any, error: Any) -> None:
    fresh.build_frontend()
    assert fresh.get("/").headers["location"] == "/setup"
    assert fresh.get("/login").headers["location"] == "/setup"
    assert fresh.login().headers["location"] == "/setup"
    assert error(fresh.get("/api/v1/cameras")) == "setup_needed"
    locked = fresh.get("/setup")
    assert locked.status_code == 403
    assert "<form" not in locked.text
    assert fresh.get("/setup?token=wrong").status_code == 403
    assert fresh.get(f"/setup?token={fresh.token}").status_code == 200


def test_the_set_up_page_stores_a_hash_through_storage_and_the_token_is_used_up(fresh: Any) -> None:
    response = set_up(fresh)
    assert response.status_code == 200
    assert "You can log in now" in response.text
    put = fresh.storage.requests[-1]
    assert put.method == "PUT"
    assert b"a new password" not in put.content
    assert b'"revision":"r1"' in put.content.replace(b" ", b"")
    assert not fresh.parts.setup_token.fits(fresh.token)
    assert fresh.login("a new password").status_code == 303
    assert fresh.get(f"/setup?token={fresh.token}").headers["location"] == "/login"


def test_a_bad_first_password_or_token_changes_nothing(fresh: Any) -> None:
    assert "not the same" in set_up(fresh, repeat="something else").text
    assert "8 characters" in set_up(fresh, password="short", repeat="short").text
    assert set_up(fresh, token="guess").status_code == 403
    fresh.storage.down = True
    response = set_up(fresh)
    assert response.status_code == 503
    assert "could not be saved" in response.text
    assert not fresh.parts.settings.password_hash
    assert not [request for request in fresh.storage.requests if request.method == "PUT"]


def test_guessing_the_set_up_token_is_limited(fresh: Any) -> None:
    codes = [set_up(fresh, token="guess").status_code for _ in range(CLIENT_TRIES + 1)]
    assert codes == [403] * CLIENT_TRIES + [429]
