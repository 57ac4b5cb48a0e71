"""Who may do what: every route × method × role, made from the application; and nothing of a hidden camera anywhere."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from vigilar_common import topics
from vigilar_common.errors import StartupError
from vigilar_common.messages import Reply
from vigilar_common.messages.alarm import ArmState, EventOpened, EventType, Severity
from vigilar_common.messages.audit import Audited
from vigilar_common.messages.camera import CameraCondition, CameraState
from vigilar_common.messages.system import SystemHealth
from vigilar_web import policy
from vigilar_web.accounts.model import Caller
from vigilar_web.gate import guarded_router
from vigilar_web.middleware import Shell
from vigilar_web.policy import NEEDS_SESSION, Access, Cameras, Role, Scope, kind_of, policy_of
from vigilar_web.sessions import COOKIE
from web_people import BASE, ROUTES, UUID, add_account, add_token, filled, sign_in

CANARY = "yard"
SAFE = ("GET", "HEAD")
OTHER = "01234567-89ab-7def-8123-4567890aaaaa"
CASES = [
    (method, route)
    for route in ROUTES
    if kind_of(route.endpoint) in NEEDS_SESSION
    for method in sorted(getattr(route, "methods", None) or {"WEBSOCKET"})
]


def answer_of(web: Any, method: str, route: Any, token: str = "") -> int:
    """The status for whoever is signed in (or has the token); 101: the socket was let in."""
    path = filled(route.path)
    if isinstance(route, APIWebSocketRoute):
        return knock(web, path, token)
    headers = {"Origin": BASE, "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif method not in SAFE:
        session = web.parts.sessions.find(web.client.cookies.get(COOKIE, ""))
        headers["X-CSRF-Token"] = session.csrf if session else ""
    shorten(web)
    status: int = web.ask(method, path, headers=headers, content=None if method in SAFE else "{}").status_code
    return status


def shorten(web: Any) -> None:
    """Who got so far was let in: an endless answer would never return, and a playlist waits for its first segment."""
    web.parts.closing.set()
    web.parts.stream.join = web.parts.hls.playlist = refuse


def refuse(*_: Any) -> Any:
    from vigilar_web.errors import ApiError

    raise ApiError(503, "busy", "let in")


def knock(web: Any, path: str, token: str) -> int:
    headers = [(b"host", b"house.lan:49735"), (b"origin", BASE.encode())]
    cookie = web.client.cookies.get(COOKIE, "")
    headers.append((b"cookie", f"{COOKIE}={cookie}".encode()))
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {
        "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "scheme": "ws", "client": ("192.0.2.7", 1), "server": ("house.lan", 49735), "subprotocols": [],
        "extensions": {"websocket.http.response": {}}, "root_path": "", "http_version": "1.1", "state": {},
    }  # fmt: skip
    inbox: list[dict[str, Any]] = [{"type": "websocket.connect"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return inbox.pop(0) if inbox else {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Any) -> None:
        sent.append(message)

    web.run(Shell(web.api, web.parts)(scope, receive, send))
    return 101 if sent[0]["type"] == "websocket.accept" else int(sent[0]["status"])


def refused(status: int, kind: Access) -> bool:
    return status in (401, 403) or (status == 303 and kind is not Access.SESSION)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_exactly_what_its_policy_says(web: Any, role: Role) -> None:
    account = add_account(web, role.value, role=role)
    sign_in(web, account)
    wrong = []
    for method, route in CASES:
        kind, wanted = kind_of(route.endpoint), policy_of(route.endpoint)
        assert kind is not None
        assert wanted is not None
        if route.path in ENDS_SESSIONS:
            continue
        session = web.parts.sessions.find(web.client.cookies.get(COOKIE, ""))
        status = answer_of(web, method, route)
        if kind is Access.PAGE_FORM and method not in SAFE:
            continue  # a form has its CSRF token in its body: test_web_reset_pin
        may = role.covers(wanted.role)
        if refused(status, kind) == may and not own_refusal(route.path, status):
            wrong.append(f"{method} {route.path}: {status}")
        assert session is web.parts.sessions.find(web.client.cookies.get(COOKIE, "")), route.path
    assert wrong == []


ENDS_SESSIONS: set[str] = {"/api/v1/logout"}


def own_refusal(path: str, status: int) -> bool:
    """403 may also be what a right caller gets for what was sent."""
    return path == "/api/v1/me/confirm" and status == 403


def test_nobody_gets_anything_without_signing_in(web: Any) -> None:
    let_in = []
    for method, route in CASES:
        kind = kind_of(route.endpoint)
        assert kind is not None
        statuses = [answer_of(web, method, route, token) for token in ("", "vigilar_" + "x" * 43)]
        let_in += [f"{method} {route.path}: {status}" for status in statuses if not refused(status, kind)]
    assert let_in == []
    assert not web.bus.published
    assert not web.storage.requests


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_reaches_exactly_the_routes_of_its_scopes(web: Any, scope: Scope) -> None:
    account = add_account(web, "robot", role=Role.ADMIN)
    token = add_token(web, account, [scope])
    wrong = []
    for method, route in CASES:
        kind, wanted = kind_of(route.endpoint), policy_of(route.endpoint)
        assert wanted is not None
        status = answer_of(web, method, route, token)
        if refused(status, kind or Access.SESSION) == (wanted.scope is scope and kind is Access.SESSION):
            wrong.append(f"{method} {route.path}: {status}")
    assert wrong == []


def test_the_role_of_its_owner_bounds_a_token(web: Any, error: Any) -> None:
    account = add_account(web, "guest", role=Role.VIEWER)
    token = add_token(web, account, list(Scope))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = web.ask("POST", "/api/v1/alarm", headers=headers, content='{"action": "DISARM"}')
    assert response.status_code == 403
    assert error(response) == "role_needed"
    assert not web.bus.published


def test_a_route_without_a_policy_or_with_a_contradictory_one_does_not_start(web: Any) -> None:
    router = guarded_router()

    @router.get("/api/v1/forgotten")
    async def forgotten() -> None: ...

    @router.get("/api/v1/half")
    @policy.access(Access.SESSION)
    async def half() -> None: ...

    @router.post("/api/v1/silent")
    @policy.access(Access.SESSION, policy.SEE)
    async def silent() -> None: ...

    @router.get("/api/v1/cameras/{camera_id}/x")
    @policy.access(Access.SESSION, policy.SEE)
    async def camera(camera_id: str) -> None: ...

    for route, why in zip(
        router.routes, ("no access", "no role", "no word in the audit log", "disagree"), strict=True
    ):
        with pytest.raises(StartupError, match=why):
            policy.check([*web.api.router.routes, route])


# -- one camera, and nothing of the others ----------------------------------------------------------------


def rows_of(camera_id: str) -> dict[str, Any]:
    return {"id": UUID, "camera_id": camera_id, "type": "motion", "title": f"at {camera_id}", "started_ms": 1,
            "state": "done", "created_ms": 1, "recording_ids": [], "event_id": UUID, "severity": "info"}  # fmt: skip


def fill(web: Any) -> None:
    """Storage that has only things of the hidden camera, and would hand them all out."""

    def within(request: httpx.Request) -> Any:
        asked = request.url.params.get("within")
        hidden = asked is not None and CANARY not in asked.split(",")
        return {"items": [] if hidden else [rows_of(CANARY)], "next": None, "limits": {}}

    web.storage.answers |= {
        "/v1/events": within, "/v1/recordings": within,
        f"/v1/events/{UUID}": rows_of(CANARY), f"/v1/recordings/{UUID}": rows_of(CANARY),
        f"/v1/exports/{UUID}": rows_of(CANARY), "/v1/exports": {"items": [rows_of(CANARY)], "limits": {}},
        "/v1/alert-log": {"items": [{"id": UUID, "title": "at yard", "channel": "mail", "event_id": None}], "next": None},
        f"/v1/pictures/{UUID}": lambda _: httpx.Response(200, content=b"JPEG of yard", headers={"X-Vigilar-Camera": CANARY}),
    }  # fmt: skip
    for tail in ("content", "download", "playlist.m3u8"):
        web.storage.answers[f"/v1/recordings/{UUID}/{tail}"] = lambda _: httpx.Response(
            200, content=b"yard film"
        )
    incident = {
        "alert_id": UUID,
        "title": "at yard",
        "cameras": [CANARY],
        "duress": False,
        "picture_id": UUID,
    }
    told = {"items": [incident], "next": None, "snoozes": [{"camera_id": CANARY, "until_ms": 1}], **incident}
    web.bus.answers = lambda *_: Reply(ok=True, data=told)
    web.bus.deliver(
        topics.CAMERA_STATE, CameraState(camera_id=CANARY, condition=CameraCondition.ONLINE), camera_id=CANARY
    )
    beat = {"service": f"camera-worker-{CANARY}", "pid": 1, "started_ms": 1, "ready": True}
    health = SystemHealth.model_validate({
        "status": "ok", "mqtt_connected": True, "storage_reachable": True, "services": {f"camera-worker-{CANARY}": beat},
        "findings": [{"code": "x", "severity": "alert", "title": "yard is dark"}],
    })  # fmt: skip
    web.bus.deliver(topics.SYSTEM_HEALTH, health)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESIDENT])
def test_who_may_see_one_camera_finds_nothing_of_another_in_any_answer(web: Any, role: Role) -> None:
    fill(web)
    shorten(web)
    web.parts.pictures.put(
        "front", OTHER, b"\xff\xd8\xff", web.clock.now_ms()
    )  # no camera has to be asked for one
    sign_in(web, add_account(web, "guest", role=role, cameras=["front"]))
    told = []
    for method, route in CASES:
        if not isinstance(route, APIRoute) or method not in SAFE or route.path.startswith("/{path"):
            continue
        if route.path in ("/api/v1/stream", "/api/v1/cameras/{camera_id}/live.mjpeg"):
            continue
        for path in {filled(route.path), filled(route.path.replace("{camera_id}", CANARY))}:
            response = web.ask(method, path, headers={"Origin": BASE})
            if b"yard" in response.content.lower():
                told.append(f"{method} {path}: {response.text[:200]}")
            if CANARY in path:
                assert response.status_code in (403, 404), path
    assert told == []


def test_the_same_answers_do_hold_the_camera_for_who_may_see_it(web: Any) -> None:
    """Or the test above would prove nothing."""
    fill(web)
    sign_in(web, add_account(web, "ann", role=Role.RESIDENT))
    for path in ("/api/v1/cameras", "/api/v1/events", f"/api/v1/events/{UUID}", "/api/v1/recordings", "/api/v1/exports",
                 f"/api/v1/recordings/{UUID}/content", f"/api/v1/pictures/{UUID}", "/api/v1/incidents", "/api/v1/alerts",
                 f"/api/v1/incidents/{UUID}", "/api/v1/health"):  # fmt: skip
        assert b"yard" in web.get(path).content, path


def test_not_even_the_counts_tell_of_a_hidden_camera(web: Any) -> None:
    fill(web)
    sign_in(web, add_account(web, "guest", cameras=["front"]))
    assert web.get("/system/status").json()["cameras"]["total"] == 1
    sign_in(web, add_account(web, "blind", cameras=[]))
    assert web.get("/system/status").json()["cameras"] == {
        "total": 0,
        "online": 0,
        "offline": 0,
        "recording": 0,
    }
    assert web.get("/api/v1/cameras").json() == {"items": []}


@pytest.mark.parametrize("camera_id", ["front", "yard"])
def test_live_pictures_are_of_seen_cameras_only_over_every_way(web: Any, camera_id: str) -> None:
    sign_in(web, add_account(web, "guest", cameras=["front"]))
    seen = camera_id == "front"
    assert (knock(web, f"/api/v1/cameras/{camera_id}/live", "") == 101) is seen
    web.parts.closing.set()
    web.parts.pictures.put(camera_id, UUID, b"\xff\xd8\xff", web.clock.now_ms())
    for tail in ("live.mjpeg", "snapshot.jpg?max_age_s=60"):
        assert (web.get(f"/api/v1/cameras/{camera_id}/{tail}").status_code == 404) is not seen, tail
    if not seen:
        assert web.get(f"/hls/{camera_id}/index.m3u8").status_code == 404


def test_the_event_stream_tells_each_page_of_its_own_cameras(web: Any) -> None:
    guest, ann = add_account(web, "guest", cameras=["front"]), add_account(web, "ann", role=Role.RESIDENT)
    clients = [
        web.parts.stream.join(lambda a=account: Caller(web.parts.accounts.get(a.id), a.cameras))
        for account in (guest, ann)
    ]
    fill(web)
    opened = EventOpened(event_id=UUID, type=EventType.MOTION, severity=Severity.INFO, title="at yard", ts_ms=1,
                         camera_id=CANARY, arm_state=ArmState.DISARMED)  # fmt: skip
    web.bus.deliver(topics.EVENT_OPENED, opened)
    web.settle()
    heard_by_guest, heard_by_ann = (web.run(client.next(0.1)) for client in clients)
    assert b"yard" not in heard_by_guest
    assert b'"status":"ok"' in heard_by_guest, "that the house is well may be heard by everybody"
    assert heard_by_ann.count(b"at yard") == 1
    assert b"yard is dark" in heard_by_ann


def test_rights_that_are_taken_away_are_gone_at_once_also_for_what_stays_open(web: Any) -> None:
    account = add_account(web, "guest")
    sign_in(web, account)
    assert web.get("/api/v1/cameras/yard/snapshot.jpg").status_code in (200, 204, 404, 503)
    session = web.parts.sessions.find(web.client.cookies[COOKIE])
    client = web.parts.stream.join(lambda: web.parts.callers.of(session))
    add_account(web, "guest", cameras=["front"], account_id=account.id)
    web.parts.stream.broadcast("camera", {"id": CANARY}, CANARY)
    web.parts.stream.broadcast("camera", {"id": "front"}, "front")
    assert b"yard" not in web.run(client.next(0.1))
    assert len(web.get("/api/v1/cameras").json()["items"]) == 1
    add_account(web, "guest", disabled=True, account_id=account.id)
    assert web.get("/api/v1/cameras").status_code == 401
    web.parts.stream.broadcast("alarm", {"state": "disarmed"})
    assert client.closed


def test_a_token_of_one_camera_is_held_to_it_and_ends_when_revoked_or_over(web: Any, error: Any) -> None:
    account = add_account(web, "ann", role=Role.ADMIN)
    token = add_token(web, account, [Scope.READ], cameras=["front"], expires_in_s=100)
    headers = {"Authorization": f"Bearer {token}"}

    def ask() -> httpx.Response:
        return web.get("/api/v1/cameras", headers=headers)  # type: ignore[no-any-return]

    assert [item["id"] for item in ask().json()["items"]] == ["front"]
    web.clock.advance(100)
    assert error(ask()) == "bad_token"
    web.clock.advance(-50)
    assert ask().status_code == 200
    add_account(web, "ann", role=Role.ADMIN, account_id=account.id)  # its credentials are gone
    assert ask().status_code == 401


def test_a_token_cannot_be_sent_by_another_site_and_needs_no_csrf(web: Any) -> None:
    """A browser never sends the header by itself; a cookie beside it changes nothing."""
    token = add_token(web, add_account(web, "ann", role=Role.RESIDENT), [Scope.CONTROL])
    wrong = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    path, body = "/api/v1/snoozes", json.dumps({"camera_id": "front", "duration_s": 600})
    assert web.ask("POST", path, headers=wrong, content=body).status_code == 403
    right = wrong | {"Content-Type": "application/json"}
    assert web.ask("POST", path, headers=right, content=body).status_code != 403


def test_every_kind_of_camera_policy_is_used(web: Any) -> None:
    used = {wanted.cameras for _, route in CASES if (wanted := policy_of(route.endpoint))}
    assert used == set(Cameras)


def test_what_changes_something_is_written_down_with_who_where_and_how_it_ended(web: Any) -> None:
    account = add_account(web, "guest", role=Role.VIEWER)
    sign_in(web, account)
    web.send("POST", "/api/v1/cameras/front/record", {"action": "start"})
    web.parts.audit.close()
    (entry,) = web.facts.of(Audited)
    assert (entry.actor, entry.account_id, entry.action, entry.subject) == (
        "guest",
        account.id,
        "camera.record",
        "front",
    )
    assert (entry.outcome.value, entry.address, entry.method) == ("refused", "192.0.2.7", "session")
