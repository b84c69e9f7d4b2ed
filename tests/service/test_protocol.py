"""HTTP below the application: damaged and slow heads over a real socket."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import uvicorn

from profile_music.service import protocol
from profile_music.service.memory import Tidier
from tests.hostile.wire import BadRequest, head, send
from tests.kakao.serving import Served


async def _hello(scope, receive, send) -> None:
    if scope["path"] == "/late":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"he", "more_body": True})
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(protocol, "HEAD_S", 0.3)
    usual = uvicorn.Config
    monkeypatch.setattr(uvicorn, "Config", lambda app, **rest: usual(app, http=protocol.HttpProtocol, **rest))
    served = Served(_hello)
    yield served.port
    served.close()


@pytest.mark.parametrize(
    ("pieces", "status", "code"),
    [
        ((b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",), 200, "answer"),
        ((b"\x16\x03\x01\x02\r\n\r\n",), 400, "http_damaged"),
        ((head("POST", "/", {"Host": "a", "Transfer-Encoding": "x"}),), 400, "http_damaged"),
        ((b"GET / HTTP/1.1\r\nHo",), 408, "request_too_slow"),
        ((b"GET", 0.2, b" / HT", 0.2, b"TP/1.1\r\n", 0.2), 408, "request_too_slow"),
        ((), 408, "request_too_slow"),
        ((b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 0.5), 200, "answer"),
    ],
)  # fmt: skip
def test_heads(port: int, pieces: tuple, status: int, code: str) -> None:
    outcome = send(port, BadRequest("head", "", pieces), 5)
    assert (outcome.status, outcome.code, outcome.problem) == (status, code, "")


def test_damage_after_the_answer_began_only_closes(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head("POST", "/late", {"Host": "a", "Transfer-Encoding": "chunked"}) + b"1\r\na\r\n")
        time.sleep(0.2)
        connection.sendall(b"zz\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.count(b"HTTP/1.1") == 1


def test_the_allocator_of_a_server_is_set() -> None:
    # In a process of its own: the tests' allocator stays as it is.
    code = "from profile_music.service.memory import give_memory_back; print(give_memory_back())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(platform.libc_ver()[0] == "glibc")


def test_memory_that_has_grown_is_given_back_and_what_is_in_use_counts_as_settled() -> None:
    used = iter([100, 120, 141, 130, 160, 90, 125, 131, 95])
    trimmed: list[int] = []
    tidier = Tidier(lambda: next(used), lambda: trimmed.append(1), grown_bytes=40)
    looks = [tidier.look() for _ in range(6)]  # 120; 141, then 130 in use; 160; 90; 125; 131, then 95 in use
    assert looks == [False, True, False, False, False, True]
    assert len(trimmed) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_anonymous_memory_counts_what_is_touched() -> None:
    # In a process of its own: threads of other tests' servers give memory back while this one counts.
    code = (
        "from profile_music.service.memory import anonymous_bytes\n"
        "before = anonymous_bytes(); kept = b'x' * (64 << 20); print(anonymous_bytes() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 60 << 20 < int(done.stdout) < 80 << 20
