"""A web server on this machine that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ALLOW = "User-agent: *\nAllow: /\n"


@dataclass
class Answer:
    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Site:
    """Answers from `reply(asked)`; robots.txt from `robots` (None: 404)."""

    def __init__(self, reply: Callable[[Asked], Answer | None], robots: Answer | str | None = ALLOW) -> None:
        self.reply = reply
        self.robots = robots
        self.asked: list[Asked] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                asked = Asked(parts.path, query, dict(self.headers))
                site.asked.append(asked)
                self.answer(site.answer(asked))

            def answer(self, answer: Answer) -> None:
                if answer.cut:
                    # A reset, as from a server that died.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                body = answer.body.encode()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "text/html; charset=UTF-8", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def finish(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/robots.txt":
            robots = self.robots
            if robots is None:
                return Answer("not found", 404)
            return Answer(robots, headers={"Content-Type": "text/plain"}) if isinstance(robots, str) else robots
        return self.reply(asked) or Answer("not found", 404)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
