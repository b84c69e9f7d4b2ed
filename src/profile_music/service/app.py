"""The application: one recommender, one pool, errors as JSON, the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from profile_music._version import __version__
from profile_music.errors import ProfileMusicError
from profile_music.recommender import Recommender
from profile_music.service.forms import body_limit_bytes
from profile_music.service.guard import Guard
from profile_music.service.keys import KeyRing
from profile_music.service.middleware import Gate
from profile_music.service.optional import mount_optional, mount_watches
from profile_music.service.page import make_page_router
from profile_music.service.pool import InferencePool
from profile_music.service.problems import as_known, error_response
from profile_music.service.readiness import Readiness
from profile_music.service.routes import describe_keys, make_router
from profile_music.service.watch import Watch, Watches, watches_for
from profile_music.settings import Settings

if TYPE_CHECKING:
    from profile_music.service.fetch import GuardedClient


def create_app(
    settings: Settings | None = None,
    recommender: Recommender | None = None,
    photo_client: GuardedClient | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        settings: Read from the environment where None.
        recommender: Used as it is; where None, one is loaded and warmed when the application starts.
        photo_client: Fetches photos by URL and from Kakao, where settings ask for it; a usual one where None.

    Raises:
        KeysUnreadableError: The list of API keys is not one.
        DependencyMissingError: A part that the settings ask for is not installed.
    """
    settings = settings or Settings()
    keys = KeyRing.of(settings)
    watches = watches_for(settings)
    watch = Watches(watches)
    app = FastAPI(
        title="프뮤 profile-music", version=__version__, redoc_url=None,
        lifespan=_lifespan(settings, recommender, watch), **_telemetry(watches),
    )  # fmt: skip
    app.state.finishing = []
    app.include_router(make_router())
    mount_optional(app, settings, photo_client)
    mount_watches(app, watches)
    for kind in (ProfileMusicError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    app.include_router(make_page_router())
    if keys is not None:
        describe_keys(app, optional=settings.api_keys_optional)
    # The last one added is the first that a request meets.
    app.add_middleware(Guard, settings=settings, keys=keys)
    app.add_middleware(
        Gate, max_body_bytes=body_limit_bytes(settings.photo_max_bytes), upload_s=settings.upload_s, watch=watch
    )
    _add_outer(app, settings)
    return app


def _add_outer(app: FastAPI, settings: Settings) -> None:
    if settings.cors_origins:
        from starlette.middleware.cors import CORSMiddleware

        app.add_middleware(
            CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
            expose_headers=["retry-after", "x-request-id"],
        )  # fmt: skip
    if settings.trusted_proxies:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))


def _telemetry(watches: list[Watch]) -> dict[str, Any]:
    options = [option for watch in watches if (option := watch.fastapi_options())]
    return {"telemetry": options[0]} if options else {}


def _lifespan(
    settings: Settings, given: Recommender | None, watch: Watch
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = app.state
        state.settings = settings
        state.watch = watch
        state.pool = InferencePool(settings.workers, settings.queue_size, settings.deadline_s, watch)
        state.readiness = readiness = Readiness(state, settings)
        following = None
        if given is None:
            following = await readiness.begin()
        else:
            await readiness.take(given)
        yield
        if following:
            following.cancel()
        for finish in state.finishing:
            await finish()
        await run_in_threadpool(state.pool.close)
        await run_in_threadpool(watch.close)

    return lifespan


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    return error_response(as_known(error), request.scope)
