"""What every request passes: limits of its body in size and time, a request id, security headers, one log line."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from profile_music.errors import PhotoTooLargeError, ProfileMusicError
from profile_music.photo.source import describe_bytes
from profile_music.service.problems import BodyTooLargeError, Refusal, UploadTooSlowError, error_response
from profile_music.service.watch import Served, Watch

log = logging.getLogger("profile_music.access")
errors_log = logging.getLogger("profile_music.service")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=()",
}
# Swagger's page loads from a CDN and is the one exception to the page's own policy.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; media-src https:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_DOCS_PATHS = frozenset({"/docs", "/redoc", "/docs/oauth2-redirect"})
# JSON and urlencoded bodies are read on the event loop, and JSON unpacks to up to fifty times its size in memory, so
# they stay small; a thousand songs to leave out and the longest text fit several times.
_WITHOUT_PHOTO_BYTES = 256 << 10
_CLIENT_LEFT = 499


class Gate:
    """Pure ASGI, so that bodies stream through it unbuffered."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, upload_s: float, watch: Watch) -> None:
        """Guard `app`: multipart bodies have at most `max_body_bytes` and arrive within `upload_s`."""
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._upload_s = upload_s
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        begin = time.perf_counter()
        status = 0

        async def send_checked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope["path"], request_id)
            await send(message)

        try:
            await self._answer(scope, headers, receive, send_checked)
        except ClientDisconnect:
            status = status or _CLIENT_LEFT
        except Exception as error:
            _log_unexpected(error, request_id)
            if not status:
                await error_response(ProfileMusicError(), scope)(scope, receive, send_checked)
        finally:
            state = scope["state"]
            route = getattr(scope.get("route"), "path", "other")
            served = Served(
                scope["method"], route, status or _CLIENT_LEFT, time.perf_counter() - begin, state.get("error_code", "")
            )
            self._watch.request(served)
            _log(scope, request_id, served)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        is_form = headers.get("content-type", "").lower().startswith("multipart/")
        most_bytes = self._max_body_bytes if is_form else _WITHOUT_PHOTO_BYTES
        if _declared_length(headers) > most_bytes:
            await error_response(_too_large(most_bytes, is_form), scope)(scope, receive, send)
        else:
            await self._app(scope, self._limited(receive, most_bytes, is_form), send)

    def _limited(self, receive: Receive, most_bytes: int, is_form: bool) -> Receive:
        seen = 0
        end_s: float | None = asyncio.get_running_loop().time() + self._upload_s

        async def receive_checked() -> Message:
            nonlocal seen, end_s
            try:
                async with asyncio.timeout_at(end_s):
                    message = await receive()
            except TimeoutError as error:
                raise Refusal(UploadTooSlowError()) from error
            seen += len(message.get("body", b""))
            if seen > most_bytes:
                raise Refusal(_too_large(most_bytes, is_form))
            if not message.get("more_body"):
                end_s = None  # what comes now is the news that the client left, whenever that is
            return message

        return receive_checked


def _too_large(most_bytes: int, is_form: bool) -> ProfileMusicError:
    limit = describe_bytes(most_bytes)
    return PhotoTooLargeError(limit=limit) if is_form else BodyTooLargeError(limit=limit)


def _add_headers(message: Message, path: str, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["x-request-id"] = request_id
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if path not in _DOCS_PATHS:
        headers.setdefault("content-security-policy", _CSP)
    if path.startswith("/v1/"):
        headers.setdefault("cache-control", "no-store")


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex


def _declared_length(headers: Headers) -> int:
    value = headers.get("content-length", "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def _log_unexpected(error: Exception, request_id: str) -> None:
    # An exception's message could quote a text, so the log gets its kind and where it happened.
    frames = "".join(traceback.format_tb(error.__traceback__)[-8:])
    errors_log.error("unexpected %s, request %s\n%s", type(error).__name__, request_id, frames)


def _log(scope: Scope, request_id: str, served: Served) -> None:
    # The path only: query strings, forms and photos never reach the log.
    record = {
        "request_id": request_id,
        "method": served.method,
        "path": scope["path"],
        "status": served.status,
        "duration_ms": round(served.duration_s * 1e3, 1),
    }
    if served.error_code:
        record["code"] = served.error_code
    log.info(json.dumps(record, ensure_ascii=False))
