"""Requests as bytes on the wire, and what came back: nothing between the test and the socket tidies them up."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

_CHUNK_BYTES = 1 << 16
NO_ANSWER = 0


@dataclass(frozen=True)
class BadRequest:
    """What is sent: bytes as they are, numbers as pauses in seconds.

    `leaves`: the client hangs up without waiting for the answer.
    """

    kind: str
    name: str
    pieces: tuple[bytes | float, ...]
    leaves: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came back.

    Attributes:
        status: HTTP status; 0 where the connection was closed without one.
        code: The error's stable code, "answer" for 2xx and 3xx, "left" where the client did not wait.
        seconds: From the last byte sent to the last received.
        problem: What is wrong with the answer itself; "" where nothing is.
    """

    status: int
    code: str
    seconds: float
    problem: str = ""


def head(method: str, path: str, headers: Mapping[str, object]) -> bytes:
    """Return a request's head; names and values go out as Latin-1 or UTF-8, whatever they hold."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass")


def post(path: str, body: bytes, content_type: str, **headers: object) -> bytes:
    """Return a whole POST."""
    fields = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": content_type, "Content-Length": len(body)}
    return head("POST", path, {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}) + body


def multipart(parts: list[tuple[str, bytes]], boundary: str = "xYz") -> bytes:
    """Return a multipart body; each part is its head's lines (without a line end) and its content."""
    marked = [f"--{boundary}\r\n{lines}\r\n\r\n".encode("utf-8", "surrogatepass") + data for lines, data in parts]
    return b"\r\n".join([*marked, f"--{boundary}--\r\n".encode()])


def field(name: str) -> str:
    """Return the head of a text field's part."""
    return f'Content-Disposition: form-data; name="{name}"'


def photo_field(filename: str = "나.jpg", content_type: str = "image/jpeg") -> str:
    """Return the head of the photo's part."""
    return f'Content-Disposition: form-data; name="photo"; filename="{filename}"\r\nContent-Type: {content_type}'


def send(port: int, request: BadRequest, timeout_s: float) -> Outcome:
    """Send a request to a server on this machine and judge the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _push(connection, request)
        begin = time.perf_counter()
        if request.leaves:
            return Outcome(NO_ANSWER, "left", 0.0)
        try:
            status, code, problem = _answer(connection)
        except TimeoutError:
            return Outcome(NO_ANSWER, "hangs", time.perf_counter() - begin, f"no answer within {timeout_s} s")
        except (OSError, HTTPException):
            status, code, problem = NO_ANSWER, "closed", ""
        return Outcome(status, code, time.perf_counter() - begin, problem)


def _push(connection: socket.socket, request: BadRequest) -> None:
    """Send until the server answers or hangs up."""
    for piece in request.pieces:
        if isinstance(piece, float):
            time.sleep(piece)
            continue
        view = memoryview(piece)
        for start in range(0, len(view), _CHUNK_BYTES):
            if select.select([connection], [], [], 0)[0]:
                return
            try:
                connection.sendall(view[start : start + _CHUNK_BYTES])
            except OSError:
                return


def _answer(connection: socket.socket) -> tuple[int, str, str]:
    """Read the answer: status, code, and what is wrong with it."""
    response = HTTPResponse(connection)
    response.begin()
    body = response.read()
    if response.status < 400:
        return response.status, "answer", ""
    try:
        error = json.loads(body)["error"]
        whole = bool(error["code"] and error["message"]["ko"] and error["message"]["en"])
    except (ValueError, KeyError, TypeError):
        return response.status, "none", f"an error without a code: {body[:80]!r}"
    if response.status in (429, 503) and not response.getheader("retry-after"):
        return response.status, error["code"], "no Retry-After"
    missing = "" if response.getheader("x-request-id") else "an error without a request id"
    return response.status, error["code"], missing if whole else "an empty message"
