"""The buttons of a notification, pressed: a real alert, Chromium's service worker, the desktop that shows it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import walk
from desktop_rig import Desk, Shown, skip_without_desktop
from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright
from push_service import PushService
from stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow


@dataclass
class Phone:
    """A browser that has subscribed, and the desktop on which its notifications appear."""

    page: Page
    desk: Desk
    cdp: CDPSession
    origin: str
    alert: dict[str, Any] = field(default_factory=dict)
    """What the push service got of an alert, decrypted."""
    registration: str = ""

    def gets(self, **changes: Any) -> Shown:
        """The browser's push service hands it the message; the desktop shows it."""
        before = len(self.desk.shown())
        data = json.dumps(self.alert | changes)
        message = {"origin": self.origin, "registrationId": self.registration, "data": data}
        self.cdp.send("ServiceWorker.deliverPushMessage", message)
        return wait_for("the notification", lambda: self.desk.shown()[before:], 10)[0]

    def heard(self) -> Phone:
        """What the browser said meanwhile has arrived."""
        self.page.wait_for_timeout(50)
        return self

    def places(self) -> list[str]:
        """Addresses of its windows."""
        return [page.url for page in self.heard().page.context.pages]

    def press(self, button: str, **changes: Any) -> None:
        self.desk.press(self.gets(**changes), button)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    skip_without_desktop()
    found = Desk(tmp_path_factory.mktemp("desk"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def context(
    playwright_session: Playwright, desk: Desk, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A profile of its own: private windows show no notifications."""
    opened = playwright_session.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"), executable_path=walk.chromium(), args=walk.CHROMIUM_FLAGS, locale="en-GB",
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": desk.address},
    )  # fmt: skip
    opened.grant_permissions(["notifications"], origin=stack.info["url"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def phone(context: BrowserContext, desk: Desk, stack: Stack) -> Iterator[Phone]:
    info = stack.info
    with PushService() as service:
        browser = service.subscribe()
        walk.subscribes_to(context, browser)
        page = context.new_page()
        walk.log_in(page, walk.Login(info["url"], info["username"], info["password"], info["pin"]))
        found = Phone(page, desk, context.new_cdp_session(page), info["url"])
        found.cdp.on("ServiceWorker.workerRegistrationUpdated", lambda told: _note(found, told))
        message = walk.push_arrives(page, info["url"], service, lambda path: stack.api().get_bytes(path))
        found.alert = message.data
        found.cdp.send("ServiceWorker.enable")
        wait_for("the service worker", lambda: found.heard().registration, 10)
        yield found
        gone = stack.api().send("DELETE", "/api/v1/push/subscriptions", {"endpoint": browser["endpoint"]})
        assert gone[0] == 204


def _note(phone: Phone, told: dict[str, Any]) -> None:
    phone.registration = told["registrations"][0]["registrationId"]


def incident(api: Api, alert_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/incidents/{alert_id}")
    return found


def test_the_desktop_shows_title_and_buttons(phone: Phone) -> None:
    shown = phone.gets(severity="alert")
    assert phone.alert["title"] in shown.line
    assert list(shown.buttons)[:2] == ["Acknowledge", "Snooze 1 h"], "Chromium shows two; a tap opens it"
    assert list(phone.gets(severity="critical").buttons)[:2] == ["Acknowledge", "Arm or disarm"]


def test_acknowledge_needs_no_page_and_no_login_and_says_who(phone: Phone, stack: Stack) -> None:
    api = stack.api()
    assert incident(api, phone.alert["alert_id"])["acknowledged"] is None
    cookies = phone.page.context.cookies()
    phone.page.context.clear_cookies()
    phone.press("Acknowledge")
    told = wait_for("it is acknowledged", lambda: incident(api, phone.alert["alert_id"])["acknowledged"], 10)
    assert (told["how"], told["by"].split(" (")[0]) == ("notification", stack.info["username"])
    phone.page.context.add_cookies(cookies)  # type: ignore[arg-type]


def test_snooze_holds_back_the_alerts_of_that_camera(phone: Phone, stack: Stack) -> None:
    api = stack.api()
    assert api.get("/api/v1/incidents")["snoozes"] == []
    phone.press("Snooze 1 h", severity="alert")
    (snooze,) = wait_for("a snooze", lambda: api.get("/api/v1/incidents")["snoozes"], 10)
    assert snooze["camera_id"] == "demo"
    assert api.send("DELETE", "/api/v1/snoozes", {"camera_id": "demo"})[0] == 200


def test_a_tap_opens_the_event_and_is_kept_as_a_receipt(phone: Phone, stack: Stack) -> None:
    api = stack.api()
    phone.press("Activate")  # a tap on the notification itself
    wait_for(
        "the event's page",
        lambda: any(phone.alert["url"] in place for place in phone.places()),
        10,
    )
    wait_for(
        "the receipt",
        lambda: [r for r in incident(api, phone.alert["alert_id"])["receipts"] if r["kind"] == "opened"],
        10,
    )


def test_a_tap_opens_the_event_beside_a_window_that_the_worker_may_not_lead(phone: Phone) -> None:
    phone.page.goto(f"{phone.origin}/recordings")
    with phone.page.expect_navigation():
        phone.cdp.send("Page.reload", {"ignoreCache": True})  # as with Shift
    assert phone.page.evaluate("navigator.serviceWorker.controller") is None
    phone.press("Activate")
    wait_for("the event's page", lambda: any(phone.alert["url"] in place for place in phone.places()), 10)
    assert any(place.endswith("/recordings") for place in phone.places())


def test_a_button_that_does_not_work_says_so(phone: Phone) -> None:
    before = len(phone.desk.shown())
    phone.press("Acknowledge", token="forged")
    failed = wait_for("it is told", lambda: phone.desk.shown()[before + 1 :], 10)
    assert "That did not work" in failed[0].line


def test_arming_from_a_notification_opens_the_page_that_asks_for_the_pin(phone: Phone) -> None:
    phone.press("Arm or disarm", severity="critical")
    wait_for(
        "the page with the alarm",
        lambda: any("?alarm" in place for place in phone.places()),
        10,
    )
