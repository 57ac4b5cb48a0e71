"""A house from nothing, by the page alone: first password, find and try out a camera, add it, see it run, remove it."""

from __future__ import annotations

import base64
import http.cookiejar
import json
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import camera_media as media
import pytest
from odd_camera import describe, odd_camera
from onvif_camera import onvif_camera
from stack import Api, wait_for
from vigilar_common.testing.broker import free_port

PASSWORD = "three plain words"
CONFIG = """
[system]
data_dir = "{home}/data"
recordings_dir = "{home}/recordings"
hls_dir = "{home}/hls"
[mqtt]
port = {mqtt_port}
[web]
host = "127.0.0.1"
port = {web_port}
[ups]
enabled = false
[storage]
key_file = "{home}/secrets/storage/storage.key"
"""


class House:
    """`vigilar start --with-broker` of a folder that holds a configuration without a camera and nothing else."""

    def __init__(self, home: Path) -> None:
        self.home, self.url = home, ""
        self.log = home / "vigilar.log"

    def start(self) -> subprocess.Popen[bytes]:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        text = CONFIG.format(home=self.home, mqtt_port=free_port(), web_port=port)
        (self.home / "vigilar.toml").write_text(text)
        command = [sys.executable, "-m", "vigilar_supervisor", "start", "--with-broker"]
        with self.log.open("wb") as out:
            return subprocess.Popen([*command, "-c", str(self.home / "vigilar.toml")], stdout=out, stderr=out)

    def first_password(self) -> Api:
        text = wait_for(
            "the set-up link", lambda: re.search(r"/setup\?token=([\w-]+)", self.log.read_text()), 60
        )
        assert text is not None
        wait_for("storage is there", lambda: "storage is ready" in self.log.read_text(), 60)
        form = urllib.parse.urlencode({"token": text[1], "password": PASSWORD, "repeat": PASSWORD}).encode()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        with opener.open(
            urllib.request.Request(f"{self.url}/setup", form, {"Origin": self.url}), timeout=20
        ) as answer:
            assert "The password is saved" in answer.read().decode()
        return Api(self.url, "admin", PASSWORD)


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
    units = media.access_units()

    def film() -> Iterator[tuple[bytes, float]]:
        while True:
            yield from ((data, 0.02) for data, _ in units)

    with odd_camera(sdp=describe("h264", units[0][0]), frames=film) as camera:
        yield camera.url


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
