"""A page with a live picture in a real browser, and what can be read off it."""

from __future__ import annotations

from live_rig import READ_NUMBER, LiveHouse, wait_for
from playwright.sync_api import Browser, Locator, Page, expect

SAMPLES = f"""
(video, seconds) => new Promise((done) => {{
  const read = {READ_NUMBER};
  const found = [], until = performance.now() + seconds * 1000;
  const look = (now, frame) => {{
    found.push([read(video), performance.timeOrigin + Math.max(now, frame.expectedDisplayTime)]);
    if (performance.now() < until) video.requestVideoFrameCallback(look); else done(found);
  }};
  video.requestVideoFrameCallback(look);
}})
"""

# Debian's Chromium may or may not decode H.265 on this machine; the browser of this test does not.
NO_H265 = """
  const knows = MediaSource.isTypeSupported.bind(MediaSource);
  MediaSource.isTypeSupported = (mime) => !/hvc1|hev1/.test(mime) && knows(mime);
"""


def open_page(browser: Browser, house: LiveHouse, script: str = "", path: str = "/cameras/front") -> Page:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    if script:
        context.add_init_script(script)
    name, _, value = house.web.login().partition("=")
    context.add_cookies([{"name": name, "value": value, "url": house.web.origin}])
    page = context.new_page()
    page.goto(house.web.origin + path)
    return page


def player(page: Page) -> Locator:
    return page.locator("vg-live-video").first


def video(page: Page) -> Locator:
    return page.get_by_test_id("live-video").first


def is_live(page: Page, limit_ms: float = 60_000) -> None:
    expect(player(page)).to_have_attribute("data-state", "live", timeout=limit_ms)


def moves(page: Page, limit_s: float = 20) -> None:
    """Another picture than a moment ago."""
    before = video(page).evaluate(READ_NUMBER)
    wait_for(lambda: video(page).evaluate(READ_NUMBER) != before, limit_s, "the picture moves")


def ages_ms(house: LiveHouse, page: Page, seconds: float, mount: str = "h264") -> list[float]:
    return house.ages_ms(mount, video(page).evaluate(f"(v) => ({SAMPLES})(v, {seconds})"))


def settled(page: Page) -> None:
    """At normal speed near the newest picture: less than a second behind, a player does not hurry."""
    wait_for(
        lambda: video(page).evaluate(
            "(v) => v.playbackRate === 1 && v.buffered.length && v.buffered.end(v.buffered.length - 1) - v.currentTime < 1"
        ),
        15,
        "near the newest picture",
    )
