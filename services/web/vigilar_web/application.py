"""The FastAPI application: routers, errors, and what runs beside them on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from vigilar_web import errors, policy
from vigilar_web.accounts.book import REFRESH_S
from vigilar_web.bridge import Bridge
from vigilar_web.gateway import PROBE_INTERVAL_S, PROBE_RETRY_S
from vigilar_web.middleware import Shell
from vigilar_web.parts import Parts
from vigilar_web.routes import (
    accounts,
    address,
    alarm,
    alerts,
    auth,
    cameras,
    events,
    exports,
    find,
    footage,
    hls,
    house,
    invite,
    live,
    logs,
    marks,
    me,
    mjpeg,
    outside,
    pages,
    pets,
    pins,
    push,
    recordings,
    reference,
    remote,
    rules,
    search,
    sensors,
    settings,
    setup,
    status,
    stream,
    timeline,
    tuning,
    visitors,
)

log = logging.getLogger(__name__)

TICK_S = 2.0
MODULES = (
    auth,
    invite,
    me,
    accounts,
    setup,
    status,
    cameras,
    live,
    mjpeg,
    tuning,
    marks,
    hls,
    house,
    outside,
    pets,
    visitors,
    remote,
    rules,
    sensors,
    settings,
    logs,
    find,
    events,
    exports,
    recordings,
    footage,
    timeline,
    search,
    alarm,
    pins,
    alerts,
    push,
    stream,
    reference,
    address,
    pages,
)
"""Pages last: its route takes every GET that nothing else wanted."""


def create_api(parts: Parts, bridge: Bridge, tick: Callable[[], None] = lambda: None) -> FastAPI:
    """The routes without the outermost layer. `tick` is called every few seconds on the loop.

    Raises StartupError for a route without a policy.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.storage.start()
        bridge.open(asyncio.get_running_loop())

        def probe_interval_s() -> float:
            return PROBE_RETRY_S if parts.storage.problem else PROBE_INTERVAL_S

        tasks = [
            _background("leases", parts.live.keep_leases()),
            _background("storage probe", _repeat(parts, probe_interval_s, parts.storage.probe)),
            _background("accounts", _repeat(parts, lambda: REFRESH_S, parts.accounts.refresh)),
            _background("upkeep", _repeat(parts, lambda: TICK_S, _upkeep(parts, tick))),
        ]
        try:
            yield
        finally:
            bridge.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            parts.hls.close()
            parts.login.close()
            await asyncio.to_thread(parts.audit.close)
            await parts.storage.close()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        title="Vigilar",
    )
    app.state.parts = parts
    for module in MODULES:
        # The routes themselves, not an included router: the list that the tests walk is the list that serves.
        app.router.routes.extend(module.router.routes)
    policy.check(app.router.routes)
    app.add_exception_handler(errors.ApiError, errors.on_api_error)
    app.add_exception_handler(errors.GoToError, errors.on_redirect)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(RequestValidationError, errors.on_invalid)
    app.add_exception_handler(Exception, errors.on_crash)
    return app


def create_app(parts: Parts, bridge: Bridge, tick: Callable[[], None] = lambda: None) -> Shell:
    return Shell(create_api(parts, bridge, tick), parts)


def _upkeep(parts: Parts, tick: Callable[[], None]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def upkeep() -> None:
        tick()
        parts.hls.stop_idle()
        parts.remote.expire()
        parts.logs.forget()
        parts.sessions.revoke_stale()

    return upkeep


async def _repeat(
    parts: Parts, interval_s: Callable[[], float], step: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    while not parts.closing.is_set():
        try:
            await step()
        except Exception:
            log.exception("upkeep failed; it is tried again in %g s", interval_s())
        try:
            async with asyncio.timeout(interval_s()):
                await parts.closing.wait()
        except TimeoutError:
            continue


def _background(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=name)

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()):
            log.critical("%s ended: this needs a restart", name, exc_info=error)

    task.add_done_callback(ended)
    return task
