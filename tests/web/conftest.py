"""The real server in its own process, Debian's Chromium, and a page that reports everything that goes wrong in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHOTOS = Path(__file__).resolve().parents[1] / "data" / "photos"
PORTRAIT = Path(__file__).resolve().parents[2] / "examples" / "portrait.jpg"
_START_S = 60


def find_chromium() -> str | None:
    """The browser to use: the one that CHROMIUM names, or Debian's."""
    for path in (os.environ.get("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser"):
        if path and Path(path).exists():
            return path
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`profile-music serve` as a person starts it; gives its origin."""
    port = _free_port()
    command = [sys.executable, "-c", "from profile_music.cli import main; main()", "serve", "--port", str(port)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PROFILE_MUSIC_", "KAKAO_"))
    }
    log = tmp_path_factory.mktemp("server") / "log"
    origin = f"http://127.0.0.1:{port}"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=subprocess.STDOUT)
    try:
        _await_ready(origin, process, log)
        yield origin
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await_ready(origin: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text(errors='replace')}")
        try:
            with urlopen(f"{origin}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server did not start")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests; skips where it or Playwright is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What must stay empty: errors in the console, exceptions, requests to other origins."""

    origin: str
    troubles: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def follow(self, page: Any) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type == "error" and not any(part in message.text for part in self.allowed):
            self.troubles.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.troubles.append(f"request to {request.url}")


@pytest.fixture
def watch(server: str) -> Iterator[Watch]:
    """Fails the test when the page complained or spoke to anybody else."""
    watcher = Watch(server)
    yield watcher
    assert watcher.troubles == []


@pytest.fixture
def open_page(browser: Any, server: str, watch: Watch) -> Iterator[Callable[..., Any]]:
    """Open the page in a fresh browser profile: `open_page(kind, path="/", **context options)`."""
    contexts: list[Any] = []

    def open_one(kind: dict[str, Any] | None = None, path: str = "/", **options: Any) -> Any:
        settings = {
            "locale": "ko-KR", "reduced_motion": "reduce", "service_workers": "block", **(kind or DESKTOP), **options,
        }  # fmt: skip
        context = browser.new_context(**settings)
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        watch.follow(page)
        page.goto(server + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_one
    for context in contexts:
        context.close()
