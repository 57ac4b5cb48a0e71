"""What axe-core finds on the pages of alerts: nothing, by WCAG 2.2 AA, in light and dark."""

from __future__ import annotations

import os
from typing import Any

import pytest
import walk
from axe import AXE, violations
from playwright.sync_api import Browser
from stack import Stack, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _axe() -> None:
    if not AXE.exists():
        assert not os.environ.get("CI"), "deploy/scripts/setup.sh test installs it"
        pytest.skip("axe-core is missing: deploy/scripts/setup.sh test installs it")


def test_axe_sees_through_to_what_lies_in_components(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><div id=a></div></main><script>"
        "a.attachShadow({mode: 'open'}).innerHTML = '<img src=x><p style=color:#ccc>pale</p>'</script>"
    )
    assert {found.partition(":")[0] for found in violations(page)} == {"image-alt", "color-contrast"}
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_alerts(browser: Browser, stack: Stack, scheme: Any) -> None:
    info = stack.info
    login = walk.Login(info["url"], info["username"], info["password"], info["pin"])
    page = walk.open_page(browser, login, None, [], color_scheme=scheme)
    walk.log_in(page, login)
    item = wait_for(
        "an alert", lambda: stack.api().get("/api/v1/incidents")["items"], walk.EVENT_LIMIT_MS / 1000
    )[0]
    page.goto(info["url"] + "/alerts")
    page.locator("vg-incident article").first.wait_for()
    for card in ("vg-push-card", "vg-snooze-card", "vg-channels-card"):
        page.locator(card).first.wait_for(state="attached")
    for summary in page.locator("vg-incident summary").all()[:4]:
        summary.click()
    assert violations(page) == []
    page.goto(f"{info['url']}/events/{item['lead']}")
    page.locator("vg-why summary").click()
    page.locator("vg-why li").first.wait_for()
    assert violations(page) == []
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_settings(browser: Browser, stack: Stack, scheme: Any) -> None:
    info = stack.info
    login = walk.Login(info["url"], info["username"], info["password"], info["pin"])
    page = walk.open_page(browser, login, None, [], color_scheme=scheme)
    walk.log_in(page, login)
    for group, field in (("alerts", "alerts.email.password"), ("cameras", "cameras.demo.zones")):
        page.goto(f"{info['url']}/settings?in={group}")
        page.locator("summary").first.click()
        page.locator(f'[data-key="{field}"]').wait_for(state="attached")
        assert violations(page) == []
    page.locator('[data-key="cameras.demo.retention_days"] input').fill("12")
    page.get_by_test_id("settings-review-open").click()
    page.get_by_test_id("settings-save").wait_for()
    assert violations(page) == []
    page.close(run_before_unload=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_player_the_timeline_and_the_review(
    browser: Browser, stack: Stack, scheme: Any
) -> None:
    info = stack.info
    login = walk.Login(info["url"], info["username"], info["password"], info["pin"])
    page = walk.open_page(browser, login, None, [], color_scheme=scheme)
    walk.log_in(page, login)
    for path, shown in (
        ("/cameras/demo", "camera-player"),
        ("/timeline", "timeline"),
        ("/events", "waiting"),
        ("/events?q=motion+today", "understood"),
    ):
        page.goto(info["url"] + path)
        page.get_by_test_id(shown).first.wait_for()
        assert violations(page) == [], path
    page.context.close()
