"""A house from nothing, by the page alone: first password, find and try out a camera, add it, see it run, remove it."""

from __future__ import annotations

import base64
import json
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import AXE, violations
from first_house import PASSWORD, House, camera_in_test_colours
from onvif_camera import onvif_camera
from playwright.sync_api import Browser, expect
from stack import Api, wait_for
from vigilar_common.testing.broker import free_port

pytestmark = pytest.mark.slow  # houses of their own, beside that of the walk


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    process = house.start()
    yield house
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


@pytest.fixture(scope="module")
def api(house: House) -> Api:
    api = house.first_password()
    wait_for("the scout is there", lambda: "scout is ready" in house.log.read_text(), 30)
    return api


@pytest.fixture(scope="module")
def camera_url() -> Iterator[str]:
    with camera_in_test_colours() as url:
        yield url


def condition(api: Api, camera_id: str) -> str:
    """Empty while there is no such camera."""
    found = [camera for camera in api.get("/api/v1/cameras")["items"] if camera["id"] == camera_id]
    state = found[0]["state"] if found else None
    return str(state["condition"]) if state else ""


def change(api: Api, changes: dict[str, object]) -> None:
    revision = api.get("/api/v1/settings")["revision"]
    status, body = api.send("PUT", "/api/v1/settings", {"changes": changes, "revision": revision})
    assert status == 200, body


def test_cameras_are_found_where_none_is_set_up(api: Api) -> None:
    with onvif_camera(udp_port=3702):
        wish = {"user": "admin", "password": "onvif-secret", "host": "127.0.0.1"}
        status, found = api.send("POST", "/api/v1/find-cameras", wish)
    assert status == 200, found
    assert [camera["main"]["codec"] for camera in found["cameras"]] == ["h264"]
    assert "onvif-secret" not in str(found)


def test_an_address_is_tried_out_and_its_picture_seen(api: Api, camera_url: str) -> None:
    status, found = api.send("POST", "/api/v1/try-camera", {"url": camera_url})
    assert status == 200, found
    assert (found["usable"], found["codec"], found["width_px"], found["height_px"]) == (
        True,
        "h264",
        320,
        240,
    )
    assert base64.b64decode(found["picture"]).startswith(b"\xff\xd8\xff")


def test_a_camera_that_is_added_runs_within_seconds_and_one_that_is_removed_is_gone(
    api: Api, house: House, camera_url: str
) -> None:
    began_s = time.monotonic()
    change(api, {"cameras": [{"id": "door", "display_name": "Front door", "rtsp_url": camera_url}]})
    wait_for("the new camera is online", lambda: condition(api, "door") == "online", 40)
    took_s = time.monotonic() - began_s
    print(f"online {took_s:.1f} s after it was saved")
    assert (house.home / "secrets/cameras/camera-worker-door/storage_public.pem").exists()
    before = pids(house)
    change(api, {"cameras": [{"id": "yard", "display_name": "Yard", "rtsp_url": camera_url}]})
    wait_for("the second is online", lambda: condition(api, "yard") == "online", 40)
    assert all(pids(house)[name] == pid for name, pid in before.items()), "nobody else was disturbed"
    change(api, {"removed": {"cameras": ["yard"]}})
    acl = house.home / "secrets" / "broker" / "acl"
    gone = lambda: condition(api, "yard") == "" and "user camera-worker-yard" not in acl.read_text()  # noqa: E731
    wait_for("it is gone", gone, 30)


def pids(house: House) -> dict[str, int]:

    listed = json.loads((house.home / "data" / "run" / "services.json").read_text())["services"]
    # Who watches cameras' states takes the new list over by starting anew; the broker and the cameras do not.
    return {
        name: one["pid"] for name, one in listed.items() if name in ("broker", "scout", "camera-worker-door")
    }


def test_the_login_of_a_camera_is_in_no_log(api: Api, house: House) -> None:
    port = free_port()
    status, found = api.send(
        "POST", "/api/v1/try-camera", {"url": f"rtsp://u:hidden-word@127.0.0.1:{port}/x"}
    )
    assert status == 200
    assert found["usable"] is False
    assert found["tries"][0]["code"] == "unreachable"
    assert "hidden-word" not in str(found) + house.log.read_text()


def test_a_name_for_phones_is_in_the_certificate_seconds_later(api: Api, house: House) -> None:
    before = api.get("/api/v1/address")
    assert before["own_authority"]
    assert "192.168.77.7" not in before["names"]
    change(api, {"web": {"names": ["192.168.77.7"]}})
    wait_for("the certificate has it", lambda: "192.168.77.7" in api.get("/api/v1/address")["names"], 30)
    here = ssl.create_default_context(cafile=str(house.home / "secrets/ca/ca.pem"))
    here.check_hostname = True

    def served() -> bool:
        """Whether a phone that trusts the house and opens that address is served."""
        port = int(house.url.rpartition(":")[2])
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 5) as plain,
                here.wrap_socket(plain, server_hostname="192.168.77.7"),
            ):
                return True
        except ssl.SSLCertVerificationError:
            return False

    wait_for("web has taken it over", served, 20)


def test_the_first_steps_in_a_browser(
    api: Api, house: House, browser: Browser, camera_url: str, shots: Path
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", ignore_https_errors=True, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(f"{house.url}/login?next=/welcome")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.get_by_role("heading", name="First steps").wait_for()
    page.get_by_test_id("trust").wait_for()
    page.screenshot(path=shots / "welcome-address-phone.png", full_page=True)
    page.goto(f"{house.url}/welcome?step=place")
    page.get_by_test_id("place-save").click()
    expect(page.get_by_test_id("step-place")).to_have_attribute("data-done", "true")
    page.goto(f"{house.url}/welcome?step=cameras")
    page.get_by_test_id("camera-hand").click()
    form = page.get_by_test_id("camera-form")
    form.locator("input[name=url]").fill(camera_url)
    form.locator("input[name=name]").fill("Küche, hinten")
    page.get_by_test_id("camera-test").click()
    picture = page.get_by_test_id("camera-picture")
    picture.wait_for(timeout=60_000)
    assert picture.evaluate("(image) => image.naturalWidth") == 320
    page.screenshot(path=shots / "welcome-camera-phone.png", full_page=True)
    assert not AXE.exists() or violations(page) == []
    page.get_by_test_id("camera-add").click()
    expect(page.get_by_test_id("camera-note")).to_have_text("Küche, hinten is online.", timeout=90_000)
    wait_for("it has an id", lambda: condition(api, "kuche-hinten") == "online", 10)
    page.set_viewport_size({"width": 1280, "height": 860})
    page.emulate_media(color_scheme="light")
    page.goto(f"{house.url}/welcome?step=recovery")
    page.get_by_label("I keep a copy outside the house").check()
    expect(page.get_by_test_id("step-recovery")).to_have_attribute("data-done", "true")
    page.screenshot(path=shots / "welcome-desktop.png", full_page=True)
    page.goto(f"{house.url}/trust")
    page.get_by_role("link", name="Download the certificate").wait_for()
    page.screenshot(path=shots / "trust-desktop.png", full_page=True)
    status, _ = api.send("PUT", "/api/v1/pins", {"pin": "482913"})
    assert status == 200
    page.goto(f"{house.url}/welcome?step=pin")
    expect(page.get_by_test_id("step-pin")).to_have_attribute("data-done", "true")
    # Home with pictures of our own making: these two are the manifest's screenshots (public/icons).
    for name, size in (("home-wide", (1280, 800)), ("home-narrow", (390, 844))):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(house.url)
        expect(page.get_by_test_id("camera-tile")).to_have_count(2)
        expect(page.get_by_test_id("first-steps")).to_have_count(0)
        page.wait_for_timeout(3_000)
        page.screenshot(path=shots / f"{name}.png")
    context.close()
