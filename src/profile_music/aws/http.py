"""The whole HTTP API behind API Gateway (v2) or a Function URL: the server's own application, called by event."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from mangum import Mangum

from profile_music.aws.events import Handler, http_answer, is_http
from profile_music.aws.limits import lambda_settings
from profile_music.aws.metrics import record
from profile_music.errors import InputError, ProfileMusicError
from profile_music.recommender import Recommender
from profile_music.service.app import create_app
from profile_music.settings import Settings

log = logging.getLogger("profile_music.aws")


class HttpHandler:
    """Calls the application with each event, on one event loop that lives as long as the process."""

    def __init__(self, settings: Settings) -> None:
        """Load everything and start the application."""
        self._app = create_app(settings, Recommender.load(settings=settings))
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        # Mangum would start and stop the application once an event; here it starts once and Lambda ends the process.
        self._running = self._app.router.lifespan_context(self._app)
        self._loop.run_until_complete(self._running.__aenter__())
        self._adapter = Mangum(self._app, lifespan="off")
        self._cold = True

    def __call__(self, event: Any, context: Any = None) -> dict[str, Any]:
        """Answer one event."""
        begin = time.perf_counter()
        answer = self._answer(event, context)
        record("http", int(answer["statusCode"]), time.perf_counter() - begin, cold=self._cold)
        self._cold = False
        return answer

    def close(self) -> None:
        """Stop the application (for tests; Lambda just ends the process)."""
        self._loop.run_until_complete(self._running.__aexit__(None, None, None))
        self._loop.close()

    def _answer(self, event: Any, context: Any) -> dict[str, Any]:
        if not self._is_readable(event, context):
            return http_answer(400, InputError(reason="API Gateway").to_dict())
        state = self._app.state
        state.recommender = state.recommender.latest()
        asyncio.set_event_loop(self._loop)
        try:
            answer: dict[str, Any] = self._adapter(event, context)
        except Exception:
            log.exception("unexpected error in http")
            return http_answer(500, ProfileMusicError().to_dict())
        return answer

    def _is_readable(self, event: Any, context: Any) -> bool:
        """Tell whether Mangum can read an event: it expects them as AWS writes them, and fails on anything else."""
        if not is_http(event):
            return False
        try:
            request = self._adapter.infer(event, context)
            return bool(request.scope) and request.body is not None
        except (KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:
            log.warning("not an HTTP event: %s", type(error).__name__)
            return False


def make_handler(settings: Settings | None = None) -> Handler:
    """Load everything and return the handler (settings from the environment where None)."""
    logging.getLogger("profile_music").setLevel(logging.INFO)
    return HttpHandler(lambda_settings(settings))


def __getattr__(name: str) -> Any:
    """Make `handler` when it is first asked for (PEP 562)."""
    if name != "handler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = make_handler()
    return globals()[name]
