"""Who may ask, and how often: API keys and rates, before anything of the body is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from profile_music.errors import ProfileMusicError
from profile_music.service.keys import KeyRing, presented_key
from profile_music.service.problems import KeyMissingError, KeyWrongError, RateLimitedError, error_response
from profile_music.service.rate import RateLimit, address_key
from profile_music.settings import Settings


class Guard:
    """Pure ASGI, inside the gate. The API is guarded; under keys the page is too, so that a browser asks for one."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: KeyRing | None) -> None:
        """Guard `app` with the keys in force; None leaves it open."""
        self._app = app
        self._keys = keys
        self._optional = settings.api_keys_optional
        self._addresses = RateLimit(settings.rate_per_minute, settings.rate_burst)
        self._owners = RateLimit(settings.key_rate_per_minute, settings.rate_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        answer = error_response(problem, scope) if problem else self._app
        await answer(scope, receive, send)

    def _problem(self, scope: Scope) -> ProfileMusicError | None:
        is_api = scope["path"].startswith("/v1/")
        if not is_api and (scope["path"] != "/" or self._keys is None):
            return None
        key = presented_key(Headers(scope=scope)) if self._keys else None
        owner = self._keys.name_of(key) if self._keys and key else None
        if wait_s := self._wait_s(scope, owner) if is_api or key else 0.0:
            return RateLimitedError(wait_s)
        if owner is not None or self._keys is None:
            return None
        if key is not None:
            return KeyWrongError()
        return None if self._optional else KeyMissingError()

    def _wait_s(self, scope: Scope, owner: str | None) -> float:
        # A wrong key counts on its sender's address: that also slows guessing.
        if owner is not None:
            return self._owners.take(owner)
        return self._addresses.take(address_key(scope["client"][0] if scope.get("client") else None))
