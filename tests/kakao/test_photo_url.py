"""Photos by URL in the HTTP API: off until hosts are named, then guarded like every other fetch."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from profile_music import Recommender, Settings
from profile_music.errors import InputError
from profile_music.service.app import create_app
from tests.kakao.conftest import Serve
from tests.kakao.standin import PORTRAIT
from tests.kakao.standin_servers import StandInServers
from tests.kakao.test_fetch import HOSTILE

ALLOWED = {"photo_url_hosts": ("img.example.com",)}


def post(service: str, path: str, **fields: str) -> httpx.Response:
    return httpx.post(f"{service}/v1/{path}", data=fields, timeout=15)


def code_of(response: httpx.Response) -> str:
    return response.json()["error"]["code"]


@pytest.mark.parametrize("path", ["recommendations", "emotion"])
def test_off_by_default(service: str, servers: StandInServers, path: str) -> None:
    response = post(service, path, photo_url="https://img.example.com/dn/x.jpg")
    assert (response.status_code, code_of(response)) == (422, "photo_url_not_allowed")
    assert servers.dialled == []


def test_a_photo_by_address_is_the_same_as_the_photo(serve: Serve, recommender: Recommender) -> None:
    service = serve(ALLOWED).url
    by_address = post(service, "recommendations", photo_url="https://img.example.com/dn/x.jpg", text="수고했어")
    by_file = httpx.post(
        f"{service}/v1/recommendations", files={"photo": PORTRAIT.read_bytes()}, data={"text": "수고했어"}, timeout=15
    )
    assert by_address.json() == by_file.json()
    assert len(post(service, "emotion", photo_url="https://img.example.com/dn/x.jpg").json()["faces"]) == 1


@pytest.mark.parametrize("url", [url for url in HOSTILE if url.strip()])
def test_hostile_addresses(serve: Serve, servers: StandInServers, url: str) -> None:
    response = post(serve(ALLOWED).url, "emotion", photo_url=url)
    assert (response.status_code, code_of(response)) == (422, "photo_url_not_allowed")
    assert servers.dialled == []


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("endless", 413, "photo_too_large"), ("gone", 422, "photo_url_gone"), ("page", 415, "photo_format_unsupported"),
     ("loop", 422, "photo_url_not_allowed"), ("slow", 504, "photo_url_timeout")],
)  # fmt: skip
def test_bad_servers(serve: Serve, path: str, status: int, code: str) -> None:
    response = post(serve(ALLOWED).url, "emotion", photo_url=f"https://img.example.com/{path}")
    assert (response.status_code, code_of(response)) == (status, code)


def test_a_photo_and_an_address_are_one_too_many(serve: Serve) -> None:
    response = httpx.post(
        f"{serve(ALLOWED).url}/v1/emotion",
        files={"photo": PORTRAIT.read_bytes()},
        data={"photo_url": "https://img.example.com/dn/x.jpg"},
    )
    assert code_of(response) == "invalid_input"


@pytest.mark.parametrize("hosts", ["*", "https://img.example.com", "10.0.0.1", "img.example.com:8443"])
def test_a_list_with_something_else_than_names_does_not_start(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE_MUSIC_PHOTO_URL_HOSTS", f"cdn.example.com,{hosts}")
    with pytest.raises(InputError, match="PHOTO_URL_HOSTS"):
        create_app(Settings())


def test_nothing_of_it_is_loaded_until_a_setting_asks() -> None:
    code = (
        "import sys; from profile_music.service.app import create_app; create_app();"
        "print(sorted({'httpx', 'httpcore', 'oauthlib', 'itsdangerous', 'idna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
