"""Try Kakao Login and the chatbot by hand, against the stand-in: `make kakao-demo`."""

from __future__ import annotations

import argparse
import logging
import threading

import click

from profile_music import Settings
from profile_music.service.app import create_app
from profile_music.settings import KakaoSettings
from tests.kakao.serving import Served, bound_socket
from tests.kakao.standin import CLIENT_SECRET, REST_API_KEY, KakaoStandIn
from tests.kakao.standin_servers import StandInServers

SKILL_SECRET = "demo"


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--log-level", default="INFO")
    arguments = parser.parse_args()
    logging.basicConfig(level=arguments.log_level.upper(), format="%(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    servers = StandInServers(KakaoStandIn(secrets_path="/standin/secrets"))
    socket = bound_socket(arguments.port)
    port = socket.getsockname()[1]
    redirect_uri = f"http://127.0.0.1:{port}/kakao/callback"
    servers.kakao.redirect_uris.add(redirect_uri)
    kakao = KakaoSettings(
        rest_api_key=REST_API_KEY, client_secret=CLIENT_SECRET, session_secret="demo", redirect_uri=redirect_uri,
        auth_url=servers.api.url, api_url=servers.api.url, skill_secret=SKILL_SECRET,
    )  # fmt: skip
    service = Served(create_app(Settings(port=port, kakao=kakao), None, servers.guarded_client()), port=socket)
    click.echo(f"카카오 대역(stand-in): {servers.api.url}")
    click.echo(f"프뮤: {service.url}  (카카오 로그인 버튼을 눌러 보세요. 멈추기: Ctrl+C)")
    click.echo(
        f"챗봇: curl -s {service.url}/kakao/skill -H 'content-type: application/json' "
        f"-H 'x-skill-secret: {SKILL_SECRET}' -d @tests/kakao/events/text.json",
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        service.close()
        servers.close()


if __name__ == "__main__":
    main()
