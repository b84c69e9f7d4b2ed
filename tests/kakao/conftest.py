"""The stand-in, and the service against it, both over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from profile_music import Recommender, Settings
from profile_music.service.app import create_app
from profile_music.settings import KakaoSettings
from tests.kakao.serving import Served, bound_socket
from tests.kakao.standin import CLIENT_SECRET, REST_API_KEY, KakaoStandIn
from tests.kakao.standin_servers import StandInServers

SKILL_SECRET = "bot-and-server-only"
Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def _servers() -> Iterator[StandInServers]:
    servers = StandInServers(KakaoStandIn())
    yield servers
    servers.close()


@pytest.fixture
def servers(_servers: StandInServers) -> StandInServers:
    _servers.kakao.reset()
    _servers.names.clear()
    _servers.dialled.clear()
    return _servers


@pytest.fixture
def kakao(servers: StandInServers) -> KakaoStandIn:
    return servers.kakao


@pytest.fixture(scope="session")
def _running() -> Iterator[dict[str, Served]]:
    running: dict[str, Served] = {}
    yield running
    for served in running.values():
        served.close()


@pytest.fixture
def serve(servers: StandInServers, recommender: Recommender, _running: dict[str, Served]) -> Serve:
    """Return a function that starts the service, with Kakao's parts on and pointed at the stand-in.

    The same settings are served by the same process for all tests: it keeps nothing between requests.
    """

    def start(changes: dict[str, Any] | None = None, **kakao_changes: Any) -> Served:
        key = repr((sorted((changes or {}).items()), sorted(kakao_changes.items())))
        if key not in _running:
            socket = bound_socket()
            port = socket.getsockname()[1]
            servers.kakao.redirect_uris.add(f"http://127.0.0.1:{port}/kakao/callback")
            usual = {
                "rest_api_key": REST_API_KEY, "client_secret": CLIENT_SECRET, "session_secret": "a-secret-of-the-tests",
                "auth_url": servers.api.url, "api_url": servers.api.url, "skill_secret": SKILL_SECRET,
            }  # fmt: skip
            settings = Settings(port=port, kakao=KakaoSettings(**{**usual, **kakao_changes}), **(changes or {}))
            _running[key] = Served(create_app(settings, recommender, servers.guarded_client()), port=socket)
        return _running[key]

    return start


@pytest.fixture
def service(serve: Serve) -> str:
    return serve().url
