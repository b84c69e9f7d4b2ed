"""An application on a port of this machine, in a thread, for as long as it is needed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from typing import Any

import uvicorn


class Served:
    """Serves an ASGI application; `url` is where."""

    def __init__(self, app: Any, *, port: int | socket.socket = 0, ssl_context: ssl.SSLContext | None = None) -> None:
        """Start and wait until it answers."""
        self._socket = port if isinstance(port, socket.socket) else bound_socket(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if ssl_context else 'http'}://127.0.0.1:{self.port}"
        factory = (lambda *_: ssl_context) if ssl_context else None
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=1, ssl_context_factory=factory
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 60
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def close(self) -> None:
        """Stop and wait."""
        self._server.should_exit = True
        self._thread.join(10)


def bound_socket(port: int = 0) -> socket.socket:
    """Return a listening-to-be socket, so that its port is known before the application is made."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    return found
