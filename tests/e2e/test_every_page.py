"""Every page that the router knows, in a real browser against the running demo: axe, width, policy, and a picture of each.

`make screenshots` writes the pictures to docs/images/pages, which git ignores: they are made anew, not kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import walk
from axe import AXE, violations
from playwright.sync_api import Browser, Page
from stack import ROOT, Stack, wait_for

pytestmark = pytest.mark.slow
ROUTER = ROOT / "services" / "web" / "frontend" / "src" / "router.ts"
PATHS = {
    "home": "/",
    "camera": "/cameras/demo",
    "timeline": "/timeline",
    "events": "/events",
    "event": "/events/{event}",
    "recordings": "/recordings",
    "recording": "/recordings/{recording}",
    "alerts": "/alerts",
    "rules": "/rules",
    "pets": "/pets",
    "visitors": "/visitors",
    "system": "/system",
    "settings": "/settings",
    "account": "/account",
    "users": "/users",
    "audit": "/audit",
    "security": "/security",
    "reference": "/reference",
    "welcome": "/welcome",
    "missing": "/no-such-page",
}
SETTLED_LIMIT_S = 20.0


class Look(NamedTuple):
    name: str
    width: int
    height: int
    options: dict[str, Any]


LOOKS = [
    Look("phone-light", 390, 844, {"color_scheme": "light", "has_touch": True, "device_scale_factor": 2}),
    Look("phone-dark", 390, 844, {"color_scheme": "dark", "has_touch": True}),
    Look("small-light", 320, 640, {"color_scheme": "light", "has_touch": True}),
    Look("desktop-light", 1280, 860, {"color_scheme": "light"}),
    Look("desktop-dark", 1280, 860, {"color_scheme": "dark"}),
    Look("contrast-light", 1280, 860, {"color_scheme": "light", "contrast": "more"}),
    Look("contrast-dark", 1280, 860, {"color_scheme": "dark", "contrast": "more"}),
    Look("forced", 1280, 860, {"forced_colors": "active"}),
    Look("still-german", 390, 844, {"reduced_motion": "reduce", "locale": "de-DE"}),
    Look("wall-dark", 2560, 1440, {"color_scheme": "dark"}),
]
TOLD = """
() => {
  window.toldViolations = [];
  const note = (e) => window.toldViolations.push(`${e.violatedDirective} ${e.blockedURI}`);
  document.addEventListener('securitypolicyviolation', note);
}
"""
MOVING = """
() => {
  const found = [];
  const moves = (one) => one.playState === 'running' && one.effect.getComputedTiming().duration > 50;
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.getAnimations().some(moves)) found.push(element.tagName);
      if (element.shadowRoot) look(element.shadowRoot);
    }
  };
  look(document);
  return found;
}
"""


@pytest.fixture(autouse=True)
def _axe() -> None:
    if not AXE.exists():
        assert not os.environ.get("CI"), "deploy/scripts/setup.sh test installs it"
        pytest.skip("axe-core is missing: deploy/scripts/setup.sh test installs it")


@pytest.fixture(scope="module")
def folder() -> Path:
    wanted = os.environ.get("VIGILAR_SCREENSHOTS", str(ROOT / "test-results" / "pages"))
    made = Path(wanted)
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture(scope="module")
def addresses(stack: Stack) -> dict[str, str]:
    api = stack.api()
    event = wait_for(
        "an event with its recording",
        lambda: next((one for one in api.events() if one.get("recording_id")), None),
        walk.EVENT_LIMIT_MS / 1000,
    )
    assert event
    found = {"event": event["id"], "recording": event["recording_id"]}
    return {page: path.format(**found) for page, path in PATHS.items()}


def test_every_page_of_the_router_is_walked() -> None:
    pages = set(re.findall(r"\{ page: '(\w+)'", ROUTER.read_text().partition("const ID")[0]))
    assert pages == set(PATHS)


@pytest.fixture(params=LOOKS, ids=lambda look: look.name)
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


@pytest.fixture
def page(browser: Browser, stack: Stack, look: Look) -> Iterator[Page]:
    info = stack.info
    login = walk.Login(info["url"], info["username"], info["password"], info["pin"])
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height}, **{"locale": "en-GB", **look.options}
    )
    context.add_init_script(f"({TOLD})()")
    opened = context.new_page()
    walk.log_in(opened, login)
    yield opened
    context.close()


def settle(page: Page) -> None:
    """The page is here with its heading, and nothing on it is still being loaded."""
    page.locator("main h1, main h2, main [role=alert]").first.wait_for(timeout=SETTLED_LIMIT_S * 1000)
    wait_for(
        "everything on the page is loaded",
        lambda: not page.locator("main [aria-busy=true]").count(),
        SETTLED_LIMIT_S,
    )
    page.evaluate("() => document.fonts.ready")


def test_axe_finds_nothing_and_everything_fits(
    page: Page, stack: Stack, look: Look, addresses: dict[str, str], folder: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    for name, path in addresses.items():
        page.goto(stack.info["url"] + path)
        settle(page)
        page.screenshot(
            path=folder / f"{name}-{look.name}.jpg", type="jpeg", quality=80, full_page=look.width < 2000
        )
        wide = page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
        if wide > 0:
            problems.append(f"{name}: {wide} px wider than the screen")
        problems += [f"{name}: {one}" for one in page.evaluate("() => window.toldViolations")]
        # Where the system chooses the colours, axe still reads those of the page, which nobody sees.
        seen = [
            one for one in violations(page) if look.name != "forced" or not one.startswith("color-contrast")
        ]
        problems += [f"{name}: {one}" for one in seen]
        if look.options.get("reduced_motion") == "reduce":
            problems += [f"{name}: {one} moves" for one in page.evaluate(MOVING)]
            assert page.evaluate("() => document.documentElement.lang") == "de"
    assert problems == []
