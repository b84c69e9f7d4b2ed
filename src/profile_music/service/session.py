"""Signed cookies: who is logged in (a nickname, nothing else), and a login under way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

Record = TypeVar("Record")

_SESSION_S = 12 * 3600
_LOGIN_S = 10 * 60


@dataclass(frozen=True, slots=True)
class Session:
    """What the browser keeps for us.

    Attributes:
        logged_in: Whether somebody came back from Kakao.
        nickname: For the mock profile; empty where it was not shared.
        photo_id: Where the photo waits for its one pick-up; empty where none does.
        notice: Code of a sentence to show once.
    """

    logged_in: bool = False
    nickname: str = field(default="", repr=False)
    photo_id: str = field(default="", repr=False)
    notice: str = ""


@dataclass(frozen=True, slots=True)
class LoginUnderWay:
    """What must be known again when Kakao sends the browser back."""

    state: str = field(repr=False)
    unlink: bool = False


class SignedCookies:
    """Reads and writes both cookies: http-only, SameSite=Lax, Secure wherever the service is on https."""

    def __init__(self, secret: str, *, secure: bool) -> None:
        """Sign with `secret`; `secure` also ties the cookies to the host (``__Host-``)."""
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self._session_name = f"{prefix}pm_session"
        self._login_name = f"{prefix}pm_login"
        self._signer = URLSafeTimedSerializer(secret, salt="profile-music")

    def session(self, request: Request) -> Session:
        """Return the session; an absent, altered or old cookie is an empty one."""
        return _as_record(Session, self._read(request, self._session_name, _SESSION_S)) or Session()

    def login(self, request: Request) -> LoginUnderWay | None:
        """Return the login under way, if this browser began one in the last ten minutes."""
        return _as_record(LoginUnderWay, self._read(request, self._login_name, _LOGIN_S))

    def set_session(self, response: Response, session: Session) -> None:
        """Write the session; an empty one removes the cookie."""
        self._write(response, self._session_name, None if session == Session() else asdict(session), _SESSION_S)

    def set_login(self, response: Response, login: LoginUnderWay | None) -> None:
        """Write or remove the login under way."""
        self._write(response, self._login_name, asdict(login) if login else None, _LOGIN_S)

    def _read(self, request: Request, name: str, max_age_s: int) -> Any:
        try:
            # The name is signed too: one cookie's value is no good as the other's.
            return self._signer.loads(request.cookies.get(name, ""), max_age=max_age_s, salt=name)
        except BadSignature:
            return None

    def _write(self, response: Response, name: str, value: dict[str, Any] | None, max_age_s: int) -> None:
        text = str(self._signer.dumps(value, salt=name)) if value is not None else ""
        response.set_cookie(
            name, text, max_age=max_age_s if text else 0, path="/", secure=self._secure, httponly=True, samesite="lax"
        )


def _as_record(kind: type[Record], value: Any) -> Record | None:
    try:
        return kind(**value)
    except TypeError:
        return None
