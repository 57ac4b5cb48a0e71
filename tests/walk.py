"""The walk that a new owner takes, in a real browser; the same against the demo and against the containers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from push_service import Pushed
from stack import wait_for

PRE_ROLL_MIN_MS = 4_000
LIVE_LIMIT_MS = 20_000
EVENT_LIMIT_MS = 60_000

# The browsers' own push services cannot be reached from a test: subscribing yields a browser of the local one instead.
FAKE_SUBSCRIBE = """
(subscription) => {
  const made = { endpoint: subscription.endpoint, expirationTime: null, options: {},
                 toJSON: () => subscription, getKey: () => null, unsubscribe: async () => true };
  let current = null;
  PushManager.prototype.subscribe = async function () { current = made; return made; };
  PushManager.prototype.getSubscription = async function () { return current; };
}
"""

PICTURE_CHANGES = """
async (video) => {
  const canvas = document.createElement('canvas'); canvas.width = 96; canvas.height = 72;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const grab = () => { context.drawImage(video, 0, 0, 96, 72); return context.getImageData(0, 0, 96, 72).data; };
  const first = grab(), from = video.currentTime;
  await new Promise((done) => setTimeout(done, 1500));
  const second = grab();
  let changed = 0, sum = 0;
  for (let i = 0; i < first.length; i += 4) { if (Math.abs(first[i] - second[i]) > 2) changed++; sum += first[i]; }
  return { changed, sum, moved_s: video.currentTime - from };
}
"""


CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


class HasMessages(Protocol):
    """A push service: in this process, or in a container."""

    @property
    def messages(self) -> list[Pushed]: ...


@dataclass(frozen=True)
class Login:
    url: str
    username: str
    password: str
    pin: str


def chromium() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "chromium is not installed: apt-get install chromium"
    return program


def open_page(
    browser: Browser, login: Login, push: dict[str, Any] | None, problems: list[str], **options: Any
) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB", **options)
    context.grant_permissions(["notifications"], origin=login.url)
    if push:
        subscribes_to(context, push)
    page = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if (
            message.type == "error" and "Failed to load resource" not in message.text
        ):  # told with its address below
            problems.append(message.text)

    page.on("console", note)
    page.on(
        "response",
        lambda answer: problems.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    return page


def subscribes_to(context: BrowserContext, push: dict[str, Any]) -> None:
    context.add_init_script(f"({FAKE_SUBSCRIBE})({json.dumps(push)})")


def log_in(page: Page, login: Login) -> None:
    page.goto(login.url)
    page.fill("input[name=username]", login.username)
    page.fill("input[name=password]", login.password)
    page.click("button[type=submit]")
    expect(page.get_by_test_id("alarm-state")).to_be_visible()


def live_picture_moves(page: Page) -> dict[str, float]:
    page.goto(page.url.split("/events")[0])
    video = page.get_by_test_id("live-video").first
    expect(page.get_by_test_id("camera-tile").first).to_be_visible()
    video.wait_for(state="attached", timeout=LIVE_LIMIT_MS)
    wait_for(
        "the live picture plays",
        lambda: video.evaluate("(v) => v.readyState >= 2 && v.videoWidth > 0 && v.currentTime > 0"),
        LIVE_LIMIT_MS / 1000,
    )
    # The scene has sensor noise and, now and then, people: a frozen picture has neither.
    seen: dict[str, float] = wait_for(
        "the live picture moves",
        lambda: (
            (found := video.evaluate(PICTURE_CHANGES))["changed"] > 50 and found["moved_s"] > 0.7 and found
        ),
        20,
    )
    return seen


def new_event_appears(page: Page, known: set[str]) -> str:
    """The id of a motion event that came into the open page by itself, without a reload."""
    items = page.locator("[data-testid=event-item][data-type=motion]")

    def fresh() -> str:
        ids: list[str] = items.evaluate_all("(nodes) => nodes.map((n) => n.dataset.eventId)")
        return next((found for found in ids if found not in known), "")

    return wait_for("a new motion event on the open page", fresh, EVENT_LIMIT_MS / 1000)


def clip_plays_from_before_the_onset(
    page: Page, event_id: str, base_url: str, event: dict[str, Any]
) -> dict[str, Any]:
    """Plays the clip and shows its first frame; returns what the player says."""
    assert event["recording_offset_ms"] >= PRE_ROLL_MIN_MS, event
    page.goto(f"{base_url}/events/{event_id}")
    player = page.get_by_test_id("event-player")
    expect(player).to_be_visible()
    video = player if player.evaluate("(e) => e.tagName") == "VIDEO" else player.locator("video").first
    wait_for(
        "the clip plays",
        lambda: video.evaluate("(v) => v.readyState >= 2 && v.currentTime > 0 && !v.paused"),
        20,
    )
    began = time.monotonic()
    # Paused, or it plays on until somebody asks where it is.
    seek = (
        "(v, t) => new Promise((ok, no) => "
        "{ v.pause(); v.onseeked = () => ok(v.currentTime); v.onerror = no; v.currentTime = t; })"
    )
    first_s = float(video.evaluate(seek, 0))
    assert first_s < 0.2, f"the first frame of the clip is at {first_s} s"
    width = video.evaluate("(v) => v.videoWidth")
    assert width > 0
    onset_s = event["recording_offset_ms"] / 1000
    reached = (
        "(v) => v.seekable.length ? v.seekable.end(v.seekable.length - 1) : 0"  # it is still being recorded
    )
    duration_s = wait_for(
        "the clip grows past the onset", lambda: (d := video.evaluate(reached)) > onset_s and d, 20
    )
    later_s = float(video.evaluate(seek, onset_s))
    assert abs(later_s - onset_s) < 0.5, (later_s, onset_s)
    return {"first_s": first_s, "duration_s": duration_s, "two_seeks_s": time.monotonic() - began}


def arm_with_pin(page: Page, base_url: str, pin: str) -> None:
    page.goto(base_url)
    page.get_by_test_id("arm-button").click()
    page.locator("input[name=mode][value=armed_away], input[name=mode][value=ARM_AWAY]").first.check(
        force=True
    )
    page.get_by_test_id("pin-input").fill("000000" if pin != "000000" else "111111")
    page.get_by_test_id("pin-submit").click()
    expect(page.get_by_role("alert").first).to_contain_text("PIN")
    page.get_by_test_id("pin-input").fill(pin)
    page.get_by_test_id("pin-submit").click()
    expect(page.get_by_test_id("alarm-state")).to_contain_text("Armed", timeout=60_000)


def push_arrives(
    page: Page, base_url: str, service: HasMessages, login_free: Callable[[str], bytes]
) -> Pushed:
    """Subscribes in the page, waits for the push of a motion event, and fetches its picture without a session."""
    page.goto(f"{base_url}/alerts")
    page.get_by_test_id("push-enable").click()
    page.get_by_test_id("push-test").click()
    wait_for("the test push", lambda: service.messages, 20)
    before = len(service.messages)
    about_motion = wait_for(
        "a push of a motion event",
        lambda: [m for m in service.messages[before:] if "otion" in json.dumps(m.data)],
        EVENT_LIMIT_MS / 1000,
    )
    message = about_motion[0]
    picture = message.data.get("image") or message.data.get("picture")
    assert picture, message.data
    jpeg = login_free(picture)
    assert jpeg[:3] == b"\xff\xd8\xff", "the picture of the push is no JPEG"
    return message


def shoot(page: Page, path: Path, url: str) -> None:
    page.goto(url)
    page.wait_for_timeout(3_000)
    page.screenshot(path=path)
