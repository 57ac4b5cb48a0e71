"""The main walk in Debian's Firefox: sign in, see the house live, an event and its film, arm and disarm with the PIN."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import firefox
import pytest
import walk
from firefox import Firefox
from stack import Stack, wait_for

pytestmark = pytest.mark.slow
SHOWN_LIMIT_S = 30.0
FILM_LIMIT_S = 60.0


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    if not firefox.program():
        assert not os.environ.get("CI"), "deploy/scripts/setup.sh full installs it"
        pytest.skip("Firefox is missing: deploy/scripts/setup.sh full installs it")
    folder: Path = tmp_path_factory.mktemp("firefox")
    with Firefox(folder) as running:
        yield running


def shown(fox: Firefox, selector: str, code: str = "true", limit_s: float = SHOWN_LIMIT_S) -> object:
    return wait_for(f"{selector}: {code}", lambda: fox.on(selector, code), limit_s, 0.5)


def test_the_walk_of_a_new_owner(fox: Firefox, stack: Stack) -> None:
    info = stack.info
    url = info["url"]
    fox.go(url)
    shown(fox, "input[name=username]")
    fox.write("input[name=username]", info["username"])
    fox.write("input[name=password]", info["password"])
    fox.press("button[type=submit]")
    state = shown(fox, "[data-testid=alarm-state]", "e.textContent.trim()")
    assert "Disarmed" in str(state)

    playing = "e.readyState >= 2 && e.videoWidth > 0 && e.currentTime > 0"
    assert shown(fox, "[data-testid=live-video]", playing, FILM_LIMIT_S)

    event = wait_for(
        "an event with its recording",
        lambda: next((one for one in stack.api().events() if one.get("recording_id")), None),
        walk.EVENT_LIMIT_MS / 1000,
    )
    assert event
    fox.go(f"{url}/events")
    shown(fox, "[data-testid=event-item]")
    fox.go(f"{url}/events/{event['id']}")
    assert shown(
        fox, "[data-testid=event-player] video, video[data-testid=event-player]", playing, FILM_LIMIT_S
    )

    fox.go(url)
    shown(fox, "[data-testid=arm-button]")
    fox.press("[data-testid=arm-button]")
    shown(fox, "[data-testid=pin-input]")
    fox.press("input[name=mode][value=ARM_HOME]")
    fox.write("[data-testid=pin-input]", info["pin"])
    fox.press("[data-testid=pin-submit]")
    shown(fox, "[data-testid=alarm-state]", "e.textContent.includes('Armed')", FILM_LIMIT_S)
    assert stack.api().get("/api/v1/alarm")["state"] == "armed_home"
    assert stack.api().send("POST", "/api/v1/alarm", {"action": "DISARM", "pin": info["pin"]})[0] == 200

    for path in ("/timeline", "/alerts", "/system", "/settings", "/account"):
        fox.go(url + path)
        shown(fox, "h1")
    assert [one for one in fox.complaints if "Content-Security-Policy" in one or "Error" in one] == []
