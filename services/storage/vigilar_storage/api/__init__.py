"""Storage's internal HTTP API, one module per subject."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from vigilar_common import __version__

from vigilar_storage.api import (
    accounts,
    cameras,
    events,
    exports,
    facts,
    gaps,
    histories,
    ledger,
    listings,
    recordings,
    settings,
    state,
    timeline,
    verdicts,
    verifications,
)
from vigilar_storage.api.deps import BodyLimit, Services, install_errors

THREADS = 16
"""Requests that are worked on at once; more wait in the event loop."""


def create_app(behind: Services) -> FastAPI:
    """All routes, without the interactive pages: they would fetch scripts from elsewhere."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield

    app = FastAPI(
        title="Vigilar storage",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = behind
    app.add_middleware(BodyLimit)
    install_errors(app)
    subjects = (
        facts,
        events,
        recordings,
        cameras,
        gaps,
        exports,
        verifications,
        ledger,
        listings,
        histories,
        settings,
        state,
        timeline,
        verdicts,
        accounts,
    )
    for subject in subjects:
        app.include_router(subject.router)
    return app
