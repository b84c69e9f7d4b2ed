"""Kakao's login and user API, as far as it is used here. Tokens are arguments and results; nothing keeps them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from oauthlib.oauth2 import AccessDeniedError, InvalidGrantError, OAuth2Error, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidScopeError,
    MismatchingStateError,
    ServerError,
    TemporarilyUnavailableError,
    UnauthorizedClientError,
)

from profile_music.service.fetch import tls_context
from profile_music.service.kakao_errors import (
    KakaoCodeExpiredError,
    KakaoConfigError,
    KakaoError,
    KakaoQuotaError,
    KakaoRefusedError,
    KakaoStateError,
    KakaoTimeoutError,
    KakaoUnavailableError,
)
from profile_music.settings import KakaoSettings

log = logging.getLogger("profile_music.kakao")
SCOPES = "profile_nickname,profile_image"  # Kakao separates with commas

# oauthlib only works on the query; whether an address is safe is checked with the settings.
_ANY_ADDRESS = "https://query.invalid/"
_OAUTH_ERRORS: tuple[tuple[type[OAuth2Error], type[KakaoError]], ...] = (
    (AccessDeniedError, KakaoRefusedError),
    (MismatchingStateError, KakaoStateError),
    (InvalidGrantError, KakaoCodeExpiredError),
    (InvalidClientError, KakaoConfigError),
    (UnauthorizedClientError, KakaoConfigError),
    (InvalidScopeError, KakaoConfigError),
    (ServerError, KakaoUnavailableError),
    (TemporarilyUnavailableError, KakaoUnavailableError),
)
# By Kakao's own code where OAuth's says too little: another redirect URI, too many calls.
_TOKEN_ERRORS: Mapping[object, type[KakaoError]] = {"KOE303": KakaoConfigError, "KOE237": KakaoQuotaError}
# -1 internal, -7 maintenance, -10 too many calls, -401 token not valid.
_API_ERRORS: Mapping[object, type[KakaoError]] = {
    -1: KakaoUnavailableError,
    -7: KakaoUnavailableError,
    -10: KakaoQuotaError,
    -401: KakaoCodeExpiredError,
}


@dataclass(frozen=True, slots=True)
class KakaoProfile:
    """A person's profile: empty strings where it was not shared."""

    nickname: str = field(repr=False)
    image_url: str = field(repr=False)
    is_default_image: bool
    image_needs_agreement: bool


class KakaoClient:
    """Speaks with Kakao for one app."""

    def __init__(self, settings: KakaoSettings, redirect_uri: str) -> None:
        """Use the app of `settings`."""
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._tls = tls_context()

    def authorize_url(self, state: str, verifier: str) -> str:
        """Return where to send the browser."""
        oauth = self._oauth()
        pkce: dict[str, str] = {}
        if self._settings.pkce:
            pkce = {"code_challenge": oauth.create_code_challenge(verifier, "S256"), "code_challenge_method": "S256"}
        uri = oauth.prepare_request_uri(
            _ANY_ADDRESS, redirect_uri=self._redirect_uri, scope=SCOPES, state=state, **pkce
        )
        return f"{self._settings.auth_url}/oauth/authorize?{uri.partition('?')[2]}"

    async def token(self, callback_query: str, state: str, verifier: str) -> str:
        """Return an access token for the query string that Kakao sent the browser back with.

        Raises:
            KakaoError: Refused, another state, an expired code, a wrong setting, or no answer.
        """
        oauth = self._oauth()
        with _oauth_errors():
            oauth.parse_request_uri_response(f"{_ANY_ADDRESS}?{callback_query}", state)
        secret = self._settings.client_secret
        body = oauth.prepare_request_body(
            redirect_uri=self._redirect_uri,
            code_verifier=verifier if self._settings.pkce else None,
            **({"client_secret": secret.get_secret_value()} if secret else {}),
        )
        async with self._http() as http:
            response = await http.post(
                f"{self._settings.auth_url}/oauth/token",
                content=body,
                headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
            )
        if response.status_code >= 500:
            raise KakaoUnavailableError
        if known := _TOKEN_ERRORS.get(_json_object(response).get("error_code")):
            raise known
        with _oauth_errors():
            return str(oauth.parse_request_body_response(response.text)["access_token"])

    async def profile(self, token: str) -> KakaoProfile:
        """Return nickname and photo address.

        Raises:
            KakaoError: As for every call.
        """
        query = {"property_keys": '["kakao_account.profile"]', "secure_resource": "true"}
        account = _mapping(await self._call("GET", "/v2/user/me", token, params=query), "kakao_account")
        profile = _mapping(account, "profile")
        return KakaoProfile(
            nickname=_text(profile, "nickname"),
            image_url=_text(profile, "profile_image_url"),
            is_default_image=profile.get("is_default_image") is True,
            image_needs_agreement=account.get("profile_image_needs_agreement") is True,
        )

    async def talk_image_url(self, token: str) -> str:
        """Return the photo address of the KakaoTalk profile; empty where there is none.

        Raises:
            KakaoError: Also where the account has no KakaoTalk.
        """
        return _text(await self._call("GET", "/v1/api/talk/profile", token), "profileImageURL")

    async def expire(self, token: str) -> None:
        """Make a token worthless; a failure only means that it expires by itself, hours later."""
        try:
            await self._call("POST", "/v1/user/logout", token)
        except KakaoError as error:
            log.info("kakao token not expired: %s", error.code)

    async def unlink(self, token: str) -> None:
        """Cut the link between app and account, which also ends all tokens.

        Raises:
            KakaoError: As for every call.
        """
        await self._call("POST", "/v1/user/unlink", token)

    async def _call(self, method: str, path: str, token: str, **arguments: Any) -> Mapping[str, Any]:
        async with self._http() as http:
            response = await http.request(
                method, self._settings.api_url + path, headers={"authorization": f"Bearer {token}"}, **arguments
            )
        body = _json_object(response)
        if response.status_code == 200:
            return body
        code = body.get("code")
        raise (
            _API_ERRORS.get(code if isinstance(code, int) else 0, KakaoError)()
            if response.status_code < 500
            else (KakaoUnavailableError())
        )

    def _oauth(self) -> WebApplicationClient:
        # A new one each time: it remembers codes and tokens.
        return WebApplicationClient(self._settings.rest_api_key)

    @asynccontextmanager
    async def _http(self) -> AsyncIterator[httpx.AsyncClient]:
        try:
            # trust_env off: no proxy and no netrc of this machine sees a token.
            async with httpx.AsyncClient(timeout=self._settings.timeout_s, verify=self._tls, trust_env=False) as http:
                yield http
        except httpx.TimeoutException as error:
            raise KakaoTimeoutError from error
        except httpx.HTTPError as error:
            raise KakaoUnavailableError from error


@contextmanager
def _oauth_errors() -> Iterator[None]:
    """Turn oauthlib's errors into ours."""
    try:
        yield
    except OAuth2Error as error:
        raise next((ours for theirs, ours in _OAUTH_ERRORS if isinstance(error, theirs)), KakaoError) from error


def _json_object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
