"""Kakao Login against the stand-in, over real HTTP: the way there and back, and each way it can fail."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from profile_music import Settings
from profile_music.service.app import create_app
from profile_music.service.kakao_errors import NOTICES, KakaoSecretMissingError
from profile_music.service.session import SignedCookies
from profile_music.settings import KakaoSettings
from tests.kakao.conftest import Serve
from tests.kakao.standin import PHOTOS, PORTRAIT, REST_API_KEY, KakaoStandIn, Person


class Browser:
    """Cookies and redirects, and the button on the consent screen."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.http = httpx.Client(base_url=service, timeout=15)

    def begin(self) -> httpx.URL:
        """Press the button; return where Kakao is."""
        response = self.http.get("/kakao/login")
        assert response.status_code == 302
        return httpx.URL(response.headers["location"])

    def consent(self, authorize: httpx.URL, agree: str = "yes") -> str:
        """Decide on the consent screen; return the callback's address."""
        page = self.http.get(authorize)
        assert page.status_code == 200
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        decided = self.http.post(authorize.join("/oauth/authorize/decide"), data={**fields, "agree": agree})
        return decided.headers["location"]

    def log_in(self, agree: str = "yes") -> dict:
        """Go the whole way and return what the page then knows."""
        return self.come_back(self.consent(self.begin(), agree))

    def come_back(self, callback: str) -> dict:
        response = self.http.get(callback)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        return self.http.get("/v1/kakao/me").json()


def notice_of(me: dict) -> str:
    assert set(me["notice"]["message"]) == {"ko", "en"}
    return me["notice"]["code"]


def test_login_brings_nickname_and_photo_once(service: str, kakao: KakaoStandIn) -> None:
    browser = Browser(service)
    me = browser.log_in()
    assert me == {"logged_in": True, "nickname": "비밀닉네임", "photo": True, "notice": None}
    photo = browser.http.get("/v1/kakao/photo")
    assert photo.content == PORTRAIT.read_bytes()
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.headers["cache-control"] == "no-store"
    assert browser.http.get("/v1/kakao/photo").status_code == 404
    assert browser.http.get("/v1/kakao/me").json()["photo"] is False
    answer = browser.http.post("/v1/recommendations", files={"photo": photo.content}, data={"text": "수고했어"})
    assert len(answer.json()["songs"]) == 5


def test_authorize_asks_for_two_scopes_with_state_and_pkce(service: str) -> None:
    asked = parse_qs(Browser(service).begin().query.decode())
    assert asked["scope"] == ["profile_nickname,profile_image"]
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) >= 32


def test_the_token_is_worthless_after_the_login(service: str, kakao: KakaoStandIn) -> None:
    Browser(service).log_in()
    end = time.monotonic() + 3
    while kakao.tokens and time.monotonic() < end:
        time.sleep(0.02)
    assert kakao.all_tokens
    assert not kakao.tokens


def test_cookies_are_signed_http_only_and_hold_no_token(service: str, kakao: KakaoStandIn) -> None:
    browser = Browser(service)
    browser.log_in()
    response = browser.http.get("/kakao/login")
    header = response.headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=lax" in header
    cookie = browser.http.cookies["pm_session"]
    assert not any(token in cookie for token in kakao.all_tokens)
    browser.http.cookies.set("pm_session", cookie[:-2] + "xx", domain="127.0.0.1")
    forged = httpx.get(f"{service}/v1/kakao/me", cookies={"pm_session": cookie[:-3] + "abc"}).json()
    assert forged == {"logged_in": False, "nickname": None, "photo": False, "notice": None}


def test_one_cookie_is_no_good_as_the_other(service: str) -> None:
    browser = Browser(service)
    browser.begin()
    swapped = httpx.get(f"{service}/v1/kakao/me", cookies={"pm_session": browser.http.cookies["pm_login"]})
    assert swapped.json()["logged_in"] is False


def test_https_makes_cookies_secure_and_bound_to_the_host() -> None:
    from starlette.responses import Response

    from profile_music.service.session import Session

    response = Response()
    SignedCookies("secret", secure=True).set_session(response, Session(logged_in=True))
    header = response.headers["set-cookie"]
    assert header.startswith("__Host-pm_session=")
    assert "Secure" in header
    assert "Path=/" in header


def test_https_without_a_secret_does_not_start() -> None:
    kakao = KakaoSettings(rest_api_key=REST_API_KEY, redirect_uri="https://music.example/kakao/callback")
    with pytest.raises(KakaoSecretMissingError):
        create_app(Settings(kakao=kakao))


def test_refused_consent(service: str) -> None:
    me = Browser(service).log_in(agree="no")
    assert notice_of(me) == "kakao_refused"
    assert me["logged_in"] is False


def test_a_notice_is_said_once(service: str) -> None:
    browser = Browser(service)
    browser.log_in(agree="no")
    assert browser.http.get("/v1/kakao/me").json()["notice"] is None


def test_another_state_or_no_login_under_way(service: str, kakao: KakaoStandIn) -> None:
    browser = Browser(service)
    callback = browser.consent(browser.begin())
    assert notice_of(Browser(service).come_back(callback)) == "kakao_state_invalid"
    wrong = re.sub("state=[^&]+", "state=forged", callback)
    assert notice_of(browser.come_back(wrong)) == "kakao_state_invalid"
    assert kakao.calls == []


def test_a_code_works_once_and_with_its_verifier_only(service: str, kakao: KakaoStandIn) -> None:
    browser = Browser(service)
    callback = browser.consent(browser.begin())
    login_cookie = browser.http.cookies["pm_login"]
    browser.come_back(callback)
    browser.http.cookies.set("pm_login", login_cookie, domain="127.0.0.1")
    assert notice_of(browser.come_back(callback)) == "kakao_code_expired"
    stolen = Browser(service)
    authorize = stolen.begin()
    code = kakao.issue_code(parse_qs(authorize.query.decode())["redirect_uri"][0], "another-challenge")
    state = parse_qs(authorize.query.decode())["state"][0]
    assert notice_of(stolen.come_back(f"{service}/kakao/callback?code={code}&state={state}")) == "kakao_code_expired"


@pytest.mark.parametrize(
    ("call", "fault", "code"),
    [
        ("token", (400, {"error": "invalid_grant", "error_code": "KOE320"}), "kakao_code_expired"),
        ("token", (400, {"error": "invalid_grant", "error_code": "KOE303"}), "kakao_misconfigured"),
        ("token", (401, {"error": "invalid_client", "error_code": "KOE010"}), "kakao_misconfigured"),
        ("token", (429, {"error": "x", "error_code": "KOE237"}), "kakao_quota_exceeded"),
        ("token", (503, {"error": "server_error", "error_code": "KOE003"}), "kakao_unavailable"),
        ("token", (200, {"odd": True}), "kakao_error"),
        ("me", (401, {"code": -401, "msg": "expired"}), "kakao_code_expired"),
        ("me", (403, {"code": -402, "msg": "scope"}), "kakao_error"),
        ("me", (400, {"code": -10, "msg": "limit"}), "kakao_quota_exceeded"),
        ("me", (400, {"code": -1, "msg": "internal"}), "kakao_unavailable"),
        ("me", (500, {"code": -1, "msg": "internal"}), "kakao_unavailable"),
    ],
)
def test_kakaos_errors_each_have_their_sentence(
    service: str, kakao: KakaoStandIn, call: str, fault: object, code: str
) -> None:
    kakao.faults[call] = fault
    me = Browser(service).log_in()
    assert notice_of(me) == code
    assert me["logged_in"] is False


@pytest.mark.parametrize("call", ["token", "me"])
def test_kakao_takes_too_long(serve: Serve, kakao: KakaoStandIn, call: str) -> None:
    service = serve(timeout_s=0.5).url
    kakao.faults[call] = 2.0
    me = Browser(service).log_in()
    assert notice_of(me) == "kakao_timeout"
    assert me["logged_in"] is False


def test_kakao_is_down(serve: Serve) -> None:
    service = serve(auth_url="http://127.0.0.1:9", api_url="http://127.0.0.1:9").url
    browser = Browser(service)
    state = parse_qs(urlsplit(str(browser.begin())).query)["state"][0]
    assert notice_of(browser.come_back(f"{service}/kakao/callback?code=x&state={state}")) == "kakao_unavailable"


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (Person(is_default_image=True), "kakao_photo_default"),
        (Person(image_needs_agreement=True), "kakao_photo_not_agreed"),
        (
            Person(image_url="http://k.kakaocdn.net/gone", talk_image_url="https://k.kakaocdn.net/gone"),
            "kakao_photo_gone",
        ),
        (Person(image_url="https://evil.example/a.jpg"), "kakao_photo_unusable"),
        (Person(image_url="https://k.kakaocdn.net/page"), "kakao_photo_unusable"),
        (Person(image_url="https://k.kakaocdn.net/slow"), "kakao_photo_timeout"),
    ],
)
def test_logged_in_without_a_photo(service: str, kakao: KakaoStandIn, person: Person, code: str) -> None:
    kakao.person = person
    browser = Browser(service)
    me = browser.log_in()
    assert notice_of(me) == code
    assert (me["logged_in"], me["nickname"], me["photo"]) == (True, "비밀닉네임", False)


def test_the_default_picture_is_not_even_fetched(service: str, kakao: KakaoStandIn) -> None:
    kakao.person = Person(is_default_image=True)
    Browser(service).log_in()
    assert "image" not in kakao.calls


def test_an_old_address_is_replaced_by_kakaotalks_newer_one(service: str, kakao: KakaoStandIn) -> None:
    kakao.person = Person(image_url="http://k.kakaocdn.net/gone", photo=PHOTOS / "coffee.jpg")
    browser = Browser(service)
    assert browser.log_in()["photo"] is True
    assert browser.http.get("/v1/kakao/photo").content == (PHOTOS / "coffee.jpg").read_bytes()


def test_an_account_without_kakaotalk_keeps_the_first_error(service: str, kakao: KakaoStandIn) -> None:
    kakao.person = Person(image_url="http://k.kakaocdn.net/gone")
    kakao.faults["talk_profile"] = (400, {"code": -501, "msg": "not a talk user"})
    assert notice_of(Browser(service).log_in()) == "kakao_photo_gone"


def test_logout_forgets_the_login_and_a_waiting_photo(service: str) -> None:
    browser = Browser(service)
    browser.log_in()
    session = browser.http.cookies["pm_session"]
    assert browser.http.post("/v1/kakao/logout").json() == {"logged_in": False}
    assert "pm_session" not in browser.http.cookies
    assert httpx.get(f"{service}/v1/kakao/photo", cookies={"pm_session": session}).status_code == 404


def test_unlink_goes_through_a_fresh_login(service: str, kakao: KakaoStandIn) -> None:
    browser = Browser(service)
    browser.log_in()
    assert kakao.linked
    authorize = httpx.URL(browser.http.post("/v1/kakao/unlink").json()["redirect"])
    me = browser.come_back(browser.consent(authorize))
    assert notice_of(me) == "kakao_unlinked"
    assert not kakao.linked
    assert me["logged_in"] is False


def test_another_site_cannot_begin_an_unlink(service: str) -> None:
    response = httpx.post(f"{service}/v1/kakao/unlink", headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "kakao_state_invalid"


def test_localhost_is_sent_to_the_registered_host(service: str) -> None:
    response = httpx.get(service.replace("127.0.0.1", "localhost") + "/kakao/login")
    assert response.headers["location"] == f"{service}/kakao/login"


def test_config_says_what_is_on(service: str, serve: Serve) -> None:
    on = httpx.get(f"{service}/v1/config").json()
    assert (on["kakao_login"], on["photo_url"]) == (True, False)
    other = serve({"photo_url_hosts": ("img.example.com",)}, rest_api_key=None, skill_secret=None).url
    off = httpx.get(f"{other}/v1/config").json()
    assert (off["kakao_login"], off["photo_url"]) == (False, True)
    for path in ("/kakao/login", "/v1/kakao/me", "/kakao/skill"):
        assert httpx.get(other + path).status_code in (404, 405)


def test_every_notice_speaks_both_languages() -> None:
    for code, kind in NOTICES.items():
        assert kind.code == code
        assert re.search("[가-힣]", kind().message_ko)
        assert kind().message_en.isascii()
