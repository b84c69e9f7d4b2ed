"""HTTP below the application: uvicorn's own, with errors in our form and an end to waiting for a request's head."""

from __future__ import annotations

import asyncio
import json
import uuid
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from profile_music.errors import InputError, ProfileMusicError

HEAD_S = 10.0
"""A request's head arrives within this time of the connection's start or of its own first byte."""


class HttpDamagedError(InputError):
    """What was sent is no HTTP/1.1."""

    code = "http_damaged"
    http_status = 400
    ko = "HTTP 요청이 깨져 있어요."
    en = "The HTTP request is damaged."


class HeadTooSlowError(InputError):
    """The request's head did not arrive in time."""

    code = "request_too_slow"
    http_status = 408
    ko = "요청이 너무 천천히 와서 멈췄어요. 다시 해 주세요."
    en = "The request took too long to arrive: try again."


class HttpProtocol(H11Protocol):
    """One connection. uvicorn alone waits for ever for a head that does not end, and answers 400 without a code."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the wait ends with the head's last one."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._forget_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's words have no code)
        """Answer what is no HTTP."""
        self._refuse(HttpDamagedError())

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._forget_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(HeadTooSlowError())

    def _refuse(self, error: ProfileMusicError) -> None:
        """Send an error and close; where an answer has begun, only close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(error.to_dict(), ensure_ascii=False).encode()
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "x-request-id": uuid.uuid4().hex,
                "connection": "close",
            }
            status = HTTPStatus(error.http_status)
            answer = h11.Response(status_code=status.value, headers=list(headers.items()), reason=status.phrase)
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
