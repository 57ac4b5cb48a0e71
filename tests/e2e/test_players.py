"""Players of the past in a real browser: several cameras on one clock, live and past without a break, touch and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from film_house import FilmHouse, film_house
from patience import wait_until
from player_page import frames_of, p95, seek_ms, skews_ms
from playwright.sync_api import Browser, Page, expect
from storage_rig import now_ms

pytestmark = pytest.mark.slow

CAMERAS = ("north", "south")
SECOND_BEGINS_MS = 7_300
"""Later than the first: equal pictures would be no proof of equal time."""
LIMIT_MS = 40_000
SKEW_P95_MS = 1_500.0
"""Where tests keep every processor busy a picture waits for one; without a common clock it were SECOND_BEGINS_MS."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilmHouse]:
    with film_house(tmp_path_factory.mktemp("house"), CAMERAS) as built:
        begun_ms = now_ms() - 3 * 3_600_000
        built.record("north", begun_ms)
        built.record("north", begun_ms + 60_000)
        built.record("south", begun_ms + SECOND_BEGINS_MS)
        yield built


def timeline(browser: Browser, house: FilmHouse, at_ms: int) -> Page:
    page = house.page(browser, f"/timeline?cameras={','.join(CAMERAS)}&at={at_ms}")
    expect(page.locator("vg-synced-picture[data-film=ready]")).to_have_count(len(CAMERAS), timeout=LIMIT_MS)
    return page


def moment(page: Page) -> float:
    at: float = page.locator("vg-timeline").evaluate("(page) => page.clock.atMs")
    return at


def test_two_cameras_play_by_one_clock(
    browser: Browser, house: FilmHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = {camera: house.begun[camera][0] for camera in CAMERAS}
    page = timeline(browser, house, begun["north"] + 15_000)
    page.wait_for_timeout(3_000)  # a picture that came late may catch up
    frames = frames_of(page, 8)
    found = skews_ms(frames, begun)
    with capsys.disabled():
        print(
            f"\ntwo cameras on one clock: {len(found)} looks, p95 {p95(found):.0f} ms, worst {max(found):.0f} ms"
        )
    assert p95(found) <= SKEW_P95_MS, found
    page.context.close()


def test_the_keys_move_all_pictures_at_once(browser: Browser, house: FilmHouse) -> None:
    page = timeline(browser, house, house.begun["north"][0] + 20_000)
    clock = page.locator("vg-timeline")
    page.keyboard.press("k")
    stood_ms = moment(page)
    wait_until(
        lambda: page.locator("vg-synced-picture video").evaluate_all("(all) => all.every((v) => v.paused)"),
        20,
        "all stand",
    )
    for key, moved_ms in (
        ("ArrowRight", 5_000),
        ("Shift+ArrowLeft", -60_000),
        ("Shift+ArrowRight", 60_000),
        ("ArrowLeft", -5_000),
    ):
        before_ms = moment(page)
        page.keyboard.press(key)
        assert moment(page) - before_ms == pytest.approx(moved_ms, abs=1), key
    assert moment(page) == pytest.approx(stood_ms, abs=1)
    page.keyboard.press(".")
    assert 0 < moment(page) - stood_ms <= 100
    page.keyboard.press("l")
    page.keyboard.press("l")
    assert clock.evaluate("(page) => [page.playing, page.speed]") == [True, 2]
    page.keyboard.press("j")
    assert clock.evaluate("(page) => page.speed") == -1
    at_ms = moment(page)
    wait_until(lambda: moment(page) < at_ms - 300, 10, "time runs backwards")
    page.keyboard.press("End")
    expect(page.locator("vg-synced-picture[data-live=true]")).to_have_count(len(CAMERAS))
    page.context.close()


def test_from_live_into_the_past_over_the_border_of_two_recordings_and_back(
    browser: Browser, house: FilmHouse
) -> None:
    page = house.page(browser, "/cameras/north")
    player = page.locator("vg-camera-player")
    expect(player).to_have_attribute("data-mode", "live", timeout=LIMIT_MS)
    border_ms = house.begun["north"][1]
    seek_ms(page, house, "north", border_ms - 1_000)
    expect(player).to_have_attribute("data-mode", "past")
    live = player.locator("vg-live-video")
    expect(live).to_be_hidden()
    page.keyboard.press("k")
    wait_until(
        lambda: player.evaluate("(p) => p.position") > border_ms + 700,
        20,
        "it plays on in the second recording",
    )
    assert player.get_attribute("data-film") == "ready", "two recordings that touch are one film"
    page.get_by_test_id("to-live").click()
    expect(player).to_have_attribute("data-mode", "live")
    expect(live).to_be_visible()
    page.context.close()


def test_on_a_phone_two_fingers_enlarge_and_buttons_do_what_keys_do(
    browser: Browser, house: FilmHouse
) -> None:
    page = house.page(
        browser, "/cameras/north", 390, 844, has_touch=True, is_mobile=True, accept_downloads=True
    )
    expect(page.locator("vg-camera-player")).to_have_attribute("data-mode", "live", timeout=LIMIT_MS)
    seek_ms(page, house, "north", house.begun["north"][0] + 30_000)
    box = page.locator("vg-camera-player .stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 30)
    for apart in (40, 55, 70, 90):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    enlarged = page.locator("vg-camera-player .picture[data-zoomed]")
    expect(enlarged).to_have_count(1)
    scale = enlarged.evaluate("(picture) => new DOMMatrix(getComputedStyle(picture).transform).a")
    assert 1.5 < scale < 6, scale
    assert page.evaluate("() => visualViewport.scale") == 1, "the picture, not the page"
    page.get_by_role("button", name=re.compile("whole picture", re.I)).tap()
    expect(enlarged).to_have_count(0)

    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("picture|snapshot", re.I)).last.tap()
    assert re.fullmatch(r"north_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.jpg", waiting.value.suggested_filename)
    assert waiting.value.path().read_bytes()[:3] == b"\xff\xd8\xff"
    with page.expect_download():
        page.keyboard.press("s")

    page.get_by_role("button", name=re.compile("full screen", re.I)).tap()
    wait_until(lambda: page.evaluate("() => document.fullscreenElement !== null"), 10, "full screen")
    page.keyboard.press("f")
    wait_until(lambda: page.evaluate("() => document.fullscreenElement === null"), 10, "the page again")
    page.context.close()


def test_the_picture_of_a_seek_is_the_one_that_was_asked_for(browser: Browser, house: FilmHouse) -> None:
    page = house.page(browser, "/cameras/north")
    expect(page.locator("vg-camera-player")).to_have_attribute("data-mode", "live", timeout=LIMIT_MS)
    begun_ms = house.begun["north"][0]
    for at in (30_000, 1_000, 100_000, 59_000, 31_000, 119_000):
        assert seek_ms(page, house, "north", begun_ms + at) > 0, "else it raises"
    page.context.close()
