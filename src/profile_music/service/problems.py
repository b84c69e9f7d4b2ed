"""What can go wrong between a request and a route, and how every error becomes an answer."""

from __future__ import annotations

import math
from collections.abc import MutableMapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from profile_music.errors import InputError, ProfileMusicError

_BUSY_RETRY_S = 2
# A browser that meets Basic asks its user for a password itself, so the page works under keys without code of its own.
# One challenge a line: Chromium does not find the second one of a line.
_CHALLENGES = ('Bearer realm="profile-music"', 'Basic realm="profile-music", charset="UTF-8"')


class NotFoundError(ProfileMusicError):
    """No such address."""

    code = "not_found"
    http_status = 404
    ko = "그런 주소는 없어요."
    en = "There is nothing at this address."


class MethodError(ProfileMusicError):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    http_status = 405
    ko = "이 주소에서는 쓸 수 없는 방법이에요."
    en = "This method is not allowed here."


class BodyTooLargeError(InputError):
    """A body without a photo is larger than any that makes sense."""

    code = "body_too_large"
    http_status = 413
    ko = "요청이 너무 커요. {limit}까지 받을 수 있어요."
    en = "The request is too large: the limit is {limit}."


class UploadTooSlowError(InputError):
    """The body did not arrive in time."""

    code = "upload_too_slow"
    http_status = 408
    ko = "사진이 너무 천천히 올라와서 멈췄어요. 다시 해 주세요."
    en = "The upload took too long: try again."


class NotReadyError(ProfileMusicError):
    """Models and catalogue are not loaded, or could not be."""

    code = "not_ready"
    http_status = 503
    ko = "아직 준비하고 있어요. 잠시 뒤에 다시 해 주세요."
    en = "The server is not ready yet: try again shortly."


class KeyMissingError(ProfileMusicError):
    """The server answers only callers with an API key."""

    code = "api_key_missing"
    http_status = 401
    ko = "API 키가 필요해요. Authorization: Bearer 키 또는 X-API-Key로 보내 주세요."
    en = "An API key is needed: send it as Authorization: Bearer, or as X-API-Key."


class KeyWrongError(ProfileMusicError):
    """The key is not one of the server's."""

    code = "api_key_wrong"
    http_status = 401
    ko = "API 키가 맞지 않아요."
    en = "The API key is not valid."


class RateLimitedError(ProfileMusicError):
    """One address or key asked for more than its share."""

    code = "rate_limited"
    http_status = 429
    ko = "짧은 시간에 너무 많이 요청했어요. {retry_after_s}초 뒤에 다시 해 주세요."
    en = "Too many requests in a short time: try again in {retry_after_s} seconds."

    def __init__(self, wait_s: float) -> None:
        """Say when it makes sense to come back: after `wait_s` seconds, rounded up."""
        super().__init__(retry_after_s=max(1, math.ceil(wait_s)))


class Refusal(HTTPException):
    """A known error that passes through FastAPI's reading of bodies, which turns every other exception into a 400."""

    def __init__(self, error: ProfileMusicError) -> None:
        """Carry `error`."""
        super().__init__(error.http_status, error.code)
        self.error = error


def as_known(error: Exception) -> ProfileMusicError:
    """Return the error of ours that an exception stands for; `internal_error` for what nobody expected."""
    if isinstance(error, ProfileMusicError):
        return error
    if isinstance(error, Refusal):
        return error.error
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return InputError(reason=f"{'.'.join(str(part) for part in first['loc'])}: {first['type']}")
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return NotFoundError()
        if error.status_code == 405:
            return MethodError()
        if error.status_code < 500:
            return InputError(reason=str(error.detail)[:200])
    return ProfileMusicError()


def error_response(error: ProfileMusicError, scope: MutableMapping[str, Any]) -> JSONResponse:
    """Return an error's answer, and leave its code with the request for the log and the metrics."""
    scope.setdefault("state", {})["error_code"] = error.code
    headers: dict[str, str] = {}
    if error.http_status in (429, 503):
        headers["retry-after"] = str(error.details.get("retry_after_s", _BUSY_RETRY_S))
    if error.http_status in (408, 413):
        headers["connection"] = "close"
    response = JSONResponse(error.to_dict(), error.http_status, headers)
    if isinstance(error, KeyMissingError | KeyWrongError):
        for challenge in _CHALLENGES:
            response.headers.append("www-authenticate", challenge)
    return response
