"""What people do with a recording, in a real browser against storage and web: seek, export, see what is missing."""

from __future__ import annotations

import io
import json
import os
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from long_film import ten_minutes
from playwright.sync_api import Browser, Page, Request, Response, expect
from storage_rig import Rig, event, finished, make_film, new_id, now_ms, opened, wait_for
from vigilar_common.config import load, slices
from vigilar_common.crypto.keys import write_master_key
from vigilar_common.testing.broker import TestBroker, free_port
from web_rig import PASSWORD, WebProcess

SEEK_S = 540
MAX_REQUESTS = 12
"""Init segment, and segments of 3 s until the player has the 20 s that it wants."""
MAX_SHARE = 0.05
SEEK_LIMIT_S = 10
SEEK = """
(video, to) => new Promise((done, failed) => {
  video.onseeked = () => done(video.currentTime); video.onerror = () => failed(new Error('video error'));
  video.currentTime = to;
})
"""


@dataclass
class Traffic:
    """Requests for film that the browser sent, and what came back."""

    requests: list[Request] = field(default_factory=list)
    bytes: int = 0

    def watch(self, page: Page) -> None:
        page.on(
            "request", lambda request: self.requests.append(request) if "/content" in request.url else None
        )
        page.on("response", self._came)

    def _came(self, response: Response) -> None:
        if "/content" in response.url:
            self.bytes += int(response.headers.get("content-length", "0"))

    def reset(self) -> None:
        self.requests.clear()
        self.bytes = 0


@dataclass(frozen=True)
class House:
    rig: Rig
    web: WebProcess
    film_id: str
    old_film: bytes


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    broker = TestBroker(folder / "broker", ("front",))
    broker.start()
    web = WebProcess(folder / "web", broker, free_port())
    rig = Rig(folder / "storage")
    rig.folder.mkdir()
    rig.configure()
    master = write_master_key(rig.folder / "storage.key")
    text = rig.config.read_text() + f'[storage]\nkey_file = "{rig.folder / "storage.key"}"\n'
    rig.config.write_text(text)
    slices.apply(load.load(rig.config, {}), rig.folder / "config-run")
    old = make_old_film()
    iv = os.urandom(16)
    place = rig.recordings / "old" / "2023-11-14_22-13-20.vge"
    place.parent.mkdir(parents=True)
    place.write_bytes(iv + Cipher(AES(master), CTR(iv)).encryptor().update(old))
    rig.port = web.storage_port
    rig.start()
    try:
        web.wait()
        yield House(rig, web, rig.recorded(ten_minutes(), now_ms() - 900_000), old)
    finally:
        web.stop()
        rig.stop()
        broker.stop()


def make_old_film() -> bytes:
    """MP4 with one index, as version 1 wrote it."""
    import av
    import numpy as np

    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=10, options={"g": "10", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for number in range(40):
            picture = np.full((64, 96, 3), number * 6, dtype=np.uint8)
            for packet in video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        container.mux(video.encode())
    return sink.getvalue()


@pytest.fixture(scope="module")
def problems() -> list[str]:
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, house: House, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    opened_page = context.new_page()
    opened_page.on(
        "console", lambda message: problems.append(message.text) if message.type == "error" else None
    )
    opened_page.on("pageerror", lambda error: problems.append(str(error)))
    opened_page.goto(house.web.origin)
    opened_page.fill("input[name=username]", "admin")
    opened_page.fill("input[name=password]", PASSWORD)
    opened_page.click("button[type=submit]")
    opened_page.wait_for_url(re.compile(r"/$"))
    yield opened_page
    context.close()


def show(page: Page, house: House, recording_id: str) -> None:
    page.goto(f"{house.web.origin}/recordings/{recording_id}")
    video = page.get_by_test_id("event-player")
    expect(video).to_be_visible()
    wait_for(
        lambda: video.evaluate("(v) => v.readyState >= 2 && v.videoWidth > 0"), 30, "the film shows a picture"
    )


def test_a_seek_to_minute_nine_takes_few_requests_and_few_bytes(
    page: Page, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    traffic = Traffic()
    traffic.watch(page)
    show(page, house, house.film_id)
    video = page.get_by_test_id("event-player")
    video.evaluate("(v) => v.pause()")
    wait_for(
        lambda: traffic.bytes > 0 and video.evaluate("(v) => v.buffered.end(0) > 15"),
        30,
        "the first buffer is full",
    )
    traffic.reset()

    began = time.monotonic()
    reached_s = float(video.evaluate(SEEK, SEEK_S))
    took_s = time.monotonic() - began
    buffered = "(v) => { for (let i = 0; i < v.buffered.length; i++) if (v.buffered.end(i) > 555) return true; return false; }"
    wait_for(lambda: video.evaluate(buffered), 30, "the buffer after the seek is full")

    film_bytes = len(ten_minutes())
    with capsys.disabled():
        print(
            f"\nhls.js in Chromium, seek to {SEEK_S} s of 600 s: {took_s * 1000:.0f} ms, {len(traffic.requests)} requests, "
            f"{traffic.bytes} bytes of {film_bytes}"
        )
    assert abs(reached_s - SEEK_S) < 0.5
    assert took_s < SEEK_LIMIT_S
    assert 0 < len(traffic.requests) <= MAX_REQUESTS
    assert 0 < traffic.bytes < MAX_SHARE * film_bytes
    assert all("range" in request.headers for request in traffic.requests), "no request for the whole film"


def test_an_old_film_plays_as_one_file_and_is_labelled(page: Page, house: House) -> None:
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "vigilar_storage",
        "storage",
        "register",
        str(house.rig.recordings / "old"),
        "--camera",
        "front",
    ]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, **house.rig.env}, capture_output=True)
    old = house.rig.get("/v1/recordings?to_ms=1800000000000").json()["items"][-1]

    show(page, house, old["id"])

    video = page.get_by_test_id("event-player")
    assert float(video.evaluate(SEEK, 2)) == pytest.approx(2, abs=0.3)
    expect(page.get_by_test_id("version-1")).to_be_visible()
    expect(page.get_by_test_id("seal-note")).to_contain_text("not tamper-evident before")


def test_a_film_that_is_not_encrypted_is_marked_in_the_list_on_its_page_and_on_its_event(
    page: Page, house: House
) -> None:
    plain, event_id, begun_ms, film = new_id(), new_id(), now_ms() - 60_000, make_film(4)
    (house.rig.incoming / f"{plain}.mp4").write_bytes(film)
    house.rig.post(
        [opened(plain, begun_ms, encrypted=False), finished(plain, begun_ms, seconds=4, size=len(film))]
    )
    house.rig.post([event(event_id, recording_id=plain)], "events")
    wait_for(lambda: house.rig.state_of(plain) == "complete", what="the plain film is taken over")

    page.goto(f"{house.web.origin}/recordings")
    row = page.locator(f"[data-recording-id='{plain}']")
    expect(row.get_by_test_id("not-encrypted")).to_be_visible()
    expect(
        page.locator(f"[data-recording-id='{house.film_id}']").get_by_test_id("not-encrypted")
    ).to_have_count(0)
    show(page, house, plain)
    expect(page.get_by_test_id("seal-note")).to_contain_text("encrypt_recordings = false")
    page.goto(f"{house.web.origin}/events/{event_id}")
    expect(page.get_by_test_id("not-encrypted")).to_be_visible()


def test_an_export_with_proof_is_made_and_saved_from_the_page(
    page: Page, house: House, tmp_path: Path
) -> None:
    show(page, house, house.film_id)
    page.get_by_test_id("export").click()
    dialog = page.get_by_test_id("export-dialog")
    expect(dialog).to_contain_text("At most 8.0 GB")
    dialog.locator("input[name=reason]").fill("parcel stolen")
    page.get_by_test_id("export-start").click()
    link = page.get_by_test_id("export-file")
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as waiting:
        link.click()
    waiting.value.save_as(tmp_path / "export.zip")

    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        custody = json.loads(archive.read("custody.json"))
        manifest = json.loads(archive.read("manifest.json"))
    assert (custody["exported_by"], custody["reason"]) == ("admin", "parcel stolen")
    assert [row["id"] for row in manifest["recordings"]] == [house.film_id]


def test_the_cameras_page_tells_which_times_have_no_film_and_why(page: Page, house: House) -> None:
    lost = {"camera_id": "front", "from_ms": now_ms() - 200_000, "to_ms": now_ms() - 140_000}
    from storage_rig import fact

    house.rig.post([fact("recording.gap", {**lost, "reason": "the cable was pulled", "recording_id": None})])

    page.goto(f"{house.web.origin}/cameras/front")

    coverage = page.get_by_test_id("coverage")
    expect(coverage).to_contain_text("Recorded")
    expect(coverage).to_contain_text("the cable was pulled")
    assert coverage.locator("svg rect.recorded").count() >= 1
    assert coverage.locator("svg rect.gap").count() >= 1


def test_no_page_broke_the_content_security_policy_or_threw(problems: list[str], page: Page) -> None:
    # A film without fragments answers its playlist with 409; the camera of this house is not there.
    left = [text for text in problems if "Failed to load resource" not in text]
    assert left == []
