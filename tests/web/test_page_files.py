"""The page's files as the server sends them; needs no browser."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from profile_music.service.page import Site, make_page_router, negotiate, translate
from profile_music.types import EMOTION_NAMES_KO


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(make_page_router())
    return TestClient(app)


@pytest.mark.parametrize(
    ("header", "chosen", "language"),
    [
        ("", None, "ko"),
        ("*", None, "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", None, "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", None, "en"),
        ("en;q=0.3, ko;q=0.7", None, "ko"),
        ("fr-FR,fr;q=0.9", None, "en"),
        ("en", "ko", "ko"),
        ("ko", "en", "en"),
        ("ko", "xx", "ko"),
        ("en;q=nonsense, ko;q=0.1", None, "ko"),
    ],
)
def test_language_is_negotiated(header, chosen, language):
    assert negotiate(header, chosen) == language


@given(st.text(max_size=200), st.none() | st.text(max_size=10))
def test_any_header_gives_a_language(header, chosen):
    assert negotiate(header, chosen) in ("ko", "en")


def test_translation_escapes():
    made = translate(
        '<p class="x" data-i18n="a"></p><input data-i18n-attr="title:b;alt:a" title="" alt="">',
        {"a": "<b>&", "b": '"quoted"'},
    )
    assert made.startswith('<p class="x" data-i18n="a">&lt;b&gt;&amp;</p>')
    assert 'title="&quot;quoted&quot;" alt="&lt;b&gt;&amp;"' in made


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_is_whole(client, language):
    answer = client.get("/", headers={"accept-language": language})
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert "{{" not in answer.text
    assert not re.search(r'data-i18n="[\w.]+"[^>]*></', answer.text), "every text is filled in"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", answer.text), "nothing inline"
    for path in set(re.findall(r'(?:href|src)="(/[^"#?]+)', answer.text)) - {"/docs"}:
        assert client.get(path).status_code == 200, path
    other = re.findall(r'(?:href|src|content)="(https?://[^"]+)"', answer.text)
    assert all(url.startswith("http://testserver/") for url in other)


def test_a_hostile_host_header_cannot_break_out():
    page = Site().page("ko", 'http://evil"><script>').body.decode()
    assert 'evil"><script>' not in page


def test_caching(client):
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert "Accept-Language" in page.headers["vary"]
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304 and not again.content
    css = re.search(r"/assets/\w+/css/base.css", page.text)[0]
    assert "immutable" in client.get(css).headers["cache-control"]
    old = client.get(re.sub(r"/assets/\w+/", "/assets/old/", css))
    assert old.status_code == 200 and old.headers["cache-control"] == "no-cache"


def test_compression(client):
    css = re.search(r"/assets/\w+/css/base.css", client.get("/").text)[0]
    packed = client.get(css, headers={"accept-encoding": "gzip"})
    plain = client.get(css, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))


@pytest.mark.parametrize("path", ["../page.py", "%2e%2e/page.py", "js/none.js", "", "js"])
def test_only_files_of_the_page_are_served(client, path):
    assert client.get(f"/assets/x/{path}").status_code == 404


def test_manifest_and_worker_name_files_that_exist(client):
    manifest = client.get("/manifest.webmanifest").json()
    assert manifest["display"] == "standalone"
    assert all(client.get(icon["src"]).status_code == 200 for icon in manifest["icons"])
    worker = client.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    shell = re.search(r"const SHELL = (\[.*\]);", worker.text)[1]
    paths = re.findall(r'"([^"]+)"', shell)
    assert "/" in paths and all(client.get(path).status_code == 200 for path in paths)


def test_emotions_have_one_korean_name_everywhere():
    words = json.loads((files("profile_music.service") / "static/i18n/ko.json").read_text(encoding="utf-8"))
    assert {kind: words[f"emotion.{kind}"] for kind in EMOTION_NAMES_KO} == EMOTION_NAMES_KO
