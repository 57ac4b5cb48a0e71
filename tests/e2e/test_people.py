"""Accounts in a real browser: a passkey of a virtual authenticator, an app, a link, a session that ends in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import AXE, violations
from people_house import PeopleHouse, people_house
from playwright.sync_api import Browser, Page, expect
from vigilar_common.clock import SystemClock
from vigilar_web.accounts import totp
from web_rig import PASSWORD

VIEWS: dict[str, Any] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}
PAGES = {
    "account": "My account",
    "users": "People",
    "audit": "Audit log",
    "reference": "Public API",
    "security": "PINs",
}
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip

pytestmark = pytest.mark.slow  # houses of their own, beside that of the walk


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeopleHouse]:
    with people_house(tmp_path_factory.mktemp("people")) as running:
        yield running


def sign_in(page: Page, house: PeopleHouse, path: str = "/account") -> None:
    page.goto(house.url + path)
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state("load")
    expect(page.get_by_label("User name")).to_have_count(0)


def test_a_passkey_is_added_and_opens_the_house_without_a_password(
    browser: Browser, house: PeopleHouse
) -> None:
    context = browser.new_context()
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    sign_in(page, house)
    page.get_by_label("Name of this device").fill("My laptop")
    page.get_by_test_id("passkey-add").click()
    expect(page.get_by_test_id("passkey")).to_contain_text("My laptop")
    page.get_by_test_id("account-sign-out").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_test_id("passkey")).to_contain_text(re.compile(r"used \d\d:\d\d"))
    page.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_test_id("passkey")).to_have_count(0)
    page.get_by_test_id("account-sign-out").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey is not known here.")).to_be_visible()
    context.close()


def test_an_app_is_set_up_asked_for_and_turned_off(browser: Browser, house: PeopleHouse) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, house)
    page.get_by_test_id("totp-begin").click()
    secret = page.get_by_test_id("totp-secret").inner_text()
    page.get_by_label("Code of six digits").fill(totp.code_at(secret, SystemClock().now_ms() // 30_000))
    page.get_by_role("button", name="Turn on").click()
    shown = page.get_by_test_id("recovery-codes").locator("li")
    expect(shown).to_have_count(10)
    codes = shown.all_inner_texts()
    page.get_by_role("button", name="I have written them down").click()
    page.get_by_test_id("account-sign-out").click()
    sign_in(page, house)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_test_id("totp")).to_have_text("Off")
    context.close()


def test_a_session_that_ends_in_the_middle_loses_nothing_that_was_typed(
    browser: Browser, house: PeopleHouse
) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, house, "/users")
    page.get_by_label("Name").fill("Grandmother")
    context.clear_cookies()
    page.get_by_test_id("person-add").click()
    dialog = page.get_by_test_id("sign-in-again")
    expect(dialog).to_contain_text("Your session has ended")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("User name or password is wrong.")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    link = page.get_by_test_id("invite-link").inner_text()
    assert re.fullmatch(rf"{re.escape(house.url)}/invite\?token=[\w-]+", link)
    guest = browser.new_context().new_page()
    guest.goto(link)
    guest.get_by_label("New password").fill("a long password")
    guest.get_by_label("Once more").fill("a long password")
    guest.get_by_role("button", name="Save password").click()
    guest.get_by_label("Password").fill("a long password")
    guest.get_by_role("button", name="Log in").click()
    expect(guest.get_by_test_id("nav-home")).to_be_visible()
    expect(guest.get_by_test_id("arm-button")).to_have_count(0)
    guest.goto(house.url + "/system")
    expect(guest.get_by_test_id("open-account")).to_be_visible()
    expect(guest.get_by_test_id("open-users")).to_have_count(0)
    guest.context.close()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", list(VIEWS))
def test_the_pages_of_accounts_are_accessible_and_fit(
    browser: Browser, house: PeopleHouse, shots: Path, view: str, scheme: Any
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is missing: deploy/scripts/setup.sh test installs it")
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", **VIEWS[view])
    page = context.new_page()
    sign_in(page, house)
    for path, title in PAGES.items():
        page.goto(f"{house.url}/{path}")
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        page.screenshot(path=shots / f"{path}-{view}-{scheme}.png", full_page=True)
        assert violations(page) == [], path
    context.close()
