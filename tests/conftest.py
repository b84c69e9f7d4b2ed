"""Shared by all tests: no network, a temporary home, no settings from the outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def pytest_runtest_setup() -> None:
    from pytest_socket import socket_allow_hosts

    # Loopback only: servers that the tests start themselves. Also allows AF_UNIX, which asyncio needs.
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test an empty home and an environment without our settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    for name in list(os.environ):
        if name.startswith(("PROFILE_MUSIC_", "KAKAO_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def portrait() -> Path:
    """The example photo: one smiling face."""
    return EXAMPLES / "portrait.jpg"


@pytest.fixture(scope="session")
def recommender():
    """The product itself, over the bundled catalogue, loaded once."""
    from profile_music import Recommender

    return Recommender.load()
