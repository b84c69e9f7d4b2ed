"""The application: one recommender, one pool, errors as JSON, the page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from profile_music._version import __version__
from profile_music.errors import InputError, ProfileMusicError
from profile_music.recommender import Recommender
from profile_music.service.forms import body_limit_bytes
from profile_music.service.middleware import Gate
from profile_music.service.optional import mount_optional
from profile_music.service.page import make_page_router
from profile_music.service.pool import InferencePool
from profile_music.service.routes import make_router
from profile_music.settings import Settings

if TYPE_CHECKING:
    from profile_music.service.fetch import GuardedClient

log = logging.getLogger("profile_music.service")
_RETRY_AFTER_S = 2


class _NotFoundError(ProfileMusicError):
    code = "not_found"
    http_status = 404
    ko = "그런 주소는 없어요."
    en = "There is nothing at this address."


class _MethodError(ProfileMusicError):
    code = "method_not_allowed"
    http_status = 405
    ko = "이 주소에서는 쓸 수 없는 방법이에요."
    en = "This method is not allowed here."


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
    """
    settings = settings or Settings()
    app = FastAPI(
        title="프뮤 profile-music", version=__version__, lifespan=_lifespan(settings, recommender), redoc_url=None
    )
    app.include_router(make_router())
    mount_optional(app, settings, photo_client)
    for kind in (ProfileMusicError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    app.include_router(make_page_router())
    app.add_middleware(Gate, max_body_bytes=body_limit_bytes(settings.photo_max_bytes))
    return app


def _lifespan(settings: Settings, given: Recommender | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.settings = settings
        app.state.pool = InferencePool(settings.workers, settings.queue_size, settings.deadline_s)
        recommender = given or Recommender.load(settings=settings)
        await run_in_threadpool(recommender.warm)
        app.state.recommender = recommender
        following = asyncio.create_task(_follow_catalog(app, settings.catalog_poll_s)) if given is None else None
        yield
        if following:
            following.cancel()
        app.state.pool.close()

    return lifespan


async def _follow_catalog(app: FastAPI, poll_s: float) -> None:
    """Change to newer versions of the catalogue between requests."""
    while True:
        await asyncio.sleep(max(poll_s, 1.0))
        app.state.recommender = await run_in_threadpool(app.state.recommender.latest)


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    known = _as_known(error)
    if known.http_status >= 500 and not isinstance(error, ProfileMusicError):
        # The traceback goes to the log without the request's content, never into the answer.
        log.error("unexpected error, request %s", getattr(request.state, "request_id", ""), exc_info=error)
    headers = {"retry-after": str(_RETRY_AFTER_S)} if known.http_status == 503 else None
    return JSONResponse(known.to_dict(), known.http_status, headers)


def _as_known(error: Exception) -> ProfileMusicError:
    if isinstance(error, ProfileMusicError):
        return error
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return InputError(reason=f"{'.'.join(str(part) for part in first['loc'])}: {first['type']}")
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return _NotFoundError()
        if error.status_code == 405:
            return _MethodError()
        if error.status_code < 500:
            return InputError(reason=str(error.detail)[:200])
    return ProfileMusicError()
