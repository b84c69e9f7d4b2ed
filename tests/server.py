"""`profile-music serve` in its own process, as a person starts it; for tests, load runs and bad input."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import urlopen

_START_S = 120
_MAIN = "from profile_music.cli import main; main()"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningServer:
    """A server on a free port, ready when entered and ended when left; its log goes to a temporary file."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Prepare a server with `settings`: names of the environment without PROFILE_MUSIC_, in any case."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILE_MUSIC_", "KAKAO_"))}
        chosen = {f"PROFILE_MUSIC_{name.upper()}": value for name, value in (settings or {}).items()}
        self._environment = {**kept, **chosen}
        self.port = free_port()

    @property
    def origin(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        self._log = tempfile.TemporaryFile()
        command = [sys.executable, "-c", _MAIN, "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=self._log, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[1]
        )
        until = time.monotonic() + _START_S
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{self.log()}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """End it, letting it finish what runs."""
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def is_ready(self) -> bool:
        """Ask /readyz."""
        try:
            with urlopen(f"{self.origin}/readyz", timeout=5) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def rss_bytes(self) -> int:
        """Return the memory that the process holds now (resident set)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def log(self) -> str:
        """Return what the server has written so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")
