"""No token, photo, image address or nickname in any log or on any disk: a process of its own, searched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.kakao.standin import PORTRAIT
from tests.kakao.test_login import Browser
from tests.kakao.test_skill import EVENTS, event

ROOT = Path(__file__).resolve().parents[2]
WORDS = (
    "비밀닉네임",
    "secretpath",
    "secretchat",
    "secretsecure",
    "secretsignature",
    "secretcallbacktoken",
    "kakaocdn.net/d",
)


class Lone:
    """The demo in its own process, with its own home, temporary folder and log, all logging on."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home / "service.log"
        places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.kakao.demo", "--port", "0", "--log-level", "DEBUG"],
                cwd=ROOT, env={**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.kakao, self.service = self._addresses()

    def _addresses(self) -> tuple[str, str]:
        while self.process.poll() is None:
            found = re.findall(r"http://127\.0\.0\.1:\d+", self.log.read_text(encoding="utf-8"))
            if len(found) >= 2:
                return found[0], found[1]
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError(self.log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Lone]:
    process = Lone(tmp_path)
    yield process
    if process.process.poll() is None:
        process.process.kill()


def test_nothing_personal_is_logged_or_written(lone: Lone) -> None:
    browser = Browser(lone.service)
    assert browser.log_in()["nickname"] == "비밀닉네임"
    photo = browser.http.get("/v1/kakao/photo").content
    assert (
        browser.http.post("/v1/recommendations", files={"photo": photo}, data={"text": "수고했어"}).status_code == 200
    )
    Browser(lone.service).log_in(agree="no")
    browser.come_back(f"{lone.service}/kakao/callback?code=secretcode&state=wrong")
    for path in sorted(EVENTS.glob("*.json")):
        headers = {"x-skill-secret": "demo"}
        assert httpx.post(f"{lone.service}/kakao/skill", json=event(path.stem), headers=headers).status_code == 200
    browser.http.post("/v1/kakao/logout")
    secrets = [*httpx.get(f"{lone.kakao}/standin/secrets").json(), "secretcode", *WORDS]
    assert len(secrets) >= len(WORDS) + 3  # a code and a token were made
    lone.stop()
    pixels = PORTRAIT.read_bytes()[2000:2064]
    for name, content in lone.files().items():
        assert pixels not in content, name
        assert not [secret for secret in secrets if secret.encode() in content], name
    assert "/kakao/callback" in lone.log.read_text(encoding="utf-8")
