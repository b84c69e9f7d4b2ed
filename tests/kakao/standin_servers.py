"""The stand-in on ports of this machine, and a guarded client whose connections end there."""

from __future__ import annotations

import ssl

import httpcore
import trustme

from profile_music.service.fetch import FetchLimits, GuardedClient
from tests.kakao.serving import Served
from tests.kakao.standin import KakaoStandIn

PUBLIC_ADDRESS = "203.0.114.7"  # outside every reserved range; the stand-in's dial turns it into 127.0.0.1


class StandInServers:
    """The stand-in on two ports: plain HTTP for login and API, TLS for images and the bot."""

    def __init__(self, kakao: KakaoStandIn, port: int = 0) -> None:
        """Start both."""
        self._authority = trustme.CA()
        certificate = self._authority.issue_cert(
            "k.kakaocdn.net", "*.kakaocdn.net", "bot-api.kakao.com", "img.example.com"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(self._trust)
        self.kakao = kakao
        self.api = Served(kakao.api(), port=port)
        self.images = Served(kakao.images(), ssl_context=context)
        self.names: dict[str, list[list[str]]] = {}
        self.dialled: list[str] = []

    def guarded_client(self, limits: FetchLimits | None = None) -> GuardedClient:
        """Return the real client; only the last step, dialling the checked public address, ends on this machine."""
        return GuardedClient(limits, resolve=self.resolve, dial=self._dial, ssl_context=self._trust)

    async def resolve(self, host: str) -> list[str]:
        """Return what a test has set for a name, answer by answer; else the stand-in's public address."""
        answers = self.names.get(host)
        if not answers:
            return [PUBLIC_ADDRESS]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def _dial(self, address: str, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
        self.dialled.append(f"{address}:{port}")
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.images.port, timeout_s)

    def close(self) -> None:
        """Stop both."""
        self.api.close()
        self.images.close()
