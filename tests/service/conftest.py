"""Applications under many settings over one recommender, and the real server in its own process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from profile_music import Recommender, Settings
from profile_music.service.app import create_app

START_S = 180
"""Long, as the machine may be busy."""

MakeClient = Callable[..., TestClient]


@pytest.fixture
def make_client(recommender: Recommender) -> Iterator[MakeClient]:
    """Return a client of an application under some settings, from some address."""
    with ExitStack() as stack:

        def make(address: str = "203.0.113.7", **settings: object) -> TestClient:
            app = create_app(Settings(**settings), recommender)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False, client=(address, 50000)))

        yield make


class Server:
    """`profile-music serve` as a person starts it."""

    def __init__(self, log: Path, *options: str, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        environment = {f"PROFILE_MUSIC_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-c", "from profile_music.cli import main; main()", "serve", *options]
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], env={**os.environ, **environment}, stdout=sink, stderr=sink
            )

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, path: str, status: int = 200) -> httpx.Response:
        """Wait until an address answers with a status."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                response = httpx.get(self.url + path, timeout=30)
                if response.status_code == status:
                    return response
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} never answered {status}: {self.log()}")

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers; they are gone after the test."""
    started: list[Server] = []

    def start(*options: str, **settings: str) -> Server:
        started.append(Server(tmp_path / f"server{len(started)}.log", *options, **settings))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(90)
            except subprocess.TimeoutExpired:
                server.process.kill()


def code_of(response: httpx.Response) -> str:
    """Return the stable code of an error, which always comes with both languages."""
    error = response.json()["error"]
    assert set(error["message"]) == {"ko", "en"}
    return str(error["code"])
