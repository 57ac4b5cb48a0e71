"""The containers: healthy, hardened, and walked through by the same browser as the demo."""

from __future__ import annotations

import os
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
import walk
from compose_stack import ComposeStack, ContainerPush
from playwright.sync_api import Browser, Page, Playwright
from stack import Api, wait_for

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1_200)]

SERVICES = (
    "broker",
    "storage",
    "events",
    "alerts",
    "health",
    "sensors",
    "ups",
    "presence",
    "homeassistant",
    "offsite",
    "detector",
    "visitors",
    "web",
    "camera-worker",
    "scout",
    "demo-camera",
)


@pytest.fixture(scope="module")
def containers() -> Iterator[ComposeStack]:
    if not (os.environ.get("DOCKER_HOST") or os.path.exists("/var/run/docker.sock")):  # noqa: PTH110
        pytest.fail("no container engine: set DOCKER_HOST or start one")
    stack = ComposeStack()
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def login(containers: ComposeStack) -> walk.Login:
    return walk.Login(containers.url, **containers.login())


@pytest.fixture(scope="module")
def api(containers: ComposeStack, login: walk.Login) -> Api:
    return Api(login.url, login.username, login.password, containers.tls())


@pytest.fixture(scope="module")
def push(containers: ComposeStack) -> ContainerPush:
    return ContainerPush(containers)


@pytest.fixture(scope="module")
def page(playwright_session: Playwright, login: walk.Login, push: ContainerPush) -> Iterator[Page]:
    program = shutil.which("chromium")
    assert program
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--ignore-certificate-errors",
    ]
    browser: Browser = playwright_session.chromium.launch(executable_path=program, args=flags)
    opened = walk.open_page(browser, login, push.subscription, [], ignore_https_errors=True)
    walk.log_in(opened, login)
    yield opened
    browser.close()


def test_every_container_is_healthy_within_a_minute(containers: ComposeStack) -> None:
    assert containers.up_s < 60, f"up took {containers.up_s:.0f} s after the build"
    for service in SERVICES:
        assert containers.healthy(service), service


@pytest.mark.parametrize("service", SERVICES)
def test_containers_run_without_rights_they_do_not_need(containers: ComposeStack, service: str) -> None:
    found = containers.inspect(service)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    targets = {mount["Destination"] for mount in found["Mounts"]}
    assert ("/data" in targets) == (service == "storage"), "only storage mounts the database"
    assert not any("docker.sock" in mount.get("Source", "") for mount in found["Mounts"])
    published = {port for port, hosts in (host["PortBindings"] or {}).items() if hosts}
    assert published == {"web": {"49735/tcp"}, "broker": {"1883/tcp"}}.get(service, set())


def test_a_service_sees_its_own_secrets_alone(containers: ComposeStack) -> None:
    seen = containers.compose("exec", "-T", "events", "ls", "/secrets").split()
    assert set(seen) == {"broker_password", "storage_token"}
    slices = containers.compose("exec", "-T", "events", "ls", "/config-run").split()
    assert slices == ["events"]


def test_the_walk(
    containers: ComposeStack, page: Page, login: walk.Login, api: Api, push: ContainerPush
) -> None:
    walk.live_picture_moves(page)
    known = {event["id"] for event in api.events()}
    page.goto(login.url)
    event_id = walk.new_event_appears(page, known)
    event = wait_for(
        "the event has its recording",
        lambda: (found := api.get(f"/api/v1/events/{event_id}")).get("recording_offset_ms") and found,
        10,
    )
    walk.clip_plays_from_before_the_onset(page, event_id, login.url, event)
    walk.arm_with_pin(page, login.url, login.pin)

    def without_session(url: str) -> bytes:
        with urllib.request.urlopen(
            urllib.parse.urljoin(login.url, url), timeout=10, context=containers.tls()
        ) as answer:
            data: bytes = answer.read()
            return data

    walk.push_arrives(page, login.url, push, without_session)


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "demo-camera"])
def test_a_killed_container_comes_back(containers: ComposeStack, service: str) -> None:
    before = containers.inspect(service)["RestartCount"]
    containers.kill_main_process(service)
    wait_for(f"{service} restarted", lambda: containers.inspect(service)["RestartCount"] > before, 20)
    wait_for(f"{service} is healthy", lambda: containers.healthy(service), 60, 0.5)


def test_motion_still_becomes_an_event_after_all_that(api: Api) -> None:
    known = {event["id"] for event in api.events()}
    wait_for("a new event", lambda: {event["id"] for event in api.events()} - known, 90, 1)
