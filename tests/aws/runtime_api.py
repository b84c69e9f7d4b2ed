"""Lambda's Runtime API, as its documentation describes it: hands events to a runtime client and takes its answers."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime"


@dataclass
class Reply:
    """What the client sent for one event: the kind of its last path part, and its body."""

    kind: str
    body: Any
    received_s: float


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that is killed while it waits for its next event is no error."""


class RuntimeApi:
    """One function's queue of events. Use as a context manager."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._replies: queue.Queue[Reply] = queue.Queue()
        self._count = 0
        self.ready = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler_class())
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> RuntimeApi:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: Any, timeout_s: float = 120) -> Reply:
        """Give one event to the client and wait for its reply."""
        self.send(event)
        return self._replies.get(timeout=timeout_s)

    def send(self, event: Any) -> None:
        self._count += 1
        self._events.put((f"8476a536-e9f4-11e8-9739-{self._count:012d}", json.dumps(event).encode()))

    def reply(self, timeout_s: float = 120) -> Reply:
        return self._replies.get(timeout=timeout_s)

    def _handler_class(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != f"{PREFIX}/invocation/next":
                    self.send_error(404)
                    return
                api.ready.set()
                request_id, body = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1e3) + 30_000))
                arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:profile-music"
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-65f00000-0123456789abcdef01234567;Sampled=0")
                self._end(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api._replies.put(Reply(self.path.rpartition("/")[2], json.loads(body), time.perf_counter()))
                self.send_response(202)
                self._end(b'{"status":"OK"}')

            def _end(self, body: bytes) -> None:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
