"""Kakao Login: from the button to a photo that waits a minute for the page, and nothing kept.

The callback exchanges the code, reads nickname and photo address, fetches the photo, and lets the token go. The signed
cookie then holds the nickname; the photo waits in memory under a random id until the page asks for it, once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from profile_music.errors import ProfileMusicError
from profile_music.photo.sniff import sniff_format
from profile_music.service.fetch import GuardedClient
from profile_music.service.fetch_url import HostList, UrlGoneError, UrlTimeoutError
from profile_music.service.kakao_client import KakaoClient, KakaoProfile
from profile_music.service.kakao_errors import (
    NOTICES,
    KakaoError,
    KakaoPhotoDefaultNotice,
    KakaoPhotoGoneNotice,
    KakaoPhotoNotAgreedNotice,
    KakaoPhotoTimeoutNotice,
    KakaoPhotoUnusableNotice,
    KakaoSecretMissingError,
    KakaoStateError,
    KakaoTimeoutError,
    KakaoUnlinkedNotice,
)
from profile_music.service.kakao_photos import PhotoHandoff
from profile_music.service.session import LoginUnderWay, Session, SignedCookies
from profile_music.settings import Settings

log = logging.getLogger("profile_music.kakao")
_CALLBACK_S = 12.0
_MAX_NICKNAME_CHARACTERS = 40


class KakaoLogin:
    """The login's routes and the parts behind them."""

    def __init__(self, settings: Settings, client: GuardedClient) -> None:
        """Set the login up.

        Raises:
            KakaoSecretMissingError: On https without a secret: cookies would not outlive the process.
        """
        kakao = settings.kakao
        redirect_uri = kakao.redirect_uri or f"http://{settings.host}:{settings.port}/kakao/callback"
        parts = urlsplit(redirect_uri)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secret = _secret(kakao.session_secret.get_secret_value() if kakao.session_secret else "", parts.scheme)
        self._cookies = SignedCookies(self._secret, secure=parts.scheme == "https")
        self._kakao = KakaoClient(kakao, redirect_uri)
        self._client = client
        self._image_hosts = HostList(kakao.image_hosts)
        self._max_bytes = settings.photo_max_bytes
        self.photos = PhotoHandoff()

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(tags=["kakao"])
        router.add_api_route("/kakao/login", self._login, methods=["GET"], summary="Go to Kakao's login")
        router.add_api_route("/kakao/callback", self._callback, methods=["GET"], include_in_schema=False)
        router.add_api_route("/v1/kakao/me", self._me, methods=["GET"], summary="Who is logged in")
        router.add_api_route("/v1/kakao/photo", self._photo, methods=["GET"], summary="The profile photo, once")
        router.add_api_route("/v1/kakao/logout", self._logout, methods=["POST"], summary="Forget the login here")
        router.add_api_route("/v1/kakao/unlink", self._unlink, methods=["POST"], summary="Cut the link at Kakao")
        return router

    async def _login(self, request: Request) -> Response:
        local = self._origin.startswith("http:") and request.headers.get("host") != urlsplit(self._origin).netloc
        if local:
            # Cookies belong to a host: begin where Kakao will come back to (localhost is not 127.0.0.1).
            return RedirectResponse(f"{self._origin}/kakao/login", 302)
        login = LoginUnderWay(secrets.token_urlsafe(24))
        response = RedirectResponse(self._authorize_url(login), 302)
        self._cookies.set_login(response, login)
        return _unstored(response)

    async def _callback(self, request: Request) -> Response:
        begun = self._cookies.login(request)
        token = ""
        try:
            if begun is None:
                raise KakaoStateError
            async with asyncio.timeout(_CALLBACK_S):
                token = await self._kakao.token(request.url.query, begun.state, self._verifier(begun))
                session = await (self._unlinked(token) if begun.unlink else self._arrived(token))
        except (KakaoError, TimeoutError) as problem:
            error = problem if isinstance(problem, KakaoError) else KakaoTimeoutError()
            log.info("kakao callback: %s", error.code)
            session = replace(self._cookies.session(request), notice=error.code)
        # The token has done its work; Kakao makes it worthless while the page already loads.
        task = BackgroundTask(self._kakao.expire, token) if token and not (begun and begun.unlink) else None
        response = RedirectResponse("/", 303, background=task)
        self._cookies.set_login(response, None)
        self._cookies.set_session(response, session)
        return _unstored(response)

    async def _arrived(self, token: str) -> Session:
        profile = await self._kakao.profile(token)
        photo_id, notice = "", ""
        try:
            photo_id = self.photos.put(await self._profile_photo(profile, token))
        except KakaoError as error:
            notice = error.code
        log.info("kakao login: %s", notice or "with photo")
        return Session(True, profile.nickname[:_MAX_NICKNAME_CHARACTERS], photo_id, notice)

    async def _unlinked(self, token: str) -> Session:
        await self._kakao.unlink(token)
        return Session(notice=KakaoUnlinkedNotice.code)

    async def _profile_photo(self, profile: KakaoProfile, token: str) -> bytes:
        if profile.is_default_image:
            raise KakaoPhotoDefaultNotice
        if profile.image_needs_agreement or not profile.image_url:
            raise KakaoPhotoNotAgreedNotice
        try:
            return await self._fetch(profile.image_url)
        except KakaoPhotoGoneNotice:
            # KakaoTalk's own profile may know a newer address.
            try:
                newer = await self._kakao.talk_image_url(token)
            except KakaoError:
                newer = ""
            if not newer or newer == profile.image_url:
                raise
            return await self._fetch(newer)

    async def _fetch(self, url: str) -> bytes:
        try:
            return await self._client.get_photo(url, self._image_hosts, self._max_bytes)
        except UrlGoneError as error:
            raise KakaoPhotoGoneNotice from error
        except UrlTimeoutError as error:
            raise KakaoPhotoTimeoutNotice from error
        except ProfileMusicError as error:
            log.info("kakao photo: %s", error.code)
            raise KakaoPhotoUnusableNotice from error

    async def _me(self, request: Request) -> JSONResponse:
        session = self._cookies.session(request)
        notice = NOTICES[session.notice]().to_dict()["error"] if session.notice in NOTICES else None
        body = {
            "logged_in": session.logged_in,
            "nickname": session.nickname or None,
            "photo": bool(session.photo_id),
            "notice": notice,
        }
        response = JSONResponse(body)
        if notice:
            self._cookies.set_session(response, replace(session, notice=""))
        return response

    async def _photo(self, request: Request) -> Response:
        session = self._cookies.session(request)
        photo = self.photos.take(session.photo_id) if session.photo_id else None
        if photo is None:
            raise KakaoPhotoGoneNotice
        response = Response(photo, media_type=f"image/{(sniff_format(photo) or 'jpeg').lower()}")
        self._cookies.set_session(response, replace(session, photo_id=""))
        return response

    async def _logout(self, request: Request) -> JSONResponse:
        self.photos.take(self._cookies.session(request).photo_id)
        response = JSONResponse({"logged_in": False})
        self._cookies.set_session(response, Session())
        return response

    async def _unlink(self, request: Request) -> JSONResponse:
        """Begin a login whose token cuts the link: no token is kept that could do it at once."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise KakaoStateError
        login = LoginUnderWay(secrets.token_urlsafe(24), unlink=True)
        response = JSONResponse({"redirect": self._authorize_url(login)})
        self._cookies.set_login(response, login)
        return response

    def _authorize_url(self, login: LoginUnderWay) -> str:
        return self._kakao.authorize_url(login.state, self._verifier(login))

    def _verifier(self, login: LoginUnderWay) -> str:
        """Return the PKCE verifier of a login: made from the state and our secret, so no cookie carries it."""
        digest = hmac.digest(self._secret.encode(), b"pkce:" + login.state.encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).decode().rstrip("=")


def _secret(given: str, scheme: str) -> str:
    if given:
        return given
    if scheme == "https":
        raise KakaoSecretMissingError
    log.warning("KAKAO_SESSION_SECRET is not set: logins end when this process ends")
    return secrets.token_urlsafe(32)


def _unstored(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
