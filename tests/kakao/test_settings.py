"""The names of Kakao's settings, in the environment, the example file and the guide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from profile_music import Settings
from profile_music.settings import KakaoSettings

ROOT = Path(__file__).resolve().parents[2]
NAMES = {f"KAKAO_{name.upper()}" for name in KakaoSettings.model_fields}


def test_everything_is_off_by_default() -> None:
    settings = Settings()
    assert settings.photo_url_hosts == ()
    assert settings.kakao.rest_api_key is None
    assert not settings.kakao.skill
    assert settings.kakao.skill_secret is None


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAKAO_REST_API_KEY", "key")
    monkeypatch.setenv("KAKAO_CLIENT_SECRET", "very secret")
    monkeypatch.setenv("KAKAO_IMAGE_HOSTS", "*.kakaocdn.net, dn-m.talk.kakao.com")
    monkeypatch.setenv("PROFILE_MUSIC_PHOTO_URL_HOSTS", "img.example.com")
    settings = Settings()
    assert settings.kakao.rest_api_key == "key"
    assert settings.kakao.image_hosts == ("*.kakaocdn.net", "dn-m.talk.kakao.com")
    assert settings.photo_url_hosts == ("img.example.com",)
    assert "very secret" not in repr(settings)


@pytest.mark.parametrize("name", ["redirect_uri", "auth_url", "api_url", "public_url"])
@pytest.mark.parametrize(
    "value", ["http://music.example/x", "ftp://localhost/x", "music.example", "http://127.0.0.1.evil.example"]
)
def test_addresses_are_https_or_of_this_machine(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        KakaoSettings(**{name: value})


@pytest.mark.parametrize("file", [".env.example", "docs/kakao.md"])
def test_files_name_settings_that_exist(file: str) -> None:
    named = set(re.findall(r"\bKAKAO_[A-Z_]+[A-Z]\b", (ROOT / file).read_text(encoding="utf-8")))
    assert named
    assert named <= NAMES


def test_the_example_file_names_every_setting_but_the_test_ones() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert {name for name in NAMES if f"#{name}=" not in example} == {"KAKAO_AUTH_URL", "KAKAO_API_URL"}
