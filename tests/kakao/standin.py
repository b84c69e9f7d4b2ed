"""A small Kakao on this machine: login, token, user API, image host, and a bot that takes late answers.

It behaves as Kakao's documentation says, errors included, so that the real client and the real page can be tried
against it: `make kakao-demo` by hand, the tests by machine. It is no part of the package.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

REST_API_KEY = "0123456789abcdef0123456789abcdef"
CLIENT_SECRET = "standin-client-secret"
PHOTOS = Path(__file__).resolve().parents[1] / "data" / "photos"
PORTRAIT = Path(__file__).resolve().parents[2] / "examples" / "portrait.jpg"


@dataclass
class Person:
    """The person who logs in, and what the account says."""

    nickname: str = "비밀닉네임"
    image_url: str = "https://k.kakaocdn.net/dn/secretpath/img_640x640.jpg"
    talk_image_url: str = "https://k.kakaocdn.net/dn/secretpath/img_640x640.jpg"
    is_default_image: bool = False
    image_needs_agreement: bool = False
    photo: Path = PORTRAIT


@dataclass
class Code:
    """One authorization code."""

    redirect_uri: str
    challenge: str
    expires: float
    used: bool = False


@dataclass
class KakaoStandIn:
    """Accounts, codes and tokens of the stand-in; tests change `person` and `faults`."""

    person: Person = field(default_factory=Person)
    redirect_uris: set[str] = field(default_factory=set)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    all_tokens: set[str] = field(default_factory=set)
    faults: dict[str, object] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    late_answers: list[object] = field(default_factory=list)
    linked: bool = False
    secrets_path: str | None = None

    def reset(self) -> None:
        """Forget what a test did; registered redirect URIs stay."""
        self.person = Person()
        for kept in (self.codes, self.tokens, self.all_tokens, self.faults, self.calls, self.late_answers):
            kept.clear()
        self.linked = False

    # Login -----------------------------------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("client_id") != REST_API_KEY:
            return _error_page("KOE101", "앱 관리자 설정 오류")
        if asked.get("redirect_uri") not in self.redirect_uris:
            return _error_page("KOE006", "등록하지 않은 리다이렉트 URI")
        if asked.get("response_type") != "code" or asked.get("code_challenge_method", "S256") != "S256":
            return _error_page("KOE001", "잘못된 요청")
        fields = "".join(
            f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in asked.items()
        )
        return HTMLResponse(
            f'<!doctype html><html lang="ko"><meta charset="utf-8"><title>카카오 (대역)</title><h1>카카오 대역</h1>'
            f"<p>프뮤에 닉네임과 프로필 사진을 보내요.</p><form method=post action=/oauth/authorize/decide>{fields}"
            f"<button name=agree value=yes>동의하고 계속하기</button> <button name=agree value=no>취소</button></form>"
        )

    async def decide(self, request: Request) -> Response:
        asked = await request.form()
        back = str(asked["redirect_uri"])
        answer = {"state": str(asked.get("state", ""))}
        if asked.get("agree") != "yes":
            answer |= {"error": "access_denied", "error_description": "User denied access"}
        else:
            answer["code"] = self.issue_code(back, str(asked.get("code_challenge", "")))
        return RedirectResponse(f"{back}?{urlencode(answer)}", 302)

    def issue_code(self, redirect_uri: str, challenge: str) -> str:
        code = secrets.token_urlsafe(32)
        self.codes[code] = Code(redirect_uri, challenge, time.monotonic() + 600)
        return code

    async def token(self, request: Request) -> Response:
        self.calls.append("token")
        if answer := await self._fault("token"):
            return answer
        asked = await request.form()
        if asked.get("grant_type") != "authorization_code" or asked.get("client_id") != REST_API_KEY:
            return _oauth_error("invalid_client", "KOE101", "Not exist client_id", 401)
        if asked.get("client_secret") != CLIENT_SECRET:
            return _oauth_error("invalid_client", "KOE010", "Bad client credentials", 401)
        code = self.codes.get(str(asked.get("code")))
        if code is None or code.used or code.expires < time.monotonic():
            return _oauth_error("invalid_grant", "KOE320", "authorization code not found")
        if code.redirect_uri != asked.get("redirect_uri"):
            return _oauth_error("invalid_grant", "KOE303", "Redirect URI mismatch.")
        if code.challenge and code.challenge != _challenge(str(asked.get("code_verifier", ""))):
            return _oauth_error("invalid_grant", "KOE320", "code_verifier mismatch")
        code.used = True
        token = secrets.token_urlsafe(40)
        self.tokens.add(token)
        self.all_tokens.add(token)
        self.linked = True
        return JSONResponse(
            {"access_token": token, "token_type": "bearer", "refresh_token": secrets.token_urlsafe(40),
             "expires_in": 21599, "refresh_token_expires_in": 5183999, "scope": "profile_image profile_nickname"}
        )  # fmt: skip

    # User API --------------------------------------------------------------------------------------------------------

    async def me(self, request: Request) -> Response:
        self.calls.append("me")
        if answer := await self._fault("me") or self._unauthorized(request):
            return answer
        person = self.person
        shared = not person.image_needs_agreement
        picture = {
            "thumbnail_image_url": person.image_url, "profile_image_url": person.image_url,
            "is_default_image": person.is_default_image,
        }  # fmt: skip
        account = {
            "profile_nickname_needs_agreement": False,
            "profile_image_needs_agreement": person.image_needs_agreement,
            "profile": {"nickname": person.nickname, **(picture if shared else {})},
        }
        return JSONResponse({"id": 4200000000, "connected_at": "2026-11-23T03:00:00Z", "kakao_account": account})

    async def talk_profile(self, request: Request) -> Response:
        self.calls.append("talk_profile")
        if answer := await self._fault("talk_profile") or self._unauthorized(request):
            return answer
        return JSONResponse(
            {"nickName": self.person.nickname, "profileImageURL": self.person.talk_image_url,
             "thumbnailURL": self.person.talk_image_url, "countryISO": "KR"}
        )  # fmt: skip

    async def logout(self, request: Request) -> Response:
        return await self._end(request, "logout")

    async def unlink(self, request: Request) -> Response:
        answer = await self._end(request, "unlink")
        self.linked = self.linked and answer.status_code != 200
        return answer

    async def _end(self, request: Request, name: str) -> Response:
        self.calls.append(name)
        if answer := await self._fault(name) or self._unauthorized(request):
            return answer
        self.tokens.discard(_bearer(request))
        return JSONResponse({"id": 4200000000})

    def _unauthorized(self, request: Request) -> Response | None:
        if _bearer(request) in self.tokens:
            return None
        return JSONResponse({"code": -401, "msg": "this access token does not exist"}, 401)

    async def _fault(self, name: str) -> Response | None:
        fault = self.faults.get(name)
        if isinstance(fault, float):
            await anyio.sleep(fault)
            return None
        if isinstance(fault, tuple):
            return JSONResponse(fault[1], fault[0])
        return None

    # Image host and bot ----------------------------------------------------------------------------------------------

    async def image(self, request: Request) -> Response:
        self.calls.append("image")
        if answer := await self._fault("image"):
            return answer
        return Response(self.person.photo.read_bytes(), media_type="image/jpeg")

    async def gone(self, request: Request) -> Response:
        return Response("Not Found", 404)

    async def redirect(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["to"], 302)

    async def loop(self, request: Request) -> Response:
        return RedirectResponse("/loop", 302)

    async def endless(self, request: Request) -> Response:
        async def pieces():
            # Large pieces: a busy machine then meets the limit of size before that of time.
            for _ in range(200):
                yield b"\xff\xd8\xff" + b"0" * (1 << 20)
                await anyio.sleep(0.001)

        return StreamingResponse(pieces(), media_type="image/jpeg")

    async def slow(self, request: Request) -> Response:
        async def pieces():
            yield b"\xff\xd8\xff"
            for _ in range(100):
                await anyio.sleep(0.05)
                yield b"0"

        return StreamingResponse(pieces(), media_type="image/jpeg")

    async def packed(self, request: Request) -> Response:
        return Response(b"\x1f\x8b" + b"0" * 100, media_type="image/jpeg", headers={"content-encoding": "gzip"})

    async def page(self, request: Request) -> Response:
        return HTMLResponse("<h1>no photo</h1>")

    async def late(self, request: Request) -> Response:
        self.late_answers.append(await request.json())
        return JSONResponse({"taskId": "t", "status": "SUCCESS", "message": "", "timestamp": int(time.time())})

    async def secrets_made(self, request: Request) -> Response:
        """Return every code and token, so that a test can look for them in another process's logs."""
        return JSONResponse([*self.codes, *self.all_tokens])

    def api(self) -> Starlette:
        """Return kauth and kapi as one application."""
        told = [Route(self.secrets_path, self.secrets_made)] if self.secrets_path else []
        return Starlette(
            routes=[
                *told,
                Route("/favicon.ico", lambda _: Response(status_code=204)),
                Route("/oauth/authorize", self.authorize),
                Route("/oauth/authorize/decide", self.decide, methods=["POST"]),
                Route("/oauth/token", self.token, methods=["POST"]),
                Route("/v2/user/me", self.me),
                Route("/v1/api/talk/profile", self.talk_profile),
                Route("/v1/user/logout", self.logout, methods=["POST"]),
                Route("/v1/user/unlink", self.unlink, methods=["POST"]),
            ]
        )

    def images(self) -> Starlette:
        """Return k.kakaocdn.net (and places that behave badly), and bot-api.kakao.com, as one application."""
        bad = {"gone": self.gone, "redirect": self.redirect, "loop": self.loop, "endless": self.endless}
        bad |= {"slow": self.slow, "packed": self.packed, "page": self.page}
        return Starlette(
            routes=[
                Route("/dn/{path:path}", self.image),
                Route("/dna/{path:path}", self.image),
                *(Route(f"/{name}", endpoint) for name, endpoint in bad.items()),
                Route("/v1/callback/{token}", self.late, methods=["POST"]),
            ]
        )


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _oauth_error(error: str, code: str, description: str, status: int = 400) -> Response:
    return JSONResponse({"error": error, "error_description": description, "error_code": code}, status)


def _error_page(code: str, text: str) -> Response:
    return HTMLResponse(f"<!doctype html><meta charset=utf-8><h1>{text} ({code})</h1>", 400)
