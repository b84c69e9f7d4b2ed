"""From a living process to one that answers: models and catalogue are verified first, or there is no answer.

A damaged or absent catalogue does not end the process: it stays alive and not ready, says why, and tries again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from profile_music.errors import ProfileMusicError
from profile_music.recommender import Recommender
from profile_music.service.problems import NotReadyError

if TYPE_CHECKING:
    from starlette.datastructures import State

    from profile_music.settings import Settings

log = logging.getLogger("profile_music.service")
_PATIENCE_S = 10.0


class Readiness:
    """Loads the recommender into the application's state, and newer catalogues after it."""

    def __init__(self, state: State, settings: Settings) -> None:
        """Load nothing yet."""
        state.recommender = None
        self._state = state
        self._settings = settings
        self.problem = ""
        """Code of the error that keeps the server from being ready; '' where there is none."""

    @property
    def is_ready(self) -> bool:
        """Whether models and catalogue are loaded; each file was checked against its SHA-256 on the way."""
        return self._state.recommender is not None

    def to_dict(self) -> dict[str, str]:
        """Return the body of /readyz: no paths and no names, as anybody may ask; those are in the log."""
        if self.is_ready:
            return {"status": "ready"}
        return {"status": "failed", "reason": self.problem} if self.problem else {"status": "starting"}

    async def begin(self) -> asyncio.Task[None]:
        """Start loading and following; wait a moment, so that a usual start ends ready."""
        first = asyncio.Event()
        following = asyncio.create_task(self._follow(first))
        try:
            await asyncio.wait_for(first.wait(), _PATIENCE_S)
        except TimeoutError:
            log.warning("models and catalogue are still loading; /readyz says when they are there")
        return following

    async def take(self, recommender: Recommender) -> None:
        """Use a recommender that is there already."""
        await run_in_threadpool(recommender.warm)
        self._state.recommender = recommender

    async def _follow(self, tried: asyncio.Event) -> None:
        pause_s = max(self._settings.catalog_poll_s, 1.0)
        while not self.is_ready:
            await self._try_once()
            tried.set()
            if not self.is_ready:
                await asyncio.sleep(min(pause_s, _PATIENCE_S))
        while True:
            await asyncio.sleep(pause_s)
            self._state.recommender = await run_in_threadpool(self._state.recommender.latest)

    async def _try_once(self) -> None:
        try:
            await self.take(await run_in_threadpool(lambda: Recommender.load(settings=self._settings)))
        except ProfileMusicError as error:
            self.problem = error.code
            log.error("not ready: [%s] %s / %s", error.code, error.message_ko, error.message_en)
        except Exception as error:
            self.problem = ProfileMusicError.code
            log.exception("not ready: %s", type(error).__name__)


def recommender_of(state: Any) -> Recommender:
    """Return the recommender in use.

    Raises:
        NotReadyError: It is not loaded.
    """
    recommender: Recommender | None = state.recommender
    if recommender is None:
        raise NotReadyError
    return recommender
