"""`profile-music serve` for real: it finishes what runs when it is told to stop, alone and in several processes."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from profile_music.cli import app as cli
from profile_music.errors import CatalogMissingError
from tests.service.conftest import Server

PROCESSES = ["1", "2"]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("processes", PROCESSES)
def test_what_runs_and_waits_is_finished_before_the_end(serve, portrait: Path, processes: str) -> None:
    server: Server = serve("--processes", processes, "--workers", "1")
    server.wait_for("/readyz")
    photo = portrait.read_bytes()

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{server.url}/v1/recommendations", files={"photo": photo}, data={"text": "바다"}, timeout=60)

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, number) for number in range(6)]
        while not any(answer.done() for answer in asked):
            time.sleep(0.005)
        stopped = server.stop()
        answers = [answer.result() for answer in asked]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert all(len(answer.json()["songs"]) == 5 for answer in answers)
    assert stopped in (0, -15)
    assert "Traceback" not in server.log()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


@pytest.mark.parametrize("processes", PROCESSES)
def test_an_upload_under_way_is_finished_too(serve, portrait: Path, processes: str) -> None:
    server: Server = serve("--processes", processes)
    server.wait_for("/readyz")
    request = httpx.Request("POST", f"{server.url}/v1/emotion", files={"photo": portrait.read_bytes()})
    body = request.read()
    head = (
        f"POST /v1/emotion HTTP/1.1\r\nhost: a\r\ncontent-type: {request.headers['content-type']}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as upload:
        upload.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(0.3)
        status: list[int] = []
        stopping = threading.Thread(target=lambda: status.append(server.stop()))
        stopping.start()
        time.sleep(0.5)
        assert server.process.poll() is None
        upload.sendall(body[len(body) // 2 :])
        answer = b"".join(iter(lambda: upload.recv(65536), b""))
        stopping.join()
    assert answer.startswith(b"HTTP/1.1 200")
    assert status[0] in (0, -15)


def test_a_process_that_dies_is_replaced(serve) -> None:
    server: Server = serve("--processes", "2", "--workers", "1", "--metrics")
    server.wait_for("/readyz")
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    before = {int(pid) for pid in children.read_text().split()}
    workers = [pid for pid in before if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    end = time.monotonic() + 180  # the other one may still start, and is asked first
    while time.monotonic() < end:
        now = {int(pid) for pid in children.read_text().split()}
        if now - before:
            break
        time.sleep(0.1)
    assert now - before
    assert server.wait_for("/readyz").json() == {"status": "ready"}
    assert server.stop() == 0


def test_a_mistyped_catalogue_is_told_at_once(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["serve", "--catalog", str(tmp_path / "nothing")])
    assert isinstance(result.exception, CatalogMissingError)
