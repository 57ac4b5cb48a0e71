"""Accounts in the hands of people: sessions, passwords, second factor, tokens, links, and who may change whom."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from vigilar_common.messages.audit import Audited, AuditOutcome
from vigilar_web.accounts import totp
from vigilar_web.accounts.hashing import hash_secret, verify_secret
from vigilar_web.accounts.passkeys import Challenges, site_of
from vigilar_web.audit import device_words
from vigilar_web.errors import ApiError
from vigilar_web.limiter import ACCOUNT_TRIES, CODE_TRIES
from vigilar_web.policy import Role
from vigilar_web.sessions import COOKIE, RECENT_MS
from web_people import BASE, add_account, keep_accounts, sign_in

PASSWORD = "correct horse battery"
PHONE = "Mozilla/5.0 (Linux; Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


@pytest.fixture
def house(web: Any) -> Any:
    """The owner is signed in; storage keeps accounts."""
    keep_accounts(web)
    sign_in(web, web.parts.accounts.owner)
    return web


def json_form(web: Any, path: str, body: Any, client: Any = None) -> Any:
    return web.ask("POST", path, client, json=body, headers={"Origin": BASE})


def actions(web: Any) -> list[tuple[str, str]]:
    web.parts.audit.close()
    return [(entry.action, entry.outcome.value) for entry in web.facts.of(Audited)]


# -- sessions ---------------------------------------------------------------------------------------------


def test_sessions_are_listed_with_device_and_address_and_end_at_a_click(house: Any, error: Any) -> None:
    phone = house.browser(address="192.0.2.44")
    phone.headers["User-Agent"] = PHONE
    assert house.login(client=phone).status_code == 303
    here, there = sorted(house.get("/api/v1/me").json()["sessions"], key=lambda item: not item["this"])
    assert (there["device"], there["address"], there["this"]) == ("Firefox on Android", "192.0.2.44", False)
    assert here["this"]
    assert house.send("DELETE", f"/api/v1/me/sessions/{there['id']}").status_code == 204
    assert house.ask("GET", "/api/v1/session", phone).status_code == 401
    assert error(house.send("DELETE", f"/api/v1/me/sessions/{there['id']}")) == "not_found"


def test_nobody_ends_a_session_of_another_account(house: Any) -> None:
    guest = add_account(house, "guest")
    token = house.parts.sessions.open(guest.id)
    session = house.parts.sessions.find(token)
    assert house.send("DELETE", f"/api/v1/me/sessions/{session.digest[:24]}").status_code == 404
    assert house.parts.sessions.find(token) is session


def test_sign_out_everywhere_else_keeps_this_one(house: Any) -> None:
    others = [house.parts.sessions.open("owner") for _ in range(3)]
    assert house.send("DELETE", "/api/v1/me/sessions").json() == {"ended": 3}
    assert not any(map(house.parts.sessions.find, others))
    assert house.get("/api/v1/session").status_code == 200


def test_a_busy_session_ends_after_its_lifetime_too(house: Any) -> None:
    house.change(session_lifetime_s=7_200)
    for _ in range(4):
        house.clock.advance(1_790)
        assert house.get("/api/v1/session").status_code == 200
    house.clock.advance(100)
    assert house.get("/api/v1/session").status_code == 401


def test_a_session_that_ends_in_the_middle_is_made_anew_without_leaving_the_page(
    house: Any, error: Any
) -> None:
    before = house.get("/api/v1/session").json()["csrf"]
    house.clock.advance(3_601)
    sent = {"Origin": BASE, "X-CSRF-Token": before, "Content-Type": "application/json"}
    wish = {"camera_id": None, "duration_s": 600}
    assert error(house.ask("POST", "/api/v1/snoozes", json=wish, headers=sent)) == "not_logged_in"
    assert json_form(house, "/api/v1/sign-in", {"username": "admin", "password": PASSWORD}).json() == {}
    again = house.send("POST", "/api/v1/snoozes", wish)
    assert again.status_code == 503, "it went through to the alerts service, which is not there"


@pytest.mark.parametrize(
    ("agent", "words"),
    [(PHONE, "Firefox on Android"), ("curl/8.5", "curl"), ("", "unknown device"), ("<script>", "unknown device"),
     ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
      "Safari on iPhone"),
     ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows")],
)  # fmt: skip
def test_a_browser_is_named_in_words_and_never_quoted(agent: str, words: str) -> None:
    assert device_words(agent) == words


# -- passwords --------------------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_session_and_gives_this_one_a_new_id(house: Any) -> None:
    guest = add_account(house, "guest", role=Role.VIEWER)
    guest = set_password(house, guest, PASSWORD)
    other = house.parts.sessions.open(guest.id)
    sign_in(house, guest)
    before = house.client.cookies[COOKIE]
    wish = {"current": PASSWORD, "new": "another long one"}
    changed = house.send("POST", "/api/v1/me/password", wish)
    assert changed.status_code == 200
    assert house.parts.sessions.find(other) is None
    assert house.parts.sessions.find(before) is None
    house.client.cookies.clear()
    assert house.login("another long one", username="guest").status_code == 303
    assert house.login(PASSWORD, username="guest").status_code == 401
    assert "another long one" not in str(house.storage.requests[-1].content)


def set_password(web: Any, account: Any, password: str) -> Any:
    row = {"id": f"p-{account.name}", "kind": "password", "label": "", "proof": hash_secret(password), "detail": {},
           "created_ms": 1, "expires_ms": None}  # fmt: skip
    return add_account(web, account.name, role=account.role, account_id=account.id, credentials=[row])


def test_the_owners_password_goes_into_the_settings_as_the_guide_says(house: Any) -> None:
    house.storage.answers["/v1/settings"] = {"revision": "r1"}
    wish = {"current": PASSWORD, "new": "another long one"}
    assert house.send("POST", "/api/v1/me/password", wish).status_code == 200
    put = next(request for request in house.storage.requests if request.method == "PUT")
    assert re.search(rb'"password_hash": ?"[0-9a-f]{32}:[0-9a-f]{64}"', put.content)
    assert house.get("/api/v1/session").status_code == 200
    assert house.login("another long one").status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [("wrong", "another long one", "wrong_password"), (PASSWORD, "short", "bad_password")],
)
def test_a_password_is_not_changed_by_who_does_not_know_it_nor_to_a_weak_one(
    house: Any, error: Any, current: str, new: str, code: str
) -> None:
    assert error(house.send("POST", "/api/v1/me/password", {"current": current, "new": new})) == code
    assert house.get("/api/v1/session").status_code == 200


def test_guessing_the_password_of_an_open_session_is_limited(house: Any, error: Any, quick: Any) -> None:
    for _ in range(CODE_TRIES):
        assert error(house.send("POST", "/api/v1/me/confirm", {"password": "wrong"})) == "wrong_password"
    refused = house.send("POST", "/api/v1/me/confirm", {"password": PASSWORD})
    assert error(refused) == "too_many_tries"
    assert refused.json()["error"]["retry_after_s"] == 60


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilar_web.login.verify_password", lambda password, _: password == PASSWORD)
    monkeypatch.setattr(
        "vigilar_web.login.verify_secret", lambda password, stored: bool(stored) and password == PASSWORD
    )


@pytest.mark.usefixtures("quick")
def test_many_addresses_guess_one_account_no_faster_and_its_own_address_is_not_held_up(web: Any) -> None:
    guest = set_password(web, add_account(web, "guest"), PASSWORD)
    known = web.browser(address="192.0.2.1")
    assert web.login(username="guest", client=known).status_code == 303
    codes = [
        web.login("wrong", client=web.browser(address=f"198.51.100.{number}"), username="Guest ").status_code
        for number in range(ACCOUNT_TRIES + 3)
    ]
    assert codes == [401] * ACCOUNT_TRIES + [429] * 3
    assert web.login(username="guest", client=known).status_code == 303
    assert guest.id not in str(web.database.rows("SELECT client FROM login_tries"))


def test_argon2_hashes_verify_and_nothing_else_does() -> None:
    stored = hash_secret("ä long one")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_secret("ä long one", stored)
    assert not verify_secret("a long one", stored)
    for broken in ("", "x", "$argon2id$", stored[:-4], stored.replace("argon2id", "argon2i")):
        assert not verify_secret("ä long one", broken), broken
    with pytest.raises(ValueError, match="1 to 1024"):
        hash_secret("")


# -- what is dangerous ------------------------------------------------------------------------------------


def test_what_is_dangerous_asks_for_the_password_again_after_a_while(house: Any, error: Any) -> None:
    wish = {"name": "Ann", "role": "resident"}
    house.clock.advance(RECENT_MS / 1000)
    assert error(house.send("POST", "/api/v1/accounts", wish)) == "sign_in_again"
    assert house.send("POST", "/api/v1/me/confirm", {"password": PASSWORD}).status_code == 204
    assert house.send("POST", "/api/v1/accounts", wish).status_code == 201
    house.clock.jump_wall(-3_600)
    assert error(house.send("POST", "/api/v1/accounts", {"name": "Bob", "role": "viewer"})) == "sign_in_again"


# -- the second factor ------------------------------------------------------------------------------------

RFC_KEY = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_codes_are_those_of_the_standards_table(at_s: int, code: str) -> None:
    assert totp.code_at(RFC_KEY, at_s // 30, digits=8) == code
    assert totp.code_at(RFC_KEY, at_s // 30) == code[2:]


def test_a_code_counts_once_and_half_a_minute_either_way() -> None:
    now = 1_000_000
    for drift, right in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        found = totp.step_of(RFC_KEY, totp.code_at(RFC_KEY, now + drift), now * 30_000, 0)
        assert (found == now + drift) is right, drift
    code = totp.code_at(RFC_KEY, now)
    assert totp.step_of(RFC_KEY, f"{code[:3]} {code[3:]}", now * 30_000, 0) == now
    assert totp.step_of(RFC_KEY, code, now * 30_000, now) is None
    for bad in ("", "12345", "1234567", "१२३४५६", "abcdef"):
        assert totp.step_of(RFC_KEY, bad, now * 30_000, 0) is None


def test_a_sealed_secret_opens_for_its_account_and_key_alone() -> None:
    sealed = totp.seal(b"k" * 32, "a", RFC_KEY)
    assert RFC_KEY not in sealed
    assert totp.unseal(b"k" * 32, "a", sealed) == RFC_KEY
    for key, account, text in (
        (b"x" * 32, "a", sealed),
        (b"k" * 32, "b", sealed),
        (b"k" * 32, "a", sealed[:-8]),
        (b"k" * 32, "a", ""),
    ):
        assert totp.unseal(key, account, text) is None


def with_app(house: Any) -> tuple[str, list[str]]:
    """The secret of the owner's app, and the recovery codes."""
    begun = house.send("POST", "/api/v1/me/totp").json()
    code = totp.code_at(begun["secret"], house.clock.now_ms() // 30_000)
    enabled = house.send("POST", "/api/v1/me/totp/enable", {"sealed": begun["sealed"], "code": code})
    assert enabled.status_code == 200, enabled.text
    house.clock.advance(60)
    return begun["secret"], enabled.json()["recovery_codes"]


def test_an_app_is_added_with_its_first_code_and_then_asked_for_at_every_sign_in(house: Any) -> None:
    secret, codes = with_app(house)
    assert len(set(codes)) == 10
    assert all(secret not in str(request.content) for request in house.storage.requests)
    asked = house.login()
    assert asked.status_code == 200
    assert "set-cookie" not in asked.headers
    pending = re.search(r'name="pending" value="([^"]+)"', asked.text)[1]  # type: ignore[index]

    def enter(code: str) -> Any:
        form = {"pending": pending, "code": code, "next": "/events"}
        return house.ask("POST", "/login/code", data=form, headers={"Origin": BASE})

    assert enter("000000").status_code == 401
    right = totp.code_at(secret, house.clock.now_ms() // 30_000)
    done = enter(right)
    assert (done.status_code, done.headers["location"]) == (303, "/events")
    assert enter(right).status_code == 401, "a code counts once"
    assert enter(codes[0].upper().replace("-", " ")).status_code == 303
    assert enter(codes[0]).status_code == 401, "a recovery code counts once"
    assert house.get("/api/v1/me").json()["recovery_left"] == 9


def test_a_recovery_code_is_used_up_also_while_storage_is_down(house: Any) -> None:
    _, codes = with_app(house)
    house.storage.down = True
    for expected in (200, 401):
        pending = json_form(house, "/api/v1/sign-in", {"username": "admin", "password": PASSWORD}).json()[
            "pending"
        ]
        answer = json_form(house, "/api/v1/sign-in", {"pending": pending, "code": codes[3]})
        assert answer.status_code == expected


def test_codes_cannot_be_guessed_and_what_a_password_opened_does_not_last(house: Any) -> None:
    secret, _ = with_app(house)
    pending = json_form(house, "/api/v1/sign-in", {"username": "admin", "password": PASSWORD}).json()[
        "pending"
    ]
    for _ in range(CODE_TRIES):
        wrong = json_form(house, "/api/v1/sign-in", {"pending": pending, "code": "000000"})
        assert wrong.status_code == 401
    right = {"pending": pending, "code": totp.code_at(secret, house.clock.now_ms() // 30_000)}
    other = house.browser(address="198.51.100.9")
    assert json_form(house, "/api/v1/sign-in", right, other).status_code == 429, "from wherever"
    house.clock.advance(301)
    right["code"] = totp.code_at(secret, house.clock.now_ms() // 30_000)
    assert json_form(house, "/api/v1/sign-in", right).status_code == 401
    forged = pending.replace("owner", "guest")
    assert json_form(house, "/api/v1/sign-in", right | {"pending": forged}).status_code == 401


def test_an_app_whose_first_code_is_wrong_is_not_added(house: Any, error: Any) -> None:
    begun = house.send("POST", "/api/v1/me/totp").json()
    wish = {"sealed": begun["sealed"], "code": "000000"}
    assert error(house.send("POST", "/api/v1/me/totp/enable", wish)) == "wrong_code"
    assert error(house.send("POST", "/api/v1/me/totp/enable", wish | {"sealed": "x"})) == "wrong_code"
    assert not house.get("/api/v1/me").json()["totp"]
    assert begun["uri"].startswith("otpauth://totp/Our%20%3CHouse%3E%3Aadmin?secret=")
    assert set("".join(begun["square"])) == {"0", "1"}


def test_the_app_is_taken_away_again_with_its_codes(house: Any) -> None:
    with_app(house)
    assert house.send("DELETE", "/api/v1/me/totp").status_code == 204
    told = house.get("/api/v1/me").json()
    assert (told["totp"], told["recovery_left"]) == (False, 0)
    assert house.login().status_code == 303


# -- passkeys (the whole way: tests/e2e) --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "host", "expected"),
    [("https://home.example.org", "x", ("home.example.org", "https://home.example.org")),
     ("https://home.example.org:8443", "x", ("home.example.org", "https://home.example.org:8443")),
     ("", "localhost:49735", ("localhost", "http://localhost:49735")),
     ("", "192.0.2.1:49735", None), ("http://home.lan", "home.lan", None), ("https://192.0.2.1", "192.0.2.1", None),
     ("", "evil.example", None), ("", "localhost.evil.example", None)],
)  # fmt: skip
def test_passkeys_belong_to_the_trusted_address_alone(address: str, host: str, expected: Any) -> None:
    if expected is None:
        with pytest.raises(ApiError, match="trusted address"):
            site_of(address, host)
    else:
        site = site_of(address, host)
        assert (site.rp_id, site.origin) == expected


def test_a_challenge_is_answered_once_in_time_by_whom_it_was_made_for(house: Any) -> None:
    challenges = Challenges(house.clock)
    name, value = challenges.new("me")
    assert challenges.take(name, "me") == value
    again, _ = challenges.new("me")
    late, _ = challenges.new("me")
    for wrong, whose in ((name, "me"), (again, "you"), (again, "me"), ("x", "")):
        with pytest.raises(ApiError, match="too long"):
            challenges.take(wrong, whose)
    house.clock.advance(300)
    with pytest.raises(ApiError):
        challenges.take(late, "me")


def test_a_made_up_passkey_opens_nothing(house: Any, error: Any) -> None:
    house.change(trusted_address="https://home.example.org")
    asked = json_form(house, "/api/v1/sign-in/passkey/challenge", {}).json()
    answer = {"id": "x", "rawId": "x", "type": "public-key", "response": {}}
    wish = {"challenge_id": asked["challenge_id"], "credential": answer}
    refused = json_form(house, "/api/v1/sign-in/passkey", wish)
    assert (refused.status_code, error(refused)) == (401, "bad_passkey")
    assert error(json_form(house, "/api/v1/sign-in/passkey", wish)) == "stale_challenge"


# -- tokens -----------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_kept_as_a_hash_and_ends_at_once_when_revoked(house: Any, error: Any) -> None:
    made = house.send(
        "POST", "/api/v1/me/tokens", {"label": "Shelf", "scopes": ["read"], "cameras": ["front"], "days": 30}
    )
    assert made.status_code == 201
    token = made.json()["token"]
    assert all(token not in str(request.content) for request in house.storage.requests)
    for file in house.folder.glob("web.db*"):
        assert token.encode() not in file.read_bytes()
    robot = house.browser()
    robot.headers["Authorization"] = f"Bearer {token}"
    assert [item["id"] for item in house.ask("GET", "/api/v1/cameras", robot).json()["items"]] == ["front"]
    (listed,) = house.get("/api/v1/me").json()["tokens"]
    assert "token" not in listed
    assert listed["used_ms"] == house.clock.now_ms()
    assert house.send("DELETE", f"/api/v1/me/tokens/{listed['id']}").status_code == 204
    assert error(house.ask("GET", "/api/v1/cameras", robot)) == "bad_token"


@pytest.mark.parametrize(
    "wish", [{"scopes": []}, {"scopes": ["root"]}, {"cameras": ["nobody"]}, {"days": 0}, {"label": ""}]
)
def test_a_token_of_nonsense_is_not_made(house: Any, wish: dict[str, Any]) -> None:
    body = {"label": "Shelf", "scopes": ["read"]} | wish
    assert house.send("POST", "/api/v1/me/tokens", body).status_code == 422


# -- other people -----------------------------------------------------------------------------------------


def test_somebody_is_invited_chooses_a_password_once_and_is_signed_in_with_their_rights(house: Any) -> None:
    made = house.send(
        "POST", "/api/v1/accounts", {"name": "Ann <3"[:3], "role": "viewer", "cameras": ["front"]}
    ).json()
    token = made["invite"].partition("token=")[2]
    assert token not in str([request.content for request in house.storage.requests])
    ann = house.browser(address="192.0.2.50")
    assert "Welcome, Ann" in house.ask("GET", made["invite"], ann).text
    form = {"token": token, "password": "a long password", "repeat": "a long password"}

    def accept(**changed: str) -> Any:
        return house.ask("POST", "/invite", ann, data=form | changed, headers={"Origin": BASE})

    assert accept(repeat="different").status_code == 422
    assert accept(password="short", repeat="short").status_code == 422
    assert accept().status_code == 200
    assert accept().status_code == 403, "once"
    assert house.login("a long password", client=ann, username="ann").status_code == 303
    told = house.ask("GET", "/api/v1/session", ann).json()
    assert (told["user"], told["role"], told["all_cameras"]) == ("Ann", "viewer", False)


def test_a_link_that_is_over_or_made_up_opens_nothing(house: Any) -> None:
    made = house.send("POST", "/api/v1/accounts", {"name": "Ann", "role": "viewer"}).json()
    house.clock.advance(3 * 86_400)
    assert house.get(made["invite"]).status_code == 403
    assert house.get("/invite?token=x").status_code == 403
    assert house.get("/invite").status_code == 403


def test_rights_are_changed_as_a_whole_and_a_change_of_yesterdays_page_is_refused(
    house: Any, error: Any
) -> None:
    made = house.send("POST", "/api/v1/accounts", {"name": "Ann", "role": "viewer"}).json()
    change = {
        "revision": made["revision"],
        "name": "Anna",
        "role": "resident",
        "cameras": ["yard"],
        "disabled": False,
    }
    path = f"/api/v1/accounts/{made['id']}"
    changed = house.send("PUT", path, change)
    assert changed.json()["cameras"] == ["yard"]
    assert error(house.send("PUT", path, change)) == "stale_revision"
    assert house.send("PUT", path, change | {"cameras": ["nobody"]}).status_code == 422
    assert house.send("DELETE", path).status_code == 204
    assert error(house.send("DELETE", path)) == "not_found"


@pytest.mark.parametrize("name", ["", " ", "admin", "ADMIN", "a<b", "a\nb", "x" * 81, "trailing "])
def test_names_that_cannot_be_told_apart_or_hold_markup_are_refused(house: Any, name: str) -> None:
    assert house.send("POST", "/api/v1/accounts", {"name": name, "role": "viewer"}).status_code in (409, 422)


def test_the_owner_and_ones_own_account_are_not_changed_here(house: Any, error: Any) -> None:
    ann = add_account(house, "ann", role=Role.ADMIN)
    change = {"revision": 1, "name": "x", "role": "viewer", "cameras": None, "disabled": True}
    assert error(house.send("PUT", "/api/v1/accounts/owner", change)) == "owner_account"
    assert error(house.send("DELETE", "/api/v1/accounts/owner")) == "owner_account"
    sign_in(house, ann)
    assert error(house.send("PUT", f"/api/v1/accounts/{ann.id}", change)) == "own_account"
    assert error(house.send("DELETE", f"/api/v1/accounts/{ann.id}")) == "own_account"


def test_who_lost_the_phone_is_let_in_again_by_an_admin(house: Any) -> None:
    with_app(house)
    rows = [credential.row() for credential in house.parts.accounts.owner.credentials]
    ann = add_account(
        house, "ann", role=Role.VIEWER, credentials=[row | {"id": f"x{row['id']}"} for row in rows]
    )
    assert house.parts.second.needed(ann)
    assert house.send("POST", f"/api/v1/accounts/{ann.id}/reset-second").json()["totp"] is False
    session = house.parts.sessions.open(ann.id)
    assert house.send("DELETE", f"/api/v1/accounts/{ann.id}/sessions").json() == {"ended": 1}
    assert house.parts.sessions.find(session) is None


def test_while_storage_is_down_people_sign_in_and_nothing_is_changed(
    house: Any, error: Any, new_web: Any
) -> None:
    set_password(house, add_account(house, "guest"), PASSWORD)
    house.storage.down = True
    assert (
        error(house.send("POST", "/api/v1/accounts", {"name": "Ann", "role": "viewer"}))
        == "storage_unavailable"
    )
    house.run(house.parts.accounts.refresh())
    assert house.parts.accounts.by_name("guest") is not None
    again = new_web(house.folder.name, clock=house.clock)
    assert again.login(username="guest").status_code == 303, "also after a restart"


def test_an_account_that_cannot_be_read_cannot_sign_in_and_harms_nobody_else(house: Any, caplog: Any) -> None:
    guest = set_password(house, add_account(house, "guest"), PASSWORD)
    rows = list(house.parts.accounts._rows)
    house.parts.accounts._take([rows[0] | {"id": "b", "name": "bad", "role": "emperor"}, *rows])
    assert house.parts.accounts.by_name("bad") is None
    assert house.parts.accounts.get(guest.id) is not None
    assert "cannot be read" in caplog.text


# -- the log ----------------------------------------------------------------------------------------------


def test_sign_ins_and_changes_are_in_the_audit_log_and_no_secret_is(house: Any) -> None:
    house.login("a secret typed wrong", username="a secret in the wrong field")
    house.login("wrong")
    house.login()
    house.send("POST", "/api/v1/me/tokens", {"label": "Shelf", "scopes": ["read"]})
    found = actions(house)
    assert ("session.begin", "refused") in found
    assert ("session.begin", "done") in found
    assert ("token.add", "done") in found
    entries = house.facts.of(Audited)
    whole = " ".join(entry.model_dump_json() for entry in entries)
    for secret in ("a secret", PASSWORD, "vigilar_"):
        assert secret not in whole
    known = next(e for e in entries if e.outcome is AuditOutcome.REFUSED and e.actor)
    assert (known.actor, known.address) == ("admin", "192.0.2.7")


def test_the_audit_log_is_for_admins_and_passes_its_filters_on(house: Any) -> None:
    house.storage.answers["/v1/audit-log"] = {"items": [{"id": "x"}], "next": None}
    assert house.get("/api/v1/audit?action=token.add&address=192.0.2.7").json()["items"] == [{"id": "x"}]
    assert dict(house.storage.requests[-1].url.params) == {
        "action": "token.add",
        "address": "192.0.2.7",
        "limit": "50",
    }
    assert house.get("/api/v1/audit?action=<script>").status_code == 422


def test_an_outbox_that_is_full_is_counted_and_stops_nobody(house: Any, caplog: Any) -> None:
    from vigilar_common.errors import OutboxFullError

    def full(_: Any) -> None:
        raise OutboxFullError("full")

    house.parts.audit._emit = full
    assert house.login().status_code == 303
    house.parts.audit.close()
    assert house.parts.audit.lost == 1
    assert "not in the audit log" in caplog.text
    assert replace(house.parts.accounts.owner).name == "admin"
