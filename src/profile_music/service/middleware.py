"""What every request passes: a body limit before reading, a request id, security headers, one log line."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from profile_music.errors import PhotoTooLargeError

log = logging.getLogger("profile_music.access")
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


class _BodyTooLarge(Exception):
    pass


class Gate:
    """Pure ASGI, so that bodies stream through it unbuffered."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        """Guard `app`."""
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        begin = time.perf_counter()
        status = 500

        async def send_checked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, scope["path"], request_id)
            await send(message)

        try:
            if _declared_length(headers) > self._max_body_bytes:
                await self._refuse(scope, receive, send_checked)
            else:
                await self._app(scope, self._limited(receive), send_checked)
        except _BodyTooLarge:
            await self._refuse(scope, receive, send_checked)
        finally:
            _log(scope, request_id, status, time.perf_counter() - begin)

    def _limited(self, receive: Receive) -> Receive:
        seen = 0

        async def receive_checked() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_body_bytes:
                raise _BodyTooLarge
            return message

        return receive_checked

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = PhotoTooLargeError(limit=f"{self._max_body_bytes // (1 << 20)} MB")
        response = JSONResponse(error.to_dict(), error.http_status, {"connection": "close"})
        await response(scope, receive, send)

    def _add_headers(self, message: Message, path: str, request_id: str) -> None:
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
    return int(value) if value.isascii() and value.isdigit() else 0


def _log(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    # The path only: query strings, forms and photos never reach the log.
    record = {
        "request_id": request_id,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round(seconds * 1e3, 1),
    }
    log.info(json.dumps(record, ensure_ascii=False))
